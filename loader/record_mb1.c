/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multiboot 1 information -> boot record; see record_parts.h.  Everything is copied: the
 * information structure may lie where the guest goes.
 * Source: Multiboot 0.6.96, section 3.3; offsets are those of its figure.
 */
#include "bytes.h"
#include "record_parts.h"

#define INFO_SIZE    120 /* with the framebuffer fields */
#define MMAP_ENTRY   20  /* without the size field in front */
#define MODULE_ENTRY 16

#define HAS_MEMORY      (1u << 0)
#define HAS_DEVICE      (1u << 1)
#define HAS_CMDLINE     (1u << 2)
#define HAS_MODULES     (1u << 3)
#define HAS_MAP         (1u << 6)
#define HAS_DRIVES      (1u << 7)
#define HAS_CONFIG      (1u << 8)
#define HAS_LOADER_NAME (1u << 9)
#define HAS_APM         (1u << 10)
#define HAS_VBE         (1u << 11)
#define HAS_FRAMEBUFFER (1u << 12)

static uint32_t field(const uint8_t *info, uint32_t offset)
{
    uint32_t value;
    memcpy(&value, info + offset, sizeof(value));
    return value;
}

static uint16_t field16(const uint8_t *info, uint32_t offset)
{
    return (uint16_t)(info[offset] | info[offset + 1] << 8);
}

static enum refusal_id read_map(struct boot_record *record, const struct reader *reader,
                                uint64_t at, uint32_t length, struct refusal *why)
{
    if (length > RECORD_MAP_BYTES_MAX)
        return REFUSE(why, INFO_MAP_TOO_LONG, .num = {length, RECORD_MAP_BYTES_MAX});
    for (uint64_t offset = 0; offset < length;) {
        uint32_t size, type;
        uint64_t start, bytes;
        if (!reader_u32(reader, at + offset, &size))
            return REFUSE(why, INFO_UNREADABLE, .str = {"memory map"}, .num = {at + offset});
        if (length - offset < 4 || size < MMAP_ENTRY || size > length - offset - 4)
            return REFUSE(why, INFO_MAP_ENTRY, .num = {offset, size, MMAP_ENTRY, length});
        if (!reader_u64(reader, at + offset + 4, &start) ||
            !reader_u64(reader, at + offset + 12, &bytes) ||
            !reader_u32(reader, at + offset + 20, &type))
            return REFUSE(why, INFO_UNREADABLE, .str = {"memory map"}, .num = {at + offset});
        if (record_add_memory(record, start, bytes, type, why))
            return why->id;
        offset += (uint64_t)size + 4;
    }
    return REFUSE_NONE;
}

static enum refusal_id read_modules(struct boot_record *record, const struct reader *reader,
                                    uint32_t count, uint64_t at, struct refusal *why)
{
    if (count > RECORD_MODULE_MAX)
        return REFUSE(why, INFO_TOO_MANY_MODULES, .num = {RECORD_MODULE_MAX});
    for (uint32_t i = 0; i < count; i++, at += MODULE_ENTRY) {
        uint8_t entry[MODULE_ENTRY];
        const char *string = "";
        if (!reader_bytes(reader, at, entry, sizeof(entry)))
            return REFUSE(why, INFO_UNREADABLE, .str = {"module list"}, .num = {at});
        uint32_t start = field(entry, 0), end = field(entry, 4), text = field(entry, 8);
        if (end < start)
            return REFUSE(why, INFO_MODULE_BACKWARDS, .num = {i, end, start});
        if (text &&
            record_read_string(record, reader, text, UINT64_MAX, "module string", &string, why))
            return why->id;
        if (record_add_module(record, start, end - start, string, why))
            return why->id;
    }
    return REFUSE_NONE;
}

