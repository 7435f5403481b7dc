/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What loaders and firmware leave in memory: Multiboot 1 and 2 information, hvm_start_info, the
 * RSDP scan and the ACPI tables.  The first byte chooses the parser, the rest stands in a window of
 * machine memory; every other address cannot be reached.
 */
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "record_parts.h"
#include "rsdp.h"

#define WINDOW 0x9000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool window_read(const struct reader *reader, uint64_t at, void *to, size_t size)
{
    const struct view *window = reader->context;
    return at >= WINDOW && view_read(*window, at - WINDOW, to, size);
}

static void check_map(const struct memory_map *map)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (map->entry[i].end <= map->entry[i].start ||
            (i && map->entry[i].start < map->entry[i - 1].end))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_record record;
    static struct acpi_madt madt;
    struct acpi_poweroff poweroff;
    struct refusal why;

    if (!size)
        return 0;
    struct view window = {data + 1, size - 1};
    struct reader reader = {window_read, &window};
    switch (data[0] % 4) {
    case 0:
        record_init(&record, WAY_MULTIBOOT1);
        if (record_from_multiboot1(&reader, WINDOW, &record, &why))
            return 0;
        break;
    case 1:
        record_init(&record, WAY_MULTIBOOT2);
        if (record_from_multiboot2(&reader, WINDOW, &record, &why))
            return 0;
        break;
    case 2:
        record_init(&record, WAY_PVH);
        if (record_from_pvh(&reader, WINDOW, &record, &why))
            return 0;
        break;
    default:
        if (acpi_read_poweroff(&reader, WINDOW, &poweroff) && poweroff.can_poweroff &&
            !poweroff.pm1a_control.address && !poweroff.sleep_control.address)
            abort();
        if (acpi_read_madt(&reader, WINDOW, &madt) &&
            (madt.cpu_count > ACPI_CPU_MAX || madt.ioapic_count > ACPI_IOAPIC_MAX))
            abort();
        return 0;
    }
    check_map(&record.map);
    if (record.module_count > RECORD_MODULE_MAX)
        abort();
    for (uint32_t i = 0; i < record.module_count; i++)
        if (strlen(record.module[i].string) >= RECORD_STRINGS_SIZE)
            abort();
    rsdp_find(&record, &reader);
    return 0;
}
