/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Folding for CRC-32 against zlib's tables: every number of blocks up to twenty, every alignment,
 * in buffers of the exact size, from any remainder on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>

#include "crc32_fold.h"

static void has_the_remainder_of_all(void **state)
{
    unsigned seed = 5;
    (void)state;
    if (!__builtin_cpu_supports("pclmul"))
        skip();
    for (size_t blocks = 1; blocks <= 20; blocks++) {
        for (size_t offset = 0; offset < 16; offset++) {
            size_t size = blocks * CRC32_FOLD_BLOCK;
            uint8_t *room = malloc(size + offset), *data = room + offset, rest[CRC32_FOLD_REST];
            for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t)rand_r(&seed);
            uint32_t start = offset ? (uint32_t)rand_r(&seed) : 0;
            crc32_fold(data, size, ~start, rest);
            assert_int_equal(crc32(~0u, rest, sizeof(rest)), crc32(start, data, (unsigned)size));
            free(room);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_remainder_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
