/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Machine frames as both layers keep them: a state byte for each, the entries of the m2p, the p2m
 * as it was at the start, pages of the arena.  The arena only grows; nothing is freed.
 */
#include "memory.h"
#include "spinlock.h"

void *layer_pages_aligned(uint64_t count, uint64_t align)
{
    static struct spinlock lock; /* hypercalls of several CPUs ask */
    spin_lock(&lock);
    uint64_t at = (layer.arena_next + align - 1) & ~(align - 1);
    uint64_t end;
    bool fits = count <= layer.arena_end >> PAGE_SHIFT &&
                checked_add_u64(at, count << PAGE_SHIFT, &end) && end <= layer.arena_end;
    if (fits)
        layer.arena_next = end;
    spin_unlock(&lock);
    if (!fits)
        return NULL;
    /* A soak sees that there is none after the start. */
    say(SAY_DEBUG, "the layer's memory grows to %#llx of %#llx", (unsigned long long)end,
        (unsigned long long)layer.arena_end);
    return memset(maddr_pointer(at), 0, count << PAGE_SHIFT);
}

void *layer_pages(uint64_t count)
{
    return layer_pages_aligned(count, PAGE_SIZE);
}

void *layer_pages_or_end(uint64_t count, const char *what)
{
    void *pages = layer_pages(count);
    if (!pages)
        layer_panic(NULL, "the arena of %#llx bytes has no room for %s",
                    (unsigned long long)layer.handover->arena_size, what);
    return pages;
}

static const struct handover_memory *memory_map(uint32_t index)
{
    return (const struct handover_memory *)(uintptr_t)layer.handover->map + index;
}

static void mark_frames(uint64_t start, uint64_t size, uint8_t state)
{
    uint64_t first = start >> PAGE_SHIFT, end = (start + size + PAGE_MASK) >> PAGE_SHIFT;
    for (uint64_t mfn = first; mfn < end && mfn < layer.frame_count; mfn++)
        frame_set(mfn, state);
}

void frames_make(void)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < layer.handover->map_count; i++)
        if (memory_map(i)->type == 1 && memory_map(i)->end > end)
            end = memory_map(i)->end;
    layer.frame_count = end >> PAGE_SHIFT;
    if (layer.frame_count > FRAMES_MAX)
        layer.frame_count = FRAMES_MAX;
    layer.frame = layer_pages_or_end((layer.frame_count + PAGE_MASK) >> PAGE_SHIFT,
                                     "the state of all frames");
    for (uint32_t i = 0; i < layer.handover->map_count; i++) {
        const struct handover_memory *entry = memory_map(i);
        uint64_t first = (entry->start + PAGE_MASK) >> PAGE_SHIFT, last = entry->end >> PAGE_SHIFT;
        if (last > layer.frame_count)
            last = layer.frame_count;
        if (entry->type == 1 && first < last)
            memset(layer.frame + first, FRAME_RAM, last - first);
    }
    const struct handover *handover = layer.handover;
    mark_frames(handover->layer, handover->layer_size, FRAME_LAYER);
    mark_frames(handover->arena, handover->arena_size, FRAME_LAYER);
    mark_frames(handover->m2p, handover->m2p_size, FRAME_LAYER);
    mark_frames(handover->shared_info, 1, FRAME_SPECIAL);
}

void m2p_fill(void)
{
    for (uint32_t i = 0; i < layer.run_count; i++) {
        uint64_t mfn = layer.run[i].mfn, pfn = layer.run[i].pfn, count = layer.run[i].count;
        if (mfn >= layer.frame_count)
            continue;
        if (count > layer.frame_count - mfn)
            count = layer.frame_count - mfn;
        if (layer.compat) {
            uint32_t *to = (uint32_t *)(uintptr_t)M2P_WRITE_BASE + mfn;
            for (uint64_t n = 0; n < count; n++)
                to[n] = (uint32_t)(pfn + n);
        } else {
            uint64_t *to = (uint64_t *)(uintptr_t)M2P_WRITE_BASE + mfn;
            for (uint64_t n = 0; n < count; n++)
                to[n] = pfn + n;
        }
    }
}

uint64_t m2p_get(uint64_t mfn)
{
    if (mfn >= layer.frame_count || !(frame_state(mfn) & FRAME_RAM))
        return ~UINT64_C(0);
    if (layer.compat) {
        uint32_t pfn = ((const uint32_t *)(uintptr_t)M2P_WRITE_BASE)[mfn];
        return pfn == ~UINT32_C(0) ? ~UINT64_C(0) : pfn;
    }
    return ((const uint64_t *)(uintptr_t)M2P_WRITE_BASE)[mfn];
}

bool m2p_set(uint64_t mfn, uint64_t pfn)
{
    if (!frame_is_guest(mfn))
        return false;
    if (layer.compat)
        ((uint32_t *)(uintptr_t)M2P_WRITE_BASE)[mfn] = (uint32_t)pfn;
    else
        ((uint64_t *)(uintptr_t)M2P_WRITE_BASE)[mfn] = pfn;
    return true;
}
