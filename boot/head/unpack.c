/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage out of its packed form: one LZ4 block in the legacy frame that the lz4 program writes
 * (u32 magic, u32 block size, block; little-endian), then zeroed data.  No more than the stage's
 * own place is written.
 */
#include "bytes.h"
#include "lz4_block.h"

#define LEGACY_MAGIC 0x184c2102u

/* `to` to `file_end` is unpacked, up to `end` zeroed.  All places come from the caller, so that
 * this code runs wherever a loader has put it.  1 when the whole stage is in place, 0 when the
 * packed bytes are not what was built. */
int head_unpack(const uint8_t *packed, size_t packed_size, uint8_t *to, uint8_t *file_end,
                uint8_t *end);

int head_unpack(const uint8_t *packed, size_t packed_size, uint8_t *to, uint8_t *file_end,
                uint8_t *end)
{
    uint32_t frame[2];
    size_t room = (size_t)(file_end - to), size = 0;

    packed_size -= sizeof(frame);
    memcpy(frame, packed, sizeof(frame));
    if (frame[0] != LEGACY_MAGIC || frame[1] != packed_size ||
        lz4_block_decode(packed + sizeof(frame), packed_size, to, room, 0, &size) != LZ4_BLOCK_OK ||
        size != room)
        return 0;
    memset(file_end, 0, (size_t)(end - file_end));
    return 1;
}
