/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The independent check of a finished plan: everything is proved again from the plan's own ranges
 * and steps, nothing of how the planner came to them is believed.  Rules: enum region_kind in
 * plan.h; for the p2m the start of day in xen/include/public/xen.h.
 */
#include "plan.h"

#include "memory_map.h"

#define FOUR_GIB (UINT64_C(1) << 32)
#define ONE_MIB  0x100000u
#define BIT(n)   (1u << (n))

#define SOLID   (BIT(REGION_TARGET) | BIT(REGION_IN_PLACE) | BIT(REGION_LAYER) | BIT(REGION_HANDOFF))
#define EARLY   (BIT(REGION_LAYER) | BIT(REGION_HANDOFF)) /* written before the first step */
#define WORK    (BIT(REGION_SOURCE) | BIT(REGION_STAGE))
#define WRITTEN (BIT(REGION_TARGET) | BIT(REGION_LAYER))

/* Index sort (Shell's, no recursion): order[0 .. count) by ascending key. */
static void sort(uint16_t *order, uint32_t count, const void *table,
                 uint64_t (*key)(const void *table, uint32_t index))
{
    uint32_t gap = 1;
    for (uint32_t i = 0; i < count; i++)
        order[i] = (uint16_t)i;
    while (gap < count / 3)
        gap = gap * 3 + 1;
    for (; gap > 0; gap /= 3) {
        for (uint32_t i = gap; i < count; i++) {
            uint16_t moving = order[i];
            uint64_t value = key(table, moving);
            uint32_t at = i;
            for (; at >= gap && key(table, order[at - gap]) > value; at -= gap)
                order[at] = order[at - gap];
            order[at] = moving;
        }
    }
}

static uint64_t region_key(const void *table, uint32_t index)
{
    return ((const struct region *)table)[index].machine.start;
}

static uint64_t step_key(const void *table, uint32_t index)
{
    return ((const struct step *)table)[index].to;
}

static uint64_t run_key(const void *table, uint32_t index)
{
    return ((const struct p2m_run *)table)[index].mfn;
}

/* Two sets of kinds that may not overlap each other; a == b means: nor among themselves. */
struct exclusion {
    unsigned a, b;
};

/* One sweep in ascending order: it is enough to know, per set, the region that reaches furthest. */
static enum refusal_id check_exclusion(const struct plan *plan, const uint16_t *order,
                                       struct exclusion rule, struct refusal *why)
{
    const struct region *far_a = NULL, *far_b = NULL;
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *r = &plan->region[order[i]];
        bool in_a = rule.a >> r->kind & 1, in_b = rule.b >> r->kind & 1;
        const struct region *other = NULL;
        if (in_b && far_a && far_a->machine.end > r->machine.start)
            other = far_a;
        if (in_a && far_b && far_b->machine.end > r->machine.start)
            other = far_b;
        if (other)
            return REFUSE(
                why, CHECK_OVERLAP,
                .num = {r->machine.start, r->machine.end, other->machine.start, other->machine.end},
                .str = {r->name, other->name});
        if (in_a && (!far_a || r->machine.end > far_a->machine.end))
            far_a = r;
        if (in_b && (!far_b || r->machine.end > far_b->machine.end))
            far_b = r;
    }
    return REFUSE_NONE;
}

static enum refusal_id check_regions(const struct plan_input *input, const struct plan *plan,
                                     const uint16_t *order, struct refusal *why)
{
    static const struct exclusion rules[] = {
        {SOLID, SOLID},
        {EARLY, WORK},
        {BIT(REGION_KEEP), SOLID},
    };
    bool has_handoff = false, has_stage = false;
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *r = &plan->region[i];
        if (r->machine.start >= r->machine.end ||
            ((SOLID >> r->kind & 1) && r->machine.end > FOUR_GIB))
            return REFUSE(why, CHECK_REGION, .num = {r->machine.start, r->machine.end},
                          .str = {r->name});
        if ((SOLID >> r->kind & 1) && !memory_map_is_ram(&input->record->map, r->machine))
            return REFUSE(why, CHECK_NOT_RAM, .num = {r->machine.start, r->machine.end},
                          .str = {r->name});
        if (r->kind == REGION_HANDOFF)
            has_handoff = has_handoff || (r->machine.start == plan->handoff &&
                                          range_size(r->machine) == HANDOFF_SIZE &&
                                          (plan->handoff & PAGE_MASK) == 0);
        if (r->kind == REGION_STAGE)
            has_stage = has_stage || range_contains(r->machine, input->stage);
    }
    if (!has_handoff || !has_stage)
        return REFUSE(why, CHECK_HANDOFF, .num = {plan->handoff});
    for (unsigned i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        enum refusal_id id = check_exclusion(plan, order, rules[i], why);
        if (id != REFUSE_NONE)
            return id;
    }
    return REFUSE_NONE;
}

