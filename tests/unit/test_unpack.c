/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decompression: every compressor both ways of knowing the size, and every way to be wrong.  The
 * memory given is allocated at its exact size, so that ASan sees each write outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "packer.h"

#define KIB         1024u
#define MIB         (1024u * KIB)
#define MEMORY_SIZE (24 * MIB)
#define MEMORY_AT   0x1000000u

static uint8_t *pool;
static struct refusal why;
static unsigned last_percent;

static void on_progress(struct out *out, unsigned percent)
{
    assert_null(out);
    assert_true(percent > last_percent && percent <= 100);
    last_percent = percent;
}

/* The last `size` bytes of the pool, so that running past the end is seen. */
static struct unpack_memory memory_of(size_t size)
{
    last_percent = 0;
    return (struct unpack_memory){.data = pool + MEMORY_SIZE - size,
                                  .size = size,
                                  .at = maddr(MEMORY_AT),
                                  .progress = on_progress};
}

static int setup(void **state)
{
    (void)state;
    pool = aligned_alloc(4096, MEMORY_SIZE);
    return pool == NULL;
}

static int teardown(void **state)
{
    (void)state;
    free(pool);
    return 0;
}

static void drop(struct view v)
{
    free((void *)(uintptr_t)v.data);
}

static enum refusal_id run(struct view packed, enum compressor compressor, bool size_known,
                           uint64_t size, size_t memory_size, struct view *ret)
{
    struct unpack_memory memory = memory_of(memory_size);
    struct unpack_memory before = memory;
    maddr_t at = maddr(1);
    *ret = (struct view){(const uint8_t *)&why, 1};
    enum refusal_id id = unpack_open(packed, compressor, size_known, size, &memory, ret, &at, &why);
    if (id != REFUSE_NONE) {
        assert_int_equal(id, why.id);
        memory.percent = before.percent;
        assert_memory_equal(&memory, &before, sizeof(memory));
        assert_ptr_equal(ret->data, &why);
        assert_int_equal(at.v, 1);
        return id;
    }
    assert_true(ret->data >= before.data && ret->size <= before.size);
    assert_int_equal(at.v - MEMORY_AT, ret->data - before.data);
    assert_int_equal(memory.size, ret->data - before.data);
    return id;
}

static bool equal(struct view got, struct view plain)
{
    return got.size == plain.size && !memcmp(got.data, plain.data, plain.size);
}

static void detects_and_names(void **state)
{
    (void)state;
    uint8_t *plain = packer_plain(1000);
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        struct view packed = pack(c, (struct view){plain, 1000}, 0);
        assert_int_equal(unpack_detect(packed), c);
        for (uint64_t size = 0; size < 3; size++)
            assert_int_equal(unpack_detect((struct view){packed.data, size}), COMPRESSOR_NONE);
        assert_true(strlen(compressor_name(c)) > 1);
        drop(packed);
    }
    assert_int_equal(unpack_detect((struct view){plain, 1000}), COMPRESSOR_NONE);
    assert_string_equal(compressor_name(COMPRESSOR_NONE), "none");
    assert_string_equal(compressor_name((enum compressor)99), "none");
    free(plain);
}

static void round_trips(void **state)
{
    static const size_t sizes[] = {0, 1, 17, 4096, 70000, 700001};
    (void)state;
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        uint8_t *data = packer_plain(sizes[s]);
        struct view plain = {data, sizes[s]}, got;
        for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
            for (unsigned flags = 0; flags <= PACK_STATE_SIZE; flags++) {
                struct view packed = pack(c, plain, flags);
                assert_int_equal(run(packed, c, true, plain.size, 12 * MIB, &got), 0);
                assert_true(equal(got, plain));
                assert_int_equal(last_percent, 100);
                assert_int_equal(run(packed, c, false, 0, MEMORY_SIZE, &got), 0);
                assert_true(equal(got, plain));
                assert_int_equal((uintptr_t)got.data & 4095, 0);
                drop(packed);
            }
        }
        free(data);
    }
}

