/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Building a sorted, non-overlapping memory map from a loader's map of any order.  Where entries
 * overlap the more restrictive type wins (RAM loses against everything else), as Linux and Xen do.
 */
#ifndef LOADER_MEMORY_MAP_H
#define LOADER_MEMORY_MAP_H

#include "boot_record.h"

/* Adds [start, start + size), bytes, machine addresses.  Size 0 is ignored; a range that runs past
 * 2^64 is cut there.  Returns false only when the map is full. */
MUST_USE bool memory_map_add(struct memory_map *map, uint64_t start, uint64_t size, uint32_t type);

/* The size of all RAM in bytes. */
uint64_t memory_map_ram_size(const struct memory_map *map);

/* End of the highest RAM byte (exclusive), 0 without RAM. */
uint64_t memory_map_ram_end(const struct memory_map *map);

/* True when every byte of the range is RAM. */
bool memory_map_is_ram(const struct memory_map *map, struct range range);

/* Cuts RAM from the top until at most `limit` bytes are left (the `mem=` option). */
void memory_map_limit(struct memory_map *map, uint64_t limit);

/* "RAM", "reserved", "ACPI data", "ACPI NVS", "unusable", "disabled", "persistent", "type N" ->
 * "other". */
const char *memory_type_name(uint32_t type);

#endif
