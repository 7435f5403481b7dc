/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Every decompressor: the first byte says whether the length is known and whether the CPU has SSE2,
 * three more that length; the rest is the stream.  The memory is small, so that its bounds are met
 * often.
 */
#include <stdlib.h>
#include <string.h>

#include "unpack.h"

#define MEMORY_SIZE 0x400000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t *bytes;
    struct refusal why;
    struct view unpacked;
    maddr_t at;

    if (!bytes)
        bytes = malloc(MEMORY_SIZE);
    if (size < 4)
        return 0;
    struct cpu_info cpu = {.cmov = true, .sse2 = data[0] & 2};
    struct unpack_memory memory = {
        .data = bytes, .size = MEMORY_SIZE, .at = maddr(0x1000000), .cpu = &cpu};
    struct view packed = {data + 4, size - 4};
    enum compressor compressor = unpack_detect(packed);
    if (compressor == COMPRESSOR_NONE)
        return 0;
    uint64_t length = data[1] | (uint64_t)data[2] << 8 | (uint64_t)data[3] << 16;
    if (unpack_open(packed, compressor, data[0] & 1, length, &memory, &unpacked, &at, &why))
        return 0;
    if (unpacked.data < bytes || unpacked.size > MEMORY_SIZE ||
        (uint64_t)(unpacked.data - bytes) + unpacked.size > MEMORY_SIZE ||
        at.v - 0x1000000 != (uint64_t)(unpacked.data - bytes) ||
        ((data[0] & 1) && unpacked.size != length))
        abort();
    return 0;
}
