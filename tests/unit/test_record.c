/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Boot records from Multiboot 1, Multiboot 2 and PVH: what is good is taken over whole, what lies
 * is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memory_model.h"
#include "record_parts.h"

#define INFO    0x1000u
#define MAP     0x2000u
#define MODULES 0x3000u
#define TEXT    0x4000u

static struct boot_record record;
static struct refusal why;

static int clear(void **state)
{
    (void)state;
    model_clear();
    memset(&why, 0, sizeof(why));
    return 0;
}

/* ---- Multiboot 1 ---- */

static enum refusal_id multiboot1(void)
{
    return record_from_multiboot1(&model_reader, INFO, &record, &why);
}

static void map_entry(uint32_t at, uint32_t size, uint64_t start, uint64_t bytes, uint32_t type)
{
    put32(at, size);
    put64(at + 4, start);
    put64(at + 12, bytes);
    put32(at + 20, type);
}

/* Flags, memory, a map of two entries (one longer than usual), one module. */
static void good_multiboot1(void)
{
    put32(INFO, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    put32(INFO + 4, 639);
    put32(INFO + 8, 65536);
    put32(INFO + 16, TEXT);
    put_text(TEXT, "stage mode=pvh");
    put32(INFO + 20, 1);
    put32(INFO + 24, MODULES);
    put32(MODULES, 0x100000);
    put32(MODULES + 4, 0x180001);
    put32(MODULES + 8, TEXT + 0x100);
    put_text(TEXT + 0x100, "kernel a=b");
    put32(INFO + 44, 24 + 32);
    put32(INFO + 48, MAP);
    map_entry(MAP, 28, 0x100000, 0x4000000, 1);
    map_entry(MAP + 32, 20, 0, 0x9fc00, 1);
    put32(INFO + 64, TEXT + 0x200);
    put_text(TEXT + 0x200, "a loader");
}

static void multiboot1_is_taken_over(void **state)
{
    (void)state;
    good_multiboot1();
    assert_int_equal(multiboot1(), REFUSE_NONE);
    memset(model, 0xaa, sizeof(model)); /* everything was copied */
    assert_int_equal(record.way, WAY_MULTIBOOT1);
    assert_string_equal(record.command_line, "stage mode=pvh");
    assert_string_equal(record.loader_name, "a loader");
    assert_int_equal(record.map.count, 2);
    assert_int_equal(record.map.entry[0].end, 0x9fc00);
    assert_int_equal(record.map.entry[1].start, 0x100000);
    assert_int_equal(record.module_count, 1);
    assert_int_equal(record.module[0].start.v, 0x100000);
    assert_int_equal(record.module[0].size, 0x80001);
    assert_string_equal(record.module[0].string, "kernel a=b");
    assert_true(record.has_mem);
    assert_int_equal(record.mem_upper, 65536);
}

static void without_a_map_the_two_numbers_count(void **state)
{
    (void)state;
    good_multiboot1();
    put32(INFO, 1 << 0);
    assert_int_equal(multiboot1(), REFUSE_NONE);
    assert_int_equal(record.map.count, 2);
    assert_int_equal(record.map.entry[0].end, 639 * 1024);
    assert_int_equal(record.map.entry[1].start, 0x100000);
    assert_int_equal(record.map.entry[1].end, 0x100000 + 0x4000000);
    assert_string_equal(record.command_line, "");
    assert_string_equal(record.loader_name, "");
    put32(INFO, 0);
    assert_int_equal(multiboot1(), REFUSE_INFO_NO_MEMORY);
    put32(INFO, 1);
    put32(INFO + 4, 0);
    put32(INFO + 8, 0);
    assert_int_equal(multiboot1(), REFUSE_INFO_NO_MEMORY);
}

static void the_framebuffer_comes_along(void **state)
{
    (void)state;
    good_multiboot1();
    put32(INFO, 1 << 0 | 1 << 12);
    put64(INFO + 88, 0xfd000000);
    put32(INFO + 96, 3200);
    put32(INFO + 100, 800);
    put32(INFO + 104, 600);
    put8(INFO + 108, 32);
    put8(INFO + 109, 1);
    put8(INFO + 110, 16);
    put8(INFO + 111, 8);
    assert_int_equal(multiboot1(), REFUSE_NONE);
    assert_int_equal(record.framebuffer.kind, FRAMEBUFFER_RGB);
    assert_int_equal(record.framebuffer.address, 0xfd000000);
    assert_int_equal(record.framebuffer.width, 800);
    assert_int_equal(record.framebuffer.red_position, 16);
    put8(INFO + 109, 9);
    assert_int_equal(multiboot1(), REFUSE_NONE);
    assert_int_equal(record.framebuffer.kind, FRAMEBUFFER_NONE);
}

static void lying_multiboot1_is_refused(void **state)
{
    (void)state;
    assert_int_equal(record_from_multiboot1(&model_reader, UINT32_MAX, &record, &why),
                     REFUSE_INFO_UNREADABLE);
    good_multiboot1();
    put32(INFO + 16, 0xfffffff0); /* the command line */
    assert_int_equal(multiboot1(), REFUSE_INFO_UNREADABLE);

    good_multiboot1();
    put32(MAP, 19);
    assert_int_equal(multiboot1(), REFUSE_INFO_MAP_ENTRY);
    put32(MAP, UINT32_MAX);
    assert_int_equal(multiboot1(), REFUSE_INFO_MAP_ENTRY);
    put32(MAP, 28);
    put32(INFO + 44, 24 + 31);
    assert_int_equal(multiboot1(), REFUSE_INFO_MAP_ENTRY);
    put32(INFO + 44, 3);
    assert_int_equal(multiboot1(), REFUSE_INFO_MAP_ENTRY);
    put32(INFO + 44, UINT32_MAX);
    assert_int_equal(multiboot1(), REFUSE_INFO_MAP_TOO_LONG);

    good_multiboot1();
    put32(MODULES + 4, 0xfffff);
    assert_int_equal(multiboot1(), REFUSE_INFO_MODULE_BACKWARDS);
    good_multiboot1();
    put32(INFO + 20, RECORD_MODULE_MAX + 1);
    assert_int_equal(multiboot1(), REFUSE_INFO_TOO_MANY_MODULES);
    good_multiboot1();
    put32(INFO + 24, MODEL_SIZE - 8);
    assert_int_equal(multiboot1(), REFUSE_INFO_UNREADABLE);
}

static void strings_must_fit(void **state)
{
    (void)state;
    good_multiboot1();
    put32(INFO + 16, 0x10000);
    memset(model + 0x10000, 'x', RECORD_STRINGS_SIZE);
    assert_int_equal(multiboot1(), REFUSE_INFO_STRINGS_FULL);
    model[0x10000 + RECORD_STRINGS_SIZE - 100] = 0;
    assert_int_equal(multiboot1(), REFUSE_NONE);
}

static void a_map_of_too_many_areas_is_refused(void **state)
{
    (void)state;
    good_multiboot1();
    put32(INFO + 44, 24 * (RECORD_MAP_MAX + 1));
    put32(INFO + 48, 0x10000);
    for (uint32_t i = 0; i <= RECORD_MAP_MAX; i++)
        map_entry(0x10000 + 24 * i, 20, (RECORD_MAP_MAX - i) * 0x2000, 0x1000, 1);
    assert_int_equal(multiboot1(), REFUSE_INFO_MAP_FULL);
    put32(INFO + 44, 24 * RECORD_MAP_MAX);
    assert_int_equal(multiboot1(), REFUSE_NONE);
    assert_int_equal(record.map.count, RECORD_MAP_MAX);
}

/* ---- Multiboot 2 ---- */

static uint32_t tag_at;

static uint32_t tag(uint32_t type, uint32_t size)
{
    uint32_t at = tag_at;
    put32(at, type);
    put32(at + 4, size);
    tag_at += (size + 7) & ~7u;
    put32(INFO, tag_at - INFO);
    return at;
}

static void tags_begin(void)
{
    tag_at = INFO + 8;
}

static uint32_t map_tag(void)
{
    uint32_t at = tag(6, 16 + 24);
    put32(at + 8, 24);
    put64(at + 16, 0x100000);
    put64(at + 24, 0x4000000);
    put32(at + 32, 1);
    return at;
}

static enum refusal_id multiboot2(void)
{
    return record_from_multiboot2(&model_reader, INFO, &record, &why);
}

static void multiboot2_is_taken_over(void **state)
{
    uint32_t at;
    (void)state;
    tags_begin();
    put_text(tag(1, 8 + 15) + 8, "stage mode=pvh");
    put_text(tag(2, 8 + 9) + 8, "a loader");
    map_tag();
    at = tag(3, 16 + 11);
    put32(at + 8, 0x100000);
    put32(at + 12, 0x180000);
    put_text(at + 16, "kernel a=b");
    at = tag(4, 16);
    put32(at + 8, 639);
    put32(at + 12, 1024);
    at = tag(8, 38);
    put64(at + 8, 0x80000000);
    put32(at + 20, 1024);
    put8(at + 28, 24);
    put8(at + 29, 1);
    put8(at + 34, 8);
    at = tag(12, 16);
    put64(at + 8, 0x12345678);
    at = tag(20, 16);
    put64(at + 8, 0x9abc);
    at = tag(17, 16 + 48);
    put32(at + 8, 48);
    put32(at + 12, 1);
    uint32_t efi_map = at + 16;
    at = tag(15, 8 + 36);
    tag(77, 9); /* unknown: skipped */
    tag(0, 8);
    assert_int_equal(multiboot2(), REFUSE_NONE);
    assert_string_equal(record.command_line, "stage mode=pvh");
    assert_string_equal(record.loader_name, "a loader");
    assert_int_equal(record.module_count, 1);
    assert_int_equal(record.module[0].size, 0x80000);
    assert_string_equal(record.module[0].string, "kernel a=b");
    assert_int_equal(record.map.count, 1);
    assert_int_equal(record.framebuffer.kind, FRAMEBUFFER_RGB);
    assert_int_equal(record.framebuffer.green_position, 8);
    assert_true(record.efi.present && record.efi.is_64bit);
    assert_int_equal(record.efi.system_table, 0x12345678);
    assert_int_equal(record.efi.image_handle, 0x9abc);
    assert_int_equal(record.efi.map, efi_map);
    assert_int_equal(record.efi.map_size, 48);
    assert_int_equal(record.keep_count, 1);
    assert_int_equal(record.rsdp, at + 8);
    assert_int_equal(record.rsdp_source, RSDP_MULTIBOOT2);
}

static void lying_tags_are_refused(void **state)
{
    uint32_t at;
    (void)state;
    put32(INFO, 15);
    assert_int_equal(multiboot2(), REFUSE_INFO_TOTAL_SIZE);
    put32(INFO, UINT32_MAX);
    assert_int_equal(multiboot2(), REFUSE_INFO_TOTAL_SIZE);
    assert_int_equal(record_from_multiboot2(&model_reader, MODEL_SIZE, &record, &why),
                     REFUSE_INFO_UNREADABLE);

    tags_begin();
    at = map_tag();
    put32(INFO, tag_at - INFO);
    assert_int_equal(multiboot2(), REFUSE_INFO_TAG_NO_END);
    tag(0, 8);
    assert_int_equal(multiboot2(), REFUSE_NONE);
    put32(at + 4, 0); /* would never end */
    assert_int_equal(multiboot2(), REFUSE_INFO_TAG_SIZE);
    put32(at + 4, 7);
    assert_int_equal(multiboot2(), REFUSE_INFO_TAG_SIZE);
    put32(at + 4, 15); /* too short for a map */
    assert_int_equal(multiboot2(), REFUSE_INFO_TAG_SIZE);
    put32(at + 4, 0xfffffff8);
    assert_int_equal(multiboot2(), REFUSE_INFO_TAG_SIZE);
    put32(at + 4, 40);
    put32(at + 8, 0); /* entry size */
    assert_int_equal(multiboot2(), REFUSE_INFO_MAP_ENTRY);
    put32(at + 8, 41);
    assert_int_equal(multiboot2(), REFUSE_INFO_MAP_ENTRY);

    tags_begin();
    at = tag(3, 17);
    put32(at + 8, 2);
    put32(at + 12, 1);
    tag(0, 8);
    assert_int_equal(multiboot2(), REFUSE_INFO_MODULE_BACKWARDS);
}

/* ---- PVH ---- */

static enum refusal_id pvh(void)
{
    return record_from_pvh(&model_reader, INFO, &record, &why);
}

static void good_pvh(void)
{
    put32(INFO, 0x336ec578);
    put32(INFO + 4, 1);
    put32(INFO + 12, 1);
    put64(INFO + 16, MODULES);
    put64(INFO + 24, TEXT);
    put_text(TEXT, "mode=pv");
    put64(INFO + 32, 0xf59d0);
    put64(INFO + 40, MAP);
    put32(INFO + 48, 1);
    put64(MAP, 0x100000);
    put64(MAP + 8, 0x4000000);
    put32(MAP + 16, 1);
    put64(MODULES, 0x100000);
    put64(MODULES + 8, 0x1234);
    put64(MODULES + 16, TEXT + 0x100);
    put_text(TEXT + 0x100, "kernel");
}

static void pvh_is_taken_over(void **state)
{
    (void)state;
    good_pvh();
    assert_int_equal(pvh(), REFUSE_NONE);
    assert_string_equal(record.command_line, "mode=pv");
    assert_int_equal(record.map.entry[0].end, 0x4100000);
    assert_int_equal(record.module[0].size, 0x1234);
    assert_string_equal(record.module[0].string, "kernel");
    assert_int_equal(record.rsdp, 0xf59d0);
    assert_int_equal(record.rsdp_source, RSDP_PVH);
}

static void lying_pvh_is_refused(void **state)
{
    (void)state;
    good_pvh();
    put32(INFO + 4, 0);
    assert_int_equal(pvh(), REFUSE_INFO_PVH_VERSION);
    good_pvh();
    put32(INFO, 0);
    assert_int_equal(pvh(), REFUSE_INFO_PVH_VERSION);
    good_pvh();
    put64(MODULES, UINT64_C(0xfffff000));
    assert_int_equal(pvh(), REFUSE_INFO_MODULE_TOO_HIGH);
    put64(MODULES, UINT64_MAX);
    assert_int_equal(pvh(), REFUSE_INFO_MODULE_TOO_HIGH);
    good_pvh();
    put32(INFO + 12, UINT32_MAX);
    assert_int_equal(pvh(), REFUSE_INFO_TOO_MANY_MODULES);
    good_pvh();
    put32(INFO + 48, UINT32_MAX);
    assert_int_equal(pvh(), REFUSE_INFO_MAP_TOO_LONG);
    good_pvh();
    put64(INFO + 40, UINT64_MAX - 10);
    assert_int_equal(pvh(), REFUSE_INFO_UNREADABLE);
    good_pvh();
    put32(MAP + 16, 2); /* no RAM */
    assert_int_equal(pvh(), REFUSE_INFO_NO_MEMORY);
}

static void a_module_on_the_stage_is_refused(void **state)
{
    (void)state;
    good_multiboot1();
    assert_int_equal(multiboot1(), REFUSE_NONE); /* the module: 0x100000 to 0x180001 */
    assert_int_equal(record_check_modules(&record, (struct range){0x180000, 0x200000}, &why),
                     REFUSE_INFO_MODULE_ON_STAGE);
    assert_int_equal(record_check_modules(&record, (struct range){0x180001, 0x200000}, &why),
                     REFUSE_NONE);
}

static void a_bios_is_known_by_its_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t equipment, memory;
        uint16_t kib;
        uint32_t expected;
    } cases[] = {
        {0xf000f84d, 0xf000f841, 639, 639 * 1024},
        {0xc0000000, 0xffff0000, 640, 640 * 1024},
        {0, 0, 0, 0},
        {0xf000f84d, 0xbfffffff, 639, 0},
        {0x9fc0f84d, 0xf000f841, 639, 0},
        {0xf000f84d, 0xf000f841, 641, 0},
        {0xffffffff, 0xffffffff, 0xffff, 0},
        {0xafafafaf, 0xafafafaf, 0x1af, 0},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        record.bios_memory = 0;
        put32(0x11 * 4, cases[i].equipment);
        put32(0x12 * 4, cases[i].memory);
        put16(0x413, cases[i].kib);
        record_find_bios(&record, &model_reader);
        assert_int_equal(record.bios_memory, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(multiboot1_is_taken_over, clear),
        cmocka_unit_test_setup(without_a_map_the_two_numbers_count, clear),
        cmocka_unit_test_setup(the_framebuffer_comes_along, clear),
        cmocka_unit_test_setup(lying_multiboot1_is_refused, clear),
        cmocka_unit_test_setup(strings_must_fit, clear),
        cmocka_unit_test_setup(a_map_of_too_many_areas_is_refused, clear),
        cmocka_unit_test_setup(a_module_on_the_stage_is_refused, clear),
        cmocka_unit_test_setup(multiboot2_is_taken_over, clear),
        cmocka_unit_test_setup(lying_tags_are_refused, clear),
        cmocka_unit_test_setup(pvh_is_taken_over, clear),
        cmocka_unit_test_setup(lying_pvh_is_refused, clear),
        cmocka_unit_test_setup(a_bios_is_known_by_its_vectors, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
