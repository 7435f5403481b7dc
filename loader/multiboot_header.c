/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multiboot headers of a guest's file; see multiboot_header.h for contract and sources.
 * The scans read the bytes directly, bounded once in front: a kernel's whole plan costs less than a
 * checked call per word would.
 */
#include "multiboot_header.h"

#define MB1_MAGIC 0x1BADB002u
#define MB2_MAGIC 0xE85250D6u

#define MB1_PAGE_ALIGN 1u
#define MB1_MEMORY     2u
#define MB1_VIDEO      4u
#define MB1_ADDRESSES  0x10000u
#define MB1_REQUIRED   0xffffu

static uint32_t word(const uint8_t *at)
{
    uint32_t value;
    __builtin_memcpy(&value, at, sizeof(value));
    return value;
}

static uint32_t scan_end(struct view file, uint32_t search, uint32_t header)
{
    uint32_t size = file.size < search ? (uint32_t)file.size : search;
    return size < header ? 0 : size - header + 1;
}

bool multiboot1_find(struct view file, struct multiboot1_header *ret)
{
    uint32_t end = scan_end(file, MULTIBOOT1_SEARCH, 12);
    for (uint32_t at = 0; at < end; at += 4) {
        const uint8_t *p = file.data + at;
        if (word(p) != MB1_MAGIC || word(p) + word(p + 4) + word(p + 8) != 0)
            continue;
        *ret = (struct multiboot1_header){.offset = at, .flags = word(p + 4)};
        ret->has_addresses = ret->flags & MB1_ADDRESSES;
        ret->has_video = ret->flags & MB1_VIDEO;
        uint32_t *address[] = {&ret->load.header_addr, &ret->load.load_addr,
                               &ret->load.load_end_addr, &ret->load.bss_end_addr, &ret->entry_addr};
        uint32_t *video[] = {&ret->mode_type, &ret->width, &ret->height, &ret->depth};
        for (unsigned i = 0; i < 5 && ret->has_addresses; i++)
            if (!view_u32(file, at + 12 + 4 * i, address[i]))
                *address[i] = 0;
        for (unsigned i = 0; i < 4 && ret->has_video; i++)
            if (!view_u32(file, at + 32 + 4 * i, video[i]))
                *video[i] = 0;
        return true;
    }
    return false;
}

enum refusal_id multiboot1_check(struct view file, const struct multiboot1_header *header,
                                 struct refusal *why)
{
    uint32_t unknown = header->flags & MB1_REQUIRED & ~(MB1_PAGE_ALIGN | MB1_MEMORY | MB1_VIDEO);
    uint32_t size = header->has_video ? 48 : header->has_addresses ? 32 : 12;
    if (unknown)
        return REFUSE(why, MULTIBOOT1_FLAGS, .num = {header->flags, unknown});
    if (header->offset + size > MULTIBOOT1_SEARCH || header->offset + size > file.size)
        return REFUSE(why, MULTIBOOT1_HEADER_CUT, .num = {header->offset, size});
    return REFUSE_NONE;
}

bool multiboot2_find(struct view file, uint32_t *ret_offset)
{
    uint32_t end = scan_end(file, MULTIBOOT2_SEARCH, 16);
    for (uint32_t at = 0; at < end; at += 8) {
        const uint8_t *p = file.data + at;
        if (word(p) != MB2_MAGIC || word(p) + word(p + 4) + word(p + 8) + word(p + 12) != 0)
            continue;
        *ret_offset = at;
        return true;
    }
    return false;
}

enum header_tag {
    TAG_END,
    TAG_INFORMATION,
    TAG_ADDRESS,
    TAG_ENTRY,
    TAG_CONSOLE,
    TAG_FRAMEBUFFER,
    TAG_MODULE_ALIGN,
    TAG_EFI_BOOT_SERVICES,
    TAG_EFI_ENTRY_I386,
    TAG_EFI_ENTRY_AMD64,
    TAG_RELOCATABLE,
};

/* Least size of a tag, header of 8 bytes included. */
static const uint8_t least[] = {8, 8, 24, 12, 12, 20, 8, 8, 12, 12, 24};

/* Information types that this loader knows how to give where the machine has them (Multiboot 2
 * section 3.6): all from 1 to 21. */
#define INFORMATION_LAST 21u

static uint32_t field(const uint8_t *tag, unsigned index)
{
    return word(tag + 8 + 4 * index);
}

static void read_information(const uint8_t *tag, uint32_t size, bool optional,
                             struct multiboot2_header *ret)
{
    for (uint32_t at = 8; at + 4 <= size && !optional; at += 4) {
        uint32_t type = word(tag + at);
        if (!ret->has_required_info && (type == 0 || type > INFORMATION_LAST)) {
            ret->has_required_info = true;
            ret->required_info = type;
        }
    }
}

/* One known tag, at least as long as it must be.  EFI entries and the tag of boot services, also
 * when not optional, say what a kernel can live with; a loader that has left the firmware, as
 * GRUB's on a BIOS, does not take it up, and the missing information tag 18 tells the kernel. */