static void read_framebuffer(struct framebuffer *framebuffer, const uint8_t *info)
{
    static const enum framebuffer_kind kind[] = {FRAMEBUFFER_INDEXED, FRAMEBUFFER_RGB,
                                                 FRAMEBUFFER_TEXT};
    if (info[109] >= sizeof(kind) / sizeof(kind[0]))
        return;
    *framebuffer = (struct framebuffer){
        .kind = kind[info[109]],
        .address = field(info, 88) | (uint64_t)field(info, 92) << 32,
        .pitch = field(info, 96),
        .width = field(info, 100),
        .height = field(info, 104),
        .bpp = info[108],
    };
    if (framebuffer->kind == FRAMEBUFFER_RGB) {
        framebuffer->red_position = info[110];
        framebuffer->red_size = info[111];
        framebuffer->green_position = info[112];
        framebuffer->green_size = info[113];
        framebuffer->blue_position = info[114];
        framebuffer->blue_size = info[115];
    }
}

/* What only a Multiboot guest is given again.  A part that cannot be read is left out. */
static void read_legacy(struct boot_record *record, const struct reader *reader,
                        const uint8_t *info, uint32_t flags)
{
    if (flags & HAS_DEVICE) {
        record->has_boot_device = true;
        record->boot_device = field(info, 12);
    }
    if (flags & HAS_DRIVES && field(info, 52) <= RECORD_DRIVES_SIZE &&
        reader_bytes(reader, field(info, 56), record->drives, field(info, 52))) {
        record->has_drives = true;
        record->drives_size = field(info, 52);
    }
    if (flags & HAS_CONFIG) {
        record->has_config_table = true;
        record->config_table = field(info, 60);
    }
    if (flags & HAS_APM)
        record->has_apm = reader_bytes(reader, field(info, 68), record->apm, sizeof(record->apm));
    if (flags & HAS_VBE &&
        reader_bytes(reader, field(info, 72), record->vbe_control, sizeof(record->vbe_control)) &&
        reader_bytes(reader, field(info, 76), record->vbe_mode_info,
                     sizeof(record->vbe_mode_info))) {
        record->has_vbe = true;
        record->vbe_mode = field16(info, 80);
        record->vbe_interface_seg = field16(info, 82);
        record->vbe_interface_off = field16(info, 84);
        record->vbe_interface_len = field16(info, 86);
    }
    if (flags & HAS_FRAMEBUFFER)
        read_framebuffer(&record->framebuffer, info);
}

enum refusal_id record_from_multiboot1(const struct reader *reader, uint64_t at,
                                       struct boot_record *record, struct refusal *why)
{
    uint8_t info[INFO_SIZE] = {0};
    uint32_t flags;

    record_init(record, WAY_MULTIBOOT1);
    if (!reader_u32(reader, at, &flags) ||
        /* The fields up to the APM table are always there; the rest only with its flag. */
        !reader_bytes(reader, at, info, flags & HAS_FRAMEBUFFER ? INFO_SIZE : 88))
        return REFUSE(why, INFO_UNREADABLE, .str = {"Multiboot information"}, .num = {at});

    if (flags & HAS_CMDLINE && record_read_string(record, reader, field(info, 16), UINT64_MAX,
                                                  "command line", &record->command_line, why))
        return why->id;
    if (flags & HAS_LOADER_NAME && record_read_string(record, reader, field(info, 64), UINT64_MAX,
                                                      "loader name", &record->loader_name, why))
        return why->id;
    if (flags & HAS_MEMORY) {
        record->has_mem = true;
        record->mem_lower = field(info, 4);
        record->mem_upper = field(info, 8);
    }
    if (flags & HAS_MAP && read_map(record, reader, field(info, 48), field(info, 44), why))
        return why->id;
    if (record_finish_memory(record, why))
        return why->id;
    if (flags & HAS_MODULES && read_modules(record, reader, field(info, 20), field(info, 24), why))
        return why->id;
    read_legacy(record, reader, info, flags);
    return REFUSE_NONE;
}
