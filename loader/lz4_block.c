/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The block decoder; see lz4_block.h.  A sequence is a token (two 4-bit lengths), literals, a
 * 16-bit offset and a match; the last one ends behind its literals.  Copies run ahead of what is
 * wanted in fixed steps wherever there is room for that, since lengths are mostly short.  Both
 * decoders are the same code, with and without SSE2's registers.
 */
#include "lz4_block.h"

#include "bytes.h"

#include <stdbool.h>

#define INLINE    static inline __attribute__((always_inline))
#define MATCH_MIN 4
#define NEAR      8  /* a match nearer than this repeats itself within one step */
#define STEP      16 /* bytes of a wide copy, and of two others */
#define AHEAD     32 /* how far copies of any length may run over */

/* With so much left on both sides every copy of a sequence with two short lengths may run over: it
 * takes at most 17 bytes and gives at most 32. */
#define SHORT_IN  32
#define SHORT_OUT 64

INLINE void copy_8(uint8_t *to, const uint8_t *from, bool wide)
{
#if defined(__i386__) && !defined(__SSE2__)
    if (wide) {
        __asm__ volatile("movq %1, %%xmm0\n\tmovq %%xmm0, %0"
                         : "=m"(*(uint8_t(*)[8])to)
                         : "m"(*(const uint8_t(*)[8])from));
        return;
    }
#endif
    (void)wide;
    uint64_t word;
    __builtin_memcpy(&word, from, sizeof(word));
    __builtin_memcpy(to, &word, sizeof(word));
}

/* STEP bytes; without SSE2 in two halves, of which the second may see what the first wrote. */
INLINE void copy_step(uint8_t *to, const uint8_t *from, bool wide)
{
#if !defined(__SSE2__)
    if (wide) {
        __asm__ volatile("movups %1, %%xmm0\n\tmovups %%xmm0, %0"
                         : "=m"(*(uint8_t(*)[STEP])to)
                         : "m"(*(const uint8_t(*)[STEP])from));
        return;
    }
#endif
    copy_8(to, from, wide);
    copy_8(to + 8, from + 8, wide);
}

/* A length of 15 goes on in bytes, up to the first that is not 255.  False when the input ends, or
 * when the length exceeds `most`, which no valid one does. */
static bool read_length(const uint8_t **in, const uint8_t *end, size_t most, size_t *length)
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

/* `length` bytes that repeat what stands `offset` bytes before, byte by byte as it were; AHEAD more
 * may be written. */
INLINE void copy_match(uint8_t *out, size_t offset, size_t length, bool wide)
{
    /* For an offset below NEAR: where in the period the byte at 4 stands, with 3 known ones behind
     * it; the smallest multiple of the offset that is at least NEAR: as far back stands the same.
     */
    static const uint8_t fourth[NEAR] = {0, 0, 0, 1, 0, 4, 4, 4};
    static const uint8_t multiple[NEAR] = {0, 8, 8, 9, 8, 10, 12, 14};
    const uint8_t *from = out - offset;
    uint8_t *end = out + length;
    if (offset < NEAR) {
        uint32_t word;
        for (unsigned i = 0; i < 4; i++)
            out[i] = from[i];
        __builtin_memcpy(&word, from + fourth[offset], sizeof(word));
        __builtin_memcpy(out + 4, &word, sizeof(word));
        out += NEAR;
        from = out - multiple[offset];
    }
    if (wide && (size_t)(out - from) >= STEP) {
        for (; out < end; out += 2 * STEP, from += 2 * STEP) {
            copy_step(out, from, wide);
            copy_step(out + STEP, from + STEP, wide);
        }
    } else {
        for (; out < end; out += 16, from += 16) {
            copy_8(out, from, wide);
            copy_8(out + 8, from + 8, wide);
        }
    }
}

INLINE enum lz4_block_status decode(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
                                    size_t before, size_t *ret_size, bool wide)
{
    const uint8_t *end = in + in_size;
    uint8_t *start = out, *out_end = out + room;
    const uint8_t *lowest = out - before;
    /* Below these places a short sequence may begin; nowhere when there is too little. */
    uintptr_t short_in = in_size <= SHORT_IN ? 0 : (uintptr_t)end - SHORT_IN;
    uintptr_t short_out = room <= SHORT_OUT ? 0 : (uintptr_t)out_end - SHORT_OUT;
    while (in < end) {
        unsigned token = *in++;
        size_t length = token >> 4, offset;
        if ((uintptr_t)in < short_in && (uintptr_t)out < short_out && length < 15) {
            copy_step(out, in, wide);
            in += length;
            out += length;
            offset = in[0] | (size_t)in[1] << 8;
            length = (token & 15) + MATCH_MIN;
            if (length < 15 + MATCH_MIN && offset >= (wide ? STEP : NEAR) &&
                offset <= (size_t)(out - lowest)) {
                copy_step(out, out - offset, wide);
                if (length > STEP)
                    copy_8(out + STEP, out + STEP - offset, wide);
                in += 2;
                out += length;
                continue;
            }
        } else {
            if (length == 15 && !read_length(&in, end, in_size, &length))
                return LZ4_BLOCK_CORRUPT;
            size_t in_left = (size_t)(end - in), out_left = (size_t)(out_end - out);
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
        }
        if (end - in < 2)
            return LZ4_BLOCK_CORRUPT;
        offset = in[0] | (size_t)in[1] << 8;
        in += 2;
        if (offset == 0 || offset > (size_t)(out - lowest))
            return LZ4_BLOCK_CORRUPT;
        length = token & 15;
        if (length == 15 && !read_length(&in, end, room, &length))
            return LZ4_BLOCK_CORRUPT;
        length += MATCH_MIN;
        size_t out_left = (size_t)(out_end - out);
        if (length > out_left)
            return LZ4_BLOCK_FULL;
        /* What of it may run over; the rest byte by byte. */
        size_t bulk = out_left - length >= AHEAD ? length : length > AHEAD ? length - AHEAD : 0;
        if (bulk)
            copy_match(out, offset, bulk, wide);
        for (out += bulk, length -= bulk; length; length--, out++)
            *out = out[-(ptrdiff_t)offset];
    }
    return LZ4_BLOCK_CORRUPT; /* it ended behind a match, or had nothing in it */
}

enum lz4_block_status lz4_block_decode(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
                                       size_t before, size_t *ret_size)
{
    return decode(in, in_size, out, room, before, ret_size, false);
}

enum lz4_block_status lz4_block_decode_sse2(const uint8_t *in, size_t in_size, uint8_t *out,
                                            size_t room, size_t before, size_t *ret_size)
{
    return decode(in, in_size, out, room, before, ret_size, true);
}
