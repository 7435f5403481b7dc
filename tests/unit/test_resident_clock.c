/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Measuring clocks and reading the CMOS clock (calibrate.c, rtc.c) on a machine whose CPU is away
 * now and then, as on a busy host, while its clocks go on: seeded, so each run is the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "acpi.h"
#include "calibrate.h"
#include "lapic.h"
#include "machine_reader.h"
#include "rtc.h"
#include "timer.h"

#define TSC_HZ    UINT64_C(2600000000)
#define LAPIC_HZ  62500000u
#define PM_PORT   0x608
#define FADT      0x1000
#define SECOND_NS UINT64_C(1000000000)
#define UPDATE_NS UINT64_C(2228000)    /* before each new second */
#define EPOCH     UINT64_C(1767225590) /* 10 s before 2026 */

struct layer layer;

static struct {
    uint64_t ns;
    uint32_t away_one_in;      /* accesses; 0 = never */
    uint64_t away_ns;          /* at most, each time */
    bool pm, pit, lapic, cmos; /* there, and running */
    uint64_t pm_stops;         /* then its count stays; 0 = never */
    bool cpuid;                /* leaf 0x16 */
    uint64_t update_until;     /* UIP is stuck until then */
    uint8_t status_b;
    uint64_t pit_start, pit_latched, lapic_start;
    uint8_t cmos_index;
    bool pit_high;
} machine;

/* ---- the machine ---------------------------------------------------------------------------- */

static uint64_t seed;

static uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static void pass(uint64_t ns)
{
    machine.ns += ns;
    if (machine.away_one_in && chance(machine.away_one_in) == 0)
        machine.ns += chance(machine.away_ns);
}

static uint64_t count_of(uint64_t ns, uint64_t hz)
{
    return (uint64_t)((unsigned __int128)ns * hz / SECOND_NS);
}

uint64_t cpu_tsc(void)
{
    pass(100);
    return count_of(machine.ns, TSC_HZ);
}

uint64_t time_ns(void)
{
    pass(20);
    return machine.ns;
}

void cpu_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
    (void)subleaf;
    memset(ret, 0, 16);
    if (leaf == 0)
        ret[0] = machine.cpuid ? 0x16 : 1;
    if (leaf == 0x16)
        ret[0] = (uint32_t)(TSC_HZ / 1000000);
}

bool lapic_present(void)
{
    return machine.lapic;
}

void lapic_timer_free_run(void)
{
    pass(100);
    machine.lapic_start = machine.ns;
}

void lapic_timer_arm(uint64_t ticks)
{
    (void)ticks;
}

uint32_t lapic_timer_count(void)
{
    pass(500);
    uint64_t gone = count_of(machine.ns - machine.lapic_start, LAPIC_HZ);
    return gone > UINT32_MAX ? 0 : UINT32_MAX - (uint32_t)gone;
}

bool acpi_find(const struct reader *reader, uint64_t rsdp, const char *signature, uint32_t index,
               uint64_t *ret_at, uint32_t *ret_size)
{
    (void)reader, (void)rsdp, (void)index;
    assert_string_equal(signature, "FACP");
    *ret_at = FADT;
    *ret_size = 116;
    return true;
}

static bool read_fadt(const struct reader *reader, uint64_t at, void *to, size_t size)
{
    (void)reader;
    assert_int_equal(at, FADT + 76);
    assert_int_equal(size, 4);
    memcpy(to, &(uint32_t){PM_PORT}, 4);
    return true;
}

const struct reader machine_reader = {read_fadt, NULL};

uint32_t port_read32(uint16_t port)
{
    assert_int_equal(port, PM_PORT);
    pass(500);
    uint64_t ns = machine.pm_stops && machine.ns > machine.pm_stops ? machine.pm_stops : machine.ns;
    uint32_t value = machine.pm ? (uint32_t)count_of(ns, 3579545) & 0xffffff : 0x123456;
    pass(500);
    return value;
}

static int cmos_field(const struct tm *tm)
{
    switch (machine.cmos_index) {
    case 0:
        return tm->tm_sec;
    case 2:
        return tm->tm_min;
    case 4:
        return machine.status_b & 2 ? tm->tm_hour : (tm->tm_hour + 11) % 12 + 1;
    case 7:
        return tm->tm_mday;
    case 8:
        return tm->tm_mon + 1;
    default:
        assert_int_equal(machine.cmos_index, 9);
        return tm->tm_year % 100;
    }
}

static uint8_t cmos_read(void)
{
    time_t when = (time_t)(EPOCH + machine.ns / SECOND_NS);
    struct tm tm;
    if (!machine.cmos)
        return 0xff;
    if (machine.cmos_index == 0x0a)
        return machine.ns < machine.update_until || machine.ns % SECOND_NS > SECOND_NS - UPDATE_NS
                   ? 0xa6
                   : 0x26;
    if (machine.cmos_index == 0x0b)
        return machine.status_b;
    gmtime_r(&when, &tm);
    int value = cmos_field(&tm);
    if (!(machine.status_b & 4))
        value = value / 10 << 4 | value % 10;
    if (machine.cmos_index == 4 && !(machine.status_b & 2) && tm.tm_hour >= 12)
        value |= 0x80;
    return (uint8_t)value;
}

