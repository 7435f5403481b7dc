/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * LZ4 blocks (lz4_block.c) in both containers: legacy (`lz4 -l`, what Linux uses) and frame.
 * Source: LZ4 Frame Format Description 1.6.2; XXH32 from the xxHash specification 0.1.1.
 */
#include "unpack_codec.h"

#include "bytes.h"
#include "lz4_block.h"

#define LEGACY_MAGIC 0x184c2102u
#define LEGACY_BLOCK ((size_t)8 << 20) /* every block but the last unpacks to this */
#define LEGACY_BOUND (LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16) /* what that can become packed */
#define WINDOW       65536 /* how far back a block may reach into earlier ones */

static uint64_t lz4_workspace(struct view packed)
{
    (void)packed;
    return 0;
}

/* One compressed block of `size` bytes at the job's position; `limit` bounds what it unpacks to,
 * `before` says how much earlier output it may refer to. */
static enum unpack_result lz4_block(struct unpack_job *job, size_t size, size_t limit,
                                    size_t before)
{
    size_t left = unpack_out_left(job), room = left < limit ? left : limit, got = 0;
    switch ((job->sse2 ? lz4_block_decode_sse2 : lz4_block_decode)(
        job->in + job->in_used, size, job->out + job->out_used, room, before, &got)) {
    case LZ4_BLOCK_OK:
        job->in_used += size;
        job->out_used += got;
        unpack_progress(job);
        return UNPACK_DONE;
    case LZ4_BLOCK_FULL:
        if (left < limit)
            return UNPACK_FULL;
        job->reason = "a block gives more than it may";
        return UNPACK_CORRUPT;
    case LZ4_BLOCK_CORRUPT:
        break;
    }
    job->reason = "a block does not decode";
    return UNPACK_CORRUPT;
}

static enum unpack_result lz4_legacy_run(struct unpack_job *job)
{
    if (unpack_in_left(job) < 4)
        return UNPACK_TRUNCATED;
    job->in_used += 4;
    /* There is no end mark: blocks go on to the end of the input, another archive or padding. */
    while (unpack_in_left(job)) {
        if (unpack_in_left(job) < 4) {
            for (size_t i = job->in_used; i < job->in_size; i++)
                if (job->in[i])
                    return UNPACK_TRUNCATED;
            return UNPACK_DONE;
        }
        uint32_t size = unpack_le32(job->in + job->in_used);
        if (size == LEGACY_MAGIC || size == 0)
            return UNPACK_DONE;
        if (size > LEGACY_BOUND) {
            job->reason = "a block is longer than 8 MiB can become";
            return UNPACK_CORRUPT;
        }
        if (size > unpack_in_left(job) - 4)
            return UNPACK_TRUNCATED;
        job->in_used += 4;
        enum unpack_result result = lz4_block(job, size, LEGACY_BLOCK, 0);
        if (result != UNPACK_DONE)
            return result;
    }
    return UNPACK_DONE;
}

const struct unpack_codec unpack_lz4_legacy = {
    .name = "lz4-legacy",
    .workspace = lz4_workspace,
    .run = lz4_legacy_run,
};

/* ---- XXH32, seed 0 -------------------------------------------------------------------------- */

#define PRIME1 2654435761u
#define PRIME2 2246822519u
#define PRIME3 3266489917u
#define PRIME4 668265263u
#define PRIME5 374761393u

static uint32_t rotate(uint32_t v, unsigned by)
{
    return v << by | v >> (32 - by);
}

static uint32_t xxh32(const uint8_t *p, size_t size)
{
    const uint8_t *end = p + size;
    uint32_t h = PRIME5;
    if (size >= 16) {
        uint32_t lane[4] = {PRIME1 + PRIME2, PRIME2, 0, 0u - PRIME1};
        for (; end - p >= 16; p += 16)
            for (unsigned i = 0; i < 4; i++)
                lane[i] = rotate(lane[i] + unpack_le32(p + 4 * i) * PRIME2, 13) * PRIME1;
        h = rotate(lane[0], 1) + rotate(lane[1], 7) + rotate(lane[2], 12) + rotate(lane[3], 18);
    }
    h += (uint32_t)size;
    for (; end - p >= 4; p += 4)
        h = rotate(h + unpack_le32(p) * PRIME3, 17) * PRIME4;
    for (; p < end; p++)
        h = rotate(h + *p * PRIME5, 11) * PRIME1;
    h = (h ^ h >> 15) * PRIME2;
    h = (h ^ h >> 13) * PRIME3;
    return h ^ h >> 16;
}

/* ---- the frame ------------------------------------------------------------------------------ */

#define FLG_VERSION          0xc0
#define FLG_VERSION_1        0x40
#define FLG_INDEPENDENT      0x20
#define FLG_BLOCK_CHECKSUM   0x10
#define FLG_CONTENT_SIZE     0x08
#define FLG_CONTENT_CHECKSUM 0x04
#define FLG_DICTIONARY       0x01
#define BLOCK_STORED         0x80000000u

