/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The PVH door: register state and hvm_start_info with everything it points to.
 * Sources: docs/misc/pvh.pandoc, xen/include/public/arch-x86/hvm/start_info.h.
 */
#include "guest.h"

#include <xen/arch-x86/hvm/start_info.h>

static void check_state(void)
{
    field("eflags", entry_state.flags);
    field("cr0", entry_state.cr0);
    field("cr4", entry_state.cr4);
    check_equal("CR0: PE, and ET which reads 1", entry_state.cr0 & ~0x10ull, 1);
    check_equal("CR4", entry_state.cr4, 0);
    check_equal("EFLAGS.IF, TF, VM, DF clear", entry_state.flags & 0x20700, 0);
    check_equal("DS is ES", entry_state.ds, entry_state.es);
    check_equal("DS is SS", entry_state.ds, entry_state.ss);
#ifndef __i386__
    check_equal("EFER", entry_state.efer, 0);
#endif
}

static bool check_map(const struct hvm_start_info *info)
{
    const struct hvm_memmap_table_entry *entry = physical(info->memmap_paddr);
    bool image_inside = false;
    uint64_t ram = 0;

    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        print("guest: map 0x%llx + 0x%llx type %u\n", (unsigned long long)entry[i].addr,
              (unsigned long long)entry[i].size, entry[i].type);
        check_equal("map entry reserved", entry[i].reserved, 0);
        check_true("map is sorted",
                   i == 0 || entry[i].addr >= entry[i - 1].addr + entry[i - 1].size);
        if (entry[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
            continue;
        ram += entry[i].size;
        check_memory_usable((entry[i].addr + 3) & ~3ull, (entry[i].size & ~3ull) - 4);
        if (entry[i].addr <= 0x100000 &&
            entry[i].addr + entry[i].size >= (uintptr_t)image_end - VIRT_BASE)
            image_inside = true;
    }
    field("ram", ram);
    return image_inside;
}

void pvh_main(void)
{
    const struct hvm_start_info *info = physical(entry_state.bx);

    output_write = serial_write;
    print("guest: door PVH\n");
    check_state();
    check_equal("magic", info->magic, XEN_HVM_START_MAGIC_VALUE);
    field("version", info->version);
    field("flags", info->flags);
    field("modules", info->nr_modules);
    check_equal("version", info->version, 1);
    if (info->cmdline_paddr)
        field_text("command line", physical(info->cmdline_paddr));

    const struct hvm_modlist_entry *module = physical(info->modlist_paddr);
    for (uint32_t i = 0; i < info->nr_modules; i++) {
        print("guest: module %u: size 0x%x crc 0x%08x string \"%s\"\n", i, (uint32_t)module[i].size,
              crc32(physical(module[i].paddr), (size_t)module[i].size),
              module[i].cmdline_paddr ? (const char *)physical(module[i].cmdline_paddr) : "");
        check_equal("module reserved", module[i].reserved, 0);
        check_equal("module begins on a page", module[i].paddr & 4095, 0);
    }

    check_true("memory map given", info->memmap_entries > 0);
    check_equal("reserved", info->reserved, 0);
    check_true("our image stands in RAM of the map", check_map(info));

    if (info->rsdp_paddr) {
        const char *rsdp = physical(info->rsdp_paddr);
        check_true("RSDP signature", string_equal(rsdp, "RSD PTR ", 8));
        print("guest: RSDP found\n");
    }
    native_exit(check_verdict());
}
