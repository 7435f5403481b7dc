/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multiboot 1 and 2 guests: header search and every refusal, address fields, and the information
 * that the guest finds in memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <elf.h>
#include <multiboot.h>

#include "native.h"
#include "plan_fixture.h"

#define AT 0x200000u /* the guest's file */

static struct fixture *machine(bool elf)
{
    struct fixture *f = fixture_new(0x100000, 0x20000);
    fixture_ram(f, 0, 0x9fc00);
    fixture_ram(f, 0x100000, 0x2000000);
    assert_true(memory_map_add(&f->record.map, 0xa0000, 0x60000, MEMORY_RESERVED));
    assert_true(memory_map_add(&f->record.map, 0x2000000, 0x1000, MEMORY_PMEM));
    fixture_module(f, AT, 0x10000, 0, "guest args", true);
    if (elf) {
        fixture_elf(f, false, 0x400010);
        fixture_segment(f, 0x400000, 0x1000, 0x4000, 0x6000);
    }
    return f;
}

static void make(struct fixture *f, enum refusal_id id)
{
    assert_string_equal(refusal_name(plan_make(&f->input, MODE_NATIVE, &f->plan, &f->why)),
                        refusal_name(id));
    char text[256];
    struct out_buffer buffer;
    out_buffer_init(&buffer, text, sizeof(text));
    if (id != REFUSE_NONE)
        refusal_print(&buffer.out, &f->why);
    assert_null(strchr(text, '%'));
    if (id == REFUSE_NONE)
        fixture_run(f);
}

/* magic, flags, checksum, then the fields. */
static void header1(struct fixture *f, uint32_t offset, uint32_t flags, const uint32_t *fields,
                    unsigned count)
{
    uint32_t words[12] = {0x1BADB002, flags, -(0x1BADB002 + flags)};
    for (unsigned i = 0; i < count; i++)
        words[3 + i] = fields[i];
    fixture_words(f, offset, words, 3 + count);
}

static void header2(struct fixture *f, uint32_t offset, const uint32_t *tags, unsigned count)
{
    uint32_t words[64] = {0xE85250D6, 0, 16 + 4 * count, -(0xE85250D6 + 16 + 4 * count)};
    for (unsigned i = 0; i < count; i++)
        words[4 + i] = tags[i];
    fixture_words(f, offset, words, 4 + count);
}