/* Output that fills the memory to the last byte, where no workspace is needed. */
static void fills_all_memory(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(70001);
    struct view plain = {data, 70001}, got;
    static const enum compressor bare[] = {COMPRESSOR_LZO, COMPRESSOR_LZ4_LEGACY,
                                           COMPRESSOR_LZ4_FRAME};
    for (size_t i = 0; i < 3; i++) {
        struct view packed = pack(bare[i], plain, 0);
        assert_int_equal(run(packed, bare[i], true, plain.size, 70001, &got), 0);
        assert_true(equal(got, plain));
        assert_int_equal(run(packed, bare[i], false, 0, 70001, &got), 0);
        assert_true(equal(got, plain));
        assert_int_equal(run(packed, bare[i], false, 0, 70000, &got), REFUSE_UNPACK_NO_OUTPUT_ROOM);
        assert_int_equal(run(packed, bare[i], true, 70001, 70000, &got), REFUSE_UNPACK_NO_MEMORY);
        drop(packed);
    }
    free(data);
}

static void large_blocks(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(9 * MIB);
    struct view plain = {data, 9 * MIB}, got;
    struct view packed = pack(COMPRESSOR_LZ4_LEGACY, plain, 0);
    assert_int_equal(run(packed, COMPRESSOR_LZ4_LEGACY, true, plain.size, MEMORY_SIZE, &got), 0);
    assert_true(equal(got, plain));
    assert_int_equal(run(packed, COMPRESSOR_LZ4_LEGACY, true, 5 * MIB, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_TOO_LONG);
    drop(packed);
    free(data);
}

static void several_members_and_padding(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(300000);
    struct view a = {data, 200000}, b = {data + 200000, 100000}, both = {data, 300000}, got;
    uint8_t zero[100] = {0};
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        for (unsigned flags = 0; flags <= PACK_STATE_SIZE; flags++) {
            /* A .lzma with both a size and an end mark cannot be followed by anything. */
            if (c == COMPRESSOR_LZMA && flags)
                continue;
            struct view first = pack(c, a, flags), second = pack(c, b, flags);
            struct view joined = packer_join(first, second);
            struct view padded = packer_join(joined, (struct view){zero, sizeof(zero)});
            assert_int_equal(run(joined, c, false, 0, MEMORY_SIZE, &got), 0);
            assert_true(equal(got, both));
            assert_int_equal(run(padded, c, false, 0, MEMORY_SIZE, &got), 0);
            assert_true(equal(got, both));
            assert_int_equal(run(padded, c, true, 300000, MEMORY_SIZE, &got), 0);
            assert_true(equal(got, both));
            drop(first);
            drop(second);
            drop(joined);
            drop(padded);
        }
    }
    struct view frame = pack(COMPRESSOR_ZSTD, both, 0);
    struct view skip = {(const uint8_t *)"\x50\x2a\x4d\x18\x04\0\0\0skip", 12};
    struct view skipped = packer_join(frame, skip);
    assert_int_equal(run(skipped, COMPRESSOR_ZSTD, false, 0, MEMORY_SIZE, &got), 0);
    assert_true(equal(got, both));
    drop(frame);
    drop(skipped);
    free(data);
}

static void wrong_length(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(200000);
    struct view plain = {data, 200000}, got;
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        for (unsigned flags = 0; flags <= PACK_STATE_SIZE; flags++) {
            struct view packed = pack(c, plain, flags);
            assert_int_equal(run(packed, c, true, 199999, MEMORY_SIZE, &got),
                             REFUSE_UNPACK_TOO_LONG);
            assert_int_equal(why.num[0], 199999);
            assert_int_equal(run(packed, c, true, 200001, MEMORY_SIZE, &got),
                             REFUSE_UNPACK_TOO_SHORT);
            assert_int_equal(why.num[0], 200000);
            assert_int_equal(run(packed, c, true, 0xffffffff, MEMORY_SIZE, &got),
                             REFUSE_UNPACK_NO_MEMORY);
            assert_int_equal(run(packed, c, true, UINT64_MAX, MEMORY_SIZE, &got),
                             REFUSE_UNPACK_NO_MEMORY);
            assert_non_null(strstr(why.str[0], compressor_name(c)));
            drop(packed);
        }
    }
    free(data);
}

