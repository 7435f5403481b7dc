/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage out of its packed form: one LZ4 block in the legacy frame that the lz4 program writes
 * (u32 magic, u32 block size, block; little-endian), then calls as the CPU wants them, then zeroed
 * data.  No more than the stage's own place is written.
 */
#include "bytes.h"
#include "lz4_block.h"

#define LEGACY_MAGIC 0x184c2102u
#define CALL         0xe8
#define CALL_LENGTH  5

/* `to` to `file_end` is unpacked, up to `end` zeroed; code ends at `text_end`.  All places come
 * from the caller, so that this code runs wherever a loader has put it.  1 when the whole stage is
 * in place, 0 when the packed bytes are not what was built. */
int head_unpack(const uint8_t *packed, size_t packed_size, uint8_t *to, uint8_t *text_end,
                uint8_t *file_end, uint8_t *end);

/* Packed calls say where they go, from the code's start, since that packs better
 * (tools/absolute-calls has the mapping): back to how far. */
static void relative_calls(uint8_t *code, uint8_t *end)
{
    uint32_t size = (uint32_t)(end - code), operand;
    uint8_t *call = code;

    while (end - call >= CALL_LENGTH &&
           (call = memchr(call, CALL, (size_t)(end - call) - CALL_LENGTH + 1))) {
        call += CALL_LENGTH;
        uint32_t next = (uint32_t)(call - code);
        memcpy(&operand, call - sizeof(operand), sizeof(operand));
        if (operand < size)
            operand -= next;
        else if (operand >= 0u - next)
            operand += size;
        memcpy(call - sizeof(operand), &operand, sizeof(operand));
    }
}

int head_unpack(const uint8_t *packed, size_t packed_size, uint8_t *to, uint8_t *text_end,
                uint8_t *file_end, uint8_t *end)
{
    uint32_t frame[2];
    size_t room = (size_t)(file_end - to), size = 0;

    packed_size -= sizeof(frame);
    memcpy(frame, packed, sizeof(frame));
    if (frame[0] != LEGACY_MAGIC || frame[1] != packed_size ||
        lz4_block_decode(packed + sizeof(frame), packed_size, to, room, 0, &size) != LZ4_BLOCK_OK ||
        size != room)
        return 0;
    relative_calls(to, text_end);
    memset(file_end, 0, (size_t)(end - file_end));
    return 1;
}