/* The region of one of `kinds` that holds all of `range`; NULL when none does. */
static const struct region *holder(const struct plan *plan, unsigned kinds, struct range range)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if ((kinds >> plan->region[i].kind & 1) && range_contains(plan->region[i].machine, range))
            return &plan->region[i];
    return NULL;
}

/* What step `index` reads is still there: no earlier step has written into it, unless one earlier
 * step made all of it and nothing touched it since. */
static enum refusal_id check_source(const struct plan *plan, uint32_t index, struct range from,
                                    struct refusal *why)
{
    bool made = false;
    for (uint32_t j = 0; j < index; j++) {
        struct range to = {plan->step[j].to, plan->step[j].to + plan->step[j].size};
        if (!range_overlaps(to, from))
            continue;
        if (made || !range_contains(to, from) || holder(plan, WORK, from))
            return REFUSE(why, CHECK_SOURCE_LOST, .num = {index, from.start, from.end, j});
        made = true;
    }
    if (!made && !holder(plan, WORK | BIT(REGION_IN_PLACE) | BIT(REGION_KEEP), from))
        return REFUSE(why, CHECK_STEP_SOURCE, .num = {index, from.start, from.end});
    return REFUSE_NONE;
}

static enum refusal_id check_steps(const struct plan *plan, struct refusal *why)
{
    uint16_t order[PLAN_STEP_MAX];
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct step *s = &plan->step[i];
        struct range to, from = {0, 0};
        if (!range_from_size(s->to, s->size, &to) || range_is_empty(to) ||
            !holder(plan, WRITTEN, to))
            return REFUSE(why, CHECK_STEP_TARGET, .num = {i, s->to, s->size});
        if (s->kind == STEP_ZERO)
            continue;
        if (!range_from_size(s->from, s->size, &from) || from.end > FOUR_GIB)
            return REFUSE(why, CHECK_STEP_SOURCE, .num = {i, s->from, s->from + s->size});
        enum refusal_id id = check_source(plan, i, from, why);
        if (id != REFUSE_NONE)
            return id;
    }
    sort(order, plan->step_count, plan->step, step_key);
    for (uint32_t i = 1; i < plan->step_count; i++) {
        const struct step *before = &plan->step[order[i - 1]], *s = &plan->step[order[i]];
        if (before->to + before->size > s->to)
            return REFUSE(why, CHECK_WRITTEN_TWICE, .num = {order[i - 1], order[i], s->to});
    }
    return REFUSE_NONE;
}

static bool is_written(const struct plan *plan, uint64_t at)
{
    struct range byte = {at, at + 1};
    for (uint32_t i = 0; i < plan->step_count; i++)
        if (at >= plan->step[i].to && at - plan->step[i].to < plan->step[i].size)
            return true;
    return holder(plan, BIT(REGION_IN_PLACE), byte) != NULL;
}

/* Real mode: the last code of ours and the guest's setup segment up to its stack lie below 1 MiB.
 */
static bool is_real_exit(const struct plan *plan)
{
    uint32_t ip = (uint32_t)plan->exit.ip, sp = (uint32_t)plan->exit.sp;
    return plan->handoff <= ONE_MIB - HANDOFF_SIZE && (ip & 15) == 0 && ip >= REAL_SETUP &&
           ip < ONE_MIB && sp <= 0xffff &&
           holder(plan, WRITTEN, (struct range){ip - REAL_SETUP, ip - REAL_SETUP + sp});
}

