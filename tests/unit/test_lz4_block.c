/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The LZ4 block decoder against liblz4's compressor, in buffers of the exact size: every period of
 * repetition, room that is short by one, history in front, and damaged input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <lz4.h>
#include <cmocka.h>

#include "lz4_block.h"

#define SIZE_MAX_HERE 3000

static uint8_t plain[SIZE_MAX_HERE], packed[LZ4_COMPRESSBOUND(SIZE_MAX_HERE)];

/* Runs that repeat with a period of 1 to 40, and noise between them. */
static size_t make_plain(unsigned *seed)
{
    size_t size = (size_t)rand_r(seed) % SIZE_MAX_HERE, i = 0;
    while (i < size) {
        size_t period = 1 + (size_t)rand_r(seed) % 40, run = (size_t)rand_r(seed) % 120;
        for (size_t n = (size_t)rand_r(seed) % 30; n && i < size; n--)
            plain[i++] = (uint8_t)rand_r(seed);
        for (; run && i < size && i >= period; run--, i++)
            plain[i] = plain[i - period];
    }
    return size;
}

static uint8_t *exact(const uint8_t *from, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, from, size);
    return copy;
}

static void agrees_with_the_compressor(void **state)
{
    unsigned seed = 11;
    (void)state;
    for (int round = 0; round < 4000; round++) {
        size_t size = make_plain(&seed), got = 0;
        int used =
            LZ4_compress_default((const char *)plain, (char *)packed, (int)size, sizeof(packed));
        uint8_t *in = exact(packed, (size_t)used), *out = malloc(size ? size : 1);
        assert_int_equal(lz4_block_decode(in, (size_t)used, out, size, 0, &got), LZ4_BLOCK_OK);
        assert_int_equal(got, size);
        assert_memory_equal(out, plain, size);
        free(out);
        if (size) {
            out = malloc(size);
            assert_int_equal(lz4_block_decode(in, (size_t)used, out, size - 1, 0, &got),
                             LZ4_BLOCK_FULL);
            free(out);
            size_t shorter = (size_t)rand_r(&seed) % (size_t)used;
            uint8_t *cut = exact(packed, shorter);
            out = malloc(size);
            if (lz4_block_decode(cut, shorter, out, size, 0, &got) == LZ4_BLOCK_OK)
                assert_true(got < size); /* a cut behind literals is a shorter block */
            free(out);
            free(cut);
        }
        free(in);
    }
}

static void uses_what_stands_before(void **state)
{
    unsigned seed = 12;
    (void)state;
    for (int round = 0; round < 500; round++) {
        size_t size = make_plain(&seed), half = size / 2, got = 0;
        LZ4_stream_t *stream = LZ4_createStream();
        LZ4_loadDict(stream, (const char *)plain, (int)half);
        int used = LZ4_compress_fast_continue(stream, (const char *)plain + half, (char *)packed,
                                              (int)(size - half), sizeof(packed), 1);
        uint8_t *out = exact(plain, size);
        memset(out + half, 0, size - half);
        assert_int_equal(
            lz4_block_decode(packed, (size_t)used, out + half, size - half, half, &got),
            LZ4_BLOCK_OK);
        assert_int_equal(got, size - half);
        assert_memory_equal(out, plain, size);
        free(out);
        LZ4_freeStream(stream);
    }
}

static void damaged_input_stays_inside(void **state)
{
    unsigned seed = 13, corrupt = 0;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t size = make_plain(&seed), got = 0;
        int used =
            LZ4_compress_default((const char *)plain, (char *)packed, (int)size, sizeof(packed));
        uint8_t *in = exact(packed, (size_t)used), *out = malloc(size ? size : 1);
        for (int i = 0; i < 3; i++)
            in[(size_t)rand_r(&seed) % (size_t)used] = (uint8_t)rand_r(&seed);
        enum lz4_block_status status = lz4_block_decode(in, (size_t)used, out, size, 0, &got);
        assert_true(status != LZ4_BLOCK_OK || got <= size);
        corrupt += status == LZ4_BLOCK_CORRUPT;
        free(in);
        free(out);
    }
    assert_true(corrupt > 1000);
}

static void malformed(void **state)
{
    size_t got = 1;
    uint8_t out[64] = {0};
    (void)state;
    assert_int_equal(lz4_block_decode(out, 0, out, 64, 0, &got), LZ4_BLOCK_CORRUPT);
    assert_int_equal(lz4_block_decode((const uint8_t *)"\x20z", 2, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* literals past the end */
    assert_int_equal(lz4_block_decode((const uint8_t *)"\x10z\0\0\0", 5, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* offset 0 */
    assert_int_equal(lz4_block_decode((const uint8_t *)"\x10z\2\0\0", 5, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* offset before the start */
    assert_int_equal(lz4_block_decode((const uint8_t *)"\x10z\1\0", 4, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* ends behind a match */
    assert_int_equal(lz4_block_decode((const uint8_t *)"\xf0\xff\xff\xff", 4, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* a length that runs out */
    assert_int_equal(lz4_block_decode((const uint8_t *)"\0", 1, out, 0, 0, &got), LZ4_BLOCK_OK);
    assert_int_equal(got, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_compressor),
        cmocka_unit_test(uses_what_stands_before),
        cmocka_unit_test(damaged_input_stays_inside),
        cmocka_unit_test(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
