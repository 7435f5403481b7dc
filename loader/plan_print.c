/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory arrangement as people read it, in the manner of Xen's table while it builds dom0: one
 * line a region, half-open, each address with its address space named.  Same plan, same text: the
 * golden tests compare it.
 */
#include "plan.h"

#define RUNS_SHOWN 16u /* of the p2m, without log=debug */

static const char *kind_name(enum region_kind kind)
{
    switch (kind) {
    case REGION_STAGE:
        return "stage";
    case REGION_SOURCE:
        return "source";
    case REGION_TARGET:
        return "target";
    case REGION_IN_PLACE:
        return "in place";
    case REGION_LAYER:
        return "layer";
    case REGION_HANDOFF:
        return "hand-off";
    case REGION_KEEP:
        return "kept";
    }
    return "?";
}

static bool before(const struct plan *plan, uint32_t a, uint32_t b)
{
    const struct range *x = &plan->region[a].machine, *y = &plan->region[b].machine;
    if (x->start != y->start)
        return x->start < y->start;
    return x->end != y->end ? x->end > y->end : a < b;
}

static unsigned long long ll(uint64_t v)
{
    return v;
}

static void print_region(struct out *out, const char *prefix, const struct region *r)
{
    out_printf(out, "%s  machine %08llx->%08llx  %-8s  %s", prefix, ll(r->machine.start),
               ll(r->machine.end), kind_name(r->kind), r->name);
    if (r->has_physical)
        out_printf(out, ", pseudo-physical %llx", ll(r->physical.v));
    if (r->has_virtual)
        out_printf(out, ", virtual %llx", ll(r->virtual.v));
    out_text(out, "\n");
}

static void print_runs(struct out *out, const char *prefix, const struct pv_plan *pv, bool all)
{
    uint32_t shown = all || pv->run_count <= RUNS_SHOWN ? pv->run_count : RUNS_SHOWN;
    for (uint32_t i = 0; i < shown; i++) {
        const struct p2m_run *run = &pv->run[i];
        out_printf(out, "%s  p2m: PFN %llx->%llx are MFN %llx->%llx\n", prefix, ll(run->pfn),
                   ll(run->pfn + run->count), ll(run->mfn), ll(run->mfn + run->count));
    }
    if (shown < pv->run_count)
        out_printf(out, "%s  p2m: %u more runs, %llx PFNs in all\n", prefix,
                   (unsigned)(pv->run_count - shown), ll(pv->nr_pages));
}

static void print_steps(struct out *out, const char *prefix, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct step *s = &plan->step[i];
        out_printf(out, "%s  step %u: ", prefix, (unsigned)i);
        if (s->kind == STEP_COPY)
            out_printf(out, "copy 0x%llx bytes from machine %08llx to machine %08llx\n",
                       ll(s->size), ll(s->from), ll(s->to));
        else
            out_printf(out, "zero 0x%llx bytes at machine %08llx\n", ll(s->size), ll(s->to));
    }
}

static void print_exit(struct out *out, const char *prefix, const struct exit_state *e)
{
    static const char *const name[] = {"protected mode", "long mode", "resident layer, long mode",
                                       "resident layer, protected mode", "real mode"};
    const struct {
        const char *name;
        uint64_t value;
    } reg[] = {{"ax", e->ax}, {"bx", e->bx}, {"cx", e->cx}, {"dx", e->dx},
               {"si", e->si}, {"di", e->di}, {"bp", e->bp}, {"sp", e->sp}};
    out_printf(out, "%s  entry in %s at machine %08llx", prefix, name[e->kind], ll(e->ip));
    for (unsigned i = 0; i < sizeof(reg) / sizeof(reg[0]); i++)
        if (reg[i].value)
            out_printf(out, " %s=%llx", reg[i].name, ll(reg[i].value));
    out_text(out, "\n");
}

void plan_print(struct out *out, const char *prefix, const struct plan_input *input,
                const struct plan *plan)
{
    uint16_t order[PLAN_REGION_MAX];
    for (uint32_t i = 0; i < plan->region_count; i++) {
        uint32_t at = i;
        for (; at > 0 && before(plan, i, order[at - 1]); at--)
            order[at] = order[at - 1];
        order[at] = (uint16_t)i;
    }
    out_printf(out, "%smemory arrangement (%s):\n", prefix, plan->protocol);
    for (uint32_t i = 0; i < plan->region_count; i++)
        print_region(out, prefix, &plan->region[order[i]]);
    bool details = input->options->log == LOG_DEBUG || input->options->plan_only;
    if (plan->mode == MODE_PV)
        print_runs(out, prefix, &plan->pv, details);
    if (details) {
        print_steps(out, prefix, plan);
        print_exit(out, prefix, &plan->exit);
    }
}
