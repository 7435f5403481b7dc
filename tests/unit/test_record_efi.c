/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * EFI memory maps: types, descriptor sizes, and maps that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "memory_map.h"
#include "record_efi.h"

static struct memory_map map;
static struct refusal why;

struct descriptor {
    uint32_t type, pad;
    uint64_t start, virtual, pages, attribute, later;
};

static struct view view_of(const struct descriptor *d, size_t count)
{
    return (struct view){(const uint8_t *)d, count * sizeof(*d)};
}

static void types_become_ours(void **state)
{
    const struct descriptor d[] = {
        {7, 0, 0x100000, 0, 0x10, 0, 0}, {4, 0, 0x110000, 0, 0x10, 0, 0},
        {9, 0, 0x120000, 0, 1, 0, 0},    {10, 0, 0x121000, 0, 1, 0, 0},
        {6, 0, 0x122000, 0, 1, 0, 0},    {7, 0, 0x123000, 0, 1, 0x40000, 0},
        {8, 0, 0x124000, 0, 1, 0, 0},    {14, 0, 0x125000, 0, 1, 0, 0},
    };
    const uint32_t expected[] = {MEMORY_RAM,      MEMORY_ACPI,     MEMORY_NVS,
                                 MEMORY_RESERVED, MEMORY_UNUSABLE, MEMORY_PMEM};
    (void)state;
    assert_int_equal(record_efi_map(view_of(d, 8), sizeof(d[0]), &map, &why), REFUSE_NONE);
    assert_int_equal(memory_map_ram_size(&map), 0x20000);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < map.count; i++)
        if (i == 0 || map.entry[i].type != map.entry[i - 1].type)
            assert_int_equal(map.entry[i].type, expected[seen++]);
    assert_int_equal(seen, 6);
}

static void a_partial_last_descriptor_is_left_out(void **state)
{
    const struct descriptor d[] = {{7, 0, 0x100000, 0, 1, 0, 0}, {7, 0, 0x200000, 0, 1, 0, 0}};
    struct view v = view_of(d, 2);
    (void)state;
    v.size -= 8;
    assert_int_equal(record_efi_map(v, sizeof(d[0]), &map, &why), REFUSE_NONE);
    assert_int_equal(memory_map_ram_size(&map), 0x1000);
}

static void lying_maps_are_refused(void **state)
{
    const struct descriptor wraps[] = {{7, 0, 0x100000, 0, UINT64_MAX / 2, 0, 0}};
    static struct descriptor many[RECORD_MAP_MAX + 8];
    (void)state;
    assert_int_equal(record_efi_map(view_of(wraps, 1), 39, &map, &why), REFUSE_EFI_MAP_ENTRY_SIZE);
    assert_int_equal(record_efi_map(view_of(wraps, 1), 4096, &map, &why),
                     REFUSE_EFI_MAP_ENTRY_SIZE);
    assert_int_equal(record_efi_map(view_of(wraps, 1), sizeof(wraps[0]), &map, &why),
                     REFUSE_EFI_MAP_WRAPS);
    for (size_t i = 0; i < RECORD_MAP_MAX + 8; i++)
        many[i] = (struct descriptor){7, 0, 0x100000 + i * 0x2000, 0, 1, 0, 0};
    assert_int_equal(record_efi_map(view_of(many, RECORD_MAP_MAX + 8), sizeof(many[0]), &map, &why),
                     REFUSE_EFI_MAP_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_become_ours),
        cmocka_unit_test(a_partial_last_descriptor_is_left_out),
        cmocka_unit_test(lying_maps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
