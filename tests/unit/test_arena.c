/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The arena: random allocations and frees never overlap, stay inside, are aligned, and all of the
 * memory comes back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arena.h"

#define SIZE   20000
#define BLOCKS 40

static void blocks_keep_their_bytes(void **state)
{
    unsigned seed = 5;
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct {
            uint8_t *at;
            size_t size;
            int byte;
        } block[BLOCKS] = {0};
        size_t lead = (size_t)rand_r(&seed) % 16, size = SIZE - (size_t)rand_r(&seed) % 100;
        uint8_t *memory = malloc(lead + size);
        struct arena arena;
        arena_init(&arena, memory + lead, size);
        size_t all = arena_largest(&arena);
        assert_true(all > size - 64 && all < size);
        for (int step = 0; step < 300; step++) {
            size_t i = (size_t)rand_r(&seed) % BLOCKS;
            if (block[i].at) {
                for (size_t j = 0; j < block[i].size; j++)
                    assert_int_equal(block[i].at[j], block[i].byte);
                arena_free(&arena, block[i].at);
                block[i].at = NULL;
                continue;
            }
            block[i].size = (size_t)rand_r(&seed) % 3000;
            block[i].byte = rand_r(&seed) % 256;
            block[i].at = arena_alloc(&arena, block[i].size);
            if (!block[i].at) {
                assert_int_equal(arena.failed, block[i].size);
                assert_true(arena_largest(&arena) < block[i].size + ARENA_ALIGN);
                continue;
            }
            assert_int_equal((uintptr_t)block[i].at % ARENA_ALIGN, 0);
            assert_true(block[i].at >= memory + lead &&
                        block[i].at + block[i].size <= memory + lead + size);
            memset(block[i].at, block[i].byte, block[i].size);
        }
        for (size_t i = 0; i < BLOCKS; i++)
            arena_free(&arena, block[i].at);
        assert_int_equal(arena_largest(&arena), all);
        free(memory);
    }
}

static void too_small_and_too_large(void **state)
{
    uint8_t memory[64];
    struct arena arena;
    (void)state;
    for (size_t size = 0; size < sizeof(memory); size++) {
        arena_init(&arena, memory, size);
        assert_null(arena_alloc(&arena, SIZE_MAX));
        assert_null(arena_alloc(&arena, SIZE_MAX - 15));
        assert_null(arena_alloc(&arena, sizeof(memory)));
        uint8_t *block = arena_alloc(&arena, 1);
        if (block) {
            *block = 1;
            assert_true(block >= memory && block < memory + size);
        }
    }
    arena_init(&arena, NULL, 0);
    assert_null(arena_alloc(&arena, 1));
    assert_int_equal(arena_largest(&arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_their_bytes),
        cmocka_unit_test(too_small_and_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
