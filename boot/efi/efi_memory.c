/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pages from the firmware, below 4 GiB, and its memory map.  UEFI 2.10 section 7.2.
 */
#include "efi_app.h"

#include "record_efi.h"

#define PAGES(size)      (((size) + 4095) >> 12)
#define MAP_SLACK        4096       /* the map grows by allocating room for it */
#define FIRMWARE_RESERVE 0x4000000u /* left to the firmware for drivers and file buffers */

bool efi_allocate(struct efi_app *app, uint64_t size, uint64_t *ret_at)
{
    EFI_PHYSICAL_ADDRESS at = EFI_BELOW_4G;
    if (size >> 32)
        return false;
    EFI_STATUS status = app->services->AllocatePages(AllocateMaxAddress, EfiLoaderData,
                                                     (UINTN)PAGES(size ? size : 1), &at);
    if (EFI_ERROR(status))
        return false;
    *ret_at = at;
    return true;
}

void efi_free(struct efi_app *app, uint64_t at, uint64_t size)
{
    app->services->FreePages(at, (UINTN)PAGES(size ? size : 1));
}

bool efi_map_prepare(struct efi_app *app, struct efi_map *map)
{
    uint64_t at;
    *map = (struct efi_map){0};
    EFI_STATUS status = app->services->GetMemoryMap(&map->size, NULL, &map->key, &map->entry_size,
                                                    &map->entry_version);
    if (status != EFI_BUFFER_TOO_SMALL)
        return false;
    map->capacity = map->size * 2 + MAP_SLACK;
    if (!efi_allocate(app, map->capacity, &at))
        return false;
    map->data = (uint8_t *)(UINTN)at;
    return true;
}

EFI_STATUS efi_map_read(struct efi_app *app, struct efi_map *map)
{
    map->size = map->capacity;
    return app->services->GetMemoryMap(&map->size, (EFI_MEMORY_DESCRIPTOR *)map->data, &map->key,
                                       &map->entry_size, &map->entry_version);
}

bool efi_allocate_largest(struct efi_app *app, uint64_t *ret_at, uint64_t *ret_size)
{
    struct efi_map map;
    uint64_t best = 0, best_end = 0;

    if (!efi_map_prepare(app, &map))
        return false;
    if (!EFI_ERROR(efi_map_read(app, &map))) {
        for (UINTN at = 0; at + map.entry_size <= map.size; at += map.entry_size) {
            const EFI_MEMORY_DESCRIPTOR *entry = (const EFI_MEMORY_DESCRIPTOR *)(map.data + at);
            uint64_t start = entry->PhysicalStart, end = start + (entry->NumberOfPages << 12);
            if (entry->Type != EfiConventionalMemory || start >= EFI_BELOW_4G)
                continue;
            if (end > EFI_BELOW_4G)
                end = EFI_BELOW_4G & ~UINT64_C(4095);
            if (end - start > best) {
                best = end - start;
                best_end = end;
            }
        }
    }
    efi_free(app, (UINTN)map.data, map.capacity);
    /* Leave the firmware something: all of a small stretch would starve its drivers. */
    uint64_t size = best > 2 * FIRMWARE_RESERVE ? best - FIRMWARE_RESERVE : best / 2;
    size &= ~UINT64_C(4095);
    EFI_PHYSICAL_ADDRESS start = best_end - size;
    if (!size || EFI_ERROR(app->services->AllocatePages(AllocateAddress, EfiLoaderData,
                                                        (UINTN)(size >> 12), &start)))
        return false;
    *ret_at = start;
    *ret_size = size;
    return true;
}
