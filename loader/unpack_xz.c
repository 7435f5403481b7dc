/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * xz streams and legacy .lzma files through liblzma.  Source: the .xz file format 1.1.0,
 * lzma/base.h, lzma/container.h; the 13-byte header of .lzma is in liblzma's lzma-file-format.txt.
 */
#include "unpack_codec.h"

#include "bytes.h"

#include <lzma.h>

#define XZ_HEADER_SIZE   12 /* Stream Header and Stream Footer alike */
#define LZMA_HEADER_SIZE 13

static void *xz_alloc(void *arena, size_t items, size_t size)
{
    (void)items; /* liblzma promises 1 */
    return arena_alloc(arena, size);
}

static void xz_free(void *arena, void *block)
{
    arena_free(arena, block);
}

/* A variable-length integer of at most nine bytes, 7 bits each. */
static bool xz_integer(struct view index, uint64_t *offset, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        uint8_t byte;
        if (!view_u8(index, (*offset)++, &byte))
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* Adds up an Index: bytes of the blocks in the file and unpacked. */
static bool xz_index(struct view index, uint64_t *ret_blocks, uint64_t *ret_size)
{
    uint64_t offset = 1, count, blocks = 0, size = 0;
    uint8_t indicator;
    if (!view_u8(index, 0, &indicator) || indicator != 0 || !xz_integer(index, &offset, &count))
        return false;
    for (; count; count--) {
        uint64_t unpadded, unpacked;
        if (!xz_integer(index, &offset, &unpadded) || !xz_integer(index, &offset, &unpacked) ||
            !checked_align_up_u64(unpadded, 4, &unpadded) ||
            !checked_add_u64(blocks, unpadded, &blocks) || !checked_add_u64(size, unpacked, &size))
            return false;
    }
    *ret_blocks = blocks;
    *ret_size = size;
    return true;
}

/* The indexes of all streams, from the end of the file backwards. */
static bool xz_stated_size(struct view packed, uint64_t *ret)
{
    uint64_t end = packed.size, total = 0;
    for (;;) {
        while (end && packed.data[(size_t)end - 1] == 0)
            end--;
        if (!end) {
            *ret = total;
            return true;
        }
        uint32_t backward;
        uint8_t magic[2];
        if (end < 2 * XZ_HEADER_SIZE || !view_read(packed, end - 2, magic, 2) || magic[0] != 'Y' ||
            magic[1] != 'Z' || !view_u32(packed, end - 8, &backward))
            return false;
        uint64_t index_size = ((uint64_t)backward + 1) * 4, blocks, size;
        struct view index;
        if (index_size > end - XZ_HEADER_SIZE ||
            !view_slice(packed, end - XZ_HEADER_SIZE - index_size, index_size, &index) ||
            !xz_index(index, &blocks, &size) || !checked_add_u64(total, size, &total))
            return false;
        uint64_t stream = 2 * XZ_HEADER_SIZE + index_size;
        if (!checked_add_u64(stream, blocks, &stream) || stream > end)
            return false;
        end -= stream;
    }
}

static uint64_t xz_workspace(struct view packed)
{
    (void)packed;
    return UINT64_C(66) << 20; /* only for a file without a readable index: xz -9 needs 65 MiB */
}

static const char *xz_reason(lzma_ret status)
{
    switch ((int)status) {
    case LZMA_FORMAT_ERROR:
        return "no header of the format where one must be";
    case LZMA_DATA_ERROR:
        return "the data or its checksum is wrong (data error)";
    default:
        return "the decoder stopped for a reason of its own";
    }
}

/* Feeds the job's input to `lzma`, which has been set up, and ends it. */
static enum unpack_result xz_feed(struct unpack_job *job, lzma_stream *lzma)
{
    enum unpack_result result;
    for (;;) {
        size_t give = unpack_in_left(job), room = unpack_out_left(job);
        if (give > UNPACK_CHUNK)
            give = UNPACK_CHUNK;
        /* The .lzma decoder does nothing without room, not even read an end mark: when the output
         * is full, it gets one byte more, and must not use it. */
        uint8_t spare;
        lzma->next_in = job->in + job->in_used;
        lzma->avail_in = give;
        lzma->next_out = room ? job->out + job->out_used : &spare;
        lzma->avail_out = room ? room : 1;
        lzma_ret status = lzma_code(lzma, LZMA_RUN);
        job->in_used += give - lzma->avail_in;
        job->out_used += room ? room - lzma->avail_out : 0;
        unpack_progress(job);
        if (!room && !lzma->avail_out) {
            result = UNPACK_FULL;
            break;
        }
        if (status == LZMA_STREAM_END) {
            result = UNPACK_DONE;
            break;
        }
        if (status == LZMA_OK)
            continue;
        if (status == LZMA_BUF_ERROR) {
            result = UNPACK_TRUNCATED;
        } else if (status == LZMA_MEM_ERROR) {
            result = UNPACK_NO_ROOM;
        } else if (status == LZMA_OPTIONS_ERROR) {
            result = UNPACK_UNSUPPORTED;
            job->reason = "a filter or option that this liblzma does not know";
        } else if (status == LZMA_UNSUPPORTED_CHECK) {
            result = UNPACK_UNSUPPORTED;
            job->reason = "a check type that this liblzma does not know";
        } else {
            result = UNPACK_CORRUPT;
            job->reason = xz_reason(status);
        }
        break;
    }
    lzma_end(lzma);
    return result;
}

static enum unpack_result xz_run(struct unpack_job *job)
{
    lzma_allocator allocator = {xz_alloc, xz_free, &job->arena};
    lzma_stream lzma = LZMA_STREAM_INIT;
    lzma.allocator = &allocator;
    if (lzma_stream_decoder(&lzma, UINT64_MAX, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
        return UNPACK_NO_ROOM;
    return xz_feed(job, &lzma);
}

const struct unpack_codec unpack_xz = {
    .name = "xz",
    .stated_size = xz_stated_size,
    .workspace = xz_workspace,
    .run = xz_run,
};

static bool lzma_stated_size(struct view packed, uint64_t *ret)
{
    uint64_t size;
    if (!view_u64(packed, 5, &size) || size == UINT64_MAX)
        return false;
    *ret = size;
    return true;
}

static uint64_t lzma_workspace(struct view packed)
{
    uint32_t dictionary;
    if (!view_u32(packed, 1, &dictionary))
        dictionary = 0;
    return (UINT64_C(1) << 20) + dictionary; /* the decoder itself: 60 KiB */
}

static enum unpack_result lzma_run(struct unpack_job *job)
{
    if (unpack_in_left(job) < LZMA_HEADER_SIZE)
        return UNPACK_TRUNCATED;
    uint8_t header[LZMA_HEADER_SIZE];
    memcpy(header, job->in + job->in_used, sizeof(header));
    uint32_t dictionary = unpack_le32(header + 1);
    /* No distance can reach further back than the output is long, so a dictionary of the output's
     * size will do, where `lzma -9` asks for 64 MiB. */
    if (dictionary > unpack_out_left(job)) {
        dictionary = (uint32_t)unpack_out_left(job);
        for (unsigned i = 0; i < 4; i++)
            header[1 + i] = (uint8_t)(dictionary >> 8 * i);
    }

    lzma_allocator allocator = {xz_alloc, xz_free, &job->arena};
    lzma_stream lzma = LZMA_STREAM_INIT;
    lzma.allocator = &allocator;
    if (lzma_alone_decoder(&lzma, UINT64_MAX) != LZMA_OK)
        return UNPACK_NO_ROOM;
    uint8_t spare; /* nothing can come out of the header alone */
    lzma.next_in = header;
    lzma.avail_in = sizeof(header);
    lzma.next_out = &spare;
    lzma.avail_out = 1;
    lzma_ret status = lzma_code(&lzma, LZMA_RUN);
    if (status != LZMA_OK) {
        lzma_end(&lzma);
        job->reason = xz_reason(status);
        return status == LZMA_MEM_ERROR ? UNPACK_NO_ROOM : UNPACK_CORRUPT;
    }
    job->in_used += sizeof(header);
    return xz_feed(job, &lzma);
}

const struct unpack_codec unpack_lzma = {
    .name = "lzma",
    .stated_size = lzma_stated_size,
    .states_one_member = true,
    .workspace = lzma_workspace,
    .run = lzma_run,
};
