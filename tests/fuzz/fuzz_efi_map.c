/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * EFI memory maps: two bytes of descriptor size, then the map.  The result must be sorted, without
 * overlaps and without empty entries, whatever came in.
 */
#include <stdlib.h>

#include "memory_map.h"
#include "record_efi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct memory_map map;
    struct refusal why;
    if (size < 2)
        return 0;
    struct view view = {data + 2, size - 2};
    if (record_efi_map(view, data[0] | (uint64_t)data[1] << 8, &map, &why))
        return 0;
    for (uint32_t i = 0; i < map.count; i++)
        if (map.entry[i].end <= map.entry[i].start ||
            (i && map.entry[i].start < map.entry[i - 1].end))
            abort();
    return 0;
}