static enum refusal_id check_exit(const struct plan *plan, struct refusal *why)
{
    const struct exit_state *exit = &plan->exit;
    bool resident = exit->kind == EXIT_RESIDENT64 || exit->kind == EXIT_RESIDENT32;
    struct range byte = {exit->ip, exit->ip + 1};
    if (exit->ip >= FOUR_GIB || !is_written(plan, exit->ip) ||
        (resident && !holder(plan, BIT(REGION_LAYER), byte)) ||
        (exit->kind == EXIT_REAL && !is_real_exit(plan)))
        return REFUSE(why, CHECK_ENTRY, .num = {exit->ip});
    if (plan->blob_used) {
        struct range info, blob;
        struct range bytes = {plan->blob_at, plan->blob_at + plan->blob_size};
        if (!range_from_size(plan->info, plan->blob_used, &info) ||
            !range_from_size(plan->blob_at, plan->blob_used, &blob) ||
            !range_contains(bytes, blob) || !holder(plan, WRITTEN, info))
            return REFUSE(why, CHECK_INFO, .num = {plan->info, plan->blob_used});
    }
    return REFUSE_NONE;
}

/* Dense ascending PFNs, RAM, no machine frame twice, none that the layer, the hand-off's successors
 * or kept data own. */
static enum refusal_id check_runs(const struct plan_input *input, const struct plan *plan,
                                  const uint16_t *regions, struct refusal *why)
{
    const struct pv_plan *pv = &plan->pv;
    uint16_t order[PLAN_RUN_MAX];
    uint64_t next = 0;
    if (pv->run_count > PLAN_RUN_MAX)
        return REFUSE(why, CHECK_RUN, .num = {pv->run_count}, .str = {"has no place"});
    for (uint32_t i = 0; i < pv->run_count; i++) {
        const struct p2m_run *run = &pv->run[i];
        uint64_t limit = UINT64_C(1) << (64 - PAGE_SHIFT);
        if (run->pfn != next || run->count == 0 || run->mfn >= limit ||
            run->count > limit - 1 - run->mfn)
            return REFUSE(why, CHECK_RUN, .num = {i, run->pfn, run->mfn, run->count},
                          .str = {"is empty, wraps or leaves a gap before it"});
        next += run->count;
        struct range bytes = {run->mfn << PAGE_SHIFT, (run->mfn + run->count) << PAGE_SHIFT};
        if (!memory_map_is_ram(&input->record->map, bytes))
            return REFUSE(why, CHECK_RUN, .num = {i, run->pfn, run->mfn, run->count},
                          .str = {"is not all RAM"});
    }
    if (next != pv->nr_pages)
        return REFUSE(why, CHECK_RUN, .num = {pv->run_count, next, 0, pv->nr_pages},
                      .str = {"should follow: the runs do not add up to nr_pages"});
    sort(order, pv->run_count, pv->run, run_key);
    uint32_t r = 0;
    uint64_t far = 0, kept = 0; /* ends that all runs and foreign regions so far reach to */
    for (uint32_t i = 0; i < pv->run_count; i++) {
        const struct p2m_run *run = &pv->run[order[i]];
        uint64_t start = run->mfn << PAGE_SHIFT, end = (run->mfn + run->count) << PAGE_SHIFT;
        for (; r < plan->region_count && plan->region[regions[r]].machine.start < end; r++) {
            const struct region *region = &plan->region[regions[r]];
            if (region->kind != REGION_LAYER && region->kind != REGION_KEEP)
                continue;
            if (region->machine.end > kept)
                kept = region->machine.end;
        }
        if (start < far || start < kept)
            return REFUSE(why, CHECK_RUN, .num = {order[i], run->pfn, run->mfn, run->count},
                          .str = {start < far ? "has a frame that another run has too"
                                              : "has a frame that is not the guest's"});
        if (pv->shared_info >= start && pv->shared_info < end)
            return REFUSE(why, CHECK_RUN, .num = {order[i], run->pfn, run->mfn, run->count},
                          .str = {"has shared_info's frame"});
        far = end;
    }
    return REFUSE_NONE;
}

