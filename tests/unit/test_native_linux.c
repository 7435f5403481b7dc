/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Linux's boot protocol: where kernel and ramdisk go, what the zero page says, old protocols, the
 * 64-bit entry, vmlinux, and every refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan_fixture.h"

#define AT 0x200000u

static struct fixture *machine(const char *string)
{
    struct fixture *f = fixture_new(0x100000, 0x20000);
    fixture_ram(f, 0, 0x9fc00);
    fixture_ram(f, 0x100000, 0x4000000);
    assert_true(memory_map_add(&f->record.map, 0x4000000, 0x1000, MEMORY_ACPI));
    fixture_module(f, AT, 0x10000, 0, string, true);
    return f;
}

static struct fixture *bzimage(uint16_t version)
{
    struct fixture *f = machine("vmlinuz quiet root=/dev/ram0");
    fixture_bzimage(f, version, 0x1000000, 0x800000, true);
    f->image.bz.code32_start = 0x100000;
    f->image.bz.kernel_alignment = 0x200000;
    f->record.rsdp = 0xf1230;
    return f;
}

static uint64_t make(struct fixture *f, enum refusal_id id)
{
    assert_string_equal(refusal_name(plan_make(&f->input, MODE_NATIVE, &f->plan, &f->why)),
                        refusal_name(id));
    if (id == REFUSE_NONE)
        fixture_run(f);
    return f->plan.exit.si;
}

static void zero_page(void **unused)
{
    (void)unused;
    struct fixture *f = bzimage(0x20f);
    fixture_module(f, 0x300000, 0x1234, 0x20000, "initrd", true);
    uint64_t page = make(f, REFUSE_NONE);
    const uint8_t *p = fixture_memory + page;
    assert_string_equal(f->plan.protocol, "Linux boot protocol 2.15, 32-bit entry");
    assert_int_equal(f->plan.exit.kind, EXIT_PROTECTED);
    assert_true(f->plan.exit.linux_selectors);
    assert_int_equal(f->plan.exit.ip, 0x1000000);
    assert_true(fixture_is_module(f, 0, 0x400, 0x1000000, 0x10000 - 0x400));
    /* the kernel's own header up to its end, nothing behind it, the loader's fields changed */
    assert_memory_equal(p + 0x1f1, fixture_memory + AT + 0x1f1, 9);
    assert_memory_equal(p + 0x268, fixture_memory + AT + 0x268, 4);
    assert_true(fixture_is_zero(page + 0x26c, 0x290 - 0x26c));
    assert_int_equal(p[0x210], 0xff);
    assert_int_equal(fixture_u32(page + 0x214), 0x1000000);
    assert_int_equal(fixture_u32(page + 0x218), 0x300000);
    assert_int_equal(fixture_u32(page + 0x21c), 0x1234);
    assert_string_equal(fixture_text(fixture_u32(page + 0x228)), "quiet root=/dev/ram0");
    assert_int_equal(fixture_u64(page + 0x250), 0);
    assert_int_equal(fixture_u64(page + 0x70), 0xf1230);
    assert_int_equal(p[0x1e8], 3);
    assert_int_equal(fixture_u64(page + 0x2d0), 0);
    assert_int_equal(fixture_u64(page + 0x2d8), 0x9fc00);
    assert_int_equal(fixture_u32(page + 0x2d0 + 40 + 16), MEMORY_ACPI);
    assert_int_equal(fixture_u32(page + 0x1e0), 63 * 1024);
    /* 80x25 text */
    assert_int_equal(p[7], 80);
    assert_int_equal(p[0xe], 25);
    assert_int_equal(p[0xf], 1);
    assert_int_equal(p[0x1ef], 0);
    assert_int_equal(fixture_u32(page + 0x1c0), 0);
}

