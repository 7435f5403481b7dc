/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * EFI memory descriptors -> struct memory_map; see record_efi.h.
 */
#include "record_efi.h"

#include "memory_map.h"

/* EFI_MEMORY_DESCRIPTOR, UEFI 2.10 section 7.2.3: u32 type, u64 start, u64 virtual, u64 pages, u64
 * attributes; later versions may be longer. */
#define DESCRIPTOR_TYPE      0
#define DESCRIPTOR_START     8
#define DESCRIPTOR_PAGES     24
#define DESCRIPTOR_ATTRIBUTE 32
#define DESCRIPTOR_SIZE      40

#define EFI_SPECIFIC_PURPOSE UINT64_C(0x40000) /* EFI_MEMORY_SP: set aside for a driver */

static uint32_t type_of(uint32_t type, uint64_t attribute)
{
    switch (type) {
    case 1: /* EfiLoaderCode */
    case 2: /* EfiLoaderData */
    case 3: /* EfiBootServicesCode */
    case 4: /* EfiBootServicesData */
    case 7: /* EfiConventionalMemory */
        return attribute & EFI_SPECIFIC_PURPOSE ? MEMORY_RESERVED : MEMORY_RAM;
    case 8:
        return MEMORY_UNUSABLE;
    case 9:
        return MEMORY_ACPI;
    case 10:
        return MEMORY_NVS;
    case 14:
        return MEMORY_PMEM;
    default:
        return MEMORY_RESERVED;
    }
}

enum refusal_id record_efi_map(struct view map, uint64_t entry_size, struct memory_map *ret,
                               struct refusal *why)
{
    if (entry_size < DESCRIPTOR_SIZE || entry_size > map.size)
        return REFUSE(why, EFI_MAP_ENTRY_SIZE, .num = {entry_size, DESCRIPTOR_SIZE, map.size});
    ret->count = 0;
    for (uint64_t at = 0; map.size - at >= entry_size; at += entry_size) {
        uint32_t type;
        uint64_t start, pages, attribute, size;
        if (!view_u32(map, at + DESCRIPTOR_TYPE, &type) ||
            !view_u64(map, at + DESCRIPTOR_START, &start) ||
            !view_u64(map, at + DESCRIPTOR_PAGES, &pages) ||
            !view_u64(map, at + DESCRIPTOR_ATTRIBUTE, &attribute))
            break;
        if (!checked_mul_u64(pages, (uint32_t)PAGE_SIZE, &size))
            return REFUSE(why, EFI_MAP_WRAPS, .num = {start, pages});
        if (!memory_map_add(ret, start, size, type_of(type, attribute)))
            return REFUSE(why, EFI_MAP_TOO_LONG, .num = {RECORD_MAP_MAX});
    }
    return REFUSE_NONE;
}
