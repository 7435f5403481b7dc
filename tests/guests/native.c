/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The native doors: machine state, and the Multiboot 1 information structure with everything it
 * points to.  Multiboot 2's is in multiboot2.c.
 * Sources: Multiboot 1 sections 3.2 (machine state) and 3.3 (information).
 */
#include "guest.h"

#include <multiboot.h>

#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36d76289
#define CR0_PE                      1u
#define CR0_PG                      0x80000000u
#define FLAGS_IF                    0x200u
#define FLAGS_VM                    0x20000u

static void check_state(void)
{
    field("eax", entry_state.ax);
    field("eflags", entry_state.flags);
    field("cr0", entry_state.cr0);
    check_equal("EFLAGS.IF and VM clear", entry_state.flags & (FLAGS_IF | FLAGS_VM), 0);
    check_equal("EFLAGS.DF and TF clear", entry_state.flags & 0x500, 0);
    if (entry_state.door == DOOR_ELF64) {
        check_equal("CR0 has PE and PG", entry_state.cr0 & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
        check_equal("CR4.PAE", entry_state.cr4 & 0x20, 0x20);
    } else {
        check_equal("CR0 has PE, not PG", entry_state.cr0 & (CR0_PE | CR0_PG), CR0_PE);
    }

    /* A20: 1 MiB + n must not be n.  At 1 MiB is our own header; change neither place. */
    volatile uint32_t *low = physical(0x500), *high = physical(0x100500);
    uint32_t before = *low;
    *low = ~*high;
    check_true("A20 is on", *high != *low);
    *low = before;
}

static void check_module(uint32_t index, uint32_t start, uint32_t end, const char *string,
                         const char *kind)
{
    uintptr_t image_at = (uintptr_t)image_start - VIRT_BASE - 0x2000;
    uintptr_t image_to = (uintptr_t)image_end - VIRT_BASE;

    print("guest: %s %u: size 0x%x crc 0x%08x string \"%s\"\n", kind, index, end - start,
          crc32(physical(start), end - start), string);
    check_equal("module begins on a page", start & 4095, 0);
    check_true("module ends after its start", end >= start);
    check_true("module is not on top of the image", end <= image_at || start >= image_to);
}

static void check_map(const multiboot_info_t *info)
{
    uint32_t at = info->mmap_addr, left = info->mmap_length, entries = 0;
    uint64_t ram = 0, low_end = 0, upper_end = 0;
    bool image_inside = false;

    while (left >= sizeof(multiboot_memory_map_t)) {
        const multiboot_memory_map_t *entry = physical(at);
        check_true("map entry has its size", entry->size >= 20 && entry->size + 4 <= left);
        if (entry->size < 20 || entry->size + 4 > left)
            return;
        print("guest: map 0x%llx + 0x%llx type %u\n", (unsigned long long)entry->addr,
              (unsigned long long)entry->len, entry->type);
        if (entry->type == MULTIBOOT_MEMORY_AVAILABLE) {
            ram += entry->len;
            if (entry->addr < 4096)
                low_end = entry->addr + entry->len;
            if (entry->addr <= 0x100000 && entry->addr + entry->len > 0x100000) {
                upper_end = entry->addr + entry->len;
                image_inside = upper_end >= (uintptr_t)image_end - VIRT_BASE;
            }
            check_memory_usable((entry->addr + 3) & ~3ull, (entry->len & ~3ull) - 4);
        }
        left -= entry->size + 4;
        at += entry->size + 4;
        entries++;
    }
    check_equal("bytes behind the last map entry", left, 0);
    check_true("map has entries", entries > 0);
    check_true("our image stands in RAM of the map", image_inside);
    field("ram", ram);
    if (info->flags & MULTIBOOT_INFO_MEMORY) {
        field("mem_lower", info->mem_lower);
        field("mem_upper", info->mem_upper);
        check_mem_lower(info->mem_lower, low_end);
        check_true("mem_upper ends inside the map's RAM",
                   0x100000 + (uint64_t)info->mem_upper * 1024 <= upper_end);
        check_true("mem_upper covers the map's RAM up to 1 MiB less",
                   0x200000 + (uint64_t)info->mem_upper * 1024 >= upper_end);
    }
}

static void check_sections(const multiboot_info_t *info)
{
    /* Elf32_Shdr is 40 bytes, Elf64_Shdr 64; type at 4, the rest differs. */
    const multiboot_elf_section_header_table_t *table = &info->u.elf_sec;
    field("elf sections", table->num);
    check_true("section header size", table->size == 40 || table->size == 64);
    check_true("string table index", table->shndx < table->num);
    if (table->shndx >= table->num || (table->size != 40 && table->size != 64))
        return;
    uint32_t text_seen = 0, address_at = table->size == 40 ? 12 : 16;
    const uint8_t *strings_header = physical(table->addr + table->shndx * table->size);
    const char *strings = physical(*(const uint32_t *)(strings_header + address_at));
    for (uint32_t i = 1; i < table->num; i++) {
        const uint8_t *header = physical(table->addr + i * table->size);
        if (string_equal(strings + *(const uint32_t *)header, ".text", 6))
            text_seen++;
    }
    check_equal("sections named .text", text_seen, 1);
}

static void multiboot1_checks(void)
{
    const multiboot_info_t *info = physical(entry_state.bx);

    print("guest: protocol Multiboot 1\n");
    check_equal("info structure alignment", entry_state.bx & 3, 0);
    field("flags", info->flags);
    check_true("memory map and memory sizes given, as asked for",
               (info->flags & (MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MEM_MAP)) ==
                   (MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_MEM_MAP));
    check_true("not both symbol tables",
               (info->flags & (MULTIBOOT_INFO_AOUT_SYMS | MULTIBOOT_INFO_ELF_SHDR)) !=
                   (MULTIBOOT_INFO_AOUT_SYMS | MULTIBOOT_INFO_ELF_SHDR));
    if (info->flags & MULTIBOOT_INFO_CMDLINE)
        field_text("command line", physical(info->cmdline));
    if (info->flags & MULTIBOOT_INFO_BOOT_LOADER_NAME)
        field_text("loader", physical(info->boot_loader_name));
    if (info->flags & MULTIBOOT_INFO_BOOTDEV)
        field("boot device", info->boot_device);
    if (info->flags & MULTIBOOT_INFO_MEM_MAP)
        check_map(info);
    if (info->flags & MULTIBOOT_INFO_ELF_SHDR)
        check_sections(info);
    if (info->flags & MULTIBOOT_INFO_MODS) {
        const multiboot_module_t *module = physical(info->mods_addr);
        field("modules", info->mods_count);
        for (uint32_t i = 0; i < info->mods_count; i++)
            check_module(i, module[i].mod_start, module[i].mod_end,
                         module[i].cmdline ? physical(module[i].cmdline) : "", "module");
    }
}

void native_main(void)
{
    output_write = serial_write;
    print("guest: door %s\n", entry_state.door == DOOR_ELF64 ? "ELF64" : "Multiboot");
    check_state();
    if (entry_state.ax == MULTIBOOT2_BOOTLOADER_MAGIC) {
        multiboot2_checks(entry_state.bx);
    } else {
        check_equal("EAX", entry_state.ax, MULTIBOOT_BOOTLOADER_MAGIC);
        multiboot1_checks();
    }
    native_exit(check_verdict());
}
