/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading the MC146818 clock.  Two equal readings in a row, so that no update came in between; the
 * century is taken from the year alone (70-99: 19xx).  Source: MC146818A data sheet.
 */
#include "rtc.h"

#include "bytes.h"
#include "layer.h"
#include "timescale.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

static uint8_t cmos(uint8_t index)
{
    port_write8(CMOS_INDEX, index);
    return port_read8(CMOS_DATA);
}

/* False when the clock never stops being updated: there is none. */
static bool read_fields(uint8_t *field)
{
    static const uint8_t index[6] = {0, 2, 4, 7, 8, 9}; /* second … year */
    uint32_t tries = 0;
    while (cmos(0x0a) & 0x80) {
        if (++tries > 20000)
            return false;
    }
    for (int i = 0; i < 6; i++)
        field[i] = cmos(index[i]);
    return true;
}

uint64_t rtc_read(void)
{
    uint8_t field[6], again[6];
    int tries = 0;
    if (!read_fields(field))
        return 0;
    do {
        memcpy(again, field, sizeof(again));
        if (!read_fields(field))
            return 0;
    } while (memcmp(again, field, sizeof(again)) != 0 && ++tries < 10);

    uint8_t status = cmos(0x0b);
    bool afternoon = field[2] & 0x80;
    field[2] &= 0x7f;
    if (!(status & 4)) { /* BCD */
        for (int i = 0; i < 6; i++)
            field[i] = (uint8_t)((field[i] >> 4) * 10 + (field[i] & 15));
    }
    if (!(status & 2)) /* 12 hours */
        field[2] = (uint8_t)(field[2] % 12 + (afternoon ? 12 : 0));
    struct calendar calendar = {
        .year = field[5] + (field[5] < 70 ? 2000u : 1900u),
        .month = field[4],
        .day = field[3],
        .hour = field[2],
        .minute = field[1],
        .second = field[0],
    };
    return calendar_to_unix(&calendar);
}
