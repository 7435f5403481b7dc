/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * gzip members through zlib's inflate, which checks CRC and length itself.  Source: RFC 1952,
 * zlib.h.
 */
#include "unpack_codec.h"

#define Z_SOLO /* no malloc behind our back, no C library types in zlib.h */
#include <zlib.h>

static void *gzip_alloc(void *arena, unsigned items, unsigned size)
{
    uint64_t bytes = (uint64_t)items * size;
    return bytes > SIZE_MAX ? NULL : arena_alloc(arena, (size_t)bytes);
}

static void gzip_free(void *arena, void *block)
{
    arena_free(arena, block);
}

/* ISIZE, the last four bytes; right for a single member below 4 GiB. */
static bool gzip_stated_size(struct view packed, uint64_t *ret)
{
    if (packed.size < 18)
        return false;
    *ret = unpack_le32(packed.data + (size_t)packed.size - 4);
    return true;
}

static uint64_t gzip_workspace(struct view packed)
{
    (void)packed;
    return 65536; /* inflate_state and a 32 KiB window */
}

static enum unpack_result gzip_run(struct unpack_job *job)
{
    z_stream z = {.zalloc = gzip_alloc, .zfree = gzip_free, .opaque = &job->arena};
    if (inflateInit2(&z, 15 + 16) != Z_OK) /* window 2^15, gzip header and trailer only */
        return UNPACK_NO_ROOM;

    enum unpack_result result;
    for (;;) {
        size_t give = unpack_in_left(job), room = unpack_out_left(job);
        if (give > UNPACK_CHUNK)
            give = UNPACK_CHUNK;
        if (room > UINT32_MAX / 2)
            room = UINT32_MAX / 2;
        uint8_t none;
        z.next_in = (uint8_t *)(uintptr_t)(job->in + job->in_used);
        z.avail_in = (uInt)give;
        z.next_out = room ? job->out + job->out_used : &none;
        z.avail_out = (uInt)room;
        int status = inflate(&z, Z_NO_FLUSH);
        job->in_used += give - z.avail_in;
        job->out_used += room - z.avail_out;
        unpack_progress(job);
        if (status == Z_STREAM_END) {
            result = UNPACK_DONE;
            break;
        }
        if (status == Z_OK)
            continue;
        if (status == Z_BUF_ERROR && !unpack_in_left(job)) {
            result = UNPACK_TRUNCATED;
        } else if (status == Z_BUF_ERROR) {
            result = UNPACK_FULL;
        } else if (status == Z_MEM_ERROR) {
            result = UNPACK_NO_ROOM;
        } else {
            result = UNPACK_CORRUPT;
            job->reason = status == Z_NEED_DICT ? "it wants a preset dictionary" : z.msg;
        }
        break;
    }
    inflateEnd(&z);
    return result;
}

const struct unpack_codec unpack_gzip = {
    .name = "gzip",
    .stated_size = gzip_stated_size,
    .states_one_member = true,
    .workspace = gzip_workspace,
    .run = gzip_run,
};