#define HEADER2(f, offset, ...)                                                                    \
    header2(f, offset, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void header1_places(void **unused)
{
    (void)unused;
    struct multiboot1_header header;
    struct fixture *f = machine(true);
    assert_false(multiboot1_find(f->image.file, &header));
    header1(f, 8180, 0, NULL, 0);
    assert_true(multiboot1_find(f->image.file, &header));
    assert_int_equal(header.offset, 8180);
    f = machine(true);
    header1(f, 8184, 0, NULL, 0);
    assert_false(multiboot1_find(f->image.file, &header));
    f = machine(true);
    header1(f, 0x102, 0, NULL, 0); /* not aligned */
    assert_false(multiboot1_find(f->image.file, &header));
    header1(f, 0x200, 0, NULL, 0);
    fixture_memory[AT + 0x208] ^= 1; /* checksum */
    assert_false(multiboot1_find(f->image.file, &header));
    for (uint64_t size = 0; size < 12; size++)
        assert_false(multiboot1_find((struct view){fixture_memory + AT, size}, &header));

    f = machine(true);
    header1(f, 0x100, 0x8, NULL, 0);
    make(f, REFUSE_MULTIBOOT1_FLAGS);
    f = machine(true);
    header1(f, 0x100, 0xfff8000b, NULL, 0);
    make(f, REFUSE_MULTIBOOT1_FLAGS);
    f = machine(true);
    header1(f, 0x100, 0xfff00003, NULL, 0); /* unknown optional flags */
    make(f, REFUSE_NONE);
    f = machine(false);
    header1(f, 8176, 0x10000, NULL, 0);
    make(f, REFUSE_MULTIBOOT1_HEADER_CUT);
    f = machine(false);
    header1(f, 0x100, 0, NULL, 0);
    make(f, REFUSE_MULTIBOOT_NOT_LOADABLE);
}

static void address_fields(void **unused)
{
    (void)unused;
    /* header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr; the header is at 0x100 */
    static const uint32_t good[][5] = {
        {0x500100, 0x500000, 0x504000, 0x508000, 0x500020},
        {0x500100, 0x500100, 0x504000, 0, 0x500200},
        {0x500100, 0x500000, 0, 0, 0x500020},
        {0x500100, 0x500000, 0, 0x520000, 0x500020},
    };
    static const uint32_t bad[][5] = {
        {0x500000, 0x500100, 0x504000, 0x508000, 0x500020}, /* header before load */
        {0x500200, 0x500000, 0x504000, 0x508000, 0x500020}, /* before the file's first byte */
        {0x500100, 0x500000, 0x4ff000, 0x508000, 0x500020}, /* ends before it begins */
        {0x500100, 0x500000, 0x510001, 0x520000, 0x500020}, /* more than the file has */
        {0x500100, 0x500000, 0x504000, 0x503000, 0x500020}, /* bss end inside */
        {0x500100, 0x500000, 0x500000, 0, 0x500020},        /* nothing */
    };
    for (unsigned i = 0; i < 4; i++) {
        struct fixture *f = machine(false);
        header1(f, 0x100, 0x10000, good[i], 5);
        make(f, REFUSE_NONE);
        assert_int_equal(f->plan.exit.ip, good[i][4]);
        assert_int_equal(f->plan.exit.ax, 0x2BADB002);
        uint32_t skip = 0x100 - (good[i][0] - good[i][1]);
        uint32_t size = good[i][2] ? good[i][2] - good[i][1] : 0x10000 - skip;
        assert_memory_equal(fixture_memory + good[i][1], fixture_memory + AT + skip, size);
        if (good[i][3])
            assert_true(fixture_is_zero(good[i][1] + size, good[i][3] - good[i][1] - size));
    }
    for (unsigned i = 0; i < 6; i++) {
        struct fixture *f = machine(false);
        header1(f, 0x100, 0x10000, bad[i], 5);
        make(f, REFUSE_MULTIBOOT_ADDRESSES);
    }
    struct fixture *f = machine(false);
    header1(f, 0x100, 0x10000, (const uint32_t[]){0x500100, 0x500000, 0, 0, 0x600000}, 5);
    make(f, REFUSE_CHECK_ENTRY);
}

static void information1(void **unused)
{
    (void)unused;
    struct fixture *f = machine(true);
    struct multiboot_info mbi;
    fixture_module(f, 0x300000, 0x1234, 0x20000, "ramdisk of mine", true);
    fixture_module(f, 0x310801, 0x800, 0x30000, "", true);
    fixture_module(f, 0x320000, 0, 0x30000, "empty", true);
    f->record.has_boot_device = f->record.has_drives = f->record.has_config_table = true;
    f->record.has_apm = f->record.has_vbe = f->record.has_mem = true;
    f->record.mem_lower = 639;
    f->record.mem_upper = 31744;
    f->record.boot_device = 0x8000ffff;
    f->record.drives_size = 10;
    memset(f->record.drives, 0x5a, 10);
    f->record.config_table = 0xfe000;
    memset(f->record.apm, 0x11, 20);
    memset(f->record.vbe_control, 0x22, 512);
    memset(f->record.vbe_mode_info, 0x33, 256);
    f->record.vbe_mode = 0x4118;
    f->record.framebuffer = (struct framebuffer){
        FRAMEBUFFER_RGB, false, 0xfd000000, 4096, 1024, 768, 32, 16, 8, 8, 8, 0, 8};
    header1(f, 0x100, 7, (const uint32_t[]){0, 0, 0, 0, 0, 0, 1024, 768, 32}, 9);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.warning_count, 0);
    assert_int_equal(f->plan.exit.kind, EXIT_PROTECTED);
    memcpy(&mbi, fixture_memory + f->plan.exit.bx, sizeof(mbi));
    assert_int_equal(mbi.flags, 0x1fcf);
    assert_int_equal(mbi.mem_lower, 639);
    assert_int_equal(mbi.mem_upper, 31744);
    assert_int_equal(mbi.boot_device, 0x8000ffff);
    assert_string_equal(fixture_text(mbi.cmdline), "guest args");
    assert_string_equal(fixture_text(mbi.boot_loader_name), NATIVE_LOADER_NAME);
    assert_int_equal(mbi.mods_count, 3);
    assert_int_equal(fixture_u32(mbi.mods_addr), 0x300000);
    assert_int_equal(fixture_u32(mbi.mods_addr + 4), 0x301234);
    uint32_t moved = fixture_u32(mbi.mods_addr + 16); /* page alignment was asked for */
    assert_int_equal(moved & 0xfff, 0);
    assert_true(fixture_is_module(f, 2, 0, moved, 0x800));
    assert_int_equal(fixture_u32(mbi.mods_addr + 32), fixture_u32(mbi.mods_addr + 36));
    assert_string_equal(fixture_text(fixture_u32(mbi.mods_addr + 40)), "empty");
    assert_int_equal(mbi.mmap_length, 24 * f->record.map.count);
    assert_int_equal(fixture_u32(mbi.mmap_addr), 20);
    assert_int_equal(fixture_u64(mbi.mmap_addr + 4), 0);
    assert_int_equal(fixture_u64(mbi.mmap_addr + 12), 0x9fc00);
    uint32_t last = mbi.mmap_addr + mbi.mmap_length - 24;
    assert_int_equal(fixture_u32(last + 20), MEMORY_RESERVED); /* persistent memory */
    assert_int_equal(mbi.drives_length, 10);
    assert_int_equal(fixture_memory[mbi.drives_addr + 9], 0x5a);
    assert_int_equal(mbi.config_table, 0xfe000);
    assert_int_equal(fixture_memory[mbi.apm_table + 19], 0x11);
    assert_int_equal(fixture_memory[mbi.vbe_control_info + 511], 0x22);
    assert_int_equal(fixture_memory[mbi.vbe_mode_info + 255], 0x33);
    assert_int_equal(mbi.vbe_mode, 0x4118);
    assert_int_equal(mbi.framebuffer_addr, 0xfd000000);
    assert_int_equal(mbi.framebuffer_type, 1);
    assert_int_equal(mbi.framebuffer_red_field_position, 16);

    /* Without the loader's numbers they come from the map. */
    f = machine(true);
    header1(f, 0x100, 0, NULL, 0);
    make(f, REFUSE_NONE);
    memcpy(&mbi, fixture_memory + f->plan.exit.bx, sizeof(mbi));
    assert_int_equal(mbi.mem_lower, 639);
    assert_int_equal(mbi.mem_upper, 31 * 1024);
    assert_int_equal(mbi.framebuffer_type, 2);

    /* kexec's map begins behind the vectors. */
    f = machine(true);
    f->record.map.entry[0].start = 0x400;
    header1(f, 0x100, 0, NULL, 0);
    make(f, REFUSE_NONE);
    memcpy(&mbi, fixture_memory + f->plan.exit.bx, sizeof(mbi));
    assert_int_equal(mbi.mem_lower, 639);
    assert_int_equal(mbi.framebuffer_addr, 0xb8000);
}

