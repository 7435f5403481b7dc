/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ranges against a bitmap: every pair of ranges inside 0..12, and the edges of 64 bits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "range.h"

#define SPACE 12

static uint32_t bits(struct range r)
{
    uint32_t set = 0;
    for (uint64_t i = r.start; i < r.end; i++)
        set |= 1u << i;
    return set;
}

static struct range make(uint64_t start, uint64_t end)
{
    struct range r;
    assert_true(range_from_bounds(start, end, &r));
    return r;
}

static void all_small_pairs_agree_with_a_bitmap(void **state)
{
    (void)state;
    for (uint64_t a = 0; a <= SPACE; a++)
        for (uint64_t b = a; b <= SPACE; b++)
            for (uint64_t c = 0; c <= SPACE; c++)
                for (uint64_t d = c; d <= SPACE; d++) {
                    struct range x = make(a, b), y = make(c, d);
                    assert_int_equal(range_overlaps(x, y), (bits(x) & bits(y)) != 0);
                    assert_int_equal(range_contains(x, y), (bits(y) & ~bits(x)) == 0);
                    struct range common = range_intersect(x, y);
                    assert_true(common.start <= common.end);
                    assert_int_equal(bits(common), bits(x) & bits(y));
                    assert_int_equal(range_is_empty(x), bits(x) == 0);
                    assert_int_equal(range_size(x), b - a);
                }
}

static void making_refuses_to_wrap_or_run_backwards(void **state)
{
    struct range r = {7, 9};
    (void)state;
    assert_false(range_from_size(UINT64_MAX, 2, &r));
    assert_false(range_from_size(1, UINT64_MAX, &r));
    assert_false(range_from_bounds(5, 4, &r));
    assert_int_equal(r.start, 7);
    assert_int_equal(r.end, 9);
    assert_true(range_from_size(UINT64_MAX, 0, &r));
    assert_true(range_is_empty(r));
    assert_true(range_from_size(UINT64_MAX - 4, 4, &r));
    assert_int_equal(r.end, UINT64_MAX);
    for (uint64_t start = 0; start <= SPACE; start++)
        for (uint64_t size = 0; size <= SPACE; size++) {
            assert_true(range_from_size(start, size, &r));
            assert_int_equal(range_size(r), size);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_small_pairs_agree_with_a_bitmap),
        cmocka_unit_test(making_refuses_to_wrap_or_run_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
