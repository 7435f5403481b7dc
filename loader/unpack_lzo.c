/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * LZO1X blocks in lzop's container, through liblzo2.  Source: lzop's own reader (the format has no
 * other description): magic, big-endian header with a checksum, blocks of unpacked and packed size.
 */
#include "unpack_codec.h"

#include "bytes.h"

#include <lzo/lzo1x.h>

#define MAGIC_SIZE    9
#define BLOCK_MAX     ((uint32_t)64 << 20) /* lzop's own limit */
#define METHOD_LZO1X  3                    /* 1, 2 and 3 are LZO1X at different levels */
#define F_ADLER32_D   0x0001u
#define F_ADLER32_C   0x0002u
#define F_EXTRA_FIELD 0x0040u
#define F_CRC32_D     0x0100u
#define F_CRC32_C     0x0200u
#define F_MULTIPART   0x0400u
#define F_FILTER      0x0800u
#define F_CRC32_H     0x1000u

/* Reads a big-endian number of `size` bytes at in_used + *at and moves *at on. */
static bool lzo_number(const struct unpack_job *job, size_t *at, unsigned size, uint32_t *ret)
{
    if (unpack_in_left(job) < *at || unpack_in_left(job) - *at < size)
        return false;
    *ret = 0;
    for (unsigned i = 0; i < size; i++)
        *ret = *ret << 8 | job->in[job->in_used + (*at)++];
    return true;
}

static uint32_t lzo_sum(bool crc, const uint8_t *p, size_t size)
{
    return crc ? lzo_crc32(0, p, (lzo_uint)size) : lzo_adler32(1, p, (lzo_uint)size);
}

static enum unpack_result lzo_header(struct unpack_job *job, uint32_t *ret_flags)
{
    size_t at = MAGIC_SIZE;
    uint32_t version, library, needed, method, level, flags, word, name, sum;
    if (!lzo_number(job, &at, 2, &version) || !lzo_number(job, &at, 2, &library))
        return UNPACK_TRUNCATED;
    bool is_new = version >= 0x0940; /* before, some fields were not there */
    if ((is_new && !lzo_number(job, &at, 2, &needed)) || !lzo_number(job, &at, 1, &method) ||
        (is_new && !lzo_number(job, &at, 1, &level)) || !lzo_number(job, &at, 4, &flags) ||
        ((flags & F_FILTER) && !lzo_number(job, &at, 4, &word)) ||
        !lzo_number(job, &at, 4, &word) || !lzo_number(job, &at, 4, &word) ||
        (is_new && !lzo_number(job, &at, 4, &word)) || !lzo_number(job, &at, 1, &name))
        return UNPACK_TRUNCATED;
    if (unpack_in_left(job) - at < name)
        return UNPACK_TRUNCATED;
    at += name;
    size_t header_end = at;
    if (!lzo_number(job, &at, 4, &sum))
        return UNPACK_TRUNCATED;
    if (sum !=
        lzo_sum(flags & F_CRC32_H, job->in + job->in_used + MAGIC_SIZE, header_end - MAGIC_SIZE)) {
        job->reason = "the header fails its checksum";
        return UNPACK_CORRUPT;
    }
    if (method < 1 || method > METHOD_LZO1X) {
        job->reason = "a method other than LZO1X";
        return UNPACK_UNSUPPORTED;
    }
    if (flags & (F_FILTER | F_MULTIPART)) {
        job->reason = flags & F_FILTER ? "a filter" : "an archive in several parts";
        return UNPACK_UNSUPPORTED;
    }
    if (flags & F_EXTRA_FIELD) {
        uint32_t extra;
        if (!lzo_number(job, &at, 4, &extra) || unpack_in_left(job) - at < extra)
            return UNPACK_TRUNCATED;
        at += extra;
        if (!lzo_number(job, &at, 4, &sum))
            return UNPACK_TRUNCATED;
    }
    job->in_used += at;
    *ret_flags = flags;
    return UNPACK_DONE;
}

/* A block's optional checksums: Adler-32 and CRC-32, when `flags` has the bits. */
static bool lzo_sums_match(bool has_adler, uint32_t adler, bool has_crc, uint32_t crc,
                           const uint8_t *p, size_t size)
{
    return (!has_adler || lzo_sum(false, p, size) == adler) &&
           (!has_crc || lzo_sum(true, p, size) == crc);
}

/* One block; *ret_last when it was the end mark. */
static enum unpack_result lzo_block(struct unpack_job *job, uint32_t flags, bool *ret_last)
{
    size_t at = 0;
    uint32_t size, packed, adler_d = 0, crc_d = 0, adler_c = 0, crc_c = 0;
    if (!lzo_number(job, &at, 4, &size))
        return UNPACK_TRUNCATED;
    if (size == 0) {
        job->in_used += at;
        *ret_last = true;
        return UNPACK_DONE;
    }
    if (!lzo_number(job, &at, 4, &packed))
        return UNPACK_TRUNCATED;
    if (size > BLOCK_MAX || packed == 0 || packed > size) {
        job->reason = "a block has impossible sizes";
        return UNPACK_CORRUPT;
    }
    bool stored = packed == size; /* then there are no checksums of the packed bytes */
    bool has_adler_c = (flags & F_ADLER32_C) && !stored, has_crc_c = (flags & F_CRC32_C) && !stored;
    if (((flags & F_ADLER32_D) && !lzo_number(job, &at, 4, &adler_d)) ||
        ((flags & F_CRC32_D) && !lzo_number(job, &at, 4, &crc_d)) ||
        (has_adler_c && !lzo_number(job, &at, 4, &adler_c)) ||
        (has_crc_c && !lzo_number(job, &at, 4, &crc_c)) || unpack_in_left(job) - at < packed)
        return UNPACK_TRUNCATED;
    if (size > unpack_out_left(job))
        return UNPACK_FULL;

    const uint8_t *in = job->in + job->in_used + at;
    uint8_t *out = job->out + job->out_used;
    if (!lzo_sums_match(has_adler_c, adler_c, has_crc_c, crc_c, in, packed)) {
        job->reason = "a packed block fails its checksum";
        return UNPACK_CORRUPT;
    }
    lzo_uint got = size;
    if (stored)
        memcpy(out, in, size);
    else if (lzo1x_decompress_safe(in, packed, out, &got, NULL) != LZO_E_OK || got != size) {
        job->reason = "a block does not decode";
        return UNPACK_CORRUPT;
    }
    if (!lzo_sums_match(flags & F_ADLER32_D, adler_d, flags & F_CRC32_D, crc_d, out, size)) {
        job->reason = "an unpacked block fails its checksum";
        return UNPACK_CORRUPT;
    }
    job->in_used += at + packed;
    job->out_used += size;
    unpack_progress(job);
    return UNPACK_DONE;
}

static enum unpack_result lzo_run(struct unpack_job *job)
{
    uint32_t flags = 0;
    bool last = false;
    enum unpack_result result = lzo_header(job, &flags);
    while (result == UNPACK_DONE && !last)
        result = lzo_block(job, flags, &last);
    return result;
}

static uint64_t lzo_workspace(struct view packed)
{
    (void)packed;
    return 0;
}

const struct unpack_codec unpack_lzo = {
    .name = "lzo",
    .workspace = lzo_workspace,
    .run = lzo_run,
};
