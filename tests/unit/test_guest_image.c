/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening the guest's file: every container around the same ELF, nesting, flat Multiboot images and
 * files that are nothing of the kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elf_builder.h"
#include "guest_image.h"
#include "packer.h"

#define MEMORY_SIZE (16u << 20)
#define MEMORY_AT   0x40000000u
#define FILE_AT     0x1234000u

static uint8_t *pool;
static struct elf_builder builder;
static struct view elf;
static struct refusal why;
static struct guest_image image;

static int setup(void **state)
{
    (void)state;
    pool = aligned_alloc(4096, MEMORY_SIZE);
    builder = elf_builder(64, 0x1000000);
    elf_add_segment(&builder, (struct elf_segment){.paddr = 0x1000000, .size = 0x8000});
    elf = elf_build(&builder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    elf_free(&builder);
    free(pool);
    return 0;
}

static void drop(struct view v)
{
    free((void *)(uintptr_t)v.data);
}

static enum refusal_id open_image(struct view file, bool need_elf)
{
    struct unpack_memory memory = {.data = pool, .size = MEMORY_SIZE, .at = maddr(MEMORY_AT)};
    memset(&image, 0, sizeof(image));
    enum refusal_id id = guest_image_open(file, maddr(FILE_AT), need_elf, &memory, &image, &why);
    if (id != REFUSE_NONE) {
        assert_int_equal(id, why.id);
        assert_int_equal(memory.size, MEMORY_SIZE);
        assert_null(image.file.data);
    }
    return id;
}

/* Opens `file` and expects the fixture's ELF at its end. */
static void expect_elf(struct view file, const char *container)
{
    assert_int_equal(open_image(file, true), REFUSE_NONE);
    assert_string_equal(image.container, container);
    assert_true(image.has_elf && image.elf.is_64bit);
    assert_int_equal(image.elf.file.size, elf.size);
    assert_memory_equal(image.elf.file.data, elf.data, elf.size);
    if (image.elf_at.v >= MEMORY_AT)
        assert_ptr_equal(pool + (image.elf_at.v - MEMORY_AT), image.elf.file.data);
    else
        assert_ptr_equal(file.data + (image.elf_at.v - FILE_AT), image.elf.file.data);
}

static void plain_elf(void **state)
{
    (void)state;
    expect_elf(elf, "ELF64");
    assert_int_equal(image.elf_at.v, FILE_AT);
    assert_int_equal(image.file_at.v, FILE_AT);
    assert_true(range_is_empty(image.unpacked[0]) && range_is_empty(image.unpacked[1]));
    assert_false(image.bz.present);
    expect_elf(elf, "ELF64");
}

static void whole_file_and_payload(void **state)
{
    char text[64];
    (void)state;
    for (enum compressor c = COMPRESSOR_GZIP; c <= COMPRESSOR_ZSTD; c++) {
        const char *name = compressor_name(c);
        struct view packed = pack(c, elf, 0);
        struct view bz = packer_bzimage(packed, c != COMPRESSOR_GZIP, (uint32_t)elf.size);
        snprintf(text, sizeof(text), "%s: ELF64", name);
        expect_elf(packed, text);
        assert_int_equal(image.unpacked[0].start, image.elf_at.v);
        assert_int_equal(range_size(image.unpacked[0]), elf.size);
        assert_int_equal(image.file_at.v, image.elf_at.v);

        snprintf(text, sizeof(text), "bzImage 2.15 (%s): ELF64", name);
        expect_elf(bz, text);
        assert_true(image.bz.present);
        assert_ptr_equal(image.file.data, bz.data);
        assert_int_equal(image.file_at.v, FILE_AT);
        assert_true(range_is_empty(image.unpacked[0]));
        assert_int_equal(image.unpacked[1].start, image.elf_at.v);

        assert_int_equal(open_image(bz, false), REFUSE_NONE);
        assert_string_equal(image.container, "bzImage 2.15");
        assert_false(image.has_elf);
        assert_true(range_is_empty(image.unpacked[1]));

        /* A compressed bzImage: two streams, both kept. */
        struct view twice = pack(COMPRESSOR_GZIP, bz, 0);
        snprintf(text, sizeof(text), "gzip: bzImage 2.15 (%s): ELF64", name);
        expect_elf(twice, text);
        assert_false(range_is_empty(image.unpacked[0]) || range_is_empty(image.unpacked[1]));
        assert_false(range_overlaps(image.unpacked[0], image.unpacked[1]));
        assert_int_equal(image.file_at.v, image.unpacked[0].start);

        /* A compressed ELF as the payload, and one stream too many. */
        struct view inner = pack(COMPRESSOR_ZSTD, packed, 0);
        struct view nested = packer_bzimage(inner, true, (uint32_t)packed.size);
        snprintf(text, sizeof(text), "bzImage 2.15 (zstd): %s: ELF64", name);
        expect_elf(nested, text);
        struct view thrice = pack(COMPRESSOR_XZ, nested, 0);
        assert_int_equal(open_image(thrice, true), REFUSE_IMAGE_NESTED);
        assert_int_equal(open_image(thrice, false), REFUSE_NONE);

        drop(packed);
        drop(bz);
        drop(twice);
        drop(inner);
        drop(nested);
        drop(thrice);
    }
}

static void payload_refusals(void **state)
{
    (void)state;
    struct view packed = pack(COMPRESSOR_XZ, elf, 0);
    struct view bz = packer_bzimage(packed, true, 0xffffffff);
    assert_int_equal(open_image(bz, true), REFUSE_UNPACK_NO_MEMORY); /* claims 4 GiB */
    assert_string_equal(why.str[0], "xz payload of the bzImage 2.15");
    assert_int_equal(open_image(bz, false), REFUSE_NONE);
    size_t length_at = 3072 + 0x100 + packed.size;
    packer_poke(bz, length_at, elf.size + 1, 4);
    assert_int_equal(open_image(bz, true), REFUSE_UNPACK_TOO_SHORT);
    packer_poke(bz, length_at, elf.size - 1, 4);
    assert_int_equal(open_image(bz, true), REFUSE_UNPACK_TOO_LONG);
    packer_poke(bz, length_at, elf.size, 4);
    packer_poke(bz, 3072 + 0x100 + 60, 0x55aa55aa, 4);
    assert_int_equal(open_image(bz, true), REFUSE_UNPACK_CORRUPT);
    assert_int_equal(open_image(bz, false), REFUSE_NONE);
    packer_poke(bz, 3072 + 0x100, 0x21212121, 4);
    assert_int_equal(open_image(bz, true), REFUSE_BZIMAGE_PAYLOAD_UNKNOWN);
    packer_poke(bz, 0x206, 0x207, 2);
    assert_int_equal(open_image(bz, true), REFUSE_BZIMAGE_NO_PAYLOAD);
    drop(bz);
    drop(packed);

    struct view text = {(const uint8_t *)"no kernel at all", 16};
    packed = pack(COMPRESSOR_LZ4_LEGACY, text, 0);
    bz = packer_bzimage(packed, true, 16);
    assert_int_equal(open_image(bz, true), REFUSE_BZIMAGE_PAYLOAD_NOT_ELF);
    drop(bz);

    bz = packer_bzimage(elf, true, (uint32_t)elf.size); /* an uncompressed payload */
    assert_int_equal(open_image(bz, true), REFUSE_NONE);
    assert_string_equal(image.container, "bzImage 2.15: ELF64");
    assert_int_equal(image.elf_at.v, FILE_AT + 3072 + 0x100);
    drop(bz);
    drop(packed);
}

static void no_kernel(void **state)
{
    (void)state;
    assert_int_equal(open_image((struct view){NULL, 0}, false), REFUSE_IMAGE_EMPTY);
    struct view text = {(const uint8_t *)"#!/bin/sh\n", 10};
    assert_int_equal(open_image(text, false), REFUSE_IMAGE_UNKNOWN);
    assert_int_equal(why.num[0], 0x622f2123);
    text.size = 1;
    assert_int_equal(open_image(text, false), REFUSE_IMAGE_UNKNOWN);
    struct view packed = pack(COMPRESSOR_BZIP2, (struct view){text.data, 10}, 0);
    assert_int_equal(open_image(packed, true), REFUSE_IMAGE_UNKNOWN);
    assert_string_equal(why.str[0], "unpacked file");
    packer_poke(packed, 12, 0, 1);
    assert_int_equal(open_image(packed, true), REFUSE_UNPACK_CORRUPT);
    assert_string_equal(why.str[0], "bzip2 file");
    drop(packed);

    uint8_t bad[64];
    memcpy(bad, elf.data, sizeof(bad));
    bad[4] = 3;
    assert_int_equal(open_image((struct view){bad, sizeof(bad)}, true), REFUSE_ELF_BAD_CLASS);
}

/* A Multiboot header at `at`; flags choose address fields. */
static struct view flat(size_t size, size_t at, const uint32_t *header, size_t words)
{
    uint8_t *data = calloc(1, size);
    memcpy(data + at, header, words * 4);
    return (struct view){data, size};
}

static void flat_multiboot(void **state)
{
    (void)state;
    const uint32_t mb1[] = {0x1badb002, 0x10003, 0u - 0x1badb002u - 0x10003u};
    const uint32_t mb1_elf[] = {0x1badb002, 3, 0u - 0x1badb002u - 3u};
    const uint32_t mb2[] = {0xe85250d6, 0, 56, 0u - 0xe85250d6u - 56u, 1, 12, 3, 0, 2, 24, 0, 0, 0,
                            0,          0, 8};
    static const struct {
        size_t at;
        bool found1, found2;
    } places[] = {{0, true, true},           {4, true, false},      {8, true, true},
                  {8180, true, false},       {8184, false, true},   {8192, false, true},
                  {32768 - 56, false, true}, {32768, false, false}, {6, false, false}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct view v = flat(40000, places[i].at, mb1, 3);
        assert_int_equal(open_image(v, true), places[i].found1 ? 0 : REFUSE_IMAGE_UNKNOWN);
        if (places[i].found1) {
            assert_string_equal(image.container, "flat Multiboot");
            assert_false(image.has_elf);
        }
        drop(v);
        v = flat(40000, places[i].at, mb2, 16);
        assert_int_equal(open_image(v, true), places[i].found2 ? 0 : REFUSE_IMAGE_UNKNOWN);
        drop(v);
    }
    struct view v = flat(4096, 0, mb1_elf, 3); /* no address fields */
    assert_int_equal(open_image(v, true), REFUSE_IMAGE_UNKNOWN);
    drop(v);
    uint32_t zero_tag[16];
    memcpy(zero_tag, mb2, sizeof(zero_tag));
    zero_tag[5] = 0; /* a tag of size 0 */
    v = flat(4096, 0, zero_tag, 16);
    assert_int_equal(open_image(v, true), REFUSE_IMAGE_UNKNOWN);
    drop(v);
    v = flat(40, 0, mb2, 10); /* the header runs past the end */
    assert_int_equal(open_image(v, true), REFUSE_IMAGE_UNKNOWN);
    drop(v);

    /* A broken ELF header does not matter when the address fields say it all. */
    v = flat(4096, 1024, mb1, 3);
    memcpy((uint8_t *)(uintptr_t)v.data, "\177ELF\x07", 5);
    assert_int_equal(open_image(v, true), 0);
    struct view packed = pack(COMPRESSOR_XZ, v, 0);
    assert_int_equal(open_image(packed, true), 0);
    assert_string_equal(image.container, "xz: flat Multiboot");
    drop(packed);
    drop(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_elf),        cmocka_unit_test(whole_file_and_payload),
        cmocka_unit_test(payload_refusals), cmocka_unit_test(no_kernel),
        cmocka_unit_test(flat_multiboot),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