static void video(void **unused)
{
    (void)unused;
    struct fixture *f = machine(true);
    header1(f, 0x100, 4, (const uint32_t[]){0, 0, 0, 0, 0, 0, 1024, 768, 32}, 9);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.warning_count, 1);
    f = machine(true);
    f->record.way = WAY_UEFI;
    header1(f, 0x100, 4, (const uint32_t[]){0, 0, 0, 0, 0, 0, 1024, 768, 32}, 9);
    make(f, REFUSE_MULTIBOOT_NO_VIDEO);
    f = machine(true);
    f->record.way = WAY_UEFI;
    HEADER2(f, 0x100, 4, 12, 1, 0, 0, 8);
    make(f, REFUSE_MULTIBOOT_NO_VIDEO);
    f = machine(true);
    f->record.way = WAY_UEFI;
    HEADER2(f, 0x100, 0x10005, 20, 1024, 768, 32, 0, 0, 8);
    make(f, REFUSE_NONE);
    f = machine(true);
    HEADER2(f, 0x100, 5, 20, 1024, 768, 32, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.warning_count, 1);
}

/* ELF64 with a Multiboot header: 32-bit entry; its symbols are loaded and addressed. */
static void symbols(void **unused)
{
    (void)unused;
    struct fixture *f = machine(true);
    Elf64_Shdr shdr[4] = {
        {0},
        {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC, .sh_addr = 0x400000, .sh_size = 0x100},
        {.sh_type = SHT_SYMTAB, .sh_offset = 0x6000, .sh_size = 0x301, .sh_link = 3},
        {.sh_type = SHT_STRTAB, .sh_offset = 0x7000, .sh_size = 0x111},
    };
    memcpy(fixture_memory + AT + 0x8000, shdr, sizeof(shdr));
    f->image.elf.is_64bit = true;
    f->image.elf.shdr_offset = 0x8000;
    f->image.elf.shdr_count = 4;
    f->image.elf.shdr_size = sizeof(shdr[0]);
    f->image.elf.shdr_string_index = 3;
    header1(f, 0x100, 0, NULL, 0);
    make(f, REFUSE_NONE);
    f->cpu.long_mode = false;
    make(f, REFUSE_NATIVE_NEEDS_LONG_MODE);
    f->cpu.long_mode = true;
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.kind, EXIT_PROTECTED);
    struct multiboot_info mbi;
    memcpy(&mbi, fixture_memory + f->plan.exit.bx, sizeof(mbi));
    assert_true(mbi.flags & 0x20);
    assert_int_equal(mbi.u.elf_sec.num, 4);
    assert_int_equal(mbi.u.elf_sec.shndx, 3);
    memcpy(shdr, fixture_memory + mbi.u.elf_sec.addr, sizeof(shdr));
    assert_int_equal(shdr[1].sh_addr, 0x400000);
    assert_int_not_equal(shdr[2].sh_addr, 0);
    assert_true(fixture_is_module(f, 0, 0x6000, shdr[2].sh_addr, 0x301));
    assert_true(fixture_is_module(f, 0, 0x7000, shdr[3].sh_addr, 0x111));

    f = machine(true); /* headers larger than any kernel's: said, not passed on */
    f->image.elf.shdr_offset = 0;
    f->image.elf.shdr_count = 0x10000;
    f->image.elf.shdr_size = 40;
    header1(f, 0x100, 0, NULL, 0);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.warning_count, 1);
}

