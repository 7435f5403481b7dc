/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multiboot 2 information -> boot record; see record_parts.h.  Tags are walked once, each bounded
 * by the total size, each with the least size that its type needs; unknown types are skipped.
 * Source: Multiboot2 2.0, section 3.4.
 */
#include "bytes.h"
#include "record_efi.h"
#include "record_parts.h"

#define TAG_END          0
#define TAG_CMDLINE      1
#define TAG_LOADER_NAME  2
#define TAG_MODULE       3
#define TAG_MEMORY       4
#define TAG_BOOT_DEVICE  5
#define TAG_MAP          6
#define TAG_VBE          7
#define TAG_FRAMEBUFFER  8
#define TAG_APM          10
#define TAG_EFI32        11
#define TAG_EFI64        12
#define TAG_ACPI_OLD     14
#define TAG_ACPI_NEW     15
#define TAG_EFI_MAP      17
#define TAG_EFI32_HANDLE 19
#define TAG_EFI64_HANDLE 20
#define TAG_COUNT        21

#define INFO_HEADER 8
#define TAG_HEADER  8
#define MAP_ENTRY   24

/* Least size of each tag, its header included; 0 = not looked at. */
static const uint16_t least[TAG_COUNT] = {
    [TAG_CMDLINE] = 9,      [TAG_LOADER_NAME] = 9, [TAG_MODULE] = 17,       [TAG_MEMORY] = 16,
    [TAG_BOOT_DEVICE] = 20, [TAG_MAP] = 16,        [TAG_VBE] = 784,         [TAG_FRAMEBUFFER] = 31,
    [TAG_APM] = 28,         [TAG_EFI32] = 12,      [TAG_EFI64] = 16,        [TAG_ACPI_OLD] = 28,
    [TAG_ACPI_NEW] = 44,    [TAG_EFI_MAP] = 16,    [TAG_EFI32_HANDLE] = 12, [TAG_EFI64_HANDLE] = 16,
};

/* One tag: its header's fields, and its first bytes (zero-padded). */
struct tag {
    uint64_t at; /* machine address */
    uint32_t type, size;
    uint8_t bytes[48];
};

struct walk {
    struct boot_record *record;
    const struct reader *reader;
    uint64_t efi_map, efi_map_size; /* of the descriptors */
    uint32_t efi_entry_size;
    uint64_t acpi_old, acpi_new;
};

static uint32_t u32(const struct tag *tag, uint32_t offset)
{
    uint32_t value;
    memcpy(&value, tag->bytes + offset, sizeof(value));
    return value;
}

static uint64_t u64(const struct tag *tag, uint32_t offset)
{
    return u32(tag, offset) | (uint64_t)u32(tag, offset + 4) << 32;
}

static enum refusal_id read_map(struct walk *walk, const struct tag *tag, struct refusal *why)
{
    uint32_t entry = u32(tag, 8);

    if (tag->size > RECORD_MAP_BYTES_MAX)
        return REFUSE(why, INFO_MAP_TOO_LONG, .num = {tag->size, RECORD_MAP_BYTES_MAX});
    if (entry < MAP_ENTRY || entry > tag->size)
        return REFUSE(why, INFO_MAP_ENTRY, .num = {0, entry, MAP_ENTRY, tag->size});
    for (uint64_t offset = 16; offset + entry <= tag->size; offset += entry) {
        uint64_t start, bytes, at = tag->at + offset;
        uint32_t type;
        if (!reader_u64(walk->reader, at, &start) || !reader_u64(walk->reader, at + 8, &bytes) ||
            !reader_u32(walk->reader, at + 16, &type))
            return REFUSE(why, INFO_UNREADABLE, .str = {"memory map"}, .num = {at});
        if (record_add_memory(walk->record, start, bytes, type, why))
            return why->id;
    }
    return REFUSE_NONE;
}

static void read_framebuffer(struct framebuffer *framebuffer, const struct tag *tag)
{
    static const enum framebuffer_kind kind[] = {FRAMEBUFFER_INDEXED, FRAMEBUFFER_RGB,
                                                 FRAMEBUFFER_TEXT};
    uint8_t type = tag->bytes[29];

    if (type >= sizeof(kind) / sizeof(kind[0]))
        return;
    *framebuffer = (struct framebuffer){
        .kind = kind[type],
        .address = u64(tag, 8),
        .pitch = u32(tag, 16),
        .width = u32(tag, 20),
        .height = u32(tag, 24),
        .bpp = tag->bytes[28],
    };
    if (framebuffer->kind == FRAMEBUFFER_RGB) { /* after two reserved bytes */
        framebuffer->red_position = tag->bytes[32];
        framebuffer->red_size = tag->bytes[33];
        framebuffer->green_position = tag->bytes[34];
        framebuffer->green_size = tag->bytes[35];
        framebuffer->blue_position = tag->bytes[36];
        framebuffer->blue_size = tag->bytes[37];
    }
}

static void read_vbe(struct boot_record *record, const struct reader *reader, const struct tag *tag)
{
    if (!reader_bytes(reader, tag->at + 16, record->vbe_control, sizeof(record->vbe_control)) ||
        !reader_bytes(reader, tag->at + 528, record->vbe_mode_info, sizeof(record->vbe_mode_info)))
        return;
    record->has_vbe = true;
    record->vbe_mode = (uint16_t)u32(tag, 8);
    record->vbe_interface_seg = (uint16_t)(u32(tag, 8) >> 16);
    record->vbe_interface_off = (uint16_t)u32(tag, 12);
    record->vbe_interface_len = (uint16_t)(u32(tag, 12) >> 16);
}

static enum refusal_id read_module(struct walk *walk, const struct tag *tag, struct refusal *why)
{
    uint32_t start = u32(tag, 8), end = u32(tag, 12);
    const char *string;

