/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The domU console ring, its input queue, and the pool of free frames.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "console_ring.h"
#include "frame_pool.h"

static void test_console_output(void **state)
{
    (void)state;
    static struct xencons_interface ring;
    struct console_input input = {0};
    struct out_buffer buffer;
    char text[8192];
    out_buffer_init(&buffer, text, sizeof(text));
    ring.out_cons = ring.out_prod = UINT32_MAX - 1; /* wraps */
    for (int i = 0; i < 5; i++)
        ring.out[MASK_XENCONS_IDX(ring.out_prod++, ring.out)] = "hello"[i];
    assert_true(console_ring_move(&ring, &input, &buffer.out));
    assert_string_equal(text, "hello");
    assert_int_equal(ring.out_cons, ring.out_prod);
    assert_false(console_ring_move(&ring, &input, &buffer.out));

    ring.out_prod = ring.out_cons + sizeof(ring.out); /* full */
    assert_true(console_ring_move(&ring, &input, &buffer.out));
    assert_int_equal(buffer.length, 5 + sizeof(ring.out));
    ring.out_prod = ring.out_cons + sizeof(ring.out) + 1; /* a lie */
    assert_false(console_ring_move(&ring, &input, &buffer.out));
    assert_int_equal(buffer.length, 5 + sizeof(ring.out));
}

static void test_console_input(void **state)
{
    (void)state;
    static struct xencons_interface ring;
    struct console_input input = {0};
    struct out_buffer buffer;
    char text[64];
    out_buffer_init(&buffer, text, sizeof(text));
    for (int i = 0; i < 2000; i++)
        console_input_put(&input, (char)('a' + i % 26));
    assert_int_equal(input.count, CONSOLE_INPUT_SIZE); /* the rest was dropped */
    console_input_take(&input, text, 3);
    assert_memory_equal(text, "abc", 3);
    assert_true(console_ring_move(&ring, &input, &buffer.out));
    assert_int_equal(ring.in_prod, CONSOLE_INPUT_SIZE - 3);
    assert_int_equal(ring.in[0], 'd');
    for (int i = 0; i < 100; i++)
        console_input_put(&input, 'x');
    assert_true(console_ring_move(&ring, &input, &buffer.out)); /* three more fit */
    assert_int_equal(ring.in_prod, sizeof(ring.in));
    assert_false(console_ring_move(&ring, &input, &buffer.out));
    ring.in_cons = 5000; /* a lie */
    assert_false(console_ring_move(&ring, &input, &buffer.out));
    assert_int_equal(input.count, 97);
}

/* Random puts and gets against a plain model: what is given out was free, contiguous, below the
 * limit, aligned where an aligned place was free; nothing is refused that a full search finds. */
static void test_frame_pool(void **state)
{
    (void)state;
    enum { FRAMES = 512 };
    static uint8_t frame[FRAMES];
    srandom(7);
    for (int round = 0; round < 200; round++) {
        struct frame_pool pool = {.frame = frame, .count = FRAMES};
        memset(frame, 0, sizeof(frame));
        for (int step = 0; step < 400; step++) {
            if (random() % 2) {
                uint64_t mfn = (uint64_t)random() % FRAMES;
                if (!(frame[mfn] & FRAME_FREE))
                    frame_pool_put(&pool, mfn);
                continue;
            }
            uint32_t order = (uint32_t)random() % 5;
            uint64_t size = UINT64_C(1) << order, limit = (uint64_t)random() % (2 * FRAMES);
            uint64_t bound = limit < FRAMES ? limit : FRAMES;
            bool any = false, any_aligned = false;
            for (uint64_t at = 0; at + size <= bound; at++) {
                bool free = true;
                for (uint64_t i = 0; i < size; i++)
                    free = free && frame[at + i] & FRAME_FREE;
                any = any || free;
                any_aligned = any_aligned || (free && at % size == 0);
            }
            uint64_t before = pool.free, mfn = frame_pool_get(&pool, order, limit);
            assert_int_equal(mfn != ~UINT64_C(0), any);
            if (!any)
                continue;
            assert_true(mfn + size <= bound);
            assert_true(!any_aligned || mfn % size == 0);
            assert_int_equal(pool.free, before - size);
            for (uint64_t i = 0; i < size; i++)
                assert_int_equal(frame[mfn + i] & FRAME_FREE, 0);
        }
        uint64_t counted = 0;
        for (int i = 0; i < FRAMES; i++)
            counted += (frame[i] & FRAME_FREE) != 0;
        assert_int_equal(counted, pool.free);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_console_output),
        cmocka_unit_test(test_console_input),
        cmocka_unit_test(test_frame_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