static void read_tag(const uint8_t *tag, uint32_t size, bool optional,
                     struct multiboot2_header *ret)
{
    switch (word(tag) & 0xffff) {
    case TAG_INFORMATION:
        read_information(tag, size, optional, ret);
        break;
    case TAG_ADDRESS:
        ret->has_addresses = true;
        ret->load =
            (struct multiboot_load){field(tag, 0), field(tag, 1), field(tag, 2), field(tag, 3)};
        break;
    case TAG_ENTRY:
        ret->has_entry = true;
        ret->entry = field(tag, 0);
        break;
    case TAG_CONSOLE:
        ret->has_console_flags = true;
        ret->console_flags = field(tag, 0);
        break;
    case TAG_FRAMEBUFFER:
        ret->has_framebuffer = true;
        ret->framebuffer_required = !optional;
        ret->width = field(tag, 0);
        ret->height = field(tag, 1);
        ret->depth = field(tag, 2);
        break;
    case TAG_MODULE_ALIGN:
        ret->module_align = true;
        break;
    case TAG_RELOCATABLE:
        ret->has_relocatable = true;
        ret->min_addr = field(tag, 0);
        ret->max_addr = field(tag, 1);
        ret->align = field(tag, 2);
        ret->preference = field(tag, 3);
        break;
    default:
        break;
    }
}

enum refusal_id multiboot2_parse(struct view file, uint32_t offset, struct multiboot2_header *ret,
                                 struct refusal *why)
{
    struct multiboot2_header header = {.offset = offset};
    uint32_t architecture;
    struct view bytes;
    uint32_t at = 16;
    if (!view_u32(file, (uint64_t)offset + 4, &architecture) ||
        !view_u32(file, (uint64_t)offset + 8, &header.length) || header.length < 16 ||
        (uint64_t)offset + header.length > MULTIBOOT2_SEARCH ||
        !view_slice(file, offset, header.length, &bytes))
        return REFUSE(why, MULTIBOOT2_HEADER_CUT, .num = {offset, header.length, file.size});
    if (architecture != 0)
        return REFUSE(why, MULTIBOOT2_ARCHITECTURE, .num = {architecture});
    for (;;) {
        if (header.length - at < 8)
            return REFUSE(why, MULTIBOOT2_NO_END_TAG, .num = {header.length});
        const uint8_t *tag = bytes.data + at;
        uint32_t type = word(tag) & 0xffff, size = word(tag + 4);
        bool optional = word(tag) >> 16 & 1;
        bool known = type < sizeof(least);
        if (size < (known ? least[type] : 8) || size > header.length - at)
            return REFUSE(why, MULTIBOOT2_TAG_SIZE, .num = {type, size, header.length - at});
        if (type == TAG_END)
            break;
        if (!known && !optional)
            return REFUSE(why, MULTIBOOT2_UNKNOWN_TAG, .num = {type});
        header.tag_count++;
        if (known)
            read_tag(tag, size, optional, &header);
        uint32_t step = (size + 7) & ~7u;
        at = step < header.length - at ? at + step : header.length;
    }
    if (header.has_required_info)
        return REFUSE(why, MULTIBOOT2_UNKNOWN_INFORMATION, .num = {header.required_info});
    if (header.has_relocatable &&
        (header.min_addr > header.max_addr || header.align & (header.align - 1)))
        return REFUSE(why, MULTIBOOT2_RELOCATABLE,
                      .num = {header.min_addr, header.max_addr, header.align});
    *ret = header;
    return REFUSE_NONE;
}

enum refusal_id multiboot_layout(struct view file, uint32_t header_offset,
                                 const struct multiboot_load *load, struct multiboot_layout *ret,
                                 struct refusal *why)
{
    uint64_t start = load->load_addr, end = load->load_end_addr;
    uint64_t before = (uint64_t)load->header_addr - load->load_addr;
    /* load_addr of all ones: from the beginning of the file (Multiboot 2, 3.1.4). */
    if (load->load_addr == 0xffffffff) {
        if (load->header_addr < header_offset)
            return REFUSE(why, MULTIBOOT_ADDRESSES,
                          .num = {load->header_addr, load->load_addr, load->load_end_addr,
                                  load->bss_end_addr});
        start = load->header_addr - header_offset;
        before = header_offset;
    } else if (load->header_addr < load->load_addr || before > header_offset) {
        return REFUSE(
            why, MULTIBOOT_ADDRESSES,
            .num = {load->header_addr, load->load_addr, load->load_end_addr, load->bss_end_addr});
    }
    uint64_t offset = header_offset - before;
    uint64_t size = file.size - offset;
    if (end != 0) {
        if (end < start || end - start > size)
            return REFUSE(why, MULTIBOOT_ADDRESSES,
                          .num = {load->header_addr, load->load_addr, load->load_end_addr,
                                  load->bss_end_addr});
        size = end - start;
    }
    end = start + size;
    if (load->bss_end_addr != 0 && load->bss_end_addr < end && load->load_end_addr != 0)
        return REFUSE(
            why, MULTIBOOT_ADDRESSES,
            .num = {load->header_addr, load->load_addr, load->load_end_addr, load->bss_end_addr});
    if (load->bss_end_addr > end)
        end = load->bss_end_addr;
    if (size == 0)
        return REFUSE(
            why, MULTIBOOT_ADDRESSES,
            .num = {load->header_addr, load->load_addr, load->load_end_addr, load->bss_end_addr});
    *ret = (struct multiboot_layout){offset, size, start, end};
    return REFUSE_NONE;
}