static void header2_refusals(void **unused)
{
    (void)unused;
    uint32_t offset;
    struct fixture *f = machine(true);
    assert_false(multiboot2_find(f->image.file, &offset));
    HEADER2(f, 32768 - 24, 0, 8);
    make(f, REFUSE_NONE);
    f = machine(true);
    HEADER2(f, 32768 - 16, 0, 8);
    make(f, REFUSE_MULTIBOOT2_HEADER_CUT);
    f = machine(true);
    fixture_words(f, 0x100, (const uint32_t[]){0xE85250D6, 0, 8, -(0xE85250D6 + 8)}, 4);
    make(f, REFUSE_MULTIBOOT2_HEADER_CUT);
    f = machine(true);
    fixture_words(f, 0x100,
                  (const uint32_t[]){0xE85250D6, 0, 0xfffffff0u, -(0xE85250D6 + 0xfffffff0u)}, 4);
    make(f, REFUSE_MULTIBOOT2_HEADER_CUT);
    f = machine(true);
    fixture_words(f, 0x100, (const uint32_t[]){0xE85250D6, 4, 24, -(0xE85250D6 + 28), 0, 8}, 6);
    make(f, REFUSE_MULTIBOOT2_ARCHITECTURE);
    f = machine(true);
    header2(f, 0x100, NULL, 0);
    make(f, REFUSE_MULTIBOOT2_NO_END_TAG);
    f = machine(true);
    HEADER2(f, 0x100, 6, 8);
    make(f, REFUSE_MULTIBOOT2_NO_END_TAG);
    f = machine(true);
    HEADER2(f, 0x100, 6, 0, 0, 8);
    make(f, REFUSE_MULTIBOOT2_TAG_SIZE);
    f = machine(true);
    HEADER2(f, 0x100, 2, 20, 0, 0, 0, 0, 0, 8); /* an address tag that is too small */
    make(f, REFUSE_MULTIBOOT2_TAG_SIZE);
    f = machine(true);
    HEADER2(f, 0x100, 0x10063, 24, 0, 8); /* overruns, although optional */
    make(f, REFUSE_MULTIBOOT2_TAG_SIZE);
    f = machine(true);
    HEADER2(f, 0x100, 0x10063, 0xfffffff9, 0, 8);
    make(f, REFUSE_MULTIBOOT2_TAG_SIZE);
    f = machine(true);
    HEADER2(f, 0x100, 99, 8, 0, 8);
    make(f, REFUSE_MULTIBOOT2_UNKNOWN_TAG);
    f = machine(true);
    HEADER2(f, 0x100, 0x10063, 8, 0, 8);
    make(f, REFUSE_NONE);
    f = machine(true); /* who can be started without boot services left is */
    HEADER2(f, 0x100, 7, 8, 0, 8);
    make(f, REFUSE_NONE);
    f = machine(true); /* offers: boot services, entries for EFI */
    HEADER2(f, 0x100, 0x10007, 8, 8, 12, 0x777777, 0, 9, 12, 0x888888, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x400010);
    assert_int_equal(f->plan.exit.kind, EXIT_PROTECTED);
    f = machine(true);
    HEADER2(f, 0x100, 1, 16, 6, 99, 0, 8);
    make(f, REFUSE_MULTIBOOT2_UNKNOWN_INFORMATION);
    f = machine(true);
    HEADER2(f, 0x100, 0x10001, 16, 6, 99, 0, 8);
    make(f, REFUSE_NONE);
    f = machine(true);
    HEADER2(f, 0x100, 10, 24, 0x100000, 0xffffff, 0x3000, 0, 0, 8);
    make(f, REFUSE_MULTIBOOT2_RELOCATABLE);
    f = machine(true);
    HEADER2(f, 0x100, 10, 24, 0x200000, 0x1fffff, 0x1000, 0, 0, 8);
    make(f, REFUSE_MULTIBOOT2_RELOCATABLE);
    f = machine(true);
    HEADER2(f, 0x100, 10, 24, 0x200000, 0x201000, 0x1000, 0, 0, 8);
    make(f, REFUSE_PLAN_NO_ROOM);
    f = machine(false);
    HEADER2(f, 0x100, 0, 8);
    make(f, REFUSE_MULTIBOOT_NOT_LOADABLE);
    f = machine(false);
    HEADER2(f, 0x100, 2, 24, 0x500100, 0x500000, 0, 0, 0, 8);
    make(f, REFUSE_MULTIBOOT2_NO_ENTRY);
    f = machine(false);
    HEADER2(f, 0x100, 2, 24, 0x500100, 0x500000, 0, 0, 3, 12, 0x500040, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x500040);
    f = machine(false); /* load_addr of all ones: the whole file */
    HEADER2(f, 0x100, 2, 24, 0x500100, 0xffffffff, 0, 0, 3, 12, 0x500040, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_memory_equal(fixture_memory + 0x500000, fixture_memory + AT, 0x10000);
    f = machine(false);
    HEADER2(f, 0x100, 2, 24, 0x80, 0xffffffff, 0, 0, 3, 12, 0x500040, 0, 0, 8);
    make(f, REFUSE_MULTIBOOT_ADDRESSES);
}

/* Every truncation of a header with all tags is survived. */
static void header2_cut(void **unused)
{
    (void)unused;
    static const uint32_t tags[] = {1, 12, 6, 0, 2, 24, 1, 2, 3, 4, 10, 24, 0, 9, 0, 0, 0, 8};
    uint32_t words[32] = {0xE85250D6, 0, 16 + sizeof(tags),
                          -(0xE85250D6 + 16 + (uint32_t)sizeof(tags))};
    struct multiboot2_header header;
    struct refusal why;
    memcpy(words + 4, tags, sizeof(tags));
    for (uint32_t size = 0; size < 16 + sizeof(tags); size++) {
        uint8_t *copy = malloc(size + 1);
        memcpy(copy, words, size);
        assert_int_not_equal(multiboot2_parse((struct view){copy, size}, 0, &header, &why),
                             REFUSE_NONE);
        free(copy);
    }
}

static uint64_t find_tag(const struct fixture *f, uint32_t type)
{
    uint64_t at = f->plan.exit.bx, end = at + fixture_u32(at);
    for (at += 8; at < end; at += (fixture_u32(at + 4) + 7) & ~7u)
        if (fixture_u32(at) == type)
            return at;
    return 0;
}

static void information2(void **unused)
{
    (void)unused;
    struct fixture *f = machine(true);
    fixture_module(f, 0x300000, 0x1234, 0x20000, "ramdisk of mine", true);
    f->record.has_boot_device = f->record.has_apm = f->record.has_vbe = true;
    f->record.boot_device = 0x8001ffff;
    f->record.vbe_mode = 0x4118;
    f->record.rsdp = 0xe0000;
    f->record.rsdp_length = 36;
    memcpy(f->record.rsdp_copy, "RSD PTR ", 8);
    f->record.efi = (struct efi_info){true, true, 0x7f000018, 0x1234567890,  0x600000,
                                      96,   48,   1,          SECURE_BOOT_ON};
    f->record.keep[0].range = (struct range){0x600000, 0x601000};
    f->record.keep[0].name = "EFI memory map";
    f->record.keep_count = 1;
    memcpy(fixture_memory + 0x600000, fixture_noise + 99, 96);
    f->record.framebuffer = (struct framebuffer){
        FRAMEBUFFER_RGB, true, 0xfd000000, 4096, 1024, 768, 32, 16, 8, 8, 8, 0, 8};
    HEADER2(f, 0x100, 6, 8, 10, 24, 0x500000, 0xffffffff, 0x100000, 1, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ax, 0x36D76289);
    assert_int_equal(f->plan.exit.bx & 7, 0);
    assert_int_equal(f->plan.exit.ip, 0x500010);
    assert_null(fixture_check_segments(f, 0x100000));
    assert_int_equal(fixture_u32(find_tag(f, 21) + 8), 0x500000);
    assert_string_equal(fixture_text(find_tag(f, 1) + 8), "guest args");
    assert_string_equal(fixture_text(find_tag(f, 2) + 8), NATIVE_LOADER_NAME);
    uint64_t tag = find_tag(f, 3);
    assert_int_equal(fixture_u32(tag + 8), 0x300000);
    assert_int_equal(fixture_u32(tag + 12), 0x301234);
    assert_string_equal(fixture_text(tag + 16), "ramdisk of mine");
    assert_int_equal(fixture_u32(find_tag(f, 4) + 12), 31 * 1024);
    tag = find_tag(f, 5);
    assert_int_equal(fixture_u32(tag + 8), 0x80);
    assert_int_equal(fixture_u32(tag + 12), 1);
    assert_int_equal(fixture_u32(tag + 16), 0xffffffff);
    tag = find_tag(f, 6);
    assert_int_equal(fixture_u32(tag + 4), 16 + 24 * f->record.map.count);
    assert_int_equal(fixture_u32(tag + 8), 24);
    assert_int_equal(fixture_u64(tag + 24), 0x9fc00);
    assert_int_equal(fixture_u32(find_tag(f, 7) + 4), 784);
    tag = find_tag(f, 8);
    assert_int_equal(fixture_u32(tag + 4), 38);
    assert_int_equal(fixture_u64(tag + 8), 0xfd000000);
    assert_int_equal(fixture_u32(find_tag(f, 10) + 4), 28);
    assert_int_equal(fixture_u64(find_tag(f, 12) + 8), 0x7f000018);
    assert_int_equal(fixture_u32(find_tag(f, 14) + 4), 28);
    assert_int_equal(fixture_u32(find_tag(f, 15) + 4), 44);
    assert_memory_equal(fixture_text(find_tag(f, 15) + 8), "RSD PTR ", 8);
    tag = find_tag(f, 17);
    assert_int_equal(fixture_u32(tag + 4), 16 + 96);
    assert_int_equal(fixture_u32(tag + 8), 48);
    assert_memory_equal(fixture_memory + tag + 16, fixture_noise + 99, 96);
    assert_int_equal(fixture_u64(find_tag(f, 20) + 8), 0x1234567890);
    assert_int_equal(find_tag(f, 18), 0);
    assert_int_equal(find_tag(f, 11), 0);

    f = machine(true); /* 32-bit firmware, ACPI 1, text: the other tag of each pair */
    f->record.rsdp = 0xe0000;
    f->record.rsdp_length = 20;
    f->record.efi =
        (struct efi_info){true, false, 0x7f000018, 0x12345678, 0, 0, 0, 0, SECURE_BOOT_OFF};
    f->record.framebuffer = (struct framebuffer){.kind = FRAMEBUFFER_TEXT,
                                                 .address = 0xb8000,
                                                 .pitch = 160,
                                                 .width = 80,
                                                 .height = 25,
                                                 .bpp = 16};
    HEADER2(f, 0x100, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(fixture_u32(find_tag(f, 11) + 4), 12);
    assert_int_equal(fixture_u32(find_tag(f, 11) + 8), 0x7f000018);
    assert_int_equal(fixture_u32(find_tag(f, 19) + 8), 0x12345678);
    assert_int_equal(fixture_u32(find_tag(f, 14) + 4), 28);
    assert_int_equal(fixture_memory[find_tag(f, 8) + 29], 2);
    static const uint32_t none[] = {3, 5, 7, 10, 12, 15, 17, 20, 21};
    for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(find_tag(f, none[i]), 0);
}

/* Without a preference the image stays as long as no module is there, then makes room. */
static void relocation(void **unused)
{
    (void)unused;
    struct fixture *f = machine(true);
    HEADER2(f, 0x100, 10, 24, 0x100000, 0xffffffff, 0x1000, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x400010);
    f = machine(true);
    fixture_module(f, 0x402000, 0x1000, 0x20000, "in the way", true);
    HEADER2(f, 0x100, 10, 24, 0x100000, 0xffffffff, 0x1000, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x100010);
    assert_null(fixture_check_segments(f, (uint64_t)0x100000 - 0x400000));
    assert_int_equal(fixture_u32(find_tag(f, 3) + 8), 0x402000);
    f = machine(true);
    HEADER2(f, 0x100, 10, 24, 0x100000, 0xffffffff, 0x100000, 2, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x1f00010);
    f = machine(true); /* as high as it may: its last byte at max_addr */
    HEADER2(f, 0x100, 10, 24, 0x100000, 0x1afffff, 0x100000, 2, 0, 8);
    make(f, REFUSE_NONE);
    assert_true(f->plan.exit.ip <= 0x1a00010 && f->plan.exit.ip > 0x1500000);
    f = machine(true); /* as low as it may, aligned */
    HEADER2(f, 0x100, 10, 24, 0x812345, 0xffffffff, 0x10000, 1, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x820010);
    assert_int_equal(fixture_u32(find_tag(f, 21) + 8), 0x820000);
    f = machine(true); /* stands outside what it says of itself */
    HEADER2(f, 0x100, 10, 24, 0x800000, 0xffffffff, 0x1000, 0, 0, 8);
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.ip, 0x800010);
    f = machine(true); /* 4-aligned only: no header */
    HEADER2(f, 0x104, 0, 8);
    uint32_t offset;
    assert_false(multiboot2_find(f->image.file, &offset));
}

static void preference_of_protocols(void **unused)
{
    (void)unused;
    struct fixture *f = machine(true);
    HEADER2(f, 0x200, 0, 8);
    header1(f, 0x100, 0, NULL, 0);
    make(f, REFUSE_NONE);
    assert_string_equal(f->plan.protocol, "Multiboot 2");
    f->options.native = NATIVE_MULTIBOOT1;
    make(f, REFUSE_NONE);
    assert_string_equal(f->plan.protocol, "Multiboot 1");
    f->options.native = NATIVE_ELF;
    make(f, REFUSE_NONE);
    assert_string_equal(f->plan.protocol, "plain ELF32");
    f->image.elf.is_64bit = true;
    make(f, REFUSE_NONE);
    assert_int_equal(f->plan.exit.kind, EXIT_LONG);
    struct multiboot_info mbi; /* our page tables are no free memory */
    memcpy(&mbi, fixture_memory + f->plan.exit.bx, sizeof(mbi));
    assert_int_equal(mbi.mmap_length, 24 * (f->record.map.count + 1));
    unsigned reserved = 0;
    for (uint32_t at = mbi.mmap_addr; at < mbi.mmap_addr + mbi.mmap_length; at += 24)
        reserved += fixture_u64(at + 4) == f->plan.handoff &&
                    fixture_u64(at + 12) == HANDOFF_SIZE && fixture_u32(at + 20) == 2;
    assert_int_equal(reserved, 1);
    assert_int_equal(mbi.mem_upper, (f->plan.handoff - 0x100000) >> 10);
    f->cpu.long_mode = false;
    make(f, REFUSE_NATIVE_NEEDS_LONG_MODE);
    f->placement.entry_physical_inside = false;
    make(f, REFUSE_ELF_ENTRY_OUTSIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header1_places), cmocka_unit_test(address_fields),
        cmocka_unit_test(information1),   cmocka_unit_test(video),
        cmocka_unit_test(symbols),        cmocka_unit_test(header2_refusals),
        cmocka_unit_test(header2_cut),    cmocka_unit_test(information2),
        cmocka_unit_test(relocation),     cmocka_unit_test(preference_of_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
