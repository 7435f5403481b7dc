/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading the MC146818 clock.  Two equal readings in a row, so that no update came in between; the
 * century is taken from the year alone (70-99: 19xx).  Source: MC146818A data sheet.
 *
 * An emulator shows an update in progress until it gets to its own timers, on a busy host far
 * longer than the clock's 2 ms: waiting is bound by time, not by tries, and does not end in no date
 * at all.
 */
#include "rtc.h"

#include "bytes.h"
#include "layer.h"
#include "timer.h"
#include "timescale.h"

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71
#define STATUS_A   0x0a
#define STATUS_B   0x0b
#define FIELDS     6

#define PATIENCE_NS UINT64_C(250000000)

static uint8_t cmos(uint8_t index)
{
    port_write8(CMOS_INDEX, index);
    return port_read8(CMOS_DATA);
}

/* What the fields say as soon as no update is in progress, or after a while in any case. */
static void read_fields(uint8_t *field)
{
    static const uint8_t index[FIELDS] = {0, 2, 4, 7, 8, 9}; /* second … year */
    uint64_t end = time_ns() + PATIENCE_NS;
    while (cmos(STATUS_A) & 0x80 && time_ns() < end)
        __builtin_ia32_pause();
    for (int i = 0; i < FIELDS; i++)
        field[i] = cmos(index[i]);
}

uint64_t rtc_read(void)
{
    uint8_t field[FIELDS], again[FIELDS];
    int tries = 0;
    if (cmos(STATUS_A) == 0xff) /* its divider cannot be so: nothing answers */
        return 0;
    read_fields(field);
    do {
        memcpy(again, field, sizeof(again));
        read_fields(field);
    } while (memcmp(again, field, sizeof(again)) != 0 && ++tries < 100);

    uint8_t status = cmos(STATUS_B);
    bool afternoon = field[2] & 0x80;
    field[2] &= 0x7f;
    if (!(status & 4)) { /* BCD */
        for (int i = 0; i < FIELDS; i++)
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