static void something_behind(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(70000);
    struct view plain = {data, 70000}, got;
    struct view text = {(const uint8_t *)"\0\0\0signature", 12};
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        struct view packed = pack(c, plain, 0), longer = packer_join(packed, text);
        /* Legacy lz4 takes the text for a block: only what it says differs. */
        bool has_end = c != COMPRESSOR_LZ4_LEGACY;
        enum refusal_id id = run(longer, c, true, plain.size, MEMORY_SIZE, &got);
        if (has_end)
            assert_int_equal(id, REFUSE_UNPACK_TRAILING);
        else
            assert_int_not_equal(id, REFUSE_NONE);
        id = run(longer, c, false, 0, MEMORY_SIZE, &got);
        if (has_end)
            assert_int_equal(id, REFUSE_UNPACK_TRAILING);
        else
            assert_int_not_equal(id, REFUSE_NONE);
        drop(packed);
        drop(longer);
    }
    free(data);
}

static void truncated_anywhere(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(70000);
    struct view plain = {data, 70000}, got;
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        struct view whole = pack(c, plain, 0);
        for (uint64_t size = 0; size < whole.size; size += size < 40 ? 1 : 997) {
            uint8_t *exact = malloc(size ? size : 1);
            memcpy(exact, whole.data, size);
            enum refusal_id id =
                run((struct view){exact, size}, c, true, plain.size, MEMORY_SIZE, &got);
            /* Nothing marks the end of legacy lz4 but the length. */
            if (c == COMPRESSOR_LZ4_LEGACY && id == REFUSE_UNPACK_TOO_SHORT)
                id = REFUSE_UNPACK_TRUNCATED;
            if (id != REFUSE_UNPACK_TRUNCATED)
                fail_msg("%s cut to %u bytes: %s", compressor_name(c), (unsigned)size,
                         refusal_name(id));
            assert_int_not_equal(run((struct view){exact, size}, c, false, 0, MEMORY_SIZE, &got),
                                 c == COMPRESSOR_LZ4_LEGACY && size == 4 ? 1 : REFUSE_NONE);
            free(exact);
        }
        drop(whole);
    }
    free(data);
}

/* Every compressor here has a checksum, except legacy lz4 and .lzma. */
static void corrupt_anywhere(void **state)
{
    unsigned seed = 3;
    (void)state;
    uint8_t *data = packer_plain(70000);
    struct view plain = {data, 70000}, got;
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        bool has_checksum = c != COMPRESSOR_LZ4_LEGACY && c != COMPRESSOR_LZMA;
        struct view packed = pack(c, plain, PACK_STATE_SIZE);
        unsigned corrupt = 0;
        for (size_t at = 0; at < packed.size; at += at < 64 ? 1 : 1 + (size_t)rand_r(&seed) % 500) {
            uint8_t old = packed.data[at];
            packer_poke(packed, at, old ^ (1u << rand_r(&seed) % 8), 1);
            for (int known = 0; known < 2; known++) {
                enum refusal_id id = run(packed, c, known, plain.size, MEMORY_SIZE, &got);
                corrupt += id == REFUSE_UNPACK_CORRUPT;
                if (id == REFUSE_UNPACK_CORRUPT)
                    assert_true(strlen(why.str[1]) > 5);
                if (id == REFUSE_NONE && has_checksum && !equal(got, plain))
                    fail_msg("%s: byte %u", compressor_name(c), (unsigned)at);
            }
            packer_poke(packed, at, old, 1);
        }
        assert_true(corrupt > 20);
        drop(packed);
    }
    free(data);
}