/* A step writes into `range`. */
static bool is_stepped(const struct plan *plan, struct range range)
{
    for (uint32_t i = 0; i < plan->step_count; i++)
        if (range_overlaps(range,
                           (struct range){plan->step[i].to, plan->step[i].to + plan->step[i].size}))
            return true;
    return false;
}

/* Pieces of the start of day that are named by PFN or machine address. */
static enum refusal_id check_pv(const struct plan_input *input, const struct plan *plan,
                                const uint16_t *regions, struct refusal *why)
{
    const struct pv_plan *pv = &plan->pv;
    enum refusal_id id = check_runs(input, plan, regions, why);
    if (id != REFUSE_NONE)
        return id;
    const struct {
        const char *name;
        uint64_t pfn, count;
    } piece[] = {
        {"page tables", pv->pt_pfn, pv->pt_count},
        {"p2m", pv->p2m_pfn, pv->p2m_pages},
        {"p2m tables", pv->p2m_table_pfn, pv->p2m_table_count},
        {"start_info", pv->start_info_pfn, 1},
        {"stack", pv->stack_pfn, 1},
        {"ramdisk", pv->initrd_pfn, (pv->initrd_size + PAGE_MASK) >> PAGE_SHIFT},
        {"console ring", pv->console_pfn, 1},
        {"xenstore ring", pv->xenstore_pfn, 1},
    };
    for (unsigned i = 0; i < sizeof(piece) / sizeof(piece[0]); i++)
        if (piece[i].count > pv->nr_pages || piece[i].pfn > pv->nr_pages - piece[i].count)
            return REFUSE(why, CHECK_PV, .num = {piece[i].pfn, piece[i].count, pv->nr_pages},
                          .str = {piece[i].name});
    struct range m2p, handover = {pv->handover, pv->handover + sizeof(struct handover)};
    if (!range_from_size(pv->m2p, pv->m2p_size, &m2p) || !holder(plan, BIT(REGION_LAYER), m2p))
        return REFUSE(why, CHECK_PV, .num = {pv->m2p, pv->m2p_size, 0}, .str = {"m2p"});
    if (!holder(plan, BIT(REGION_LAYER), handover))
        return REFUSE(why, CHECK_PV, .num = {pv->handover, sizeof(struct handover), 0},
                      .str = {"the hand-over record"});
    /* What the builders write, which no step touches, is written while stage and sources live. */
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *r = &plan->region[i], *other = NULL;
        if (r->kind != REGION_TARGET)
            continue;
        for (uint32_t k = 0; k < plan->region_count && !other; k++)
            if ((WORK >> plan->region[k].kind & 1) &&
                range_overlaps(plan->region[k].machine, r->machine))
                other = &plan->region[k];
        if (other && !is_stepped(plan, r->machine))
            return REFUSE(
                why, CHECK_OVERLAP,
                .num = {r->machine.start, r->machine.end, other->machine.start, other->machine.end},
                .str = {r->name, other->name});
    }
    return REFUSE_NONE;
}

enum refusal_id plan_check(const struct plan_input *input, const struct plan *plan,
                           struct refusal *why)
{
    uint16_t order[PLAN_REGION_MAX];
    if (plan->region_count > PLAN_REGION_MAX)
        return REFUSE(why, PLAN_TOO_MANY_REGIONS, .num = {PLAN_REGION_MAX}, .str = {"this"});
    if (plan->step_count > PLAN_STEP_MAX)
        return REFUSE(why, PLAN_TOO_MANY_STEPS, .num = {PLAN_STEP_MAX});
    sort(order, plan->region_count, plan->region, region_key);
    enum refusal_id id = check_regions(input, plan, order, why);
    if (id == REFUSE_NONE)
        id = check_steps(plan, why);
    if (id == REFUSE_NONE)
        id = check_exit(plan, why);
    if (id == REFUSE_NONE && plan->mode == MODE_PV)
        id = check_pv(input, plan, order, why);
    return id;
}
