/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What every Multiboot guest is told: the Multiboot 1 information structure with everything that
 * the record has, and the pieces that Multiboot 2 shares (symbols, memory sizes, screen).  Source:
 * Multiboot Specification 0.6.96, section 3.3; struct layouts from Debian's `multiboot` package.
 */
#include "native.h"

#include "bytes.h"
#include "plan_parts.h"

#include <elf.h>
#include <multiboot.h>

#define SECTION_HEADERS_MAX 65536u /* bytes; a kernel's are some thousands */
#define ONE_MIB             UINT64_C(0x100000)

void native_mem(const struct plan_input *input, uint32_t *ret_lower, uint32_t *ret_upper)
{
    const struct boot_record *record = input->record;
    if (record->has_mem && input->options->memory_limit == 0) {
        *ret_lower = record->mem_lower;
        *ret_upper = record->mem_upper;
        return;
    }
    uint64_t low = 0, high = ONE_MIB;
    for (uint32_t i = 0; i < record->map.count; i++) {
        const struct memory_entry *e = &record->map.entry[i];
        if (e->type != MEMORY_RAM)
            continue;
        if ((e->start <= low || e->start < PAGE_SIZE) && e->end > low)
            low = e->end; /* a loader may keep the first page's vectors to itself, as kexec does */
        if (e->start <= high && e->end > high)
            high = e->end;
    }
    if (high > UINT64_C(1) << 32)
        high = UINT64_C(1) << 32;
    *ret_lower = (uint32_t)((low < 0xa0000 ? low : 0xa0000) >> 10);
    *ret_upper = (uint32_t)((high - ONE_MIB) >> 10);
}

bool native_framebuffer(const struct plan_input *input, struct framebuffer *ret)
{
    const struct boot_record *record = input->record;
    if (record->framebuffer.kind != FRAMEBUFFER_NONE) {
        *ret = record->framebuffer;
        return true;
    }
    if (record->way == WAY_UEFI || record->efi.present)
        return false;
    /* A PC that nobody has put into another mode shows its 80x25 text screen. */
    *ret = (struct framebuffer){.kind = FRAMEBUFFER_TEXT,
                                .address = 0xb8000,
                                .pitch = 160,
                                .width = 80,
                                .height = 25,
                                .bpp = 16};
    return true;
}

/* The section is a symbol or string table that no segment loads: worth loading for the guest. */
static bool wants_loading(const struct elf_view *elf, const struct elf_shdr *shdr)
{
    struct view bytes;
    return (shdr->type == SHT_SYMTAB || shdr->type == SHT_STRTAB) && !(shdr->flags & SHF_ALLOC) &&
           shdr->size > 0 && elf_view_section(elf, shdr, &bytes);
}

static uint64_t next_place(uint64_t at, uint64_t size)
{
    return (at + size + 15) & ~UINT64_C(15);
}

enum refusal_id native_sections(const struct plan_input *input, struct plan *plan,
                                struct native_sections *ret, struct refusal *why)
{
    const struct guest_image *image = input->image;
    const struct elf_view *elf = &image->elf;
    *ret = (struct native_sections){0};
    if (!image->has_elf || elf->shdr_count == 0)
        return REFUSE_NONE;
    if (elf->shdr_size < (elf->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)) ||
        elf->shdr_count > SECTION_HEADERS_MAX / elf->shdr_size) {
        plan_warn(plan, "the guest's section headers are not passed on: %u of %u bytes",
                  (unsigned)elf->shdr_count, (unsigned)elf->shdr_size);
        return REFUSE_NONE;
    }
    uint64_t total = 0;
    struct elf_shdr shdr;
    for (uint32_t i = 0; i < elf->shdr_count && elf_view_shdr(elf, i, &shdr); i++)
        if (wants_loading(elf, &shdr))
            total = next_place(total, shdr.size);
    struct native_sections sections = {elf->shdr_count, elf->shdr_size, elf->shdr_string_index, 0};
    if (total > 0) {
        if (!plan_find_target(plan, input->record, total, PAGE_SIZE, ONE_MIB, 0, false,
                              &sections.symbols)) {
            plan_warn(plan, "no room for the guest's symbols: 0x%llx bytes",
                      (unsigned long long)total);
            return REFUSE_NONE;
        }
        enum refusal_id id =
            plan_add_region(plan, "guest symbols", REGION_TARGET,
                            (struct range){sections.symbols, sections.symbols + total}, NULL, why);
        uint64_t at = sections.symbols;
        for (uint32_t i = 0; id == REFUSE_NONE && elf_view_shdr(elf, i, &shdr); i++) {
            if (!wants_loading(elf, &shdr))
                continue;
            id = plan_add_copy(plan, at, image->elf_at.v + shdr.offset, shdr.size, why);
            at = next_place(at, shdr.size);
        }
        if (id != REFUSE_NONE)
            return id;
    }
    *ret = sections;
    return REFUSE_NONE;
}

