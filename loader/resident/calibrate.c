/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clock calibration.  See calibrate.h.
 *
 * Reading a port takes about a microsecond, and under an emulator or an SMI it may take far longer.
 * So each end of the measured interval is the best of several readings: the one with the least TSC
 * time around the port access.  The error is that window over the whole interval.
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
#define TRIES        24

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

static struct reading best_reading(count_function *count, uint16_t port)
{
    struct reading best = {0};
    uint64_t best_window = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = cpu_tsc();
        uint32_t value = count(port);
        uint32_t lapic = lapic_present() ? lapic_timer_count() : 0;
        uint64_t window = cpu_tsc() - before;
        if (window < best_window) {
            best_window = window;
            best = (struct reading){before + window / 2, value, lapic};
        }
    }
    return best;
}

/* False when the counter does not move. */
static bool measure(count_function *count, uint16_t port, uint32_t mask, uint32_t hz,
                    struct calibration *ret)
{
    uint32_t want = hz / 1000 * (mask == 0xffff ? 40u : INTERVAL_MS);
    struct reading start = best_reading(count, port);
    uint32_t last = start.count, elapsed = 0, stuck = 0;
    while (elapsed < want) {
        uint32_t value = count(port);
        stuck = value == last ? stuck + 1 : 0;
        if (stuck > 100000)
            return false;
        last = value;
        elapsed = (value - start.count) & mask;
    }
    struct reading end = best_reading(count, port);
    elapsed = (end.count - start.count) & mask;
    if (elapsed < want / 2) /* wrapped: the CPU was away for longer than the counter's reach */
        return false;
    ret->tsc_hz = multiply_divide_u64(end.tsc - start.tsc, hz, elapsed);
    ret->lapic_hz =
        lapic_present() ? multiply_divide_u64((uint32_t)(start.lapic - end.lapic), hz, elapsed) : 0;
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
    return measure(pm_timer_count, (uint16_t)block, 0xffffff, PM_TIMER_HZ, ret);
}

static bool by_pit(struct calibration *ret)
{
    ret->by = "PIT";
    for (int attempt = 0; attempt < 3; attempt++) {
        uint8_t old = port_read8(PORT_B);
        port_write8(PORT_B, (uint8_t)((old & ~2u) | 1)); /* gate on, speaker off */
        port_write8(PIT_COMMAND, 0xb0);                  /* channel 2, low then high byte, mode 0 */
        port_write8(PIT_CHANNEL2, 0xff);
        port_write8(PIT_CHANNEL2, 0xff);
        bool good = measure(pit_count, PIT_CHANNEL2, 0xffff, PIT_HZ, ret);
        port_write8(PORT_B, old);
        if (good)
            return true;
    }
    return false;
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
    if (ret->tsc_hz == 0) {
        ret->tsc_hz = 1000000000;
        ret->by = "guess: no clock to measure it by";
    }
    /* The LAPIC timer against the TSC. */
    if (lapic_present()) {
        uint64_t start = cpu_tsc();
        uint32_t count = lapic_timer_count();
        while (cpu_tsc() - start < ret->tsc_hz >> 5)
            __builtin_ia32_pause();
        ret->lapic_hz = (uint64_t)(count - lapic_timer_count()) << 5;
    }
}

void calibrate(struct calibration *ret)
{
    *ret = (struct calibration){0};
    if (lapic_present())
        lapic_timer_free_run();
    if (!by_pm_timer(ret) && !by_pit(ret))
        by_cpuid(ret);
    if (lapic_present())
        lapic_timer_arm(0);
}
