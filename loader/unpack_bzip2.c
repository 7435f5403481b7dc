/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * bzip2 streams through libbz2, which checks its CRCs itself.  Source: bzlib.h.
 */
#include "unpack_codec.h"

#define BZ_NO_STDIO
#include <bzlib.h>

static void *bzip2_alloc(void *arena, int items, int size)
{
    return arena_alloc(arena, (size_t)items * (size_t)size);
}

static void bzip2_free(void *arena, void *block)
{
    arena_free(arena, block);
}

static uint64_t bzip2_workspace(struct view packed)
{
    (void)packed;
    return UINT64_C(4) << 20; /* 4 bytes for each of 900,000, and the tables */
}

static enum unpack_result bzip2_run(struct unpack_job *job)
{
    bz_stream bz = {.bzalloc = bzip2_alloc, .bzfree = bzip2_free, .opaque = &job->arena};
    if (BZ2_bzDecompressInit(&bz, 0, 0) != BZ_OK)
        return UNPACK_NO_ROOM;

    enum unpack_result result;
    for (;;) {
        size_t give = unpack_in_left(job), room = unpack_out_left(job);
        if (give > UNPACK_CHUNK)
            give = UNPACK_CHUNK;
        if (room > INT32_MAX)
            room = INT32_MAX;
        char none;
        bz.next_in = (char *)(uintptr_t)(job->in + job->in_used);
        bz.avail_in = (unsigned)give;
        bz.next_out = room ? (char *)job->out + job->out_used : &none;
        bz.avail_out = (unsigned)room;
        int status = BZ2_bzDecompress(&bz);
        size_t took = give - bz.avail_in, gave = room - bz.avail_out;
        job->in_used += took;
        job->out_used += gave;
        unpack_progress(job);
        if (status == BZ_STREAM_END) {
            result = UNPACK_DONE;
            break;
        }
        if (status == BZ_OK) {
            if (took || gave)
                continue;
            result = unpack_in_left(job) ? UNPACK_FULL : UNPACK_TRUNCATED;
        } else if (status == BZ_MEM_ERROR) {
            result = UNPACK_NO_ROOM;
        } else {
            result = UNPACK_CORRUPT;
            job->reason = status == BZ_DATA_ERROR_MAGIC ? "no bzip2 header where one must be"
                                                        : "a block fails its check (data error)";
        }
        break;
    }
    BZ2_bzDecompressEnd(&bz);
    return result;
}

const struct unpack_codec unpack_bzip2 = {
    .name = "bzip2",
    .workspace = bzip2_workspace,
    .run = bzip2_run,
};