static void screens_and_efi(void **unused)
{
    (void)unused;
    struct fixture *f = bzimage(0x20f);
    f->record.framebuffer = (struct framebuffer){
        FRAMEBUFFER_RGB, false, 0x1fd000000, 4096, 1024, 768, 32, 16, 8, 8, 8, 0, 8};
    uint64_t page = make(f, REFUSE_NONE);
    const uint8_t *p = fixture_memory + page;
    assert_int_equal(p[0xf], 0x23);
    assert_int_equal(fixture_u32(page + 0x12), 1024 | 768 << 16);
    assert_int_equal(fixture_u32(page + 0x18), 0xfd000000);
    assert_int_equal(fixture_u32(page + 0x1c), 48);
    assert_int_equal(p[0x26], 8);
    assert_int_equal(p[0x27], 16);
    assert_int_equal(fixture_u32(page + 0x36), 2);
    assert_int_equal(fixture_u32(page + 0x3a), 1);

    f = bzimage(0x20f);
    f->record.way = WAY_UEFI;
    f->record.framebuffer.kind = FRAMEBUFFER_RGB;
    f->record.framebuffer.efi = true;
    f->record.framebuffer.pitch = 4096;
    f->record.framebuffer.height = 768;
    f->record.efi =
        (struct efi_info){true, true, 0x17f000018, 0, 0x600000, 96, 48, 1, SECURE_BOOT_ON};
    f->image.bz.xloadflags = 1;
    page = make(f, REFUSE_NONE);
    p = fixture_memory + page;
    assert_int_equal(p[0x1ec], 3);
    assert_int_equal(p[0xf], 0x70);
    assert_int_equal(fixture_u32(page + 0x1c), 768 * 4096);
    assert_memory_equal(p + 0x1c0, "EL64", 4);
    assert_int_equal(fixture_u32(page + 0x1c4), 0x7f000018);
    assert_int_equal(fixture_u32(page + 0x1c8), 48);
    assert_int_equal(fixture_u32(page + 0x1d0), 0x600000);
    assert_int_equal(fixture_u32(page + 0x1d4), 96);
    assert_int_equal(fixture_u32(page + 0x1d8), 1);
    /* 64-bit firmware: the 64-bit entry */
    assert_int_equal(f->plan.exit.kind, EXIT_LONG);
    assert_int_equal(f->plan.exit.ip, 0x1000200);
}

static void long_maps(void **unused)
{
    (void)unused;
    for (unsigned old = 0; old < 2; old++) {
        struct fixture *f = bzimage(old ? 0x208 : 0x20f);
        for (uint64_t i = 0; i < 200; i++)
            assert_true(
                memory_map_add(&f->record.map, 0x100000000 + i * 0x2000, 0x1000, MEMORY_RAM));
        uint64_t page = make(f, REFUSE_NONE), data = fixture_u64(page + 0x250);
        assert_int_equal(fixture_memory[page + 0x1e8], 128);
        assert_int_equal(f->plan.warning_count, old);
        if (old)
            continue;
        assert_int_equal(fixture_u64(data), 0);
        assert_int_equal(fixture_u32(data + 8), 1);
        assert_int_equal(fixture_u32(data + 12), (203 - 128) * 20);
        assert_int_equal(fixture_u64(data + 16 + 74 * 20), 0x100000000 + 199 * 0x2000);
    }
}

