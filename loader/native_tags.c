/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multiboot 2 boot information, tag by tag.  Source: Multiboot 2 specification 2.0, section 3.6;
 * where it and practice differ (16- or 32-bit fields of the ELF sections tag) the layout is that of
 * GRUB's and Xen's multiboot2.h, which all kernels read.  The EFI memory map is copied from where
 * it stands, straight into its tag.
 */
#include "native_tags.h"

#include "bytes.h"
#include "plan_parts.h"

enum tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_MEMORY = 4,
    TAG_BOOT_DEVICE = 5,
    TAG_MAP = 6,
    TAG_VBE = 7,
    TAG_FRAMEBUFFER = 8,
    TAG_ELF_SECTIONS = 9,
    TAG_APM = 10,
    TAG_EFI32_SYSTEM_TABLE = 11,
    TAG_EFI64_SYSTEM_TABLE = 12,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
    TAG_EFI_MAP = 17,
    TAG_EFI32_IMAGE = 19,
    TAG_EFI64_IMAGE = 20,
    TAG_LOAD_BASE = 21,
};

#define RSDP_OLD_SIZE 20u

static const char *guest_string(const struct boot_record *record)
{
    return record->module_count ? record->module[0].string : "";
}

uint32_t tags_size(const struct tags *tags)
{
    const struct boot_record *record = tags->input->record;
    return (uint32_t)(1024 + sizeof(NATIVE_LOADER_NAME) + record->module_count * 24 +
                      record->map.count * 24 + sizeof(record->vbe_control) +
                      sizeof(record->vbe_mode_info) + sizeof(record->rsdp_copy)) +
           parts_strings_size(record) + tags->sections.count * tags->sections.size +
           (record->efi.present ? record->efi.map_size : 0);
}

static void put(uint8_t **to, uint64_t value, unsigned size)
{
    memcpy(*to, &value, size);
    *to += size;
}

/* A tag with room for `size` bytes behind its header. */
static enum refusal_id add(const struct tags *tags, enum tag_type type, uint32_t size,
                           uint8_t **ret, struct refusal *why)
{
    enum refusal_id id = plan_blob(tags->plan, size + 8, 8, ret, NULL, why);
    if (id != REFUSE_NONE)
        return id;
    put(ret, type, 4);
    put(ret, size + 8, 4);
    return id;
}

static enum refusal_id add_string(const struct tags *tags, enum tag_type type, const char *text,
                                  struct refusal *why)
{
    uint8_t *to;
    uint32_t size = (uint32_t)strlen(text) + 1;
    enum refusal_id id = add(tags, type, size, &to, why);
    if (id == REFUSE_NONE)
        memcpy(to, text, size);
    return id;
}

static enum refusal_id add_number(const struct tags *tags, enum tag_type type, uint64_t value,
                                  unsigned size, struct refusal *why)
{
    uint8_t *to;
    enum refusal_id id = add(tags, type, size, &to, why);
    if (id == REFUSE_NONE)
        put(&to, value, size);
    return id;
}

static enum refusal_id add_modules(const struct tags *tags, struct refusal *why)
{
    const struct boot_record *record = tags->input->record;
    enum refusal_id id = REFUSE_NONE;
    for (uint32_t i = 1; i < record->module_count && id == REFUSE_NONE; i++) {
        const struct boot_module *module = &record->module[i];
        uint32_t length = (uint32_t)strlen(module->string) + 1;
        uint64_t at = tags->module_at[i - 1];
        uint8_t *to;
        id = add(tags, TAG_MODULE, 8 + length, &to, why);
        if (id != REFUSE_NONE)
            return id;
        put(&to, at, 4);
        put(&to, at + module->size, 4);
        memcpy(to, module->string, length);
    }
    return id;
}

