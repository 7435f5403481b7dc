/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The largest free stretch of RAM; see workspace.h.
 */
#include "workspace.h"

#define LOW  UINT64_C(0x100000)
#define HIGH UINT64_C(0x100000000)

/* The index-th thing that must not be overwritten; false behind the last. */
static bool blocker(const struct boot_record *record, struct range stage, uint32_t index,
                    struct range *ret)
{
    if (index == 0) {
        *ret = stage;
        return true;
    }
    index--;
    if (index < record->module_count) {
        const struct boot_module *module = &record->module[index];
        return range_from_size(module->start.v, module->size, ret);
    }
    index -= record->module_count;
    if (index >= record->keep_count)
        return false;
    *ret = record->keep[index].range;
    return true;
}

/* The first free piece of [at, end): from *ret_start to the result. */
static uint64_t free_piece(const struct boot_record *record, struct range stage, uint64_t at,
                           uint64_t end, uint64_t *ret_start)
{
    struct range block;
    bool moved = true;

    while (moved && at < end) { /* behind everything that covers `at` */
        moved = false;
        for (uint32_t i = 0; blocker(record, stage, i, &block); i++) {
            if (at >= block.start && at < block.end) {
                at = block.end;
                moved = true;
            }
        }
    }
    for (uint32_t i = 0; blocker(record, stage, i, &block); i++)
        if (!range_is_empty(block) && block.start > at && block.start < end)
            end = block.start;
    *ret_start = at;
    return end;
}

struct range workspace_find(const struct boot_record *record, struct range stage)
{
    struct range best = {0, 0};

    for (uint32_t i = 0; i < record->map.count; i++) {
        const struct memory_entry *entry = &record->map.entry[i];
        uint64_t end = entry->end < HIGH ? entry->end : HIGH;
        if (entry->type != MEMORY_RAM)
            continue;
        for (uint64_t at = entry->start > LOW ? entry->start : LOW; at < end;) {
            uint64_t start, stop = free_piece(record, stage, at, end, &start);
            struct range piece = {(start + PAGE_MASK) & ~PAGE_MASK, stop & ~PAGE_MASK};
            if (piece.start < piece.end && range_size(piece) > range_size(best))
                best = piece;
            at = stop > at ? stop : end;
        }
    }
    return best;
}
