/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory that the guest is unpacked into: largest, free, RAM, below 4 GiB.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memory_map.h"
#include "record_parts.h"
#include "workspace.h"

static struct boot_record record;
static struct refusal why;
static const struct range stage = {0x100000, 0x200000};

static void memory(uint64_t start, uint64_t end)
{
    assert_true(memory_map_add(&record.map, start, end - start, MEMORY_RAM));
}

static void module(uint64_t start, uint64_t end)
{
    assert_int_equal(record_add_module(&record, start, end - start, "", &why), REFUSE_NONE);
}

static void expect(uint64_t start, uint64_t end)
{
    struct range found = workspace_find(&record, stage);
    assert_int_equal(found.start, start);
    assert_int_equal(found.end, end);
}

static void the_largest_piece_is_taken(void **state)
{
    (void)state;
    record_init(&record, WAY_MULTIBOOT1);
    expect(0, 0);
    memory(0, 0xa0000);
    expect(0, 0); /* nothing below 1 MiB */
    memory(0x100000, 0x1000000);
    expect(0x200000, 0x1000000);
    module(0x300001, 0x800001);
    expect(0x801000, 0x1000000);
    module(0xf00800, 0xf00900);
    expect(0x801000, 0xf00000);
    record_keep(&record, 0x900000, 0x100000, "kept");
    expect(0xa00000, 0xf00000);
    module(0, 0x100000000); /* everything */
    expect(0, 0);
}

static void it_ends_at_four_gib(void **state)
{
    (void)state;
    record_init(&record, WAY_MULTIBOOT1);
    memory(0x100000, 0x200100000);
    expect(0x200000, 0x100000000);
    module(0x80000000, 0x90000000);
    expect(0x200000, 0x80000000);
}

static void empty_modules_hold_nothing(void **state)
{
    (void)state;
    record_init(&record, WAY_MULTIBOOT1);
    memory(0x100000, 0x1000000);
    module(0x800000, 0x800000);
    expect(0x200000, 0x1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_piece_is_taken),
        cmocka_unit_test(it_ends_at_four_gib),
        cmocka_unit_test(empty_modules_hold_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