static enum refusal_id add_memory(const struct tags *tags, struct refusal *why)
{
    const struct memory_map *map = &tags->input->record->map;
    uint32_t lower, upper;
    uint8_t *to;
    native_mem(tags->input, &lower, &upper);
    enum refusal_id id = add(tags, TAG_MEMORY, 8, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, lower, 4);
    put(&to, upper, 4);
    id = add(tags, TAG_MAP, 8 + map->count * 24, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, 24, 4);
    put(&to, 0, 4);
    for (uint32_t i = 0; i < map->count; i++) {
        put(&to, map->entry[i].start, 8);
        put(&to, map->entry[i].end - map->entry[i].start, 8);
        put(&to, native_memory_type(map->entry[i].type), 8);
    }
    return id;
}

static enum refusal_id add_screen(const struct tags *tags, struct refusal *why)
{
    struct framebuffer screen;
    uint8_t *to;
    if (!native_framebuffer(tags->input, &screen))
        return REFUSE_NONE;
    bool rgb = screen.kind == FRAMEBUFFER_RGB;
    uint32_t extra = rgb ? 6 : screen.kind == FRAMEBUFFER_INDEXED ? 2 : 0;
    enum refusal_id id = add(tags, TAG_FRAMEBUFFER, 24 + extra, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, screen.address, 8);
    put(&to, screen.pitch, 4);
    put(&to, screen.width, 4);
    put(&to, screen.height, 4);
    put(&to, screen.bpp, 1);
    put(&to, rgb ? 1 : screen.kind == FRAMEBUFFER_TEXT ? 2 : 0, 1);
    put(&to, 0, 2);
    if (rgb) {
        const uint8_t fields[] = {screen.red_position, screen.red_size,      screen.green_position,
                                  screen.green_size,   screen.blue_position, screen.blue_size};
        memcpy(to, fields, sizeof(fields));
    }
    return id;
}

/* boot_device as Multiboot 1 has it: drive in the highest byte, then partitions, 0xFF = none. */
static enum refusal_id add_boot_device(const struct tags *tags, struct refusal *why)
{
    uint32_t device = tags->input->record->boot_device;
    uint8_t *to;
    enum refusal_id id = add(tags, TAG_BOOT_DEVICE, 12, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, device >> 24, 4);
    for (unsigned shift = 16; shift >= 8; shift -= 8) {
        uint32_t part = device >> shift & 0xff;
        put(&to, part == 0xff ? 0xffffffff : part, 4);
    }
    return id;
}

static enum refusal_id add_vbe(const struct tags *tags, struct refusal *why)
{
    const struct boot_record *record = tags->input->record;
    uint8_t *to;
    enum refusal_id id = add(
        tags, TAG_VBE, 8 + sizeof(record->vbe_control) + sizeof(record->vbe_mode_info), &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, record->vbe_mode, 2);
    put(&to, record->vbe_interface_seg, 2);
    put(&to, record->vbe_interface_off, 2);
    put(&to, record->vbe_interface_len, 2);
    memcpy(to, record->vbe_control, sizeof(record->vbe_control));
    memcpy(to + sizeof(record->vbe_control), record->vbe_mode_info, sizeof(record->vbe_mode_info));
    return id;
}

static enum refusal_id add_bytes(const struct tags *tags, enum tag_type type, const uint8_t *bytes,
                                 uint32_t size, struct refusal *why)
{
    uint8_t *to;
    enum refusal_id id = add(tags, type, size, &to, why);
    if (id == REFUSE_NONE)
        memcpy(to, bytes, size);
    return id;
}

/* The old tag wants an ACPI 1 RSDP, the new one an ACPI 2 one; the first 20 bytes of the latter are
 * a valid old one. */
static enum refusal_id add_rsdp(const struct tags *tags, struct refusal *why)
{
    const struct boot_record *record = tags->input->record;
    uint32_t length = record->rsdp_length;
    enum refusal_id id = REFUSE_NONE;
    if (length > sizeof(record->rsdp_copy))
        length = sizeof(record->rsdp_copy);
    if (length >= RSDP_OLD_SIZE)
        id = add_bytes(tags, TAG_RSDP_OLD, record->rsdp_copy, RSDP_OLD_SIZE, why);
    if (length > RSDP_OLD_SIZE && id == REFUSE_NONE)
        id = add_bytes(tags, TAG_RSDP_NEW, record->rsdp_copy, length, why);
    return id;
}

