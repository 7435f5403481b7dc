/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Choosing the decoder, giving it a bounded place, and turning what it says into refusals; the
 * contract is in unpack.h.  The decoders themselves are wrapped in unpack_gzip.c and so on.
 */
#include "unpack_codec.h"

#include "bytes.h"
#include "cpu.h"

static const struct unpack_codec *const codecs[] = {
    [COMPRESSOR_NONE] = NULL,
    [COMPRESSOR_GZIP] = &unpack_gzip,
    [COMPRESSOR_BZIP2] = &unpack_bzip2,
    [COMPRESSOR_LZMA] = &unpack_lzma,
    [COMPRESSOR_XZ] = &unpack_xz,
    [COMPRESSOR_LZO] = &unpack_lzo,
    [COMPRESSOR_LZ4_LEGACY] = &unpack_lz4_legacy,
    [COMPRESSOR_LZ4_FRAME] = &unpack_lz4_frame,
    [COMPRESSOR_ZSTD] = &unpack_zstd,
};

static bool starts_with(struct view v, const char *magic, size_t size)
{
    return v.size >= size && memcmp(v.data, magic, size) == 0;
}

/* .lzma has no magic: the usual properties (lc 3, lp 0, pb 2), a dictionary of whole 64 KiB and a
 * size that is unknown or below 1 TiB. */
static bool is_lzma(struct view v)
{
    uint64_t size;
    return starts_with(v, "\x5d\0\0", 3) && view_u64(v, 5, &size) &&
           (size == UINT64_MAX || !(size >> 40));
}

enum compressor unpack_detect(struct view packed)
{
    if (starts_with(packed, "\x1f\x8b\x08", 3))
        return COMPRESSOR_GZIP;
    if (starts_with(packed, "BZh", 3) && packed.size > 3 && packed.data[3] >= '1' &&
        packed.data[3] <= '9')
        return COMPRESSOR_BZIP2;
    if (starts_with(packed,
                    "\xfd"
                    "7zXZ",
                    6))
        return COMPRESSOR_XZ;
    if (starts_with(packed, "\x89LZO\0\r\n\x1a\n", 9))
        return COMPRESSOR_LZO;
    if (starts_with(packed, "\x02\x21\x4c\x18", 4))
        return COMPRESSOR_LZ4_LEGACY;
    if (starts_with(packed, "\x04\x22\x4d\x18", 4))
        return COMPRESSOR_LZ4_FRAME;
    if (starts_with(packed, "\x28\xb5\x2f\xfd", 4))
        return COMPRESSOR_ZSTD;
    return is_lzma(packed) ? COMPRESSOR_LZMA : COMPRESSOR_NONE;
}

const char *compressor_name(enum compressor compressor)
{
    size_t index = (size_t)compressor;
    if (index >= sizeof(codecs) / sizeof(codecs[0]) || !codecs[index])
        return "none";
    return codecs[index]->name;
}

void unpack_progress(struct unpack_job *job)
{
    struct unpack_memory *memory = job->memory;
    if (!memory->progress)
        return;
    /* in_used * 100 / in_size without a 64-bit division; below 100 bytes there is nothing to show.
     */
    size_t step = job->in_size / 100;
    unsigned percent = job->in_used == job->in_size ? 100
                       : step                       ? (unsigned)(job->in_used / step)
                                                    : 0;
    if (percent > 99 && job->in_used != job->in_size)
        percent = 99;
    while (memory->percent < percent)
        memory->progress(memory->progress_out, ++memory->percent);
}

static bool is_zero_padding(const struct unpack_job *job)
{
    for (size_t i = job->in_used; i < job->in_size; i++)
        if (job->in[i])
            return false;
    return true;
}

/* All members, one behind the other, as `cat a.gz b.gz` makes them; zero padding may follow.
 * *ret_trailing: bytes of something else behind the last. */
static enum unpack_result run_members(const struct unpack_codec *codec, enum compressor compressor,
                                      struct unpack_job *job, size_t *ret_trailing)
{
    *ret_trailing = 0;
    for (;;) {
        enum unpack_result result = codec->run(job);
        if (result != UNPACK_DONE || is_zero_padding(job))
            return result;
        struct view rest = {job->in + job->in_used, unpack_in_left(job)};
        if (unpack_detect(rest) != compressor) {
            *ret_trailing = unpack_in_left(job);
            return UNPACK_DONE;
        }
    }
}

/* What the stated size (and nothing else) decides: where output and workspace lie. */
struct layout {
    uint64_t workspace; /* from the start of the memory */
    uint64_t out_start, out_size;
};

static struct layout layout_known(const struct unpack_memory *memory, uint64_t size)
{
    /* A whole page, so that what lies page-aligned in the file is page-aligned in memory. */
    uint64_t end = memory->at.v + memory->size;
    uint64_t start = align_down_u64(end - size, PAGE_SIZE);
    start = start < memory->at.v ? end - size : start;
    return (struct layout){start - memory->at.v, start - memory->at.v, size};
}

static struct layout layout_unknown(const struct unpack_memory *memory, uint64_t workspace)
{
    return (struct layout){workspace, workspace, memory->size - workspace};
}

