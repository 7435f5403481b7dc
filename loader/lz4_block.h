/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One LZ4 block.  Our own, since liblz4.a has decoder and compressor in one section: 56 KiB of the
 * stage's 384 for what takes less than two here.  Source: LZ4 Block Format Description.
 */
#ifndef LOADER_LZ4_BLOCK_H
#define LOADER_LZ4_BLOCK_H

#include <stddef.h>
#include <stdint.h>

enum lz4_block_status {
    LZ4_BLOCK_OK,
    LZ4_BLOCK_CORRUPT,
    LZ4_BLOCK_FULL, /* it goes on where the room ends */
};

/* Decodes [in, in + in_size) to at most `room` bytes at `out`; matches may reach back over the
 * `before` bytes that stand in front of `out`.  *ret_size: bytes written; on failure up to `room`
 * bytes hold anything. */
enum lz4_block_status lz4_block_decode(const uint8_t *in, size_t in_size, uint8_t *out, size_t room,
                                       size_t before, size_t *ret_size);

/* The same by way of SSE2's registers, in half the instructions: where the CPU has them and they
 * are switched on (CR0.EM and TS clear, CR4.OSFXSR set). */
enum lz4_block_status lz4_block_decode_sse2(const uint8_t *in, size_t in_size, uint8_t *out,
                                            size_t room, size_t before, size_t *ret_size);

#endif
