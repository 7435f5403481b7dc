/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory map against a byte-per-cell model: random entries of any order, overlap and type give
 * the same map as painting them, most restrictive last; and the edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memory_map.h"

#define CELLS 40

static struct memory_map map;

static void check_shape(void)
{
    for (uint32_t i = 0; i < map.count; i++) {
        assert_true(map.entry[i].start < map.entry[i].end);
        if (i) {
            assert_true(map.entry[i - 1].end <= map.entry[i].start);
            assert_false(map.entry[i - 1].end == map.entry[i].start &&
                         map.entry[i - 1].type == map.entry[i].type);
        }
    }
}

static uint32_t type_at(uint64_t at)
{
    for (uint32_t i = 0; i < map.count; i++)
        if (at >= map.entry[i].start && at < map.entry[i].end)
            return map.entry[i].type;
    return 0;
}

/* Types in rising severity, index 0 = nothing there. */
static const uint32_t order[] = {0,          MEMORY_RAM,      MEMORY_PMEM,
                                 99,         MEMORY_ACPI,     MEMORY_RESERVED,
                                 MEMORY_NVS, MEMORY_DISABLED, MEMORY_UNUSABLE};

static void random_maps_agree_with_painting(void **state)
{
    unsigned seed = 1;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        unsigned cell[CELLS] = {0};
        map.count = 0;
        for (int n = rand_r(&seed) % 12; n >= 0; n--) {
            unsigned start = (unsigned)rand_r(&seed) % CELLS;
            unsigned size = (unsigned)rand_r(&seed) % (CELLS - start + 1);
            unsigned type = 1 + (unsigned)rand_r(&seed) % 8;
            assert_true(memory_map_add(&map, start, size, order[type]));
            for (unsigned i = start; i < start + size; i++)
                if (type > cell[i])
                    cell[i] = type;
        }
        check_shape();
        uint64_t ram = 0, end = 0;
        for (unsigned i = 0; i < CELLS; i++) {
            assert_int_equal(type_at(i), order[cell[i]]);
            if (cell[i] == 1) {
                ram++;
                end = i + 1;
            }
        }
        assert_int_equal(memory_map_ram_size(&map), ram);
        assert_int_equal(memory_map_ram_end(&map), end);

        struct range r;
        unsigned a = (unsigned)rand_r(&seed) % CELLS, b = a + (unsigned)rand_r(&seed) % (CELLS - a);
        bool all = true;
        for (unsigned i = a; i < b; i++)
            all = all && cell[i] == 1;
        assert_true(range_from_bounds(a, b, &r));
        assert_int_equal(memory_map_is_ram(&map, r), all);

        uint64_t limit = (uint64_t)rand_r(&seed) % CELLS;
        memory_map_limit(&map, limit);
        check_shape();
        assert_int_equal(memory_map_ram_size(&map), ram < limit ? ram : limit);
        /* From the top: what is left is what was there, lowest first. */
        uint64_t left = memory_map_ram_size(&map);
        for (unsigned i = 0; i < CELLS; i++) {
            bool kept = cell[i] == 1 && left;
            assert_int_equal(type_at(i), cell[i] != 1 ? order[cell[i]] : kept ? MEMORY_RAM : 0);
            if (kept)
                left--;
        }
    }
}

static void edges_of_the_address_space(void **state)
{
    (void)state;
    map.count = 0;
    assert_true(memory_map_add(&map, 5, 0, MEMORY_RAM));
    assert_int_equal(map.count, 0);
    assert_true(memory_map_add(&map, UINT64_MAX - 10, 100, MEMORY_RESERVED));
    assert_int_equal(map.count, 1);
    assert_int_equal(map.entry[0].end, UINT64_MAX);
    assert_true(memory_map_add(&map, 0, UINT64_MAX, MEMORY_RAM));
    assert_int_equal(map.count, 2);
    assert_int_equal(memory_map_ram_end(&map), UINT64_MAX - 10);
    assert_int_equal(memory_map_ram_end(&(struct memory_map){0}), 0);
}

static void a_full_map_says_so(void **state)
{
    (void)state;
    map.count = 0;
    for (uint64_t i = 0; i < RECORD_MAP_MAX; i++)
        assert_true(memory_map_add(&map, i * 0x2000, 0x1000, MEMORY_RAM));
    assert_int_equal(map.count, RECORD_MAP_MAX);
    assert_false(memory_map_add(&map, RECORD_MAP_MAX * UINT64_C(0x2000), 1, MEMORY_RAM));
    assert_false(memory_map_add(&map, 0x100, 0x10, MEMORY_RESERVED));
    check_shape();
    assert_int_equal(map.count, RECORD_MAP_MAX);
    /* What merges needs no room. */
    assert_true(memory_map_add(&map, 0, 0x1000, MEMORY_RESERVED));
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(memory_type_name(MEMORY_RAM), "RAM");
    assert_string_equal(memory_type_name(MEMORY_RESERVED), "reserved");
    assert_string_equal(memory_type_name(MEMORY_ACPI), "ACPI data");
    assert_string_equal(memory_type_name(MEMORY_NVS), "ACPI NVS");
    assert_string_equal(memory_type_name(MEMORY_UNUSABLE), "unusable");
    assert_string_equal(memory_type_name(MEMORY_DISABLED), "disabled");
    assert_string_equal(memory_type_name(MEMORY_PMEM), "persistent");
    assert_string_equal(memory_type_name(1234), "other");
}

static void record_strings_are_copied_until_full(void **state)
{
    static struct boot_record record;
    char text[] = "abc";
    (void)state;
    const char *copy = record_string(&record, text, sizeof(text));
    text[0] = 'x';
    assert_string_equal(copy, "abc");
    assert_string_equal(record_string(&record, "abcdef", 3), "abc");
    assert_string_equal(record_string(&record, "x", 0), "");
    char *big = malloc(RECORD_STRINGS_SIZE);
    memset(big, 'y', RECORD_STRINGS_SIZE);
    assert_null(record_string(&record, big, RECORD_STRINGS_SIZE));
    uint32_t left = RECORD_STRINGS_SIZE - record.strings_used;
    assert_null(record_string(&record, big, left));
    assert_non_null(record_string(&record, big, left - 1));
    assert_int_equal(record.strings_used, RECORD_STRINGS_SIZE);
    assert_null(record_string(&record, "", 1));
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_maps_agree_with_painting),
        cmocka_unit_test(edges_of_the_address_space),
        cmocka_unit_test(a_full_map_says_so),
        cmocka_unit_test(names),
        cmocka_unit_test(record_strings_are_copied_until_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