static void ramdisks(void **unused)
{
    (void)unused;
    struct fixture *f = bzimage(0x20f); /* several: joined, each at a multiple of four */
    fixture_module(f, 0x300000, 0x1233, 0x20000, "one", true);
    fixture_module(f, 0x310000, 0, 0, "empty", true);
    fixture_module(f, 0x320000, 0x1001, 0x30000, "two", true);
    uint64_t page = make(f, REFUSE_NONE), at = fixture_u32(page + 0x218);
    assert_int_equal(fixture_u32(page + 0x21c), 0x1234 + 0x1001);
    assert_true(fixture_is_module(f, 1, 0, at, 0x1233));
    assert_int_equal(fixture_memory[at + 0x1233], 0);
    assert_true(fixture_is_module(f, 3, 0, at + 0x1234, 0x1001));

    f = bzimage(0x20f); /* a ramdisk where the kernel would like to be: the kernel gives way */
    fixture_module(f, 0x1100000, 0x1000, 0x20000, "in the way", true);
    page = make(f, REFUSE_NONE);
    assert_int_equal(fixture_u32(page + 0x218), 0x1100000);
    assert_int_equal(f->plan.exit.ip, 0x1200000);

    f = bzimage(0x20f); /* not relocatable: the ramdisk does, also from where the kernel moves */
    f->image.bz.relocatable = false;
    fixture_module(f, 0x1100000, 0x1000, 0x20000, "in the way", true);
    page = make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x100000);
    assert_true(fixture_is_module(f, 1, 0, fixture_u32(page + 0x218), 0x1000));
    assert_int_not_equal(fixture_u32(page + 0x218), 0x1100000);

    f = bzimage(0x20f); /* above initrd_addr_max */
    f->image.bz.initrd_addr_max = 0x2ffffff;
    fixture_module(f, 0x2fff001, 0x1000, 0x20000, "too high", true);
    page = make(f, REFUSE_NONE);
    assert_true(fixture_u32(page + 0x218) + 0x1000 <= 0x3000000);
    assert_true(fixture_is_module(f, 1, 0, fixture_u32(page + 0x218), 0x1000));

    f = bzimage(0x20f); /* the same, but the kernel takes it anywhere through its 64-bit entry */
    f->image.bz.initrd_addr_max = 0x2ffffff;
    f->image.bz.xloadflags = 3;
    fixture_module(f, 0x2fff001, 0x1000, 0x20000, "too high", true);
    page = make(f, REFUSE_NONE);
    assert_int_equal(fixture_u32(page + 0x218), 0x2fff001);
    assert_int_equal(f->plan.exit.kind, EXIT_LONG);

    f = bzimage(0x20f);
    fixture_module(f, 0x3000000, 0x1000, 0, "m", false);
    f->record.module[1].size = UINT64_MAX;
    make(f, REFUSE_PLAN_ABOVE_4GIB);
}

static void command_lines(void **unused)
{
    (void)unused;
    static const struct {
        uint16_t version;
        uint32_t size, expected;
    } cases[] = {{0x20f, 100, 100}, {0x20f, 2047, 503}, {0x205, 2047, 255}, {0x201, 2047, 255}};
    char text[512];
    memset(text, 'x', sizeof(text));
    memcpy(text, "vmlinuz a=b ", 12);
    text[sizeof(text) - 1] = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct fixture *f = machine(text);
        fixture_bzimage(f, cases[i].version, 0x1000000, 0x800000, false);
        f->image.bz.code32_start = 0x100000;
        f->image.bz.cmdline_size = cases[i].size;
        uint64_t page = make(f, REFUSE_NONE);
        uint64_t at = fixture_u32(page + 0x228);
        if (cases[i].version < 0x202) {
            assert_int_equal(fixture_u32(page + 0x20) & 0xffff, 0xA33F);
            at = page + (fixture_u32(page + 0x20) >> 16);
        }
        assert_int_equal(strlen(fixture_text(at)), cases[i].expected);
        assert_int_equal(f->plan.warning_count, cases[i].expected < 503);
    }
}

static void old_kernels(void **unused)
{
    (void)unused;
    struct fixture *f = bzimage(0x204); /* no relocation, no init_size: 1 MiB and room to unpack */
    fixture_module(f, 0x120000, 0x1000, 0x20000, "initrd", true);
    uint64_t page = make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x100000);
    assert_true(fixture_u32(page + 0x218) >= 0x100000 + 3 * 0x10000);
    assert_true(fixture_is_module(f, 1, 0, fixture_u32(page + 0x218), 0x1000));
}

/* A kernel that says it can only be entered in real mode. */
static struct fixture *real_mode(uint16_t version)
{
    struct fixture *f = bzimage(version);
    f->image.bz.relocatable = false;
    f->image.bz.pref_address = 0x100000;
    f->image.bz.code32_start = 0;
    f->image.bz.setup_size = 0xc00;
    f->image.bz.kernel_size -= 0x800;
    f->record.bios_memory = 0x9f800;
    return f;
}

