/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The Linux setup header, its payload and the opening of containers, for the whole input as a file.
 * What the parser says lies inside the file, does; the opened ELF lies in the file or in the memory
 * for unpacking.
 */
#include <stdlib.h>
#include <string.h>

#include "bzimage.h"

#define MEMORY_SIZE 0x100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_elf(struct view file, struct view elf, const uint8_t *memory)
{
    bool in_file = elf.data >= file.data && elf.data + elf.size <= file.data + file.size;
    bool in_memory = elf.data >= memory && elf.data + elf.size <= memory + MEMORY_SIZE;
    if (!in_file && !in_memory)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *bytes;
    static struct guest_image image;
    struct bzimage bz;
    struct refusal why;
    struct view packed, file = {data, size};
    enum compressor compressor;
    uint32_t length;

    if (!bytes)
        bytes = malloc(MEMORY_SIZE);
    if (bzimage_parse(file, &bz, &why) == REFUSE_NONE && bz.present) {
        if ((uint64_t)bz.setup_size + bz.kernel_size > size ||
            (uint64_t)bz.payload_offset + bz.payload_size > size)
            abort();
        if (bzimage_payload(file, &bz, &compressor, &packed, &length, &why) == REFUSE_NONE &&
            (packed.data < data || packed.data + packed.size > data + size))
            abort();
    }
    for (int need_elf = 0; need_elf < 2; need_elf++) {
        struct unpack_memory memory = {.data = bytes, .size = MEMORY_SIZE, .at = maddr(0x1000000)};
        if (guest_image_open(file, maddr(0x200000), need_elf, &memory, &image, &why) ==
                REFUSE_NONE &&
            image.has_elf)
            check_elf(file, image.elf.file, bytes);
    }
    return 0;
}