static enum unpack_result run_once(enum compressor compressor, struct view packed,
                                   struct unpack_memory *memory, struct layout layout,
                                   struct unpack_job *job, size_t *ret_trailing)
{
    *job = (struct unpack_job){
        .in = packed.data,
        .in_size = (size_t)packed.size,
        .out = memory->data + (size_t)layout.out_start,
        .out_size = (size_t)layout.out_size,
        .memory = memory,
        .sse2 = memory->cpu ? memory->cpu->sse2 : sizeof(void *) == 8, /* x86-64 always has it */
    };
    arena_init(&job->arena, memory->data, (size_t)layout.workspace);
    return run_members(codecs[compressor], compressor, job, ret_trailing);
}

/* Moves output that was made at the low end to the high end, page-aligned, when that gains at least
 * a page.  Chunks no longer than the distance, from the top, never overlap themselves. */
static uint64_t move_up(const struct unpack_memory *memory, uint64_t start, uint64_t size)
{
    uint64_t to = layout_known(memory, size).out_start;
    if (to < start + PAGE_SIZE)
        return start;
    uint64_t distance = to - start;
    for (uint64_t left = size; left;) {
        uint64_t chunk = left < distance ? left : distance;
        left -= chunk;
        memcpy(memory->data + (size_t)(to + left), memory->data + (size_t)(start + left),
               (size_t)chunk);
    }
    return to;
}

static enum refusal_id refuse_result(enum unpack_result result, const struct unpack_job *job,
                                     const char *what, uint64_t claimed, bool size_known,
                                     const struct unpack_memory *memory, struct refusal *why)
{
    const char *reason = job->reason ? job->reason : "the decoder gives no reason";
    switch (result) {
    case UNPACK_TRUNCATED:
        return REFUSE(why, UNPACK_TRUNCATED, .str = {what}, .num = {job->in_size, job->out_used});
    case UNPACK_FULL:
        if (size_known)
            return REFUSE(why, UNPACK_TOO_LONG, .str = {what}, .num = {claimed});
        return REFUSE(why, UNPACK_NO_OUTPUT_ROOM, .str = {what},
                      .num = {job->out_size, job->in_used, job->in_size});
    case UNPACK_NO_ROOM:
        return REFUSE(why, UNPACK_NO_WORKSPACE, .str = {what},
                      .num = {job->arena.failed, job->out_size, memory->size});
    case UNPACK_UNSUPPORTED:
        return REFUSE(why, UNPACK_UNSUPPORTED, .str = {what, reason});
    case UNPACK_CORRUPT:
    case UNPACK_DONE:
        break;
    }
    return REFUSE(why, UNPACK_CORRUPT, .str = {what, reason}, .num = {job->in_used, job->in_size});
}

enum refusal_id unpack_open(struct view packed, enum compressor compressor, bool size_known,
                            uint64_t size, struct unpack_memory *memory, struct view *ret,
                            maddr_t *ret_at, struct refusal *why)
{
    char what[REFUSAL_STR_SIZE];
    out_format(what, sizeof(what), "%s stream", compressor_name(compressor));
    if (compressor == COMPRESSOR_NONE)
        return REFUSE(why, UNPACK_UNSUPPORTED, .str = {"stream", "a compressor nobody knows"});
    if (memory->cpu && !memory->cpu->cmov)
        return REFUSE(why, UNPACK_CPU, .str = {what});

    const struct unpack_codec *codec = codecs[compressor];
    uint64_t claimed = size;
    bool claims = size_known || (codec->stated_size && codec->stated_size(packed, &claimed));
    if (claims && claimed > memory->size) {
        /* gzip's statement is its last four bytes, which in a truncated file are anything: only
         * decoding tells which it is. */
        if (size_known || compressor != COMPRESSOR_GZIP)
            return REFUSE(why, UNPACK_NO_MEMORY, .str = {what}, .num = {claimed, memory->size});
        claims = false;
    }

    struct unpack_job job;
    size_t trailing;
    memory->percent = 0;
    struct layout layout;
    enum unpack_result result = UNPACK_FULL;
    if (claims) {
        layout = layout_known(memory, claimed);
        result = run_once(compressor, packed, memory, layout, &job, &trailing);
    }
    /* With more than one member the statement is too small; a lying one is found by the decoder. */
    bool is_retry = claims && !size_known && codec->states_one_member;
    if (result == UNPACK_FULL && (!claims || is_retry)) {
        uint64_t workspace = codec->workspace(packed);
        if (workspace > memory->size - memory->size / 8)
            workspace = memory->size - memory->size / 8;
        layout = layout_unknown(memory, workspace);
        result = run_once(compressor, packed, memory, layout, &job, &trailing);
        claims = false;
    }
    if (result != UNPACK_DONE)
        return refuse_result(result, &job, what, claimed, claims, memory, why);
    if (trailing)
        return REFUSE(why, UNPACK_TRAILING, .str = {what}, .num = {job.in_used, trailing});
    if (claims && job.out_used != claimed)
        return REFUSE(why, UNPACK_TOO_SHORT, .str = {what}, .num = {job.out_used, claimed});

    job.in_used = job.in_size; /* padding is done too */
    unpack_progress(&job);
    uint64_t start = layout.out_start;
    if (!claims)
        start = move_up(memory, start, job.out_used);
    *ret = (struct view){memory->data + (size_t)start, job.out_used};
    *ret_at = maddr(memory->at.v + start);
    memory->size = start;
    return REFUSE_NONE;
}