/* Everything but the loader's fields, which the caller has looked at, is the file's. */
static void is_setup_code(const struct fixture *f, uint64_t at)
{
    assert_true(
        fixture_is_module(f, 0, 0x24, at + 0x24, 0x1fa - 0x24)); /* 0x20: old command line */
    assert_true(fixture_is_module(f, 0, 0x300, at + 0x300, f->image.bz.setup_size - 0x300));
    assert_true(
        fixture_is_zero(at + f->image.bz.setup_size, f->plan.exit.sp - f->image.bz.setup_size));
}

static void entry_in_real_mode(void **unused)
{
    (void)unused;
    struct fixture *f = real_mode(0x207);
    fixture_module(f, 0x300000, 0x1234, 0x20000, "initrd", true);
    make(f, REFUSE_NONE);
    uint64_t at = f->plan.exit.ip - 0x200;
    const uint8_t *p = fixture_memory + at;
    assert_string_equal(f->plan.protocol, "Linux boot protocol 2.07, 16-bit entry");
    assert_int_equal(f->plan.exit.kind, EXIT_REAL);
    assert_int_equal(at, 0x10000);
    assert_int_equal(f->plan.exit.sp, 0xe000);
    is_setup_code(f, at);
    assert_int_equal(p[0x210], 0xff);
    assert_true(p[0x211] & 0x80);
    assert_int_equal(fixture_u32(at + 0x214), 0); /* there is no other entry to be moved */
    assert_int_equal(fixture_u32(at + 0x218), 0x300000);
    assert_int_equal(fixture_u32(at + 0x21c), 0x1234);
    assert_int_equal(fixture_u32(at + 0x224), 0xe000 - 0x200);
    assert_int_equal(fixture_u32(at + 0x228), at + 0xe000);
    assert_string_equal(fixture_text(at + 0xe000), "quiet root=/dev/ram0");
    assert_true(fixture_is_module(f, 0, 0xc00, 0x100000, 0x10000 - 0xc00));
    assert_true(f->plan.handoff >= at + 0xe000 && f->plan.handoff + HANDOFF_SIZE <= 0x9f800);

    /* a kernel with another entry too, which was asked for in real mode: it is told where it is */
    f = bzimage(0x20f);
    f->options.native = NATIVE_LINUX16;
    f->options.memory_limit = 0x3000000;
    f->record.bios_memory = 0x9f800;
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.warning_count, 1);
    assert_int_equal(f->plan.exit.kind, EXIT_REAL);
    assert_int_equal(fixture_u32(f->plan.exit.ip - 0x200 + 0x214), 0x1000000);
    assert_true(fixture_is_module(f, 0, 0x400, 0x1000000, 0x10000 - 0x400));
}

static void old_setup_code(void **unused)
{
    (void)unused;
    struct fixture *f = real_mode(0x201); /* before 2.02: at 0x90000, command line by offset */
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x90200);
    assert_int_equal(f->plan.exit.sp, 0x9800);
    is_setup_code(f, 0x90000);
    assert_int_equal(fixture_u32(0x90020), 0x9800a33f);
    assert_string_equal(fixture_text(0x99800), "quiet root=/dev/ram0");
    assert_int_equal(fixture_u32(0x90212) & 0xffff, 0x9800 + 21);
    assert_int_equal(fixture_u32(0x90224) & 0xffff, 0x9800 - 0x200);

    f = real_mode(0x200); /* code stands where later versions have heap_end_ptr */
    make(f, REFUSE_NONE);
    assert_true(fixture_is_module(f, 0, 0x224, 0x90224, 4));
    assert_int_equal(fixture_memory[0x90211] & 0x80, 0);

    f = bzimage(0x204); /* a zImage is low, and unpacks to 1 MiB */
    f->image.bz.loadflags = 0;
    f->record.bios_memory = 0x9f800;
    fixture_module(f, 0x122000, 0x1000, 0x20000, "initrd", true);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x90200);
    assert_true(fixture_is_module(f, 0, 0x400, 0x10000, 0x10000 - 0x400));
    assert_true(fixture_u32(0x90218) >= 0x100000 + 3 * 0x10000);
    assert_true(fixture_is_module(f, 1, 0, fixture_u32(0x90218), 0x1000));
}

