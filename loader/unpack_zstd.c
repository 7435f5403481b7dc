/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Zstandard frames through libzstd's buffer-less decoder: blocks go straight to their place in the
 * output, so no window (128 MiB for Linux's `zstd -22 --ultra`) has to be held beside it.
 * Source: RFC 8878, zstd.h (static part).
 */
#include "unpack_codec.h"

#define ZSTD_STATIC_LINKING_ONLY
#define ZSTD_DISABLE_DEPRECATE_WARNINGS
#include <zstd.h>
#include <zstd_errors.h>

/* The first frame's Frame_Content_Size. */
static bool zstd_stated_size(struct view packed, uint64_t *ret)
{
    ZSTD_frameHeader header;
    if (ZSTD_getFrameHeader(&header, packed.data, (size_t)packed.size) != 0 ||
        header.frameType != ZSTD_frame || header.frameContentSize == ZSTD_CONTENTSIZE_UNKNOWN)
        return false;
    *ret = header.frameContentSize;
    return true;
}

static uint64_t zstd_workspace(struct view packed)
{
    (void)packed;
    return ZSTD_estimateDCtxSize() + 4096;
}

static enum unpack_result zstd_failed(struct unpack_job *job, size_t code)
{
    switch ((int)ZSTD_getErrorCode(code)) {
    case ZSTD_error_dstSize_tooSmall:
        return UNPACK_FULL;
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_frameParameter_windowTooLarge:
    case ZSTD_error_dictionary_wrong:
        job->reason = ZSTD_getErrorName(code);
        return UNPACK_UNSUPPORTED;
    default:
        job->reason = ZSTD_getErrorName(code);
        return UNPACK_CORRUPT;
    }
}

static enum unpack_result zstd_frame(struct unpack_job *job, ZSTD_DCtx *context)
{
    size_t status = ZSTD_decompressBegin(context);
    if (ZSTD_isError(status))
        return zstd_failed(job, status);
    for (;;) {
        size_t want = ZSTD_nextSrcSizeToDecompress(context);
        if (want == 0)
            return UNPACK_DONE;
        if (want > unpack_in_left(job))
            return UNPACK_TRUNCATED;
        status = ZSTD_decompressContinue(context, job->out + job->out_used, unpack_out_left(job),
                                         job->in + job->in_used, want);
        if (ZSTD_isError(status))
            return zstd_failed(job, status);
        job->in_used += want;
        job->out_used += status;
        unpack_progress(job);
    }
}

static enum unpack_result zstd_run(struct unpack_job *job)
{
    size_t size = ZSTD_estimateDCtxSize();
    void *memory = arena_alloc(&job->arena, size);
    ZSTD_DCtx *context = memory ? ZSTD_initStaticDCtx(memory, size) : NULL;
    if (!context)
        return UNPACK_NO_ROOM;
    enum unpack_result result;
    do { /* skippable frames may stand between and behind those with data */
        result = zstd_frame(job, context);
    } while (result == UNPACK_DONE && unpack_in_left(job) >= 8 &&
             (unpack_le32(job->in + job->in_used) & ZSTD_MAGIC_SKIPPABLE_MASK) ==
                 ZSTD_MAGIC_SKIPPABLE_START);
    arena_free(&job->arena, memory);
    return result;
}

const struct unpack_codec unpack_zstd = {
    .name = "zstd",
    .stated_size = zstd_stated_size,
    .states_one_member = true,
    .workspace = zstd_workspace,
    .run = zstd_run,
};