uint8_t port_read8(uint16_t port)
{
    uint8_t value = 0;
    pass(500);
    if (port == 0x42) {
        value = (uint8_t)(machine.pit_high ? machine.pit_latched >> 8 : machine.pit_latched);
        machine.pit_high = !machine.pit_high;
    } else if (port == 0x71) {
        value = cmos_read();
    }
    pass(500);
    return value;
}

void port_write8(uint16_t port, uint8_t value)
{
    pass(500);
    if (port == 0x70)
        machine.cmos_index = value;
    else if (port == 0x43 && value == 0x80) /* latch */
        machine.pit_latched =
            machine.pit ? 0xffff - count_of(machine.ns - machine.pit_start, 1193182) : 0x1234;
    else if (port == 0x43)
        machine.pit_start = machine.ns;
    pass(500);
}

static void begin(uint64_t number)
{
    static struct handover handover;
    seed = number * 7919 + 1;
    layer.handover = &handover;
    memset(&machine, 0, sizeof(machine));
    machine.ns = SECOND_NS + chance(100 * SECOND_NS);
    machine.lapic = machine.cmos = true;
    machine.status_b = 2;
}

/* ---- rates ---------------------------------------------------------------------------------- */

static void assert_rate(uint64_t found, uint64_t right)
{
    uint64_t error = found > right ? found - right : right - found;
    if (error > right / 10000) /* 100 ppm */
        fail_msg("%llu Hz where %llu is right", (unsigned long long)found,
                 (unsigned long long)right);
}

/* How often and how long the CPU is away: not; as on a busy host; for seconds, so that a PM timer
 * goes round. */
static const struct {
    uint32_t one_in;
    uint64_t ns;
} away[] = {{0, 0}, {20000, 30000000}, {5000, 300000000}, {200000, 10 * SECOND_NS}};

static void measure_by(const char *by, bool pm, bool pit, bool cpuid)
{
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
        for (unsigned run = 0; run < 8; run++) {
            struct calibration found;
            begin(run);
            machine.pm = pm;
            machine.pit = pit;
            machine.cpuid = cpuid;
            machine.away_one_in = away[i].one_in;
            machine.away_ns = away[i].ns;
            machine.lapic = run % 4 != 0;
            calibrate(&found);
            assert_string_equal(found.by, by);
            assert_rate(found.tsc_hz, TSC_HZ);
            if (machine.lapic)
                assert_rate(found.lapic_hz, LAPIC_HZ);
            else
                assert_int_equal(found.lapic_hz, 0);
        }
    }
}

static void test_by_pm_timer(void **state)
{
    (void)state;
    measure_by("ACPI PM timer", true, true, true);
}

static void test_by_pit(void **state)
{
    (void)state;
    measure_by("PIT", false, true, true);
}

/* A counter that stops while it is measured is not waited for. */
static void test_stopped(void **state)
{
    struct calibration found;
    (void)state;
    begin(0);
    machine.pm = machine.pit = true;
    machine.pm_stops = machine.ns + 10000000;
    calibrate(&found);
    assert_string_equal(found.by, "PIT");
    assert_rate(found.tsc_hz, TSC_HZ);
}

static void test_by_cpuid(void **state)
{
    (void)state;
    measure_by("CPUID", false, false, true);
}

static void test_by_nothing(void **state)
{
    struct calibration found;
    (void)state;
    begin(0);
    calibrate(&found);
    assert_int_equal(found.tsc_hz, 1000000000);
    assert_rate(found.lapic_hz * 26 / 10, LAPIC_HZ); /* relative to the guess */
}

/* ---- the CMOS clock ------------------------------------------------------------------------- */

static uint64_t now(void)
{
    return EPOCH + machine.ns / SECOND_NS;
}

/* Anywhere in a second, in every format, however busy the host: a second that was while it read. */
static void test_clock(void **state)
{
    static const uint8_t formats[] = {0, 2, 4, 6};
    (void)state;
    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++) {
        for (unsigned run = 0; run < 1000; run++) {
            begin(run);
            machine.ns = chance(20 * SECOND_NS);
            if (run % 2)
                machine.ns += SECOND_NS - UPDATE_NS / 2 - machine.ns % SECOND_NS;
            machine.away_one_in = away[i].one_in ? 30 : 0;
            machine.away_ns = away[i].ns;
            machine.status_b = formats[run / 2 % 4];
            uint64_t before = now(), found = rtc_read();
            assert_in_range(found, before, now());
        }
    }
}

/* An update that does not end is not waited for for ever, and no reason to know nothing. */
static void test_clock_updates(void **state)
{
    (void)state;
    for (unsigned run = 0; run < 100; run++) {
        begin(run);
        machine.update_until = machine.ns + chance(3 * SECOND_NS);
        uint64_t before = machine.ns, second = now(), found = rtc_read();
        assert_in_range(found, second, now());
        assert_true(machine.ns - before < 2 * SECOND_NS);
    }
}

static void test_no_clock(void **state)
{
    (void)state;
    begin(0);
    machine.cmos = false;
    uint64_t before = machine.ns;
    assert_int_equal(rtc_read(), 0);
    assert_true(machine.ns - before < 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_pm_timer),   cmocka_unit_test(test_by_pit),
        cmocka_unit_test(test_stopped),       cmocka_unit_test(test_by_cpuid),
        cmocka_unit_test(test_by_nothing),    cmocka_unit_test(test_clock),
        cmocka_unit_test(test_clock_updates), cmocka_unit_test(test_no_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
