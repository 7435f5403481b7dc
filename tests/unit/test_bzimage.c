/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The setup header: what a version has, what it has not, and values that cannot be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "bzimage.h"
#include "packer.h"

static struct refusal why;
static struct view file;
static struct bzimage bz;

static int setup(void **state)
{
    (void)state;
    file = packer_bzimage((struct view){(const uint8_t *)"\x1f\x8b\x08payload", 10}, true, 77);
    memset(&bz, 0xff, sizeof(bz));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free((void *)(uintptr_t)file.data);
    return 0;
}

static enum refusal_id parse(void)
{
    struct bzimage before;
    memset(&before, 0xff, sizeof(before));
    bz = before;
    enum refusal_id id = bzimage_parse(file, &bz, &why);
    if (id != REFUSE_NONE)
        assert_memory_equal(&bz, &before, sizeof(bz));
    return id;
}

static void reads_all_fields(void **state)
{
    (void)state;
    assert_int_equal(parse(), 0);
    assert_true(bz.present && bz.relocatable);
    assert_int_equal(bz.version, 0x20f);
    assert_int_equal(bz.setup_size, 3072);
    assert_int_equal(bz.kernel_size, file.size - 3072);
    assert_int_equal(bz.loadflags, 1);
    assert_int_equal(bz.code32_start, 0x100000);
    assert_int_equal(bz.kernel_alignment, 0x200000);
    assert_int_equal(bz.xloadflags, 0x7f);
    assert_int_equal(bz.cmdline_size, 2047);
    assert_int_equal(bz.initrd_addr_max, 0x7fffffff);
    assert_int_equal(bz.pref_address, 0x1000000);
    assert_int_equal(bz.init_size, 0x3000000);
    assert_int_equal(bz.payload_offset, 3072 + 0x100);
    assert_int_equal(bz.payload_size, 14);
}

static void older_versions_have_less(void **state)
{
    (void)state;
    for (uint32_t version = 0x200; version <= 0x20f; version++) {
        packer_poke(file, 0x206, version, 2);
        assert_int_equal(parse(), 0);
        assert_int_equal(bz.initrd_addr_max, version >= 0x203 ? 0x7fffffff : 0x37ffffff);
        assert_int_equal(bz.relocatable, version >= 0x205);
        assert_int_equal(bz.kernel_alignment, version >= 0x205 ? 0x200000 : 0);
        assert_int_equal(bz.cmdline_size, version >= 0x206 ? 2047 : 255);
        assert_int_equal(bz.payload_size, version >= 0x208 ? 14 : 0);
        assert_int_equal(bz.pref_address, version >= 0x20a ? 0x1000000 : 0x100000);
        assert_int_equal(bz.init_size, version >= 0x20a ? 0x3000000 : 0);
        assert_int_equal(bz.xloadflags, version >= 0x20c ? 0x7f : 0);
    }
}

static void others_are_not_present(void **state)
{
    (void)state;
    packer_poke(file, 0x202, 0, 1);
    assert_int_equal(parse(), 0);
    assert_false(bz.present);
    packer_poke(file, 0x202, 'H', 1);
    packer_poke(file, 0x1fe, 0, 1);
    assert_int_equal(parse(), 0);
    assert_false(bz.present);
    file.size = 0x205;
    assert_int_equal(parse(), 0);
    assert_false(bz.present);
}

static void header_cut_and_versions(void **state)
{
    (void)state;
    uint64_t size = file.size;
    for (file.size = 0x206; file.size < 0x268; file.size++)
        assert_int_equal(parse(), REFUSE_BZIMAGE_HEADER_CUT);
    file.size = size;
    packer_poke(file, 0x206, 0x1ff, 2);
    assert_int_equal(parse(), REFUSE_BZIMAGE_VERSION);
    packer_poke(file, 0x206, 0x300, 2);
    assert_int_equal(parse(), REFUSE_BZIMAGE_VERSION);
}

