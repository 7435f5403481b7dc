/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Multiboot 1 and 2 headers of a guest's file.  Magic and checksum are put right, which a fuzzer
 * does not guess; everything else is the input's.
 */
#include <stdlib.h>
#include <string.h>

#include "multiboot_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static uint32_t get(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* Whatever is accepted lies inside the file and runs forwards. */
static void check_layout(struct view file, uint32_t offset, const struct multiboot_load *load)
{
    struct multiboot_layout layout;
    struct refusal why;
    struct view bytes;
    if (multiboot_layout(file, offset, load, &layout, &why) != REFUSE_NONE)
        return;
    if (!view_slice(file, layout.file_offset, layout.file_size, &bytes) ||
        layout.start >= layout.end || layout.end - layout.start < layout.file_size)
        abort();
}

static void try_1(struct view file)
{
    struct multiboot1_header header;
    struct refusal why;
    if (!multiboot1_find(file, &header))
        return;
    if (multiboot1_check(file, &header, &why) == REFUSE_NONE && header.has_addresses)
        check_layout(file, header.offset, &header.load);
}

static void try_2(struct view file)
{
    struct multiboot2_header header;
    struct refusal why;
    uint32_t offset;
    if (!multiboot2_find(file, &offset))
        return;
    if (multiboot2_parse(file, offset, &header, &why) != REFUSE_NONE)
        return;
    if ((uint64_t)offset + header.length > file.size || header.length > MULTIBOOT2_SEARCH)
        abort();
    if (header.has_addresses)
        check_layout(file, offset, &header.load);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 20)
        return 0;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    struct view file = {copy, size};
    try_1(file);
    try_2(file);
    put(copy, 0x1BADB002);
    put(copy + 8, -(0x1BADB002 + get(copy + 4)));
    try_1(file);
    put(copy, 0xE85250D6);
    put(copy + 12, -(0xE85250D6 + get(copy + 4) + get(copy + 8)));
    try_2(file);
    put(copy + 4, 0);
    put(copy + 8, (uint32_t)size);
    put(copy + 12, -(0xE85250D6 + (uint32_t)size));
    try_2(file);
    free(copy);
    return 0;
}
