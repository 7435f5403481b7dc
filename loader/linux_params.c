/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Filling Linux's zero page; see linux_params.h for the sources.  Offsets are those of struct
 * boot_params; the same in 32- and 64-bit kernels.
 */
#include "linux_params.h"

#include "bytes.h"
#include "native.h"
#include "plan_parts.h"

enum {
    /* struct screen_info at 0 */
    AT_ORIG_Y = 0x01,
    AT_EXT_MEM_K = 0x02,
    AT_VIDEO_MODE = 0x06,
    AT_VIDEO_COLS = 0x07,
    AT_EGA_BX = 0x0a,
    AT_VIDEO_LINES = 0x0e,
    AT_VIDEO_TYPE = 0x0f,
    AT_VIDEO_POINTS = 0x10,
    AT_LFB_WIDTH = 0x12,
    AT_LFB_HEIGHT = 0x14,
    AT_LFB_DEPTH = 0x16,
    AT_LFB_BASE = 0x18,
    AT_LFB_SIZE = 0x1c,
    AT_CL_MAGIC = 0x20,
    AT_CL_OFFSET = 0x22,
    AT_LFB_LINE = 0x24,
    AT_LFB_FIELDS = 0x26,
    AT_CAPABILITIES = 0x36,
    AT_LFB_BASE_HIGH = 0x3a,
    AT_APM = 0x40,
    AT_RSDP = 0x70,
    AT_EFI = 0x1c0,
    AT_ALT_MEM_K = 0x1e0,
    AT_E820_ENTRIES = 0x1e8,
    AT_SECURE_BOOT = 0x1ec,
    AT_HEADER = 0x1f1,
    AT_VID_MODE = 0x1fa,
    AT_BOOT_FLAG = 0x1fe,
    AT_MAGIC = 0x202,
    AT_VERSION = 0x206,
    AT_LOADER_TYPE = 0x210,
    AT_LOADFLAGS = 0x211,
    AT_MOVE_SIZE = 0x212,
    AT_CODE32_START = 0x214,
    AT_RAMDISK = 0x218,
    AT_RAMDISK_SIZE = 0x21c,
    AT_HEAP_END = 0x224,
    AT_LOADER_VERSION = 0x226,
    AT_CMD_LINE = 0x228,
    AT_ALIGNMENT = 0x230,
    AT_CMDLINE_SIZE = 0x238,
    AT_SETUP_DATA = 0x250,
    AT_PREF_ADDRESS = 0x258,
    AT_INIT_SIZE = 0x260,
    HEADER_END = 0x290,
    AT_E820 = 0x2d0,
};

#define E820_ENTRY     20u
#define SETUP_E820_EXT 1u
#define SETUP_HEADER   16u /* next, type, length */
#define CL_MAGIC       0xA33F
#define STACK_SIZE     0x200u /* of the setup code, above its heap */
#define SETUP_PATCHED  0x400u /* the setup header ends before, at 0x301 at most */
#define LOADER_TYPE    0xFF   /* no number of our own is assigned */
#define LOADFLAG_HIGH  1u
#define LOADFLAG_HEAP  0x80u

#define VIDEO_TEXT   0x01
#define VIDEO_LINEAR 0x23
#define VIDEO_EFI    0x70

static void put(uint8_t *page, unsigned at, uint64_t value, unsigned size)
{
    memcpy(page + at, &value, size);
}

static uint32_t map_beyond(const struct linux_params *params)
{
    uint32_t count = params->input->record->map.count;
    return count > LINUX_E820_MAX ? count - LINUX_E820_MAX : 0;
}

uint32_t linux_params_size(const struct linux_params *params)
{
    return LINUX_PARAMS_SIZE + (uint32_t)strlen(parts_arguments(params->input->record)) + 1 + 64 +
           SETUP_HEADER + map_beyond(params) * E820_ENTRY;
}

static void put_entry(uint8_t *to, const struct memory_entry *entry)
{
    put(to, 0, entry->start, 8);
    put(to, 8, entry->end - entry->start, 8);
    put(to, 16, entry->type, 4);
}

