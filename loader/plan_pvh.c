/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mode=pvh: the kernel at its physical addresses (or moved as PHYS32_RELOC allows), hvm_start_info
 * version 1, entry in protected mode with EBX at it.  No flags: on bare metal nobody is an initial
 * domain.  Sources: xen/include/public/arch-x86/hvm/start_info.h, docs/misc/pvh.pandoc,
 * xen/arch/x86/hvm/dom0_build.c: pvh_load_kernel.
 */
#include "plan.h"

#include "plan_parts.h"

#include <elf.h>
#include <xen/arch-x86/hvm/start_info.h>

#define DEFAULT_ALIGN UINT64_C(0x200000)

/* Alignment of a moved image: the note's, else the largest p_align of a page or more, else 2 MiB.
 */
static uint64_t relocation_align(const struct plan_input *input)
{
    const struct elf_view *elf = &input->image->elf;
    uint64_t align = input->info->phys32_align;
    struct elf_phdr phdr;
    if (align == 0)
        for (uint32_t i = 0; elf_view_phdr(elf, i, &phdr); i++)
            if (elf_phdr_is_loadable(&phdr) && phdr.align >= PAGE_SIZE && phdr.align > align)
                align = phdr.align;
    if (align == 0)
        align = DEFAULT_ALIGN;
    return align;
}

/* How far the image is moved from where it is linked. */
static enum refusal_id choose_shift(const struct plan_input *input, struct plan *plan,
                                    uint64_t *ret, struct refusal *why)
{
    const struct guest_info *info = input->info;
    struct range hull = input->placement->physical;
    uint64_t size = range_size(hull), at;
    *ret = 0;
    if (!info->has_phys32_reloc || parts_is_free(input, hull.start, size))
        return REFUSE_NONE;
    uint64_t align = relocation_align(input);
    uint64_t max = info->phys32_max ? info->phys32_max : UINT32_MAX;
    if (align & (align - 1) || max < info->phys32_min)
        return REFUSE(why, PVH_RELOC, .num = {align, info->phys32_min, max});
    if (parts_find_kernel(input, plan, size, align, info->phys32_min, max + 1, false, &at)) {
        *ret = at - hull.start;
        plan_warn(plan, "PHYS32_RELOC: the kernel stands at 0x%llx, linked for 0x%llx",
                  (unsigned long long)at, (unsigned long long)hull.start);
    }
    return REFUSE_NONE;
}

static uint32_t info_size(const struct plan_input *input)
{
    const struct boot_record *record = input->record;
    return (uint32_t)(sizeof(struct hvm_start_info) + 64 +
                      record->module_count * sizeof(struct hvm_modlist_entry) +
                      record->map.count * sizeof(struct hvm_memmap_table_entry)) +
           parts_strings_size(record);
}

static enum refusal_id add_map(const struct boot_record *record, struct plan *plan,
                               struct hvm_start_info *info, struct refusal *why)
{
    struct hvm_memmap_table_entry *entry;
    uint32_t count = record->map.count;
    enum refusal_id id =
        plan_blob(plan, count * (uint32_t)sizeof(*entry), 8, &entry, &info->memmap_paddr, why);
    for (uint32_t i = 0; i < count && id == REFUSE_NONE; i++) {
        entry[i].addr = record->map.entry[i].start;
        entry[i].size = record->map.entry[i].end - record->map.entry[i].start;
        entry[i].type = record->map.entry[i].type;
        if (entry[i].type < MEMORY_RAM || entry[i].type > MEMORY_PMEM)
            entry[i].type = MEMORY_RESERVED;
    }
    info->memmap_entries = count;
    return id;
}

static enum refusal_id add_modules(const struct boot_record *record, struct plan *plan,
                                   const uint64_t *module_at, struct hvm_start_info *info,
                                   struct refusal *why)
{
    struct hvm_modlist_entry *entry;
    uint32_t count = record->module_count ? record->module_count - 1 : 0;
    if (count == 0)
        return REFUSE_NONE;
    enum refusal_id id =
        plan_blob(plan, count * (uint32_t)sizeof(*entry), 8, &entry, &info->modlist_paddr, why);
    for (uint32_t i = 0; i < count && id == REFUSE_NONE; i++) {
        const struct boot_module *module = &record->module[i + 1];
        uint64_t string = 0;
        if (*module->string)
            id = parts_string(plan, module->string, &string, why);
        entry[i].paddr = module_at[i];
        entry[i].size = module->size;
        entry[i].cmdline_paddr = string;
    }
    info->nr_modules = count;
    return id;
}

static enum refusal_id add_info(const struct plan_input *input, struct plan *plan,
                                const uint64_t *module_at, struct refusal *why)
{
    const struct boot_record *record = input->record;
    struct hvm_start_info *info;
    enum refusal_id id = parts_info(input, plan, info_size(input), why);
    if (id == REFUSE_NONE)
        id = plan_blob(plan, sizeof(*info), 8, &info, &plan->exit.bx, why);
    if (id != REFUSE_NONE)
        return id;
    info->magic = XEN_HVM_START_MAGIC_VALUE;
    info->version = 1;
    info->rsdp_paddr = record->rsdp;
    const char *arguments = parts_arguments(record);
    id = add_map(record, plan, info, why);
    if (id == REFUSE_NONE)
        id = add_modules(record, plan, module_at, info, why);
    if (id == REFUSE_NONE && *arguments)
        id = parts_string(plan, arguments, &info->cmdline_paddr, why);
    if (id == REFUSE_NONE)
        id = parts_info_done(plan, (struct range){0, 0}, 0, why);
    return id;
}

enum refusal_id plan_pvh(const struct plan_input *input, struct plan *plan, struct refusal *why)
{
    static const struct module_rule rule = {"module", 1, 0, true};
    uint64_t module_at[RECORD_MODULE_MAX], shift;
    plan->protocol = "PVH";
    plan->exit.kind = EXIT_PROTECTED;
    if (!input->image->has_elf || !input->info || !input->placement)
        return REFUSE(why, PVH_NO_ELF, .str = {input->image->container});
    enum refusal_id id = guest_info_check_pvh(&input->image->elf, input->info, why);
    if (id != REFUSE_NONE)
        return id;
    if (input->image->elf.machine == EM_X86_64 && !input->cpu->long_mode)
        return REFUSE(why, PVH_NEEDS_LONG_MODE, .str = {input->cpu->vendor});
    struct range hull = input->placement->physical;
    uint64_t entry = input->info->phys32_entry.value;
    if (entry < hull.start || entry >= hull.end)
        return REFUSE(why, PVH_ENTRY_OUTSIDE, .num = {entry, hull.start, hull.end});
    id = choose_shift(input, plan, &shift, why);
    plan->exit.ip = entry + (id == REFUSE_NONE ? shift : 0);
    if (id == REFUSE_NONE)
        id = parts_kernel(input, plan, shift, why);
    if (id == REFUSE_NONE)
        id = parts_modules(input, plan, &rule, module_at, why);
    if (id == REFUSE_NONE)
        id = add_info(input, plan, module_at, why);
    return id;
}
