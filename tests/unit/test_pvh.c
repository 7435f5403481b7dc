/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mode=pvh: hvm_start_info as the guest finds it, register state, relocation, refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan_fixture.h"

#include <xen/arch-x86/hvm/start_info.h>

static struct fixture *machine(void)
{
    struct fixture *f = fixture_new(0x100000, 0x20000);
    fixture_ram(f, 0, 0x9fc00);
    fixture_ram(f, 0x100000, 0x2000000);
    assert_true(memory_map_add(&f->record.map, 0xf0000, 0x10000, 99)); /* a type unknown to PVH */
    fixture_module(f, 0x200000, 0x10000, 0, "vmlinuz console=ttyS0  quiet", true);
    fixture_elf(f, true, 0xffff);
    fixture_segment(f, 0x1000000, 0x1000, 0x8000, 0x20000);
    f->info.source = INFO_PT_NOTE;
    f->info.phys32_entry = (struct info_value){true, 0x1000850};
    f->record.rsdp = 0xe0010;
    return f;
}

static struct hvm_start_info make(struct fixture *f, enum refusal_id id)
{
    struct hvm_start_info info = {0};
    assert_string_equal(refusal_name(plan_make(&f->input, MODE_PVH, &f->plan, &f->why)),
                        refusal_name(id));
    if (id != REFUSE_NONE)
        return info;
    fixture_run(f);
    memcpy(&info, fixture_memory + f->plan.exit.bx, sizeof(info));
    return info;
}

static void start_info(void **unused)
{
    (void)unused;
    struct fixture *f = machine();
    fixture_module(f, 0x300000, 0x1234, 0x20000, "initrd words", true);
    fixture_module(f, 0x1001000, 0x800, 0x30000, "", true);
    struct hvm_start_info info = make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.kind, EXIT_PROTECTED);
    assert_int_equal(f->plan.exit.ip, 0x1000850);
    assert_int_equal(f->plan.exit.ax | f->plan.exit.cx | f->plan.exit.dx | f->plan.exit.si, 0);
    assert_null(fixture_check_segments(f, 0));
    assert_int_equal(info.magic, XEN_HVM_START_MAGIC_VALUE);
    assert_int_equal(info.version, 1);
    assert_int_equal(info.flags, 0);
    assert_int_equal(info.nr_modules, 2);
    assert_int_equal(info.rsdp_paddr, 0xe0010);
    assert_int_equal(info.reserved, 0);
    assert_string_equal(fixture_text(info.cmdline_paddr), "console=ttyS0  quiet");
    struct hvm_modlist_entry module[2];
    memcpy(module, fixture_memory + info.modlist_paddr, sizeof(module));
    assert_int_equal(module[0].paddr, 0x300000);
    assert_int_equal(module[0].size, 0x1234);
    assert_string_equal(fixture_text(module[0].cmdline_paddr), "initrd words");
    assert_true(fixture_is_module(f, 2, 0, module[1].paddr, 0x800));
    assert_int_equal(module[1].cmdline_paddr, 0);
    struct hvm_memmap_table_entry map[3];
    assert_int_equal(info.memmap_entries, 3);
    memcpy(map, fixture_memory + info.memmap_paddr, sizeof(map));
    assert_int_equal(map[0].size, 0x9fc00);
    assert_int_equal(map[1].type, XEN_HVM_MEMMAP_TYPE_RESERVED);
    assert_int_equal(map[2].addr, 0x100000);
    assert_int_equal(map[2].size, 0x1f00000);

    f = machine();
    f->record.module[0].string = "vmlinuz";
    info = make(f, REFUSE_NONE);
    assert_int_equal(info.nr_modules, 0);
    assert_int_equal(info.modlist_paddr, 0);
    assert_int_equal(info.cmdline_paddr, 0);
}

static void relocation(void **unused)
{
    (void)unused;
    struct fixture *f = machine(); /* no note: where it is linked, the module moves */
    fixture_module(f, 0x1010000, 0x1000, 0x20000, "", true);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x1000850);
    f = machine(); /* allowed to move: the module stays */
    f->info.has_phys32_reloc = true;
    f->info.phys32_align = 0x100000;
    f->info.phys32_min = 0x800000;
    f->info.phys32_max = 0xffffffff;
    fixture_module(f, 0x1010000, 0x1000, 0x20000, "", true);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x800850);
    assert_non_null(fixture_region(f, "module 1"));
    assert_int_equal(fixture_region(f, "module 1")->kind, REGION_IN_PLACE);
    assert_null(fixture_check_segments(f, (uint64_t)0x800000 - 0x1000000));
    f = machine(); /* linked where there is no RAM; alignment by default 2 MiB */
    f->placement.segment[0].physical = gpaddr(0x8000000);
    f->placement.physical = (struct range){0x8000000, 0x8020000};
    f->info.phys32_entry.value = 0x8000850;
    make(f, REFUSE_PLAN_TARGET_NOT_RAM);
    f->info.has_phys32_reloc = true;
    f->info.phys32_max = 0xffffffff;
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip & 0x1fffff, 0x850);
    f->info.phys32_align = 0x3000;
    make(f, REFUSE_PVH_RELOC);
    f->info.phys32_align = 0x1000;
    f->info.phys32_min = 0x2000;
    f->info.phys32_max = 0x1fff;
    make(f, REFUSE_PVH_RELOC);
    f->info.phys32_max = 0x3000; /* no room there: stays, and there is no RAM */
    make(f, REFUSE_PLAN_TARGET_NOT_RAM);
}

static void refusals(void **unused)
{
    (void)unused;
    struct fixture *f = machine();
    f->info.phys32_entry.value = 0x1020000;
    make(f, REFUSE_PVH_ENTRY_OUTSIDE);
    f = machine();
    f->info.phys32_entry.value = 0x101ffff; /* inside, but zero fill is written too */
    make(f, REFUSE_NONE);
    f = machine();
    f->image.has_elf = false;
    make(f, REFUSE_PVH_NO_ELF);
    f = machine();
    f->info.phys32_entry.given = false;
    assert_int_not_equal(plan_make(&f->input, MODE_PVH, &f->plan, &f->why), REFUSE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_info),
        cmocka_unit_test(relocation),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