static enum refusal_id add_map(const struct linux_params *params, struct plan *plan, uint8_t *page,
                               struct refusal *why)
{
    const struct memory_map *map = &params->input->record->map;
    uint32_t beyond = map_beyond(params), inside = map->count - beyond;
    uint8_t *data;
    uint64_t at;
    for (uint32_t i = 0; i < inside; i++)
        put_entry(page + AT_E820 + i * E820_ENTRY, &map->entry[i]);
    put(page, AT_E820_ENTRIES, inside, 1);
    if (beyond == 0)
        return REFUSE_NONE;
    if (params->version < 0x0209) {
        plan_warn(plan, "%u entries of the memory map do not fit boot protocol 2.%02u",
                  (unsigned)beyond, params->version & 0xffu);
        return REFUSE_NONE;
    }
    enum refusal_id id = plan_blob(plan, SETUP_HEADER + beyond * E820_ENTRY, 8, &data, &at, why);
    if (id != REFUSE_NONE)
        return id;
    put(data, 8, SETUP_E820_EXT, 4);
    put(data, 12, beyond * E820_ENTRY, 4);
    for (uint32_t i = 0; i < beyond; i++)
        put_entry(data + SETUP_HEADER + i * E820_ENTRY, &map->entry[inside + i]);
    put(page, AT_SETUP_DATA, at, 8);
    return id;
}

static void put_linear(uint8_t *page, const struct framebuffer *screen)
{
    const uint8_t fields[] = {screen->red_size,       screen->red_position, screen->green_size,
                              screen->green_position, screen->blue_size,    screen->blue_position};
    uint64_t size = (uint64_t)screen->pitch * screen->height;
    put(page, AT_VIDEO_TYPE, screen->efi ? VIDEO_EFI : VIDEO_LINEAR, 1);
    put(page, AT_LFB_WIDTH, screen->width, 2);
    put(page, AT_LFB_HEIGHT, screen->height, 2);
    put(page, AT_LFB_DEPTH, screen->bpp, 2);
    put(page, AT_LFB_BASE, screen->address, 4);
    /* EFI's size is in bytes, VBE's in blocks of 64 KiB. */
    put(page, AT_LFB_SIZE, screen->efi ? size : (size + 0xffff) >> 16, 4);
    put(page, AT_LFB_LINE, screen->pitch, 2);
    if (screen->kind == FRAMEBUFFER_RGB)
        memcpy(page + AT_LFB_FIELDS, fields, sizeof(fields));
    if (screen->address >> 32) {
        put(page, AT_CAPABILITIES, 2, 4); /* VIDEO_CAPABILITY_64BIT_BASE */
        put(page, AT_LFB_BASE_HIGH, screen->address >> 32, 4);
    }
}

static void put_screen(const struct linux_params *params, uint8_t *page)
{
    struct framebuffer screen;
    if (!native_framebuffer(params->input, &screen))
        return;
    if (screen.kind != FRAMEBUFFER_TEXT) {
        put_linear(page, &screen);
        return;
    }
    put(page, AT_ORIG_Y, screen.height - 1, 1);
    put(page, AT_VIDEO_MODE, 3, 1);
    put(page, AT_VIDEO_COLS, screen.width, 1);
    put(page, AT_EGA_BX, 3, 2);
    put(page, AT_VIDEO_LINES, screen.height, 1);
    put(page, AT_VIDEO_TYPE, VIDEO_TEXT, 1);
    put(page, AT_VIDEO_POINTS, 16, 2);
}

static void put_efi(const struct efi_info *efi, uint8_t *page)
{
    if (!efi->present)
        return;
    memcpy(page + AT_EFI, efi->is_64bit ? "EL64" : "EL32", 4);
    put(page, AT_EFI + 4, efi->system_table, 4);
    put(page, AT_EFI + 8, efi->map_entry_size, 4);
    put(page, AT_EFI + 12, efi->map_entry_version, 4);
    put(page, AT_EFI + 16, efi->map, 4);
    put(page, AT_EFI + 20, efi->map_size, 4);
    put(page, AT_EFI + 24, efi->system_table >> 32, 4);
    put(page, AT_EFI + 28, efi->map >> 32, 4);
    put(page, AT_SECURE_BOOT, efi->secure_boot, 1); /* its own EFI stub, which asks, is not run */
}

