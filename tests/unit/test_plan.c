/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The planner's building blocks, the order of steps, the choice of the mode, and the printed table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "native.h"
#include "plan_fixture.h"
#include "plan_parts.h"

static struct fixture *machine(void)
{
    struct fixture *f = fixture_new(0x100000, 0x20000);
    fixture_ram(f, 0, 0x9fc00);
    fixture_ram(f, 0x100000, 0x2000000);
    fixture_module(f, 0x200000, 0x8000, 0, "guest args", true);
    f->plan.region_count = f->plan.step_count = f->plan.names_used = f->plan.blob_used = 0;
    f->plan.info = 0x10000;
    return f;
}

static void make(struct fixture *f, enum mode mode, enum refusal_id id)
{
    assert_string_equal(refusal_name(plan_make(&f->input, mode, &f->plan, &f->why)),
                        refusal_name(id));
    if (id != REFUSE_NONE)
        assert_int_equal(f->why.id, id);
}

static void find(void **unused)
{
    (void)unused;
    struct fixture *f = machine();
    uint64_t at;
    assert_true(plan_find(&f->plan, &f->record, 0x1000, 0x1000, 0, 0, false, &at));
    assert_int_equal(at, 0x1000);
    assert_true(plan_find(&f->plan, &f->record, 0x1000, 0x1000, 0, 0, true, &at));
    assert_int_equal(at, 0x1fff000);
    assert_true(plan_find(&f->plan, &f->record, 0x100000, 0x100000, 0, 0x400000, true, &at));
    assert_int_equal(at, 0x300000);
    assert_false(plan_find(&f->plan, &f->record, 0x2000000, 1, 0, 0, true, &at));
    assert_false(plan_find(&f->plan, &f->record, 0x1000, 1, 0x9fc00, 0x100000, false, &at));
    assert_false(plan_find(&f->plan, &f->record, 1, 1, 0x500000, 0x400000, false, &at));
    /* Everything from 1 MiB on is taken but one page, whatever the order of the regions. */
    static const uint64_t taken[][2] = {
        {0x1000000, 0x2000000}, {0x300000, 0x800000}, {0x801000, 0x1000000}, {0x100000, 0x300000}};
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(plan_add_region(&f->plan, "taken", REGION_SOURCE,
                                         (struct range){taken[i][0], taken[i][1]}, NULL, &f->why),
                         REFUSE_NONE);
    for (unsigned top = 0; top < 2; top++) {
        assert_true(plan_find(&f->plan, &f->record, 0x1000, 16, 0x100000, 0, top != 0, &at));
        assert_int_equal(at, 0x800000);
        assert_false(plan_find(&f->plan, &f->record, 0x1001, 16, 0x100000, 0, top != 0, &at));
        assert_true(plan_find_target(&f->plan, &f->record, 0x1001, 16, 0x100000, 0, top != 0, &at));
    }
}

static void limits(void **unused)
{
    (void)unused;
    struct fixture *f = machine();
    enum refusal_id id = REFUSE_NONE;
    unsigned count = 0;
    while (id == REFUSE_NONE && count++ <= PLAN_REGION_MAX)
        id = plan_add_region(&f->plan, "r", REGION_TARGET, (struct range){0, 1}, NULL, &f->why);
    assert_int_equal(id, REFUSE_PLAN_TOO_MANY_REGIONS);
    assert_int_equal(count, PLAN_REGION_MAX + 1);
    for (count = 0, id = REFUSE_NONE; id == REFUSE_NONE && count <= PLAN_STEP_MAX; count++)
        id = plan_add_zero(&f->plan, count, 1, &f->why);
    assert_int_equal(id, REFUSE_PLAN_TOO_MANY_STEPS);
    assert_int_equal(plan_add_copy(&f->plan, 0, 0, 0, &f->why), REFUSE_NONE);

    uint8_t *to;
    uint64_t at;
    f = machine();
    assert_int_equal(plan_blob(&f->plan, 3, 1, &to, &at, &f->why), REFUSE_NONE);
    assert_int_equal(at, 0x10000);
    assert_int_equal(plan_blob(&f->plan, 8, 8, &to, &at, &f->why), REFUSE_NONE);
    assert_int_equal(at, 0x10008);
    assert_ptr_equal(to, f->plan.blob + 8);
    assert_int_equal(plan_blob(&f->plan, f->plan.blob_size - 16, 1, &to, &at, &f->why),
                     REFUSE_NONE);
    assert_int_equal(plan_blob(&f->plan, 1, 1, &to, &at, &f->why), REFUSE_PLAN_BLOB_FULL);
    assert_int_equal(plan_blob(&f->plan, UINT32_MAX, 8, &to, &at, &f->why), REFUSE_PLAN_BLOB_FULL);

    f = machine();
    for (count = 0; count < 20000; count++)
        assert_non_null(plan_name(&f->plan, "a name", count));
    f->plan.warning_count = 0;
    for (count = 0; count < 20; count++)
        plan_warn(&f->plan, "%0200u", count);
    assert_int_equal(f->plan.warning_count, PLAN_WARNING_MAX);
    assert_int_equal(strlen(f->plan.warning[0]), sizeof(f->plan.warning[0]) - 1);
}

