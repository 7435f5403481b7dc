/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The EFI memory map as our memory map, as it will be after ExitBootServices: loader and boot
 * services memory counts as RAM.  Pure; UEFI 2.10 section 7.2.3.
 */
#ifndef LOADER_RECORD_EFI_H
#define LOADER_RECORD_EFI_H

#include "boot_record.h"
#include "refusal.h"

/* `map` holds descriptors of `entry_size` bytes each, as GetMemoryMap() gave them.  *ret is filled
 * from scratch. */
enum refusal_id record_efi_map(struct view map, uint64_t entry_size, struct memory_map *ret,
                               struct refusal *why);

#endif
