/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The block decoder; see lz4_block.h.  A sequence is a token (two 4-bit lengths), literals, a
 * 16-bit offset and a match; the last one ends behind its literals.  Copies run ahead of what is
 * wanted in fixed steps wherever there is room for that, since lengths are mostly short.
 */
#include "lz4_block.h"

#include "bytes.h"

#include <stdbool.h>

#define STEP      8 /* bytes of one copy */
#define MATCH_MIN 4

/* A sequence with two short lengths takes at most 17 bytes and gives at most 32; so much more room
 * on both sides lets every copy run over. */
#define SHORT_IN  32
#define SHORT_OUT 64

/* From here on a call of memcpy() is cheaper than steps. */
#define LONG_COPY 40

static inline void copy_step(uint8_t *to, const uint8_t *from)
{
    uint64_t word;
    __builtin_memcpy(&word, from, STEP);
    __builtin_memcpy(to, &word, STEP);
}

/* A length of 15 goes on in bytes, up to the first that is not 255.  False when the input ends, or
 * when the length exceeds `most`, which no valid one does. */
static inline bool read_length(const uint8_t **in, const uint8_t *end, size_t most, size_t *length)
{
    uint8_t byte;
    do {
        if (*in == end || *length > most)
            return false;
        byte = *(*in)++;
        *length += byte;
    } while (byte == 255);
    return true;
}

/* `length` bytes that repeat what stands `offset` bytes before, byte by byte as it were; 2 * STEP
 * more may be written. */
static inline void copy_match(uint8_t *out, size_t offset, size_t length)
{
    /* The smallest multiple of a short offset that is at least STEP: as far back stands the same.
     */
    static const uint8_t multiple[STEP] = {0, 8, 8, 9, 8, 10, 12, 14};
    const uint8_t *from = out - offset;
    uint8_t *end = out + length;
    if (length >= LONG_COPY && offset >= length) {
        memcpy(out, from, length);
        return;
    }
    if (offset < STEP) {
        for (unsigned i = 0; i < STEP; i++)
            out[i] = from[i];
        out += STEP;
        from = out - multiple[offset];
    }
    for (; out < end; out += 2 * STEP, from += 2 * STEP) {
        copy_step(out, from);
        copy_step(out + STEP, from + STEP);
    }
}

enum lz4_block_status lz4_block_decode(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
                                       size_t before, size_t *ret_size)
{
    const uint8_t *end = in + in_size;
    uint8_t *start = out, *out_end = out + room;
    while (in < end) {
        unsigned token = *in++;
        size_t length = token >> 4;
        size_t in_left = (size_t)(end - in), out_left = (size_t)(out_end - out);
        if (length < 15 && in_left >= SHORT_IN && out_left >= SHORT_OUT) {
            copy_step(out, in);
            if (length > STEP)
                copy_step(out + STEP, in + STEP);
            in += length;
            out += length;
            size_t offset = in[0] | (size_t)in[1] << 8;
            length = (token & 15) + MATCH_MIN;
            if (length < 15 + MATCH_MIN && offset >= STEP &&
                offset <= (size_t)(out - start) + before) {
                const uint8_t *from = out - offset;
                copy_step(out, from);
                if (length > STEP) {
                    copy_step(out + STEP, from + STEP);
                    out[2 * STEP] = from[2 * STEP];
                    out[2 * STEP + 1] = from[2 * STEP + 1];
                }
                in += 2;
                out += length;
                continue;
            }
            goto match;
        }
        if (length == 15 && !read_length(&in, end, in_size, &length))
            return LZ4_BLOCK_CORRUPT;
        in_left = (size_t)(end - in);
        if (length > in_left)
            return LZ4_BLOCK_CORRUPT;
        if (length > out_left)
            return LZ4_BLOCK_FULL;
        memcpy(out, in, length);
        in += length;
        out += length;
        if (in == end) {
            *ret_size = (size_t)(out - start);
            return LZ4_BLOCK_OK;
        }

    match:
        if (end - in < 2)
            return LZ4_BLOCK_CORRUPT;
        size_t offset = in[0] | (size_t)in[1] << 8;
        in += 2;
        if (offset == 0 || offset > (size_t)(out - start) + before)
            return LZ4_BLOCK_CORRUPT;
        length = token & 15;
        if (length == 15 && !read_length(&in, end, room, &length))
            return LZ4_BLOCK_CORRUPT;
        length += MATCH_MIN;
        out_left = (size_t)(out_end - out);
        if (length > out_left)
            return LZ4_BLOCK_FULL;
        if (out_left - length >= 3 * STEP) {
            copy_match(out, offset, length);
            out += length;
        } else {
            for (; length; length--, out++)
                *out = out[-(ptrdiff_t)offset];
        }
    }
    return LZ4_BLOCK_CORRUPT; /* it ended behind a match, or had nothing in it */
}