static void order(void **unused)
{
    (void)unused;
    /* A chain: each step destroys the source of the one added before it. */
    struct fixture *f = machine();
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(
            plan_add_copy(&f->plan, 0x400000 + i * 0x1000, 0x401000 + i * 0x1000, 0x1000, &f->why),
            REFUSE_NONE);
    struct step first = f->plan.step[0];
    f->plan.step[0] = f->plan.step[7];
    f->plan.step[7] = first;
    assert_int_equal(plan_order(&f->input, &f->plan, &f->why), REFUSE_NONE);
    assert_int_equal(f->plan.step_count, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(f->plan.step[i].to, 0x400000 + i * 0x1000);

    /* A ring of three: the smallest source goes aside, nothing else. */
    f = machine();
    plan_add_copy(&f->plan, 0x400000, 0x500000, 0x3000, &f->why);
    plan_add_copy(&f->plan, 0x500000, 0x600000, 0x1000, &f->why);
    plan_add_copy(&f->plan, 0x600000, 0x400000, 0x2000, &f->why);
    assert_int_equal(plan_order(&f->input, &f->plan, &f->why), REFUSE_NONE);
    assert_int_equal(f->plan.step_count, 4);
    assert_int_equal(f->plan.step[0].from, 0x600000);
    assert_int_equal(f->plan.step[0].size, 0x1000);
    assert_non_null(fixture_region(f, "moved aside 1"));

    /* No room to move anything aside. */
    f = machine();
    plan_add_region(&f->plan, "all", REGION_SOURCE, (struct range){0, 0x2000000}, NULL, &f->why);
    plan_add_copy(&f->plan, 0x400000, 0x500000, 0x1000, &f->why);
    plan_add_copy(&f->plan, 0x500000, 0x400000, 0x1000, &f->why);
    assert_int_equal(plan_order(&f->input, &f->plan, &f->why), REFUSE_PLAN_NO_ROOM);

    /* A step over its own source is no ring. */
    f = machine();
    plan_add_copy(&f->plan, 0x400000, 0x400800, 0x1000, &f->why);
    assert_int_equal(plan_order(&f->input, &f->plan, &f->why), REFUSE_NONE);
    assert_int_equal(f->plan.step_count, 1);
}

static struct fixture *elf_machine(uint64_t at, uint64_t memory_size)
{
    struct fixture *f = machine();
    fixture_elf(f, false, at);
    fixture_segment(f, at, 0, 0x1000, memory_size);
    return f;
}

static void places(void **unused)
{
    (void)unused;
    make(elf_machine(0x400000, 0x1000), MODE_NATIVE, REFUSE_NONE);
    make(elf_machine(0x90000, 0x10000), MODE_NATIVE, REFUSE_PLAN_TARGET_NOT_RAM);
    make(elf_machine(0x3000000, 0x1000), MODE_NATIVE, REFUSE_PLAN_TARGET_NOT_RAM);
    make(elf_machine(0xfffff000, 0x2000), MODE_NATIVE, REFUSE_PLAN_ABOVE_4GIB);
    struct fixture *f = elf_machine(UINT64_MAX - 0x800, 0x1000);
    f->placement.entry_physical_inside = true;
    make(f, MODE_NATIVE, REFUSE_PLAN_ABOVE_4GIB);

    f = elf_machine(0x400000, 0x1000);
    f->record.keep[0].range = (struct range){0x400800, 0x400900};
    f->record.keep[0].name = "tables";
    f->record.keep_count = 1;
    make(f, MODE_NATIVE, REFUSE_PLAN_TARGET_TAKEN);

    f = elf_machine(0x400000, 0x1000); /* a module that wraps */
    fixture_module(f, 0x500000, 0x1000, 0, "m", false);
    f->record.module[1].size = UINT64_MAX;
    make(f, MODE_NATIVE, REFUSE_PLAN_ABOVE_4GIB);

    f = elf_machine(0x400000, 0x1000); /* one that the mover cannot reach */
    fixture_module(f, 0x500000, 0x1000, 0, "m", false);
    f->record.module[1].start = maddr(0x100000000);
    make(f, MODE_NATIVE, REFUSE_PLAN_ABOVE_4GIB);

    f = elf_machine(0x100000, 0x1f00000); /* a kernel that leaves the hand-off nothing */
    f->record.map.count = 0;
    fixture_ram(f, 0x100000, 0x2000000);
    make(f, MODE_NATIVE, REFUSE_PLAN_NO_ROOM);
}

static void without_elf(void **unused)
{
    (void)unused;
    struct fixture *f = machine();
    enum mode mode = MODE_AUTO;
    make(f, MODE_NATIVE, REFUSE_NATIVE_NO_PROTOCOL);
    make(f, MODE_PVH, REFUSE_PVH_NO_ELF);
    assert_int_equal(plan_choose_mode(&f->input, MODE_AUTO, &mode, &f->why), REFUSE_PLAN_NO_ELF);
    assert_int_equal(mode, MODE_AUTO);
    assert_int_equal(plan_choose_mode(&f->input, MODE_PV, &mode, &f->why), REFUSE_NONE);
    assert_int_equal(mode, MODE_PV);
}

static void mode_choice(void **unused)
{
    (void)unused;
    enum mode mode;
    enum native_protocol protocol;
    struct fixture *f = elf_machine(0x400000, 0x1000);
    assert_int_equal(plan_choose_mode(&f->input, MODE_AUTO, &mode, &f->why), REFUSE_NONE);
    assert_int_equal(mode, MODE_NATIVE);

    f = elf_machine(0x400000, 0x1000); /* only Xen's doors: not entered by its ELF entry */
    f->info.source = INFO_PT_NOTE;
    assert_int_equal(native_choose(&f->input, true, &protocol, &f->why), REFUSE_NATIVE_ONLY_XEN);
    assert_int_equal(native_choose(&f->input, false, &protocol, &f->why), REFUSE_NONE);
    assert_int_equal(protocol, NATIVE_ELF);
    f->info.phys32_entry = (struct info_value){true, 0x400000};
    assert_int_equal(plan_choose_mode(&f->input, MODE_AUTO, &mode, &f->why), REFUSE_NONE);
    assert_int_equal(mode, MODE_PVH);
    strcpy(f->info.guest_os, "linux");
    assert_int_equal(plan_choose_mode(&f->input, MODE_AUTO, &mode, &f->why), REFUSE_NONE);
    assert_int_equal(mode, MODE_NATIVE);
    assert_int_equal(native_choose(&f->input, true, &protocol, &f->why), REFUSE_NONE);
    assert_int_equal(protocol, NATIVE_LINUX);

    static const struct {
        enum native_protocol wanted;
        enum refusal_id id;
    } missing[] = {{NATIVE_MULTIBOOT1, REFUSE_NATIVE_NO_MULTIBOOT1},
                   {NATIVE_MULTIBOOT2, REFUSE_NATIVE_NO_MULTIBOOT2},
                   {NATIVE_LINUX, REFUSE_NATIVE_NO_LINUX}};
    for (unsigned i = 0; i < 3; i++) {
        f = elf_machine(0x400000, 0x1000);
        f->options.native = missing[i].wanted;
        make(f, MODE_NATIVE, missing[i].id);
    }
}

static void table(void **unused)
{
    (void)unused;
    static const char expected[] =
        "| memory arrangement (plain ELF32):\n"
        "|   machine 00010000->000100f0  target    boot information\n"
        "|   machine 00100000->00120000  stage     stage\n"
        "|   machine 00120000->00122000  target    module 2\n"
        "|   machine 00180000->00186000  target    kernel segment 0\n"
        "|   machine 00181000->00183000  source    as loaded, module 2\n"
        "|   machine 00200000->00208000  source    guest image as loaded\n"
        "|   machine 00300000->00303000  in place  module 1\n"
        "|   machine 01ff0000->02000000  hand-off  hand-off\n"
        "|   step 0: zero 0x2000 bytes at machine 00184000\n"
        "|   step 1: copy 0x2000 bytes from machine 00181000 to machine 00120000\n"
        "|   step 2: copy 0x4000 bytes from machine 00201000 to machine 00180000\n"
        "|   step 3: copy 0xf0 bytes from machine 00110000 to machine 00010000\n"
        "|   entry in protected mode at machine 00180010 ax=2badb002 bx=10000\n";
    struct fixture *f = fixture_new(0x100000, 0x20000);
    fixture_ram(f, 0, 0x9fc00);
    fixture_ram(f, 0x100000, 0x2000000);
    fixture_module(f, 0x200000, 0x8000, 0, "guest args", true);
    fixture_module(f, 0x300000, 0x3000, 0x10000, "ramdisk", true);
    fixture_module(f, 0x181000, 0x2000, 0x20000, "moves", true);
    fixture_elf(f, false, 0x180010);
    fixture_segment(f, 0x180000, 0x1000, 0x4000, 0x6000);
    make(f, MODE_NATIVE, REFUSE_NONE);
    f->options.plan_only = true;
    char text[4096];
    struct out_buffer buffer;
    out_buffer_init(&buffer, text, sizeof(text));
    plan_print(&buffer.out, "| ", &f->input, &f->plan);
    assert_string_equal(text, expected);
    f->options.plan_only = false;
    out_buffer_init(&buffer, text, sizeof(text));
    plan_print(&buffer.out, "| ", &f->input, &f->plan);
    assert_null(strstr(text, "step"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(find),   cmocka_unit_test(limits),      cmocka_unit_test(order),
        cmocka_unit_test(places), cmocka_unit_test(without_elf), cmocka_unit_test(mode_choice),
        cmocka_unit_test(table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