/* The kernel's own header, then the loader's fields in it. */
static void put_header(const struct linux_params *params, uint8_t *page)
{
    uint64_t room = HEADER_END - AT_HEADER;
    if (params->header.size)
        memcpy(page + AT_HEADER, params->header.data,
               (size_t)(params->header.size < room ? params->header.size : room));
    if (!params->header.size) {
        put(page, AT_BOOT_FLAG, 0xaa55, 2);
        memcpy(page + AT_MAGIC, "HdrS", 4);
        put(page, AT_VERSION, params->version, 2);
        put(page, AT_LOADFLAGS, LOADFLAG_HIGH, 1);
        put(page, AT_ALIGNMENT, 0x200000, 4);
        put(page, AT_CMDLINE_SIZE, params->cmdline_max, 4);
        put(page, AT_PREF_ADDRESS, params->pref_address, 8);
        put(page, AT_INIT_SIZE, params->init_size, 4);
    }
    /* Real-mode fields: the 32- and 64-bit entries never use that heap. */
    page[AT_LOADFLAGS] = (uint8_t)(page[AT_LOADFLAGS] & ~LOADFLAG_HEAP);
    put(page, AT_HEAP_END, 0, 2);
    put(page, AT_VID_MODE, 0xffff, 2); /* as the screen is */
    put(page, AT_LOADER_TYPE, LOADER_TYPE, 1);
    put(page, AT_LOADER_VERSION, 0, 2);
    put(page, AT_CODE32_START, params->load_address, 4);
    put(page, AT_RAMDISK, params->ramdisk, 4);
    put(page, AT_RAMDISK_SIZE, params->ramdisk_size, 4);
    if (params->version >= 0x0209)
        put(page, AT_SETUP_DATA, 0, 8);
}

static enum refusal_id add_command_line(const struct linux_params *params, struct plan *plan,
                                        uint8_t *page, struct refusal *why)
{
    const char *text = parts_arguments(params->input->record);
    size_t length = strlen(text);
    uint8_t *to;
    uint64_t at;
    if (length > params->cmdline_max) {
        plan_warn(plan, "the kernel takes %u characters of command line, the last %u of %u are cut",
                  (unsigned)params->cmdline_max, (unsigned)(length - params->cmdline_max),
                  (unsigned)length);
        length = params->cmdline_max;
    }
    enum refusal_id id = plan_blob(plan, (uint32_t)length + 1, 16, &to, &at, why);
    if (id != REFUSE_NONE)
        return id;
    memcpy(to, text, length);
    if (params->version >= 0x0202) {
        put(page, AT_CMD_LINE, at, 4);
    } else {
        put(page, AT_CL_MAGIC, CL_MAGIC, 2);
        put(page, AT_CL_OFFSET, (uint64_t)(to - page), 2);
    }
    return id;
}

enum refusal_id linux_params_add(const struct linux_params *params, struct plan *plan,
                                 uint64_t *ret_at, struct refusal *why)
{
    const struct boot_record *record = params->input->record;
    uint32_t lower, upper;
    uint8_t *page;
    enum refusal_id id = plan_blob(plan, LINUX_PARAMS_SIZE, 16, &page, ret_at, why);
    if (id != REFUSE_NONE)
        return id;
    native_mem(params->input, &lower, &upper);
    put_screen(params, page);
    put(page, AT_EXT_MEM_K, upper < 0xfc00 ? upper : 0xfc00, 2);
    put(page, AT_ALT_MEM_K, upper, 4);
    if (record->has_apm)
        memcpy(page + AT_APM, record->apm, sizeof(record->apm));
    put(page, AT_RSDP, record->rsdp, 8);
    put_efi(&record->efi, page);
    put_header(params, page);
    id = add_command_line(params, plan, page, why);
    if (id == REFUSE_NONE)
        id = add_map(params, plan, page, why);
    return id;
}

enum refusal_id linux_params_setup(const struct linux_params *params, struct plan *plan,
                                   struct refusal *why)
{
    const struct guest_image *image = params->input->image;
    uint8_t *setup;
    enum refusal_id id = plan_blob(plan, params->heap_end, 16, &setup, NULL, why);
    if (id != REFUSE_NONE)
        return id;
    memcpy(setup, image->file.data, SETUP_PATCHED);
    put_header(params, setup);
    id = add_command_line(params, plan, setup, why);
    if (!image->bz.code32_start) /* no such entry: not a place that was moved */
        put(setup, AT_CODE32_START, 0, 4);
    if (params->version < 0x0202)
        put(setup, AT_MOVE_SIZE, plan->blob_used, 2);
    if (params->version < 0x0201) { /* these bytes are code yet */
        memcpy(setup + AT_HEAP_END, image->file.data + AT_HEAP_END, 4);
    } else {
        setup[AT_LOADFLAGS] |= LOADFLAG_HEAP;
        put(setup, AT_HEAP_END, params->heap_end - STACK_SIZE, 2);
    }
    if (id != REFUSE_NONE)
        return id;
    return parts_info_done(plan, (struct range){SETUP_PATCHED, image->bz.setup_size},
                           image->file_at.v + SETUP_PATCHED, why);
}