static enum refusal_id add_sections(const struct tags *tags, struct refusal *why)
{
    const struct native_sections *sections = &tags->sections;
    uint8_t *to;
    enum refusal_id id =
        add(tags, TAG_ELF_SECTIONS, 12 + sections->count * sections->size, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, sections->count, 4);
    put(&to, sections->size, 4);
    put(&to, sections->string_index, 4);
    native_sections_write(tags->input, sections, to);
    return id;
}

/* *ret_hole: the blob's bytes that are copied from the firmware's map instead. */
static enum refusal_id add_efi(const struct tags *tags, struct range *ret_hole, struct refusal *why)
{
    const struct efi_info *efi = &tags->input->record->efi;
    unsigned width = efi->is_64bit ? 8 : 4;
    enum refusal_id id =
        add_number(tags, efi->is_64bit ? TAG_EFI64_SYSTEM_TABLE : TAG_EFI32_SYSTEM_TABLE,
                   efi->system_table, width, why);
    if (id == REFUSE_NONE && efi->image_handle)
        id = add_number(tags, efi->is_64bit ? TAG_EFI64_IMAGE : TAG_EFI32_IMAGE, efi->image_handle,
                        width, why);
    if (id != REFUSE_NONE || efi->map == 0 || efi->map_size == 0)
        return id;
    uint8_t *to;
    id = add(tags, TAG_EFI_MAP, 8 + efi->map_size, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&to, efi->map_entry_size, 4);
    put(&to, efi->map_entry_version, 4);
    ret_hole->start = (uint64_t)(to - tags->plan->blob);
    ret_hole->end = ret_hole->start + efi->map_size;
    return id;
}

static enum refusal_id add_machine(const struct tags *tags, struct range *ret_hole,
                                   struct refusal *why)
{
    const struct boot_record *record = tags->input->record;
    enum refusal_id id = add_memory(tags, why);
    if (id == REFUSE_NONE)
        id = add_screen(tags, why);
    if (id == REFUSE_NONE && record->has_boot_device)
        id = add_boot_device(tags, why);
    if (id == REFUSE_NONE && record->has_vbe)
        id = add_vbe(tags, why);
    if (id == REFUSE_NONE && record->has_apm)
        id = add_bytes(tags, TAG_APM, record->apm, sizeof(record->apm), why);
    if (id == REFUSE_NONE)
        id = add_rsdp(tags, why);
    if (id == REFUSE_NONE && record->efi.present)
        id = add_efi(tags, ret_hole, why);
    return id;
}

enum refusal_id tags_write(const struct tags *tags, struct refusal *why)
{
    struct plan *plan = tags->plan;
    struct range hole = {0, 0};
    uint8_t *to, *total;
    enum refusal_id id = plan_blob(plan, 8, 8, &total, NULL, why);
    if (id == REFUSE_NONE)
        id = add_string(tags, TAG_COMMAND_LINE, guest_string(tags->input->record), why);
    if (id == REFUSE_NONE)
        id = add_string(tags, TAG_LOADER_NAME, NATIVE_LOADER_NAME, why);
    if (id == REFUSE_NONE)
        id = add_modules(tags, why);
    if (id == REFUSE_NONE && tags->sections.count)
        id = add_sections(tags, why);
    if (id == REFUSE_NONE && tags->relocatable)
        id = add_number(tags, TAG_LOAD_BASE, tags->load_base, 4, why);
    if (id == REFUSE_NONE)
        id = add_machine(tags, &hole, why);
    if (id == REFUSE_NONE)
        id = add(tags, TAG_END, 0, &to, why);
    if (id != REFUSE_NONE)
        return id;
    put(&total, plan->blob_used, 4);
    return parts_info_done(plan, hole, tags->input->record->efi.map, why);
}
