/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checked arithmetic against 128-bit arithmetic, at the edges where it can go wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "checked.h"
#include "number.h"

typedef unsigned __int128 wide;

static const uint64_t edge[] = {0,
                                1,
                                2,
                                3,
                                7,
                                4095,
                                4096,
                                4097,
                                0x7fffffff,
                                0x80000000,
                                0xfffffffe,
                                0xffffffff,
                                0x100000000,
                                0x100000001,
                                0x7fffffffffffffff,
                                0x8000000000000000,
                                0xfffffffffffff000,
                                0xfffffffffffffffe,
                                0xffffffffffffffff};
#define EDGES (sizeof(edge) / sizeof(edge[0]))

static void sums_differences_and_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDGES; i++)
        for (size_t j = 0; j < EDGES; j++) {
            uint64_t a = edge[i], b = edge[j], r = 42;
            bool fits = (wide)a + b <= UINT64_MAX;
            assert_int_equal(checked_add_u64(a, b, &r), fits);
            assert_int_equal(r, fits ? a + b : 42);
            r = 42;
            assert_int_equal(checked_sub_u64(a, b, &r), a >= b);
            assert_int_equal(r, a >= b ? a - b : 42);
            r = 42;
            fits = (wide)a * (uint32_t)b <= UINT64_MAX;
            assert_int_equal(checked_mul_u64(a, (uint32_t)b, &r), fits);
            assert_int_equal(r, fits ? a * (uint32_t)b : 42);
        }
}

static void alignment_and_narrowing(void **state)
{
    (void)state;
    for (size_t i = 0; i < EDGES; i++)
        for (unsigned shift = 0; shift < 40; shift += 4) {
            uint64_t a = edge[i], align = UINT64_C(1) << shift, r = 42;
            wide up = ((wide)a + align - 1) / align * align;
            /* checked_align_up_u64() may refuse only what really does not fit. */
            bool fits = up <= UINT64_MAX;
            assert_int_equal(checked_align_up_u64(a, align, &r), fits);
            assert_int_equal(r, fits ? (uint64_t)up : 42);
            assert_int_equal(align_down_u64(a, align), a / align * align);
            uint32_t narrow = 42;
            assert_int_equal(narrow_u32(a, &narrow), a <= UINT32_MAX);
            assert_int_equal(narrow, a <= UINT32_MAX ? (uint32_t)a : 42);
        }
}

static bool scan(const char *text, uint64_t *ret)
{
    return number_parse(text, __builtin_strlen(text), false, ret);
}

static void numbers_from_text(void **state)
{
    uint64_t value = 42;
    (void)state;
    assert_true(scan("0", &value) && value == 0);
    assert_true(scan("0x0", &value) && value == 0);
    assert_true(scan("010", &value) && value == 8);
    assert_true(scan("1234567890123456789", &value) && value == UINT64_C(1234567890123456789));
    assert_true(scan("18446744073709551615", &value) && value == UINT64_MAX);
    assert_true(scan("0xFFFFffff80000000", &value) && value == UINT64_C(0xffffffff80000000));
    value = 42;
    assert_false(scan("18446744073709551616", &value));
    assert_false(scan("0x10000000000000000", &value));
    assert_false(scan("", &value));
    assert_false(scan("0x", &value));
    assert_false(scan("-1", &value));
    assert_false(scan("12a", &value));
    assert_false(scan("08", &value));
    assert_int_equal(value, 42);
    assert_true(number_parse("512M", 4, true, &value) && value == 512 << 20);
    assert_true(number_parse("2g", 2, true, &value) && value == UINT64_C(2) << 30);
    assert_true(number_parse("3k", 2, true, &value) && value == 3 << 10);
    assert_true(number_parse("1T", 2, true, &value) && value == UINT64_C(1) << 40);
    assert_true(number_parse("123M", 2, true, &value) && value == 12);
    assert_false(number_parse("16777216T", 9, true, &value));
    assert_false(number_parse("1X", 2, true, &value));
    assert_false(number_parse("1M", 2, false, &value));
    assert_false(number_parse("1MB", 3, true, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_differences_and_products),
        cmocka_unit_test(alignment_and_narrowing),
        cmocka_unit_test(numbers_from_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