static void entry_check(struct fixture *f)
{
    assert_string_equal(refusal_name(plan_check(&f->input, &f->plan, &f->why)),
                        refusal_name(REFUSE_CHECK_ENTRY));
}

static void check_of_real_mode(void **unused)
{
    (void)unused;
    static const struct {
        uint64_t ip, sp;
    } wrong[] = {{0x10208, 0xe000}, {0x10000, 0xe000},  {0x10200, 0x10000}, {0x10200, 0xe016},
                 {0x1f0, 0x1f0},    {0x100200, 0xe000}, {0x100000, 0xe000}};
    struct fixture *f = real_mode(0x207);
    make(f, REFUSE_NONE);
    struct exit_state right = f->plan.exit;
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        f->plan.exit.ip = wrong[i].ip;
        f->plan.exit.sp = wrong[i].sp;
        entry_check(f);
    }
    f->plan.exit = right;
    assert_int_equal(plan_check(&f->input, &f->plan, &f->why), REFUSE_NONE);
    for (uint32_t i = 0; i < f->plan.region_count; i++) { /* the last code of ours above 1 MiB */
        struct region *r = &f->plan.region[i];
        if (r->kind == REGION_HANDOFF)
            r->machine = (struct range){0x3000000, 0x3000000 + HANDOFF_SIZE};
    }
    f->plan.handoff = 0x3000000;
    entry_check(f);
}

static void real_mode_refusals(void **unused)
{
    (void)unused;
    struct fixture *f = real_mode(0x207);
    f->record.bios_memory = 0;
    make(f, REFUSE_LINUX_NO_BIOS);
    f = bzimage(0x201); /* a zImage */
    f->image.bz.loadflags = 0;
    make(f, REFUSE_LINUX_NO_BIOS);
    f = real_mode(0x207);
    f->image.bz.setup_size = 0x8400;
    f->image.bz.kernel_size = 0x10000 - 0x8400;
    make(f, REFUSE_LINUX_SETUP_SIZE);
    f = real_mode(0x207);
    f->image.bz.setup_size = 0x8200;
    f->image.bz.kernel_size = 0x10000 - 0x8200;
    make(f, REFUSE_NONE);
    f = real_mode(0x207); /* no room for the setup code, then none for the hand-off behind it */
    f->record.bios_memory = 0x1e000;
    make(f, REFUSE_PLAN_NO_ROOM);
    f = real_mode(0x207);
    f->record.bios_memory = 0x2e000;
    make(f, REFUSE_PLAN_NO_ROOM);
    f = real_mode(0x207);
    f->record.bios_memory = 0x2f000;
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.handoff, 0x1f000);
    f = real_mode(0x201); /* 0x90000 is the EBDA's */
    f->record.bios_memory = 0x98000;
    make(f, REFUSE_PLAN_NO_ROOM);
    f = real_mode(0x207);
    f->options.native = NATIVE_LINUX16;
    f->image.bz.present = false;
    make(f, REFUSE_NATIVE_NO_LINUX);
}

