/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The function at an address of the stage, from the table that tools/stage-tables made.
 */
#include "bytes.h"
#include "stage.h"

extern const uint8_t stage_tables[], stage_start[];

const char *stage_symbol(uint32_t at, uint32_t *ret_offset)
{
    const char *best = NULL;
    uint32_t head[2]; /* bytes of relocations, where the stage is linked */
    uint16_t distance;

    memcpy(head, stage_tables, sizeof(head));
    uint32_t linked = at - ((uintptr_t)stage_start - head[1]); /* as the table has addresses */
    uint32_t address = head[1] - 1;
    for (const uint8_t *entry = stage_tables + sizeof(head) + head[0];;) {
        memcpy(&distance, entry, sizeof(distance));
        if (!distance || address + distance > linked)
            return stage_is_code(at) ? best : NULL;
        address += distance;
        best = (const char *)entry + sizeof(distance);
        *ret_offset = linked - address;
        entry += sizeof(distance) + strlen(best) + 1;
    }
}
