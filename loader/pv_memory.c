/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Choice of machine frames for a PV guest; see pv_memory.h.
 * The run array of the plan first holds the free frames; pv_memory_assign() takes the frames with a
 * purpose out of it, puts those in front and numbers all.
 */
#include "pv_memory.h"

#include "bytes.h"
#include "memory_map.h"
#include "pv_abi.h"

#define LOW_MEMORY_FRAMES 256 /* the first MiB stays with the machine: BIOS data, SMP start-up */

static uint64_t reach(enum guest_class class)
{
    if (class == GUEST_PV32PAE)
        return M2P32PAE_MFN_MAX;
    return class == GUEST_PV32 ? M2P32_MFN_MAX : M2P64_MFN_MAX;
}

uint64_t pv_memory_m2p_pages(const struct memory_map *map, enum guest_class class)
{
    uint32_t shift = PAGE_SHIFT + (class == GUEST_PV64 ? 9 : 10); /* bytes that one page covers */
    uint64_t blocks_max = (reach(class) << PAGE_SHIFT) >> shift;
    uint64_t extent = M2P_EXTENT_SIZE >> PAGE_SHIFT; /* whose pages begin with its first block's */
    uint64_t next = 0, pages = 0;                    /* first block not looked at */

    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_entry *entry = &map->entry[i];
        uint64_t first, end;

        if (entry->type != MEMORY_RAM || entry->start == entry->end)
            continue;
        first = entry->start >> shift & ~(extent - 1);
        end = ((entry->end - 1) >> shift) + 1;
        if (first < next)
            first = next;
        if (end > blocks_max)
            end = blocks_max;
        if (end > first) {
            pages += end - first;
            next = end;
        }
    }
    return pages;
}

static enum refusal_id too_many(struct refusal *why)
{
    return REFUSE(why, PV_TOO_MANY_RUNS, .num = {PLAN_RUN_MAX});
}

/* Makes room for one more run at `index`. */
static bool insert(struct pv_plan *pv, uint32_t index, struct p2m_run run)
{
    if (pv->run_count == PLAN_RUN_MAX)
        return false;
    memmove(&pv->run[index + 1], &pv->run[index], (pv->run_count - index) * sizeof(struct p2m_run));
    pv->run[index] = run;
    pv->run_count++;
    return true;
}

static void remove_run(struct pv_plan *pv, uint32_t index)
{
    pv->run_count--;
    memmove(&pv->run[index], &pv->run[index + 1], (pv->run_count - index) * sizeof(struct p2m_run));
}

/* Takes the frames [start, end) out of all runs. */
static bool subtract(struct pv_plan *pv, uint64_t start, uint64_t end)
{
    for (uint32_t i = 0; i < pv->run_count;) {
        struct p2m_run *run = &pv->run[i];
        uint64_t run_end = run->mfn + run->count;

        if (start >= end || run_end <= start || run->mfn >= end) {
            i++;
        } else if (run->mfn < start) {
            if (run_end > end && !insert(pv, i + 1, (struct p2m_run){0, end, run_end - end}))
                return false;
            run->count = start - run->mfn;
            i++;
        } else if (run_end > end) {
            run->count = run_end - end;
            run->mfn = end;
            i++;
        } else {
            remove_run(pv, i);
        }
    }
    return true;
}

/* Takes out every frame that the byte range touches. */
static bool subtract_bytes(struct pv_plan *pv, struct range range)
{
    if (range_is_empty(range))
        return true;
    return subtract(pv, range.start >> PAGE_SHIFT, ((range.end - 1) >> PAGE_SHIFT) + 1);
}

enum refusal_id pv_memory_collect(const struct boot_record *record, const struct plan *plan,
                                  struct pv_plan *pv, uint64_t *ret_pages, struct refusal *why)
{
    uint64_t pages = 0;

    pv->run_count = 0;
    for (uint32_t i = 0; i < record->map.count; i++) {
        const struct memory_entry *entry = &record->map.entry[i];
        uint64_t first = (entry->start >> PAGE_SHIFT) + ((entry->start & PAGE_MASK) != 0);
        uint64_t end = entry->end >> PAGE_SHIFT;

        if (first < LOW_MEMORY_FRAMES)
            first = LOW_MEMORY_FRAMES;
        if (end > reach(pv->class))
            end = reach(pv->class);
        if (entry->type != MEMORY_RAM || end <= first)
            continue;
        if (pv->run_count &&
            pv->run[pv->run_count - 1].mfn + pv->run[pv->run_count - 1].count == first)
            pv->run[pv->run_count - 1].count += end - first;
        else if (!insert(pv, pv->run_count, (struct p2m_run){0, first, end - first}))
            return too_many(why);
    }

    for (uint32_t i = 0; i < record->keep_count; i++)
        if (!subtract_bytes(pv, record->keep[i].range))
            return too_many(why);
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *region = &plan->region[i];

        if ((region->kind == REGION_KEEP || region->kind == REGION_LAYER ||
             region->kind == REGION_HANDOFF) &&
            !subtract_bytes(pv, region->machine))
            return too_many(why);
    }

    for (uint32_t i = 0; i < pv->run_count; i++)
        pages += pv->run[i].count;
    *ret_pages = pages;
    return REFUSE_NONE;
}

bool pv_memory_is_free(const struct pv_plan *pv, uint64_t mfn, uint64_t count)
{
    for (uint32_t i = 0; i < pv->run_count; i++) {
        const struct p2m_run *run = &pv->run[i];

        if (mfn >= run->mfn && mfn - run->mfn <= run->count &&
            count <= run->count - (mfn - run->mfn))
            return true;
    }
    return false;
}

enum refusal_id pv_memory_assign(struct pv_plan *pv, const struct p2m_run *head,
                                 uint32_t head_count, uint64_t limit, struct refusal *why)
{
    uint64_t pfn = 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < head_count; i++)
        if (!subtract(pv, head[i].mfn, head[i].mfn + head[i].count))
            return too_many(why);
    for (uint32_t i = 0; i < head_count; i++)
        if (head[i].count && !insert(pv, count++, head[i]))
            return too_many(why);

    for (count = 0; count < pv->run_count && pfn < limit; count++) {
        struct p2m_run *run = &pv->run[count];

        if (run->count > limit - pfn)
            run->count = limit - pfn;
        run->pfn = pfn;
        pfn += run->count;
    }
    pv->run_count = count;
    pv->nr_pages = pfn;
    return REFUSE_NONE;
}

bool pv_memory_find(const struct pv_plan *pv, uint64_t pfn, uint64_t *ret_maddr,
                    uint64_t *ret_count)
{
    for (uint32_t i = 0; i < pv->run_count; i++) {
        const struct p2m_run *run = &pv->run[i];

        if (pfn < run->pfn || pfn - run->pfn >= run->count)
            continue;
        *ret_maddr = (run->mfn + (pfn - run->pfn)) << PAGE_SHIFT;
        if (ret_count)
            *ret_count = run->count - (pfn - run->pfn);
        return true;
    }
    return false;
}