static void vmlinux(void **unused)
{
    (void)unused;
    for (unsigned wide = 0; wide < 2; wide++) {
        struct fixture *f = machine("vmlinux console=ttyS0");
        fixture_elf(f, wide, 0x1000010);
        fixture_segment(f, 0x1000000, 0x1000, 0x8000, 0x20000);
        strcpy(f->info.guest_os, "linux");
        f->info.phys32_entry = (struct info_value){true, 0x1000800};
        fixture_module(f, 0x3f00000, 0x1000, 0x20000, "initrd", true);
        uint64_t page = make(f, REFUSE_NONE);
        assert_int_equal(f->plan.exit.kind, wide ? EXIT_LONG : EXIT_PROTECTED);
        assert_int_equal(f->plan.exit.ip, 0x1000010);
        assert_null(fixture_check_segments(f, 0));
        assert_int_equal(fixture_u32(page + 0x202), 0x53726448);
        assert_int_equal(fixture_u32(page + 0x1fe) & 0xffff, 0xaa55);
        assert_int_equal(fixture_u32(page + 0x218), 0x3f00000);
        assert_string_equal(fixture_text(fixture_u32(page + 0x228)), "console=ttyS0");
        f->placement.entry_physical_inside = false;
        f->options.native = NATIVE_LINUX;
        make(f, REFUSE_ELF_ENTRY_OUTSIDE);
        f->placement.entry_physical_inside = true;
        f->cpu.long_mode = false;
        make(f, wide ? REFUSE_NATIVE_NEEDS_LONG_MODE : REFUSE_NONE);
    }
    /* An old Xen-only Linux: its ELF entry is the entry that Xen uses. */
    struct fixture *f = machine("vmlinux");
    fixture_elf(f, false, 0x100000);
    fixture_segment(f, 0x1000000, 0x1000, 0x8000, 0x20000);
    f->placement.entry_physical = gpaddr(0x1000000);
    f->placement.entry_physical_inside = true;
    f->placement.base = 0xc0000000;
    strcpy(f->info.guest_os, "linux");
    f->info.entry = (struct info_value){true, 0xc1000000};
    make(f, REFUSE_NONE);
    assert_string_equal(f->plan.protocol, "plain ELF32");
    f->info.entry.value = 0xc1000800;
    make(f, REFUSE_NONE);
    assert_string_equal(f->plan.protocol, "Linux vmlinux, 32-bit entry");
    f->options.native = NATIVE_ELF; /* the ELF inside of a bzImage gets boot_params too */
    f->image.bz.present = true;
    make(f, REFUSE_NONE);
    assert_string_equal(f->plan.protocol, "Linux vmlinux, 32-bit entry");
}

static void refusals(void **unused)
{
    (void)unused;
    struct fixture *f = bzimage(0x20f);
    f->image.bz.init_size = 0x1000; /* less than the file's own kernel */
    make(f, REFUSE_LINUX_INIT_SIZE);
    f = bzimage(0x20f);
    f->image.bz.init_size = 0xffffffff;
    make(f, REFUSE_PLAN_NO_ROOM);
    f = bzimage(0x20f);
    f->image.bz.kernel_alignment = 0;
    make(f, REFUSE_LINUX_ALIGNMENT);
    f = bzimage(0x20f);
    f->image.bz.kernel_alignment = 0x3000;
    make(f, REFUSE_LINUX_ALIGNMENT);
    f = bzimage(0x20f);
    f->image.bz.pref_address = UINT64_C(1) << 32;
    make(f, REFUSE_LINUX_ALIGNMENT);
    f = bzimage(0x20f);
    f->image.bz.relocatable = false;
    f->image.bz.pref_address = 0x40000000;
    make(f, REFUSE_PLAN_TARGET_NOT_RAM);
    f = bzimage(0x20f);
    f->image.file.size = 0x268;
    make(f, REFUSE_LINUX_HEADER_CUT);
    f = bzimage(0x20f);
    f->image.bz.xloadflags = 1;
    f->cpu.long_mode = false;
    make(f, REFUSE_NATIVE_NEEDS_LONG_MODE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_page),
        cmocka_unit_test(screens_and_efi),
        cmocka_unit_test(long_maps),
        cmocka_unit_test(ramdisks),
        cmocka_unit_test(command_lines),
        cmocka_unit_test(old_kernels),
        cmocka_unit_test(vmlinux),
        cmocka_unit_test(refusals),
        cmocka_unit_test(entry_in_real_mode),
        cmocka_unit_test(old_setup_code),
        cmocka_unit_test(real_mode_refusals),
        cmocka_unit_test(check_of_real_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
