/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Views: every slice of a small one, reads at and past its end, strings with and without a NUL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "view.h"

#define SIZE 11

static struct view make(uint8_t *bytes)
{
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i + 1);
    return (struct view){bytes, SIZE};
}

static void every_slice(void **state)
{
    uint8_t *bytes = malloc(SIZE);
    struct view v = make(bytes), part;
    (void)state;
    for (uint64_t offset = 0; offset < SIZE + 3; offset++)
        for (uint64_t size = 0; size < SIZE + 3; size++) {
            part = (struct view){NULL, 99};
            bool inside = offset + size <= SIZE;
            assert_int_equal(view_slice(v, offset, size, &part), inside);
            assert_int_equal(part.size, inside ? size : 99);
            if (inside)
                assert_ptr_equal(part.data, bytes + offset);
        }
    assert_false(view_slice(v, 2, UINT64_MAX, &part));
    assert_false(view_slice(v, UINT64_MAX, 2, &part));
    assert_false(view_slice(v, UINT64_MAX, UINT64_MAX, &part));
    free(bytes);
}

static void numbers_are_little_endian_and_unaligned(void **state)
{
    uint8_t *bytes = malloc(SIZE);
    struct view v = make(bytes);
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    (void)state;
    assert_true(view_u8(v, SIZE - 1, &u8));
    assert_int_equal(u8, SIZE);
    assert_true(view_u16(v, 1, &u16));
    assert_int_equal(u16, 0x0302);
    assert_true(view_u32(v, 3, &u32));
    assert_int_equal(u32, 0x07060504);
    assert_true(view_u64(v, SIZE - 8, &u64));
    assert_int_equal(u64, 0x0b0a090807060504);
    assert_false(view_u8(v, SIZE, &u8));
    assert_false(view_u16(v, SIZE - 1, &u16));
    assert_false(view_u32(v, SIZE - 3, &u32));
    assert_false(view_u64(v, SIZE - 7, &u64));
    assert_false(view_u64(v, UINT64_MAX - 3, &u64));
    assert_int_equal(u16, 0x0302);
    free(bytes);
}

static void strings_end_somewhere(void **state)
{
    uint8_t *bytes = malloc(SIZE);
    struct view v = make(bytes);
    (void)state;
    assert_int_equal(view_string_length(v, 0, 100), SIZE);
    assert_int_equal(view_string_length(v, 4, 3), 3);
    assert_int_equal(view_string_length(v, SIZE, 3), 0);
    assert_int_equal(view_string_length(v, UINT64_MAX, 3), 0);
    bytes[5] = 0;
    assert_int_equal(view_string_length(v, 0, 100), 5);
    assert_int_equal(view_string_length(v, 5, 100), 0);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slice),
        cmocka_unit_test(numbers_are_little_endian_and_unaligned),
        cmocka_unit_test(strings_end_somewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