static bool lz4_frame_stated_size(struct view packed, uint64_t *ret)
{
    uint8_t flags;
    return view_u8(packed, 4, &flags) && (flags & FLG_CONTENT_SIZE) && view_u64(packed, 6, ret);
}

/* Reads the 4-byte checksum at the position and compares it with that of [p, p + size). */
static enum unpack_result lz4_checksum(struct unpack_job *job, const uint8_t *p, size_t size,
                                       const char *reason)
{
    if (unpack_in_left(job) < 4)
        return UNPACK_TRUNCATED;
    if (unpack_le32(job->in + job->in_used) != xxh32(p, size)) {
        job->reason = reason;
        return UNPACK_CORRUPT;
    }
    job->in_used += 4;
    return UNPACK_DONE;
}

static enum unpack_result lz4_frame_header(struct unpack_job *job, uint8_t *ret_flags,
                                           size_t *ret_block)
{
    const uint8_t *header = job->in + job->in_used;
    size_t left = unpack_in_left(job);
    if (left < 7)
        return UNPACK_TRUNCATED;
    uint8_t flags = header[4], code = header[5] >> 4 & 7;
    size_t size = 6 + (flags & FLG_CONTENT_SIZE ? 8 : 0) + (flags & FLG_DICTIONARY ? 4 : 0);
    if ((flags & FLG_VERSION) != FLG_VERSION_1) {
        job->reason = "a frame version other than 1";
        return UNPACK_UNSUPPORTED;
    }
    if (left < size + 1)
        return UNPACK_TRUNCATED;
    if (header[size] != (uint8_t)(xxh32(header + 4, size - 4) >> 8)) {
        job->reason = "the frame header fails its checksum";
        return UNPACK_CORRUPT;
    }
    if (flags & FLG_DICTIONARY) {
        job->reason = "a preset dictionary";
        return UNPACK_UNSUPPORTED;
    }
    if (code < 4) {
        job->reason = "the frame header has no valid block size";
        return UNPACK_CORRUPT;
    }
    job->in_used += size + 1;
    *ret_flags = flags;
    *ret_block = (size_t)1 << (8 + 2 * code);
    return UNPACK_DONE;
}

static enum unpack_result lz4_frame_block(struct unpack_job *job, uint8_t flags, size_t limit,
                                          size_t frame_start, uint32_t word)
{
    uint32_t size = word & ~BLOCK_STORED;
    if (size > limit) {
        job->reason = "a block is longer than the frame header allows";
        return UNPACK_CORRUPT;
    }
    if (size > unpack_in_left(job))
        return UNPACK_TRUNCATED;
    const uint8_t *start = job->in + job->in_used;
    if (word & BLOCK_STORED) {
        if (size > unpack_out_left(job))
            return UNPACK_FULL;
        memcpy(job->out + job->out_used, start, size);
        job->in_used += size;
        job->out_used += size;
        unpack_progress(job);
    } else {
        size_t before = flags & FLG_INDEPENDENT ? 0 : job->out_used - frame_start;
        if (before > WINDOW)
            before = WINDOW;
        enum unpack_result result = lz4_block(job, size, limit, before);
        if (result != UNPACK_DONE)
            return result;
    }
    if (flags & FLG_BLOCK_CHECKSUM)
        return lz4_checksum(job, start, size, "a block fails its checksum");
    return UNPACK_DONE;
}

static enum unpack_result lz4_frame_run(struct unpack_job *job)
{
    uint8_t flags;
    size_t limit, start = job->out_used;
    const uint8_t *header = job->in + job->in_used;
    enum unpack_result result = lz4_frame_header(job, &flags, &limit);
    while (result == UNPACK_DONE) {
        if (unpack_in_left(job) < 4)
            return UNPACK_TRUNCATED;
        uint32_t word = unpack_le32(job->in + job->in_used);
        job->in_used += 4;
        if (word == 0)
            break;
        result = lz4_frame_block(job, flags, limit, start, word);
    }
    if (result != UNPACK_DONE)
        return result;
    if ((flags & FLG_CONTENT_SIZE) && unpack_le64(header + 6) != job->out_used - start) {
        job->reason = "the content is not as long as the frame header says";
        return UNPACK_CORRUPT;
    }
    if (flags & FLG_CONTENT_CHECKSUM)
        return lz4_checksum(job, job->out + start, job->out_used - start,
                            "the content fails its checksum");
    return UNPACK_DONE;
}

const struct unpack_codec unpack_lz4_frame = {
    .name = "lz4",
    .stated_size = lz4_frame_stated_size,
    .states_one_member = true,
    .workspace = lz4_workspace,
    .run = lz4_frame_run,
};