static void setup_sectors(void **state)
{
    (void)state;
    packer_poke(file, 0x1f1, 0, 1); /* means 4: the payload is then found 512 bytes earlier */
    assert_int_equal(parse(), 0);
    assert_int_equal(bz.setup_size, 2560);
    assert_int_equal(bz.payload_offset, 2560 + 0x100);
    packer_poke(file, 0x1f1, 255, 1);
    assert_int_equal(parse(), REFUSE_BZIMAGE_SETUP_OUTSIDE);
    packer_poke(file, 0x1f1, 5, 1);
    file.size = 3072;
    assert_int_equal(parse(), REFUSE_BZIMAGE_SETUP_OUTSIDE);
}

static void impossible_values(void **state)
{
    (void)state;
    packer_poke(file, 0x258, UINT64_C(0xfffffffffe000000), 8);
    assert_int_equal(parse(), REFUSE_BZIMAGE_INIT_SIZE);
    packer_poke(file, 0x258, 0x1000000, 8);
    packer_poke(file, 0x230, 0x300000, 4);
    assert_int_equal(parse(), REFUSE_BZIMAGE_ALIGNMENT);
    packer_poke(file, 0x230, 0x200000, 4);

    packer_poke(file, 0x24c, 0xfffffff0, 4); /* claims 4 GiB */
    assert_int_equal(parse(), REFUSE_BZIMAGE_PAYLOAD_OUTSIDE);
    packer_poke(file, 0x24c, 14, 4);
    packer_poke(file, 0x248, 0xfffffff0, 4);
    assert_int_equal(parse(), REFUSE_BZIMAGE_PAYLOAD_OUTSIDE);
    packer_poke(file, 0x248, (uint32_t)file.size - 3072 - 13, 4);
    assert_int_equal(parse(), REFUSE_BZIMAGE_PAYLOAD_OUTSIDE);
    packer_poke(file, 0x248, (uint32_t)file.size - 3072 - 14, 4);
    assert_int_equal(parse(), 0);
}

static void four_gigabytes(void **state)
{
    size_t size = ((size_t)4 << 30) + 3072;
    (void)state;
    uint8_t *large = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(large != MAP_FAILED);
    memcpy(large, file.data, 3072);
    struct view v = {large, size};
    assert_int_equal(bzimage_parse(v, &bz, &why), REFUSE_BZIMAGE_TOO_LARGE);
    v.size--;
    assert_int_equal(bzimage_parse(v, &bz, &why), 0);
    assert_int_equal(bz.kernel_size, 0xffffffff);
    munmap(large, size);
}

static void payload_and_its_length(void **state)
{
    enum compressor compressor;
    struct view packed;
    uint32_t size;
    (void)state;
    assert_int_equal(parse(), 0);
    /* gzip: the last four bytes are the stream's own. */
    assert_int_equal(bzimage_payload(file, &bz, &compressor, &packed, &size, &why), 0);
    assert_int_equal(compressor, COMPRESSOR_GZIP);
    assert_int_equal(packed.size, 14);
    assert_int_equal(size, 77);
    packer_poke(file, bz.payload_offset, 0xfd2fb528, 4);
    assert_int_equal(bzimage_payload(file, &bz, &compressor, &packed, &size, &why), 0);
    assert_int_equal(compressor, COMPRESSOR_ZSTD);
    assert_int_equal(packed.size, 10);
    assert_int_equal(size, 77);
    for (bz.payload_size = 0; bz.payload_size <= 4; bz.payload_size++)
        assert_int_equal(bzimage_payload(file, &bz, &compressor, &packed, &size, &why),
                         REFUSE_BZIMAGE_NO_PAYLOAD);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_all_fields),       TEST(older_versions_have_less),
        TEST(others_are_not_present), TEST(header_cut_and_versions),
        TEST(setup_sectors),          TEST(impossible_values),
        TEST(four_gigabytes),         TEST(payload_and_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
