/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finding the ACPI root pointer: the loader's word for it, EFI's configuration table, the BIOS
 * areas.
 */
#ifndef LOADER_RSDP_H
#define LOADER_RSDP_H

#include "boot_record.h"
#include "reader.h"

/* Looks where the record's way in says the RSDP is, in this order:
 *   1. EFI system table (when it is reachable): the configuration table's ACPI 2, then ACPI 1 entry
 *   2. BIOS: first KiB of the EBDA, then 0xE0000 to 0xFFFFF; ACPI 2 and later preferred.  Not on
 *      EFI machines, where these areas mean nothing.
 * What the record has already is checked first; when it is good, nothing else is looked for.  A
 * loader's *copy* (RSDP_MULTIBOOT2) is replaced by the original when that is found, and else
 * kept. */
void rsdp_find(struct boot_record *record, const struct reader *reader);

#endif
