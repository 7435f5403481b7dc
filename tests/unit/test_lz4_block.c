/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The LZ4 block decoders against liblz4's compressor, in buffers of the exact size: every period of
 * repetition, room that is short by one, history in front, every place of a match near the end, and
 * damaged input.
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

/* Every case with both; they are told apart by cmocka's state. */
typedef enum lz4_block_status decoder(const uint8_t *, size_t, uint8_t *, size_t, size_t, size_t *);
static decoder *const decoders[] = {lz4_block_decode, lz4_block_decode_sse2};
#define DECODE(...) (**(decoder *const *)*state)(__VA_ARGS__)

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
    for (int round = 0; round < 4000; round++) {
        size_t size = make_plain(&seed), got = 0;
        int used =
            LZ4_compress_default((const char *)plain, (char *)packed, (int)size, sizeof(packed));
        uint8_t *in = exact(packed, (size_t)used), *out = malloc(size ? size : 1);
        assert_int_equal(DECODE(in, (size_t)used, out, size, 0, &got), LZ4_BLOCK_OK);
        assert_int_equal(got, size);
        assert_memory_equal(out, plain, size);
        free(out);
        if (size) {
            out = malloc(size);
            assert_int_equal(DECODE(in, (size_t)used, out, size - 1, 0, &got), LZ4_BLOCK_FULL);
            free(out);
            size_t shorter = (size_t)rand_r(&seed) % (size_t)used;
            uint8_t *cut = exact(packed, shorter);
            out = malloc(size);
            if (DECODE(cut, shorter, out, size, 0, &got) == LZ4_BLOCK_OK)
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
    for (int round = 0; round < 500; round++) {
        size_t size = make_plain(&seed), half = size / 2, got = 0;
        LZ4_stream_t *stream = LZ4_createStream();
        LZ4_loadDict(stream, (const char *)plain, (int)half);
        int used = LZ4_compress_fast_continue(stream, (const char *)plain + half, (char *)packed,
                                              (int)(size - half), sizeof(packed), 1);
        uint8_t *out = exact(plain, size);
        memset(out + half, 0, size - half);
        assert_int_equal(DECODE(packed, (size_t)used, out + half, size - half, half, &got),
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
    for (int round = 0; round < 20000; round++) {
        size_t size = make_plain(&seed), got = 0;
        int used =
            LZ4_compress_default((const char *)plain, (char *)packed, (int)size, sizeof(packed));
        uint8_t *in = exact(packed, (size_t)used), *out = malloc(size ? size : 1);
        for (int i = 0; i < 3; i++)
            in[(size_t)rand_r(&seed) % (size_t)used] = (uint8_t)rand_r(&seed);
        enum lz4_block_status status = DECODE(in, (size_t)used, out, size, 0, &got);
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
    assert_int_equal(DECODE(out, 0, out, 64, 0, &got), LZ4_BLOCK_CORRUPT);
    assert_int_equal(DECODE((const uint8_t *)"\x20z", 2, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* literals past the end */
    assert_int_equal(DECODE((const uint8_t *)"\x10z\0\0\0", 5, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* offset 0 */
    assert_int_equal(DECODE((const uint8_t *)"\x10z\2\0\0", 5, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* offset before the start */
    assert_int_equal(DECODE((const uint8_t *)"\x10z\1\0", 4, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* ends behind a match */
    assert_int_equal(DECODE((const uint8_t *)"\xf0\xff\xff\xff", 4, out, 64, 0, &got),
                     LZ4_BLOCK_CORRUPT); /* a length that runs out */
    assert_int_equal(DECODE((const uint8_t *)"\0", 1, out, 0, 0, &got), LZ4_BLOCK_OK);
    assert_int_equal(got, 0);
}

/* Literals, then a match, then literals that end the block: all offsets up to 40 (below, at and
 * above each step), all match lengths with one token byte and a few more, all distances of the
 * match from the end of the room.  What stands behind the room is watched by the sanitizer. */
static void matches_near_the_end(void **state)
{
    for (size_t offset = 1; offset <= 40; offset++) {
        for (size_t length = 4; length <= 100; length += length < 24 ? 1 : 19) {
            for (size_t tail = 5; tail <= 90; tail += tail < 40 ? 1 : 17) {
                uint8_t block[300], *at = block;
                size_t size = 0, got = 0;
                uint8_t expected[300];
                *at++ = (uint8_t)(15 << 4 | (length - 4 < 15 ? length - 4 : 15));
                *at++ = 40 - 15;
                for (size_t i = 0; i < 40; i++)
                    *at++ = expected[size++] = (uint8_t)(i * 7 + 1);
                *at++ = (uint8_t)offset;
                *at++ = 0;
                if (length - 4 >= 15)
                    *at++ = (uint8_t)(length - 4 - 15);
                for (size_t i = 0; i < length; i++, size++)
                    expected[size] = expected[size - offset];
                *at++ = (uint8_t)((tail < 15 ? tail : 15) << 4);
                if (tail >= 15)
                    *at++ = (uint8_t)(tail - 15);
                for (size_t i = 0; i < tail; i++)
                    *at++ = expected[size++] = (uint8_t)(200 - i);
                uint8_t *in = exact(block, (size_t)(at - block)), *out = malloc(size);
                assert_int_equal(DECODE(in, (size_t)(at - block), out, size, 0, &got),
                                 LZ4_BLOCK_OK);
                assert_int_equal(got, size);
                assert_memory_equal(out, expected, size);
                free(out);
                out = malloc(40 + length - 1);
                assert_int_equal(DECODE(in, (size_t)(at - block), out, 40 + length - 1, 0, &got),
                                 LZ4_BLOCK_FULL);
                free(out);
                free(in);
            }
        }
    }
}

/* A run that fills a block to its last byte but the closing literals: what a kernel's zeroes are.
 */
static void run_to_the_end(void **state)
{
    static uint8_t zeroes[200000];
    int used =
        LZ4_compress_default((const char *)zeroes, (char *)packed, sizeof(zeroes), sizeof(packed));
    size_t got = 0;
    uint8_t *out = malloc(sizeof(zeroes));
    memset(out, 1, sizeof(zeroes));
    assert_int_equal(DECODE(packed, (size_t)used, out, sizeof(zeroes), 0, &got), LZ4_BLOCK_OK);
    assert_int_equal(got, sizeof(zeroes));
    assert_memory_equal(out, zeroes, sizeof(zeroes));
    free(out);
}

#define WITH_BOTH(test)                                                                            \
    cmocka_unit_test_prestate(test, (void *)(uintptr_t)&decoders[0]),                              \
        cmocka_unit_test_prestate(test, (void *)(uintptr_t)&decoders[1])

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOTH(agrees_with_the_compressor),
        WITH_BOTH(uses_what_stands_before),
        WITH_BOTH(damaged_input_stays_inside),
        WITH_BOTH(matches_near_the_end),
        WITH_BOTH(run_to_the_end),
        WITH_BOTH(malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
