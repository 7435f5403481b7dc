/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The order of the steps: a step that reads what another one overwrites goes first.  Each step has
 * memmove semantics for itself, so only *pairs* matter.  Where steps wait for each other in a ring,
 * the smallest source of the ring is first copied aside into free RAM; where an order exists, no
 * byte is copied twice.
 *
 * Kahn's algorithm in place: step[0 .. done) are in their final order, waits[i] counts the steps
 * still to come that read what step i writes.
 */
#include "plan.h"

#include "bytes.h"

static struct range reads(const struct step *s)
{
    return s->kind == STEP_COPY ? (struct range){s->from, s->from + s->size} : (struct range){0, 0};
}

static struct range writes(const struct step *s)
{
    return (struct range){s->to, s->to + s->size};
}

/* Step `first` must run before step `second`: it reads what the other destroys. */
static bool must_precede(const struct step *first, const struct step *second)
{
    return first->kind == STEP_COPY && range_overlaps(reads(first), writes(second));
}

/* A step at or behind `done` that is part of a ring: from any step, going back to one that it waits
 * for comes round at last.  Returns the one with the smallest source of that ring. */
static uint32_t smallest_in_ring(const struct plan *plan, uint32_t done)
{
    uint8_t seen[PLAN_STEP_MAX / 8] = {0};
    uint32_t at = done;
    uint32_t best = done;
    bool around = false;
    uint32_t ring_start = 0;
    for (;;) {
        uint32_t before = done;
        while (before == at || !must_precede(&plan->step[before], &plan->step[at]))
            before++;
        at = before;
        if (around) {
            if (plan->step[at].size < plan->step[best].size)
                best = at;
            if (at == ring_start)
                return best;
        } else if (seen[at / 8] >> (at % 8) & 1) {
            around = true;
            ring_start = best = at;
        }
        seen[at / 8] = (uint8_t)(seen[at / 8] | 1u << (at % 8));
    }
}

/* Inserts a copy of step `index`'s source to free RAM at `done` and lets the step read from there.
 */
static enum refusal_id move_aside(const struct plan_input *input, struct plan *plan, uint32_t done,
                                  uint32_t index, struct refusal *why)
{
    struct step *s = &plan->step[index];
    uint64_t size = s->size, from = s->from, place;
    if (!plan_find(plan, input->record, size, 16, 0, 0, true, &place))
        return REFUSE(why, PLAN_NO_ROOM, .num = {size, 16, 0, UINT64_C(1) << 32},
                      .str = {"a source that must be moved aside"});
    enum refusal_id id =
        plan_add_region(plan, plan_name(plan, "moved aside", done + 1), REGION_TARGET,
                        (struct range){place, place + size}, NULL, why);
    if (id == REFUSE_NONE)
        id = plan_add_copy(plan, place, from, size, why);
    if (id != REFUSE_NONE)
        return id;
    s->from = place;
    memmove(&plan->step[done + 1], &plan->step[done],
            (plan->step_count - 1 - done) * sizeof(struct step));
    plan->step[done] = (struct step){STEP_COPY, place, from, size};
    return REFUSE_NONE;
}

static void swap(struct plan *plan, uint16_t *waits, uint32_t a, uint32_t b)
{
    struct step s = plan->step[a];
    plan->step[a] = plan->step[b];
    plan->step[b] = s;
    uint16_t w = waits[a];
    waits[a] = waits[b];
    waits[b] = w;
}

enum refusal_id plan_order(const struct plan_input *input, struct plan *plan, struct refusal *why)
{
    uint16_t waits[PLAN_STEP_MAX];
    for (uint32_t i = 0; i < plan->step_count; i++) {
        waits[i] = 0;
        for (uint32_t j = 0; j < plan->step_count; j++)
            if (j != i && must_precede(&plan->step[j], &plan->step[i]))
                waits[i]++;
    }
    uint32_t done = 0;
    while (done < plan->step_count) {
        uint32_t next = done;
        while (next < plan->step_count && waits[next] != 0)
            next++;
        if (next == plan->step_count) {
            uint32_t index = smallest_in_ring(plan, done);
            struct step freed = plan->step[index];
            enum refusal_id id = move_aside(input, plan, done, index, why);
            if (id != REFUSE_NONE)
                return id;
            memmove(&waits[done + 1], &waits[done],
                    (plan->step_count - 1 - done) * sizeof(waits[0]));
            done++;
            for (uint32_t k = done; k < plan->step_count; k++)
                if (k != index + 1 && must_precede(&freed, &plan->step[k]))
                    waits[k]--;
            continue;
        }
        swap(plan, waits, done, next);
        for (uint32_t k = done + 1; k < plan->step_count; k++)
            if (must_precede(&plan->step[done], &plan->step[k]))
                waits[k]--;
        done++;
    }
    return REFUSE_NONE;
}
