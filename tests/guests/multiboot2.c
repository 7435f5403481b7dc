/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The Multiboot 2 information: every tag's form, and what the tags say.
 * Source: Multiboot 2 section 3.6; the layouts are written out here because no package has them.
 */
#include "guest.h"

struct tag {
    uint32_t type, size;
};

enum {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER_NAME = 2,
    TAG_MODULE = 3,
    TAG_BASIC_MEMORY = 4,
    TAG_MEMORY_MAP = 6,
    TAG_ELF_SECTIONS = 9,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
};

static uint64_t read64(const uint8_t *at)
{
    return *(const uint64_t *)at;
}

static uint32_t read32(const uint8_t *at)
{
    return *(const uint32_t *)at;
}

/* Returns where the RAM that begins at 0 ends. */
static uint64_t check_map(const uint8_t *data, uint32_t size)
{
    uint32_t entry_size = read32(data);
    uint64_t low_end = 0;
    bool image_inside = false;

    check("map entry size", entry_size >= 24 && entry_size % 8 == 0, entry_size, 24);
    check_equal("map entry version", read32(data + 4), 0);
    if (entry_size < 24)
        return 0;
    check_equal("rest behind the last map entry", (size - 8) % entry_size, 0);
    for (const uint8_t *entry = data + 8; entry + entry_size <= data + size; entry += entry_size) {
        uint64_t start = read64(entry), length = read64(entry + 8);
        print("guest: map 0x%llx + 0x%llx type %u\n", (unsigned long long)start,
              (unsigned long long)length, read32(entry + 16));
        if (read32(entry + 16) != 1)
            continue;
        check_memory_usable((start + 3) & ~3ull, (length & ~3ull) - 4);
        if (start < 4096)
            low_end = start + length;
        if (start <= 0x100000 && start + length >= (uintptr_t)image_end - VIRT_BASE)
            image_inside = true;
    }
    check_true("our image stands in RAM of the map", image_inside);
    return low_end;
}

static void check_rsdp(const uint8_t *data, uint32_t size, uint32_t summed)
{
    uint8_t sum = 0;
    check_true("RSDP is whole", size >= summed);
    check_true("RSDP signature", string_equal((const char *)data, "RSD PTR ", 8));
    for (uint32_t i = 0; i < summed && i < size; i++)
        sum = (uint8_t)(sum + data[i]);
    check_equal("RSDP checksum", sum, 0);
}

void multiboot2_checks(uint64_t info)
{
    const uint8_t *start = physical(info);
    uint64_t low_end = 0;
    uint32_t total = read32(start), at = 8, modules = 0;
    uint32_t mem_lower = 0;
    bool ended = false, has_map = false, has_memory = false;

    print("guest: protocol Multiboot 2\n");
    check_equal("info structure alignment", info & 7, 0);
    check_equal("reserved word", read32(start + 4), 0);
    while (at + 8 <= total) {
        const struct tag *tag = (const struct tag *)(start + at);
        const uint8_t *data = start + at + 8;
        if (tag->size < 8 || tag->size > total - at) {
            check("tag size", false, tag->size, total - at);
            break;
        }
        uint32_t size = tag->size - 8;
        if (tag->type == TAG_END) {
            check_equal("end tag's size", tag->size, 8);
            check_equal("bytes behind the end tag", total - at - 8, 0);
            ended = true;
            break;
        }
        switch (tag->type) {
        case TAG_COMMAND_LINE:
            field_text("command line", (const char *)data);
            break;
        case TAG_LOADER_NAME:
            field_text("loader", (const char *)data);
            break;
        case TAG_MODULE: {
            uint32_t from = read32(data), to = read32(data + 4);
            print("guest: module %u: size 0x%x crc 0x%08x string \"%s\"\n", modules, to - from,
                  crc32(physical(from), to - from), (const char *)data + 8);
            check_equal("module begins on a page", from & 4095, 0);
            check_true("module is not on top of the image",
                       to <= (uintptr_t)image_start - VIRT_BASE - 0x2000 ||
                           from >= (uintptr_t)image_end - VIRT_BASE);
            modules++;
            break;
        }
        case TAG_BASIC_MEMORY:
            has_memory = true;
            field("mem_lower", read32(data));
            field("mem_upper", read32(data + 4));
            mem_lower = read32(data);
            break;
        case TAG_MEMORY_MAP:
            has_map = true;
            low_end = check_map(data, size);
            break;
        case TAG_ELF_SECTIONS:
            field("elf sections", read32(data));
            check_true("section header size", read32(data + 4) == 40 || read32(data + 4) == 64);
            check_equal("section headers fill their tag", size - 12,
                        read32(data) * read32(data + 4));
            break;
        case TAG_RSDP_OLD:
            print("guest: RSDP 1\n");
            check_rsdp(data, size, 20);
            break;
        case TAG_RSDP_NEW:
            print("guest: RSDP 2\n");
            check_rsdp(data, size, 36);
            break;
        default:
            print("guest: tag %u size 0x%x\n", tag->type, tag->size);
            break;
        }
        at += (tag->size + 7) & ~7u;
    }
    field("modules", modules);
    check_mem_lower(mem_lower, low_end);
    check_true("tags end with the end tag", ended);
    check_true("memory map and memory sizes given, as asked for", has_map && has_memory);
}