/* What the containers themselves say, without a length from outside. */
static void stated_sizes(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(70000);
    struct view plain = {data, 70000}, got;

    struct view lzma = pack(COMPRESSOR_LZMA, plain, PACK_STATE_SIZE);
    packer_poke(lzma, 5, 0x100000000, 8);
    assert_int_equal(run(lzma, COMPRESSOR_LZMA, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_NO_MEMORY);
    assert_int_equal(why.num[0], 0x100000000);
    drop(lzma);

    struct view zstd = pack(COMPRESSOR_ZSTD, plain, PACK_STATE_SIZE);
    assert_int_equal(zstd.data[4] >> 6, 2); /* 4-byte Frame_Content_Size, single segment */
    packer_poke(zstd, 5, 0xfffffff0, 4);
    assert_int_equal(run(zstd, COMPRESSOR_ZSTD, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_NO_MEMORY);
    packer_poke(zstd, 5, 60000, 4);
    assert_int_not_equal(run(zstd, COMPRESSOR_ZSTD, false, 0, MEMORY_SIZE, &got), REFUSE_NONE);
    drop(zstd);

    /* gzip's ISIZE is believed only where it fits. */
    struct view gzip = pack(COMPRESSOR_GZIP, plain, 0);
    packer_poke(gzip, gzip.size - 4, 0xf0000000, 4);
    assert_int_equal(run(gzip, COMPRESSOR_GZIP, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_CORRUPT);
    assert_string_equal(why.str[1], "incorrect length check");
    packer_poke(gzip, gzip.size - 4, 5, 4);
    assert_int_equal(run(gzip, COMPRESSOR_GZIP, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_CORRUPT);
    drop(gzip);
    free(data);
}

static void too_little_memory(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(700000);
    struct view plain = {data, 700000}, got;
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        struct view packed = pack(c, plain, 0);
        for (size_t size = 0; size < 700000; size += 69999) {
            enum refusal_id id = run(packed, c, false, 0, size, &got);
            assert_true(id == REFUSE_UNPACK_NO_MEMORY || id == REFUSE_UNPACK_NO_WORKSPACE ||
                        id == REFUSE_UNPACK_NO_OUTPUT_ROOM);
        }
        drop(packed);
    }
    struct view bzip2 = pack(COMPRESSOR_BZIP2, plain, 0);
    assert_int_equal(run(bzip2, COMPRESSOR_BZIP2, true, plain.size, 700000 + 64 * KIB, &got),
                     REFUSE_UNPACK_NO_WORKSPACE);
    assert_int_equal(run(bzip2, COMPRESSOR_BZIP2, false, 0, 4 * MIB + 600000, &got),
                     REFUSE_UNPACK_NO_OUTPUT_ROOM);
    drop(bzip2);
    free(data);
}

static void unsupported(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(70000);
    struct view plain = {data, 70000}, got;

    assert_int_equal(run(plain, COMPRESSOR_NONE, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_UNSUPPORTED);
    struct view lz4 = pack(COMPRESSOR_LZ4_FRAME, plain, 0);
    packer_poke(lz4, 4, lz4.data[4] ^ 0xc0, 1); /* another version */
    assert_int_equal(run(lz4, COMPRESSOR_LZ4_FRAME, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_UNSUPPORTED);
    drop(lz4);
    struct view zstd = pack(COMPRESSOR_ZSTD, plain, PACK_STATE_SIZE);
    packer_poke(zstd, 4, zstd.data[4] | 0x08, 1); /* RFC 8878: the reserved bit */
    assert_int_equal(run(zstd, COMPRESSOR_ZSTD, false, 0, MEMORY_SIZE, &got),
                     REFUSE_UNPACK_UNSUPPORTED);
    drop(zstd);
    free(data);
}

static void old_cpu(void **state)
{
    (void)state;
    uint8_t *data = packer_plain(100);
    struct view packed = pack(COMPRESSOR_GZIP, (struct view){data, 100}, 0), got;
    struct cpu_info cpu = {.has_cpuid = true};
    struct unpack_memory memory = memory_of(MIB);
    maddr_t at;
    memory.cpu = &cpu;
    assert_int_equal(unpack_open(packed, COMPRESSOR_GZIP, false, 0, &memory, &got, &at, &why),
                     REFUSE_UNPACK_CPU);
    cpu.cmov = true;
    assert_int_equal(unpack_open(packed, COMPRESSOR_GZIP, false, 0, &memory, &got, &at, &why), 0);
    drop(packed);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detects_and_names),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(fills_all_memory),
        cmocka_unit_test(large_blocks),
        cmocka_unit_test(several_members_and_padding),
        cmocka_unit_test(wrong_length),
        cmocka_unit_test(something_behind),
        cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(corrupt_anywhere),
        cmocka_unit_test(stated_sizes),
        cmocka_unit_test(too_little_memory),
        cmocka_unit_test(unsupported),
        cmocka_unit_test(old_cpu),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
