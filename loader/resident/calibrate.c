/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clock calibration.  See calibrate.h.
 *
 * Reading a port takes about a microsecond, and under an emulator or an SMI it may take far longer.
 * So only readings count that took about as little TSC time as any.  And the CPU may be away for
 * longer than the counter takes to go round (an emulator on a busy host runs it for a few ms at a
 * time): what passes between two readings is added up only where they are close to each other.  The
 * error is that of the readings at both ends of each such stretch over all of the interval.
 *
 * Sources: Intel 8254 data sheet (latch, mode 0); ACPI 6.5 4.8.3.3 (PM timer); SDM CPUID 15H, 16H.
 */
#include "calibrate.h"

#include "acpi.h"
#include "lapic.h"
#include "layer.h"
#include "machine_reader.h"
#include "timescale.h"

#define PM_TIMER_HZ  3579545u
#define PIT_HZ       1193182u
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND  0x43
#define PORT_B       0x61 /* bit 0: gate of channel 2, bit 1: speaker */
#define INTERVAL_MS  25u
#define TSC_SHIFT    8
#define TRIES        10000 /* without the counter moving */
#define WARM_UP      24
#define CLOSE        256 /* readings are close that are this many times the time of one apart */

struct reading {
    uint64_t tsc;
    uint32_t count, lapic;
};

typedef uint32_t count_function(uint16_t port);

static uint32_t pm_timer_count(uint16_t port)
{
    return port_read32(port) & 0xffffff;
}

/* Counts up, as the PM timer does. */
static uint32_t pit_count(uint16_t port)
{
    port_write8(PIT_COMMAND, 0x80); /* latch channel 2 */
    uint32_t low = port_read8(port);
    uint32_t high = port_read8(port);
    return 0xffff - (high << 8 | low);
}

/* What is left to measure the LAPIC timer by. */
static uint32_t tsc_count(uint16_t port)
{
    (void)port;
    return (uint32_t)(cpu_tsc() >> TSC_SHIFT);
}

struct counter {
    count_function *count;
    uint16_t port;
    uint32_t mask, hz;
};

/* Returns the TSC time that it took. */
static uint64_t take_reading(const struct counter *c, struct reading *ret)
{
    uint64_t before = cpu_tsc();
    ret->count = c->count(c->port);
    ret->lapic = lapic_present() ? lapic_timer_count() : 0;
    uint64_t window = cpu_tsc() - before;
    ret->tsc = before + window / 2;
    return window;
}

/* False when the counter does not move, or moves no more. */
static bool measure(const struct counter *c, struct calibration *ret)
{
    uint32_t want = c->hz / 1000 * (c->mask == 0xffff ? 40u : INTERVAL_MS);
    uint32_t ticks = 0, lapic = 0, tries = 0;
    uint64_t tsc = 0, looked, least = UINT64_MAX;
    struct reading last, now;
    bool away = true;
    if (lapic_present())
        lapic_timer_free_run();
    for (int i = 0; i < WARM_UP; i++) {
        uint64_t window = take_reading(c, &last);
        least = window < least ? window : least;
    }
    for (looked = last.tsc; ticks < want; looked = now.tsc) {
        uint64_t window = take_reading(c, &now);
        if (window < least)
            least = window;
        away = away || now.tsc - looked > least * CLOSE;
        if (window > least + least / 4) {
            least += least / 64 + 1; /* maybe they take longer from now on */
            continue;
        }
        uint32_t moved = away ? 0 : (now.count - last.count) & c->mask;
        tries = moved ? 0 : tries + 1;
        if (tries > TRIES)
            return false;
        if (!away) {
            tsc += now.tsc - last.tsc;
            ticks += moved;
            lapic += last.lapic - now.lapic;
        }
        last = now;
        away = false;
    }
    ret->tsc_hz = multiply_divide_u64(tsc, c->hz, ticks);
    ret->lapic_hz = multiply_divide_u64(lapic, c->hz, ticks);
    return ret->tsc_hz != 0;
}

static bool by_pm_timer(struct calibration *ret)
{
    uint64_t fadt;
    uint32_t size, block;
    if (!acpi_find(&machine_reader, layer.handover->rsdp, "FACP", 0, &fadt, &size) || size < 80 ||
        !reader_u32(&machine_reader, fadt + 76, &block) || block == 0 || block > 0xfffc)
        return false;
    ret->by = "ACPI PM timer";
    const struct counter timer = {pm_timer_count, (uint16_t)block, 0xffffff, PM_TIMER_HZ};
    return measure(&timer, ret);
}

static bool by_pit(struct calibration *ret)
{
    static const struct counter timer = {pit_count, PIT_CHANNEL2, 0xffff, PIT_HZ};
    ret->by = "PIT";
    uint8_t old = port_read8(PORT_B);
    port_write8(PORT_B, (uint8_t)((old & ~2u) | 1)); /* gate on, speaker off */
    port_write8(PIT_COMMAND, 0xb0);                  /* channel 2, low then high byte, mode 0 */
    port_write8(PIT_CHANNEL2, 0xff);
    port_write8(PIT_CHANNEL2, 0xff);
    bool good = measure(&timer, ret); /* at 0 it goes on from the top */
    port_write8(PORT_B, old);
    return good;
}

static void by_cpuid(struct calibration *ret)
{
    uint32_t id[4], top[4];
    cpu_cpuid(0, 0, top);
    ret->by = "CPUID";
    ret->tsc_hz = 0;
    if (top[0] >= 0x15) {
        cpu_cpuid(0x15, 0, id);
        if (id[0] != 0 && id[1] != 0 && id[2] != 0)
            ret->tsc_hz = multiply_divide_u64(id[2], id[1], id[0]);
    }
    if (ret->tsc_hz == 0 && top[0] >= 0x16) {
        cpu_cpuid(0x16, 0, id);
        ret->tsc_hz = (uint64_t)(id[0] & 0xffff) * 1000000;
    }
    if (ret->tsc_hz < 1000000) { /* no leaf, or none that can be meant */
        ret->tsc_hz = 1000000000;
        ret->by = "guess: no clock to measure it by";
    }
    if (lapic_present()) {
        const struct counter tsc = {tsc_count, 0, UINT32_MAX, (uint32_t)(ret->tsc_hz >> TSC_SHIFT)};
        struct calibration timer = {0};
        if (measure(&tsc, &timer))
            ret->lapic_hz = timer.lapic_hz;
    }
}

void calibrate(struct calibration *ret)
{
    *ret = (struct calibration){0};
    if (!by_pm_timer(ret) && !by_pit(ret))
        by_cpuid(ret);
    if (lapic_present())
        lapic_timer_arm(0);
}
