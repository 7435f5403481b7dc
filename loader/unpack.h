/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decompression through the distribution's libraries: gzip, bzip2, lzma, xz, lzo, lz4, zstd.
 * The one effect before the plan: it writes only into the memory it is given.
 */
#ifndef LOADER_UNPACK_H
#define LOADER_UNPACK_H

#include "addr.h"
#include "cpu.h"
#include "refusal.h"
#include "view.h"

/* One free stretch of memory.  Output is placed at its high end, the decoder's workspace at its low
 * end; unpack_open() lowers `size` by what the output keeps, so that it can be used again. */
struct unpack_memory {
    uint8_t *data;
    uint64_t size;
    maddr_t at; /* machine address of data[0] */
    /* May be NULL.  Called with 1, 2 … 100 of the input of each stream; on a refusal it ends
     * earlier, `percent` is what it was called with last. */
    void (*progress)(struct out *out, unsigned percent);
    struct out *progress_out;
    unsigned percent;
    /* The CPU that the decoders will run on, where it may be too old for the distribution's
     * libraries (i686 with CMOV): the stage.  NULL where they run anyway: host, UEFI.  What it
     * says of SSE2 must be switched on. */
    const struct cpu_info *cpu;
};

enum compressor {
    COMPRESSOR_NONE,
    COMPRESSOR_GZIP,
    COMPRESSOR_BZIP2,
    COMPRESSOR_LZMA,
    COMPRESSOR_XZ,
    COMPRESSOR_LZO,
    COMPRESSOR_LZ4_LEGACY,
    COMPRESSOR_LZ4_FRAME,
    COMPRESSOR_ZSTD,
};

/* By its first bytes, COMPRESSOR_NONE when it is none of them. */
enum compressor unpack_detect(struct view packed);
const char *compressor_name(enum compressor compressor);

/* Unpacks the whole of `packed`: one or more streams of the compressor, then at most zeroes.
 * size_known: they must give exactly `size` bytes (a bzImage payload ends in its length, which for
 * all but gzip is not part of `packed`); otherwise the length is taken from the stream where it
 * says it and is bounded by the memory.  *ret_at is the machine address of ret->data, page-aligned
 * where there is room for that.
 *
 * On a refusal *memory is as before but for `percent`, its bytes are undefined, and why->str[0]
 * says which stream
 * ("xz stream"): whoever knows the container puts a better name there. */
enum refusal_id unpack_open(struct view packed, enum compressor compressor, bool size_known,
                            uint64_t size, struct unpack_memory *memory, struct view *ret,
                            maddr_t *ret_at, struct refusal *why);

#endif
