/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clock arithmetic: the scale that guests read against exact 128-bit arithmetic, deadlines that are
 * never early, the calendar against the C library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "timescale.h"

/* The examples of the interface: 2.4 GHz, 1 GHz, 100 MHz. */
static void test_known(void **state)
{
    (void)state;
    struct timescale s = timescale_from_hz(2400000000u);
    assert_int_equal(s.shift, -1);
    assert_int_equal(s.mul, 0xd5555555u);
    s = timescale_from_hz(1000000000);
    assert_int_equal(s.shift, 1);
    assert_int_equal(s.mul, 0x80000000u);
    s = timescale_from_hz(100000000);
    assert_int_equal(s.shift, 4);
    assert_int_equal(s.mul, 0xa0000000u);
    assert_int_not_equal(timescale_from_hz(0).mul, 0);
}

static uint64_t random64(void)
{
    return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

static void test_scale(void **state)
{
    (void)state;
    srandom(2);
    for (int i = 0; i < 20000; i++) {
        uint64_t hz = 1000000 + random64() % 10000000000u;
        uint64_t ticks = random64() % (hz * 100000); /* a day and more */
        uint64_t exact = (uint64_t)((unsigned __int128)ticks * 1000000000 / hz);
        uint64_t ns = timescale_ns(timescale_from_hz(hz), ticks);
        uint64_t error = ns > exact ? ns - exact : exact - ns;
        assert_true(error <= exact / 1000000000 + 8); /* one in 10^9: mul has 32 bits */
    }
}

static void test_ticks_never_early(void **state)
{
    (void)state;
    srandom(3);
    for (int i = 0; i < 20000; i++) {
        uint64_t hz = 1000000 + random64() % 10000000000u;
        uint64_t ns = random64() % UINT64_C(1000000000000000);
        unsigned __int128 need = ((unsigned __int128)ns * hz + 999999999) / 1000000000;
        uint64_t ticks = timescale_ticks(hz, ns);
        assert_true(ticks >= need);
        assert_true(ticks <= need + 2);
    }
    assert_true(timescale_ticks(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
    assert_int_equal(timescale_ticks(0, 5), 0);
}

static void test_divide(void **state)
{
    (void)state;
    srandom(4);
    for (int i = 0; i < 20000; i++) {
        uint64_t a = random64() >> (random() % 64);
        uint32_t b = (uint32_t)random() | 1, c = (uint32_t)random() | 1, rem;
        assert_true(divide_u64_u32(a, b, &rem) == a / b);
        assert_int_equal(rem, a % b);
        unsigned __int128 exact = (unsigned __int128)a * b / c;
        uint64_t got = multiply_divide_u64(a, b, c);
        assert_true(exact >> 64 ? got == UINT64_MAX : got == (uint64_t)exact);
    }
}

static void test_calendar(void **state)
{
    (void)state;
    srandom(5);
    for (int i = 0; i < 20000; i++) {
        time_t when = (time_t)(random64() % UINT64_C(200000000000));
        struct tm tm;
        gmtime_r(&when, &tm);
        struct calendar c = {(uint32_t)tm.tm_year + 1900, (uint32_t)tm.tm_mon + 1,
                             (uint32_t)tm.tm_mday,        (uint32_t)tm.tm_hour,
                             (uint32_t)tm.tm_min,         (uint32_t)tm.tm_sec};
        assert_true(calendar_to_unix(&c) == (uint64_t)when);
    }
    struct calendar bad = {2024, 13, 1, 0, 0, 0};
    assert_int_equal(calendar_to_unix(&bad), 0);
    bad = (struct calendar){2165, 165, 165, 165, 165, 165}; /* a bus without a clock: all ones */
    assert_int_equal(calendar_to_unix(&bad), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_ticks_never_early),
        cmocka_unit_test(test_divide),
        cmocka_unit_test(test_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
