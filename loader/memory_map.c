/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeping a memory map sorted, disjoint and merged while entries of any order and overlap are
 * added. An addition is cut at the entries that are there already: each stretch goes to the more
 * restrictive of the two types.  See memory_map.h.
 */
#include "memory_map.h"

#include "bytes.h"

/* Which of two claims on one byte wins.  Unusable beats all, firmware's live tables beat plain
 * reservations, RAM loses against everything (as in Linux's e820 sanitiser and Xen's). */
static unsigned severity(uint32_t type)
{
    switch (type) {
    case MEMORY_RAM:
        return 0;
    case MEMORY_PMEM:
        return 1;
    case MEMORY_ACPI:
        return 3;
    case MEMORY_RESERVED:
        return 4;
    case MEMORY_NVS:
        return 5;
    case MEMORY_DISABLED:
        return 6;
    case MEMORY_UNUSABLE:
        return 7;
    default:
        return 2;
    }
}

static bool insert(struct memory_map *map, uint32_t at, uint64_t start, uint64_t end, uint32_t type)
{
    if (map->count == RECORD_MAP_MAX)
        return false;
    memmove(&map->entry[at + 1], &map->entry[at], (map->count - at) * sizeof(map->entry[0]));
    map->entry[at] = (struct memory_entry){start, end, type, 0};
    map->count++;
    return true;
}

static void drop(struct memory_map *map, uint32_t at)
{
    map->count--;
    memmove(&map->entry[at], &map->entry[at + 1], (map->count - at) * sizeof(map->entry[0]));
}

/* Joins neighbours of equal type that touch. */
static void merge(struct memory_map *map)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->count; i++) {
        if (kept && map->entry[kept - 1].type == map->entry[i].type &&
            map->entry[kept - 1].end == map->entry[i].start)
            map->entry[kept - 1].end = map->entry[i].end;
        else
            map->entry[kept++] = map->entry[i];
    }
    map->count = kept;
}

/* Splits the entry that has `at` strictly inside, so that a boundary falls there. */
static bool split(struct memory_map *map, uint64_t at)
{
    for (uint32_t i = 0; i < map->count; i++) {
        struct memory_entry *entry = &map->entry[i];
        if (entry->start < at && at < entry->end) {
            if (!insert(map, i, entry->start, at, entry->type))
                return false;
            map->entry[i + 1].start = at;
            return true;
        }
    }
    return true;
}

bool memory_map_add(struct memory_map *map, uint64_t start, uint64_t size, uint32_t type)
{
    uint64_t end;
    if (!checked_add_u64(start, size, &end))
        end = UINT64_MAX;
    if (start >= end)
        return true;
    if (!split(map, start) || !split(map, end)) {
        merge(map);
        return false;
    }
    /* Now every entry lies wholly inside or wholly outside the addition. */
    uint64_t at = start;
    uint32_t i = 0;
    while (i < map->count && map->entry[i].end <= start)
        i++;
    bool fits = true;
    while (at < end) {
        struct memory_entry *entry = i < map->count ? &map->entry[i] : NULL;
        if (entry && entry->start == at) {
            if (severity(type) > severity(entry->type))
                entry->type = type;
            at = entry->end;
        } else {
            uint64_t stop = entry && entry->start < end ? entry->start : end;
            if (!insert(map, i, at, stop, type)) {
                fits = false;
                break;
            }
            at = stop;
        }
        i++;
    }
    merge(map);
    return fits;
}

uint64_t memory_map_ram_size(const struct memory_map *map)
{
    uint64_t size = 0; /* disjoint ranges of a 64-bit space: the sum cannot wrap */
    for (uint32_t i = 0; i < map->count; i++)
        if (map->entry[i].type == MEMORY_RAM)
            size += map->entry[i].end - map->entry[i].start;
    return size;
}

uint64_t memory_map_ram_end(const struct memory_map *map)
{
    for (uint32_t i = map->count; i-- > 0;)
        if (map->entry[i].type == MEMORY_RAM)
            return map->entry[i].end;
    return 0;
}

bool memory_map_is_ram(const struct memory_map *map, struct range range)
{
    if (range_is_empty(range))
        return true;
    /* Neighbours of one type are merged, so one entry holds it all or none does. */
    for (uint32_t i = 0; i < map->count; i++)
        if (map->entry[i].type == MEMORY_RAM && map->entry[i].start <= range.start &&
            range.end <= map->entry[i].end)
            return true;
    return false;
}

void memory_map_limit(struct memory_map *map, uint64_t limit)
{
    uint64_t left = memory_map_ram_size(map);
    for (uint32_t i = map->count; i-- > 0 && left > limit;) {
        struct memory_entry *entry = &map->entry[i];
        if (entry->type != MEMORY_RAM)
            continue;
        uint64_t size = entry->end - entry->start;
        uint64_t excess = left - limit;
        if (size <= excess) {
            drop(map, i);
            left -= size;
        } else {
            entry->end -= excess;
            left = limit;
        }
    }
}

const char *memory_type_name(uint32_t type)
{
    switch (type) {
    case MEMORY_RAM:
        return "RAM";
    case MEMORY_RESERVED:
        return "reserved";
    case MEMORY_ACPI:
        return "ACPI data";
    case MEMORY_NVS:
        return "ACPI NVS";
    case MEMORY_UNUSABLE:
        return "unusable";
    case MEMORY_DISABLED:
        return "disabled";
    case MEMORY_PMEM:
        return "persistent";
    default:
        return "other";
    }
}