void native_sections_write(const struct plan_input *input, const struct native_sections *sections,
                           uint8_t *to)
{
    const struct elf_view *elf = &input->image->elf;
    uint64_t at = sections->symbols;
    struct elf_shdr shdr;
    struct view headers;
    if (!view_slice(elf->file, elf->shdr_offset, (uint64_t)sections->count * sections->size,
                    &headers))
        return;
    memcpy(to, headers.data, (size_t)headers.size);
    for (uint32_t i = 0; i < sections->count && elf_view_shdr(elf, i, &shdr); i++) {
        uint8_t *entry = to + i * sections->size;
        if (!wants_loading(elf, &shdr))
            continue;
        uint32_t low = (uint32_t)at;
        if (elf->is_64bit)
            memcpy(entry + offsetof(Elf64_Shdr, sh_addr), &at, sizeof(at));
        else
            memcpy(entry + offsetof(Elf32_Shdr, sh_addr), &low, sizeof(low));
        at = next_place(at, shdr.size);
    }
}

/* Upper bound of what write_mbi() adds to the blob, bytes. */
static uint32_t mbi_size(const struct plan_input *input, const struct native_sections *sections)
{
    const struct boot_record *record = input->record;
    return (uint32_t)(sizeof(struct multiboot_info) + 256 + sizeof(NATIVE_LOADER_NAME) +
                      (record->map.count + 2) * sizeof(struct multiboot_mmap_entry) +
                      record->module_count * sizeof(struct multiboot_mod_list) +
                      record->drives_size + sizeof(record->apm) + sizeof(record->vbe_control) +
                      sizeof(record->vbe_mode_info)) +
           parts_strings_size(record) + sections->count * sections->size;
}

/* Appends bytes and gives their 32-bit address. */
static enum refusal_id add_bytes(struct plan *plan, const void *bytes, uint32_t size,
                                 uint32_t *ret_at, struct refusal *why)
{
    uint8_t *to;
    uint64_t at;
    enum refusal_id id = plan_blob(plan, size, 4, &to, &at, why);
    if (id != REFUSE_NONE)
        return id;
    memcpy(to, bytes, size);
    *ret_at = (uint32_t)at;
    return id;
}

static enum refusal_id add_string(struct plan *plan, const char *text, uint32_t *ret_at,
                                  struct refusal *why)
{
    uint64_t at = 0;
    enum refusal_id id = parts_string(plan, text, &at, why);
    *ret_at = (uint32_t)at;
    return id;
}

static enum refusal_id add_modules(const struct boot_record *record, struct plan *plan,
                                   const uint64_t *module_at, struct multiboot_info *mbi,
                                   struct refusal *why)
{
    uint32_t count = record->module_count ? record->module_count - 1 : 0;
    struct multiboot_mod_list *entry;
    uint64_t at = 0;
    mbi->flags |= MULTIBOOT_INFO_MODS;
    mbi->mods_count = count;
    if (count == 0)
        return REFUSE_NONE;
    enum refusal_id id = plan_blob(plan, count * (uint32_t)sizeof(*entry), 4, &entry, &at, why);
    mbi->mods_addr = (uint32_t)at;
    for (uint32_t i = 0; i < count && id == REFUSE_NONE; i++) {
        entry[i].mod_start = (uint32_t)module_at[i];
        entry[i].mod_end = (uint32_t)(module_at[i] + record->module[i + 1].size);
        uint32_t string;
        id = add_string(plan, record->module[i + 1].string, &string, why);
        entry[i].cmdline = string;
    }
    return id;
}

static void put_entry(struct multiboot_mmap_entry *to, uint64_t start, uint64_t end, uint32_t type)
{
    to->size = sizeof(*to) - sizeof(to->size);
    to->addr = start;
    to->len = end - start;
    to->type = native_memory_type(type);
}

/* A guest that starts on our page tables is told not to use them as free memory: the hand-off is
 * cut out of its RAM.  (All other guests have nothing of ours in use.) */
