/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage out of its packed form: one LZ4 block in the legacy frame that the lz4 program writes
 * (u32 magic, u32 block size, block; little-endian), then zeroed data.  No more than the stage's
 * own place is written.
 */
#include "bytes.h"
#include "lz4_block.h"

#define LEGACY_MAGIC 0x184c2102u

/* Ends of the stage, from its own link (build/stage.sym). */
extern uint8_t stage_start[], file_end[], stage_end_address[];
extern const uint8_t head_packed[], head_packed_end[];

/* 1 when the whole stage is in place, 0 when the packed bytes are not what was built. */
int head_unpack(void);

int head_unpack(void)
{
    uint32_t frame[2];
    size_t packed = (size_t)(head_packed_end - head_packed) - sizeof(frame);
    size_t room = (size_t)(file_end - stage_start), size = 0;

    memcpy(frame, head_packed, sizeof(frame));
    if (frame[0] != LEGACY_MAGIC || frame[1] != packed ||
        lz4_block_decode(head_packed + sizeof(frame), packed, stage_start, room, 0, &size) !=
            LZ4_BLOCK_OK ||
        size != room)
        return 0;
    memset(file_end, 0, (size_t)(stage_end_address - file_end));
    return 1;
}