    if (end < start)
        return REFUSE(why, INFO_MODULE_BACKWARDS, .num = {walk->record->module_count, end, start});
    if (record_read_string(walk->record, walk->reader, tag->at + 16, tag->size - 16,
                           "module string", &string, why))
        return why->id;
    return record_add_module(walk->record, start, end - start, string, why);
}

static enum refusal_id read_tag(struct walk *walk, const struct tag *tag, struct refusal *why)
{
    struct boot_record *record = walk->record;
    struct efi_info *efi = &record->efi;

    switch (tag->type) {
    case TAG_CMDLINE:
        return record_read_string(record, walk->reader, tag->at + 8, tag->size - 8, "command line",
                                  &record->command_line, why);
    case TAG_LOADER_NAME:
        return record_read_string(record, walk->reader, tag->at + 8, tag->size - 8, "loader name",
                                  &record->loader_name, why);
    case TAG_MODULE:
        return read_module(walk, tag, why);
    case TAG_MEMORY:
        record->has_mem = true;
        record->mem_lower = u32(tag, 8);
        record->mem_upper = u32(tag, 12);
        break;
    case TAG_BOOT_DEVICE: /* drive, partition, sub-partition; Multiboot 1 packs them in one word */
        record->has_boot_device = true;
        record->boot_device =
            u32(tag, 8) << 24 | (u32(tag, 12) & 0xff) << 16 | (u32(tag, 16) & 0xff) << 8 | 0xff;
        break;
    case TAG_MAP:
        return read_map(walk, tag, why);
    case TAG_VBE:
        read_vbe(record, walk->reader, tag);
        break;
    case TAG_FRAMEBUFFER:
        read_framebuffer(&record->framebuffer, tag);
        break;
    case TAG_APM:
        record->has_apm = true;
        memcpy(record->apm, tag->bytes + 8, sizeof(record->apm));
        break;
    case TAG_EFI32:
        if (!efi->is_64bit) { /* with both, the 64-bit one is the firmware's own */
            efi->present = true;
            efi->system_table = u32(tag, 8);
        }
        break;
    case TAG_EFI64:
        efi->present = efi->is_64bit = true;
        efi->system_table = u64(tag, 8);
        break;
    case TAG_EFI32_HANDLE:
        efi->image_handle = u32(tag, 8);
        break;
    case TAG_EFI64_HANDLE:
        efi->image_handle = u64(tag, 8);
        break;
    case TAG_ACPI_OLD:
        walk->acpi_old = tag->at + 8;
        break;
    case TAG_ACPI_NEW:
        walk->acpi_new = tag->at + 8;
        break;
    case TAG_EFI_MAP:
        walk->efi_entry_size = u32(tag, 8);
        walk->efi_map = tag->at + 16;
        walk->efi_map_size = tag->size - 16;
        efi->map_entry_version = u32(tag, 12);
        break;
    default:
        break;
    }
    return REFUSE_NONE;
}

/* Takes over what needs all tags: the EFI memory map, which stays where it is. */
static enum refusal_id finish(struct walk *walk, struct refusal *why)
{
    struct boot_record *record = walk->record;

    if (walk->efi_map && walk->efi_entry_size >= 40) {
        record->efi.map = walk->efi_map;
        record->efi.map_size = (uint32_t)walk->efi_map_size;
        record->efi.map_entry_size = walk->efi_entry_size;
        record_keep(record, walk->efi_map, walk->efi_map_size, "EFI memory map");
    }
    record->rsdp = walk->acpi_new ? walk->acpi_new : walk->acpi_old;
    record->rsdp_source = record->rsdp ? RSDP_MULTIBOOT2 : RSDP_NONE;
    return record_finish_memory(record, why);
}

enum refusal_id record_from_multiboot2(const struct reader *reader, uint64_t info,
                                       struct boot_record *record, struct refusal *why)
{
    struct walk walk = {.record = record, .reader = reader};
    uint32_t total;

    record_init(record, WAY_MULTIBOOT2);
    if (!reader_u32(reader, info, &total))
        return REFUSE(why, INFO_UNREADABLE, .str = {"Multiboot 2 information"}, .num = {info});
    if (total < INFO_HEADER + TAG_HEADER || total > RECORD_TAGS_MAX)
        return REFUSE(why, INFO_TOTAL_SIZE,
                      .num = {total, INFO_HEADER + TAG_HEADER, RECORD_TAGS_MAX});

    for (uint64_t offset = INFO_HEADER;;) {
        struct tag tag = {.at = info + offset};
        if (total - offset < TAG_HEADER || offset > total)
            return REFUSE(why, INFO_TAG_NO_END, .num = {total});
        if (!reader_u32(reader, tag.at, &tag.type) || !reader_u32(reader, tag.at + 4, &tag.size))
            return REFUSE(why, INFO_UNREADABLE, .str = {"Multiboot 2 tag"}, .num = {tag.at});
        uint32_t wanted = tag.type < TAG_COUNT && least[tag.type] ? least[tag.type] : TAG_HEADER;
        if (tag.size < wanted || tag.size > total - offset)
            return REFUSE(why, INFO_TAG_SIZE, .num = {tag.type, tag.size, wanted, total - offset});
        if (tag.type == TAG_END)
            return finish(&walk, why);
        if (!reader_bytes(reader, tag.at, tag.bytes,
                          tag.size < sizeof(tag.bytes) ? tag.size : sizeof(tag.bytes)))
            return REFUSE(why, INFO_UNREADABLE, .str = {"Multiboot 2 tag"}, .num = {tag.at});
        if (read_tag(&walk, &tag, why))
            return why->id;
        offset = (offset + tag.size + 7) & ~UINT64_C(7);
    }
}