static struct range map_hole(const struct plan *plan)
{
    if (plan->exit.kind != EXIT_LONG)
        return (struct range){0, 0};
    return (struct range){plan->handoff, plan->handoff + HANDOFF_SIZE};
}

/* The two sums end before the hole as well. */
static void cut_mem(struct range hole, uint32_t *lower, uint32_t *upper)
{
    if (range_is_empty(hole))
        return;
    if (hole.start < (uint64_t)*lower << 10)
        *lower = (uint32_t)(hole.start >> 10);
    if (hole.start >= ONE_MIB && hole.start - ONE_MIB < (uint64_t)*upper << 10)
        *upper = (uint32_t)((hole.start - ONE_MIB) >> 10);
}

static enum refusal_id add_map(const struct boot_record *record, struct plan *plan,
                               struct multiboot_info *mbi, struct refusal *why)
{
    uint64_t at = 0;
    struct multiboot_mmap_entry *entry;
    struct range hole = map_hole(plan);
    uint32_t count = record->map.count, more = range_is_empty(hole) ? 0 : 2;
    if (count == 0)
        return REFUSE_NONE;
    enum refusal_id id =
        plan_blob(plan, (count + more) * (uint32_t)sizeof(*entry), 4, &entry, &at, why);
    uint32_t used = 0;
    for (uint32_t i = 0; i < count && id == REFUSE_NONE; i++) {
        const struct memory_entry *e = &record->map.entry[i];
        struct range range = {e->start, e->end};
        if (range_is_empty(hole) || !range_contains(range, hole)) {
            put_entry(&entry[used++], e->start, e->end, e->type);
            continue;
        }
        if (e->start < hole.start)
            put_entry(&entry[used++], e->start, hole.start, e->type);
        put_entry(&entry[used++], hole.start, hole.end, MEMORY_RESERVED);
        if (hole.end < e->end)
            put_entry(&entry[used++], hole.end, e->end, e->type);
    }
    mbi->flags |= MULTIBOOT_INFO_MEM_MAP;
    mbi->mmap_length = used * (uint32_t)sizeof(*entry);
    mbi->mmap_addr = (uint32_t)at;
    return id;
}

static void set_framebuffer(const struct framebuffer *screen, struct multiboot_info *mbi)
{
    mbi->flags |= MULTIBOOT_INFO_FRAMEBUFFER_INFO;
    mbi->framebuffer_addr = screen->address;
    mbi->framebuffer_pitch = screen->pitch;
    mbi->framebuffer_width = screen->width;
    mbi->framebuffer_height = screen->height;
    mbi->framebuffer_bpp = screen->bpp;
    mbi->framebuffer_type = screen->kind == FRAMEBUFFER_RGB    ? MULTIBOOT_FRAMEBUFFER_TYPE_RGB
                            : screen->kind == FRAMEBUFFER_TEXT ? MULTIBOOT_FRAMEBUFFER_TYPE_EGA_TEXT
                                                               : MULTIBOOT_FRAMEBUFFER_TYPE_INDEXED;
    if (screen->kind != FRAMEBUFFER_RGB)
        return;
    mbi->framebuffer_red_field_position = screen->red_position;
    mbi->framebuffer_red_mask_size = screen->red_size;
    mbi->framebuffer_green_field_position = screen->green_position;
    mbi->framebuffer_green_mask_size = screen->green_size;
    mbi->framebuffer_blue_field_position = screen->blue_position;
    mbi->framebuffer_blue_mask_size = screen->blue_size;
}

