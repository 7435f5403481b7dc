/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What unpack.c and the wrappers of the libraries (unpack_gzip.c and so on) share: one job, one
 * codec per compressor.  Nobody else includes this.
 */
#ifndef LOADER_UNPACK_CODEC_H
#define LOADER_UNPACK_CODEC_H

#include "arena.h"
#include "unpack.h"

enum unpack_result {
    UNPACK_DONE,
    UNPACK_TRUNCATED,   /* the input ends inside the stream */
    UNPACK_CORRUPT,     /* job->reason says what the decoder found */
    UNPACK_FULL,        /* the output holds out_size bytes and the stream goes on */
    UNPACK_NO_ROOM,     /* the arena could not give what the decoder asked for */
    UNPACK_UNSUPPORTED, /* job->reason says what */
};

struct unpack_job {
    const uint8_t *in;
    size_t in_size, in_used;
    uint8_t *out;
    size_t out_size, out_used;
    struct arena arena;
    const char *reason;
    struct unpack_memory *memory; /* whose progress is to be told */
    bool sse2;                    /* our own decoders may use its registers */
};

struct unpack_codec {
    const char *name;

    /* The unpacked size that the container itself states, not to be trusted; false when it does
     * not. NULL: it never does. */
    bool (*stated_size)(struct view packed, uint64_t *ret);

    /* stated_size speaks of one member only, and there may be more of them. */
    bool states_one_member;

    /* Bytes of arena that are enough; exceeding them is harmless and refused. */
    uint64_t (*workspace)(struct view packed);

    /* Decodes one member: from in + in_used to out + out_used, moving both on.  On any other
     * result than UNPACK_DONE, in_used is about where it happened. */
    enum unpack_result (*run)(struct unpack_job *job);
};

extern const struct unpack_codec unpack_gzip, unpack_bzip2, unpack_lzma, unpack_xz, unpack_lzo,
    unpack_lz4_legacy, unpack_lz4_frame, unpack_zstd;

/* Reports how far the input has been read. */
void unpack_progress(struct unpack_job *job);

/* How much input to hand a streaming decoder at once, so that progress shows. */
#define UNPACK_CHUNK ((size_t)1 << 18)

static inline size_t unpack_in_left(const struct unpack_job *job)
{
    return job->in_size - job->in_used;
}

static inline size_t unpack_out_left(const struct unpack_job *job)
{
    return job->out_size - job->out_used;
}

static inline uint32_t unpack_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t unpack_le64(const uint8_t *p)
{
    return unpack_le32(p) | (uint64_t)unpack_le32(p + 4) << 32;
}

#endif