/* What the PC's firmware left and our own loader passed on, as it came. */
static enum refusal_id add_firmware(const struct boot_record *record, struct plan *plan,
                                    struct multiboot_info *mbi, struct refusal *why)
{
    enum refusal_id id = REFUSE_NONE;
    if (record->has_boot_device) {
        mbi->flags |= MULTIBOOT_INFO_BOOTDEV;
        mbi->boot_device = record->boot_device;
    }
    if (record->has_drives) {
        mbi->flags |= MULTIBOOT_INFO_DRIVE_INFO;
        mbi->drives_length = record->drives_size;
        id = add_bytes(plan, record->drives, record->drives_size, &mbi->drives_addr, why);
    }
    if (record->has_config_table) {
        mbi->flags |= MULTIBOOT_INFO_CONFIG_TABLE;
        mbi->config_table = record->config_table;
    }
    if (record->has_apm && id == REFUSE_NONE) {
        mbi->flags |= MULTIBOOT_INFO_APM_TABLE;
        id = add_bytes(plan, record->apm, sizeof(record->apm), &mbi->apm_table, why);
    }
    if (record->has_vbe && id == REFUSE_NONE) {
        mbi->flags |= MULTIBOOT_INFO_VBE_INFO;
        mbi->vbe_mode = record->vbe_mode;
        mbi->vbe_interface_seg = record->vbe_interface_seg;
        mbi->vbe_interface_off = record->vbe_interface_off;
        mbi->vbe_interface_len = record->vbe_interface_len;
        id = add_bytes(plan, record->vbe_control, sizeof(record->vbe_control),
                       &mbi->vbe_control_info, why);
        if (id == REFUSE_NONE)
            id = add_bytes(plan, record->vbe_mode_info, sizeof(record->vbe_mode_info),
                           &mbi->vbe_mode_info, why);
    }
    return id;
}

/* The complete Multiboot 1 information structure into the blob (plan->info must be placed); module
 * n + 1 stands at module_at[n].  *ret_at is its address.  Not inlined: that is larger by 700 bytes.
 */
__attribute__((noinline)) static enum refusal_id
write_mbi(const struct plan_input *input, struct plan *plan, const struct native_sections *sections,
          const uint64_t module_at[RECORD_MODULE_MAX], uint64_t *ret_at, struct refusal *why)
{
    const struct boot_record *record = input->record;
    struct multiboot_info *mbi;
    struct framebuffer screen;
    enum refusal_id id = plan_blob(plan, sizeof(*mbi), 8, &mbi, ret_at, why);
    if (id != REFUSE_NONE)
        return id;
    mbi->flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_BOOT_LOADER_NAME;
    uint32_t lower, upper, at;
    native_mem(input, &lower, &upper);
    cut_mem(map_hole(plan), &lower, &upper);
    mbi->mem_lower = lower;
    mbi->mem_upper = upper;
    id = add_string(plan, record->module_count ? record->module[0].string : "", &at, why);
    mbi->cmdline = at;
    if (id == REFUSE_NONE) {
        id = add_string(plan, NATIVE_LOADER_NAME, &at, why);
        mbi->boot_loader_name = at;
    }
    if (id == REFUSE_NONE)
        id = add_modules(record, plan, module_at, mbi, why);
    if (id == REFUSE_NONE)
        id = add_map(record, plan, mbi, why);
    if (id == REFUSE_NONE)
        id = add_firmware(record, plan, mbi, why);
    if (id == REFUSE_NONE && sections->count) {
        uint8_t *to;
        uint64_t headers = 0;
        id = plan_blob(plan, sections->count * sections->size, 8, &to, &headers, why);
        if (id != REFUSE_NONE)
            return id;
        native_sections_write(input, sections, to);
        mbi->flags |= MULTIBOOT_INFO_ELF_SHDR;
        mbi->u.elf_sec.num = sections->count;
        mbi->u.elf_sec.size = sections->size;
        mbi->u.elf_sec.addr = (uint32_t)headers;
        mbi->u.elf_sec.shndx = sections->string_index;
    }
    if (native_framebuffer(input, &screen))
        set_framebuffer(&screen, mbi);
    return id;
}

enum refusal_id native_mbi_finish(const struct plan_input *input, struct plan *plan,
                                  bool page_align, struct refusal *why)
{
    struct module_rule rule = {"module", page_align ? PAGE_SIZE : 1, 0, false};
    uint64_t module_at[RECORD_MODULE_MAX];
    struct native_sections sections;
    enum refusal_id id = parts_modules(input, plan, &rule, module_at, why);
    if (id == REFUSE_NONE)
        id = native_sections(input, plan, &sections, why);
    if (id == REFUSE_NONE && plan->exit.kind == EXIT_LONG)
        id = parts_handoff(input, plan, 0, why);
    if (id == REFUSE_NONE)
        id = parts_info(input, plan, mbi_size(input, &sections), why);
    if (id == REFUSE_NONE)
        id = write_mbi(input, plan, &sections, module_at, &plan->exit.bx, why);
    if (id == REFUSE_NONE)
        id = parts_info_done(plan, (struct range){0, 0}, 0, why);
    plan->exit.ax = MULTIBOOT_BOOTLOADER_MAGIC;
    return id;
}
