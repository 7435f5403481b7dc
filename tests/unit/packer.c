/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compressed fixtures; see packer.h.
 */
#include "packer.h"

#include <assert.h>
#include <bzlib.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define LZO_BLOCK  (256u << 10)
#define LZ4_LEGACY ((size_t)8 << 20)

struct buffer {
    uint8_t *data;
    size_t used, size;
};

static uint8_t *grow(struct buffer *b, size_t size)
{
    if (b->size - b->used < size) {
        b->size = (b->used + size) * 2;
        b->data = realloc(b->data, b->size);
        assert(b->data);
    }
    return b->data + b->used;
}

static void put(struct buffer *b, const void *data, size_t size)
{
    memcpy(grow(b, size), data, size);
    b->used += size;
}

static void put_le32(struct buffer *b, uint32_t v)
{
    uint8_t bytes[] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    put(b, bytes, 4);
}

static void put_be(struct buffer *b, uint32_t v, unsigned bytes)
{
    while (bytes--) {
        uint8_t byte = (uint8_t)(v >> 8 * bytes);
        put(b, &byte, 1);
    }
}

static struct view take(struct buffer *b)
{
    uint8_t *exact = malloc(b->used ? b->used : 1);
    assert(exact);
    if (b->used)
        memcpy(exact, b->data, b->used);
    free(b->data);
    return (struct view){exact, b->used};
}

uint8_t *packer_plain(size_t size)
{
    uint8_t *plain = malloc(size ? size : 1);
    unsigned seed = 7;
    assert(plain);
    for (size_t i = 0; i < size;) {
        size_t run = 1 + (size_t)rand_r(&seed) % 40;
        bool copy = i > 1000 && rand_r(&seed) % 4;
        size_t from = copy ? i - 1 - (size_t)rand_r(&seed) % 900 : 0;
        for (; run && i < size; run--, i++, from++)
            plain[i] = copy ? plain[from] : (uint8_t)rand_r(&seed);
    }
    return plain;
}

static void pack_gzip(struct buffer *b, struct view plain)
{
    z_stream z = {0};
    int status = deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert(status == Z_OK);
    size_t bound = deflateBound(&z, plain.size);
    z.next_in = (uint8_t *)(uintptr_t)plain.data;
    z.avail_in = (uInt)plain.size;
    z.next_out = grow(b, bound);
    z.avail_out = (uInt)bound;
    status = deflate(&z, Z_FINISH);
    assert(status == Z_STREAM_END);
    b->used += z.total_out;
    deflateEnd(&z);
}

static void pack_bzip2(struct buffer *b, struct view plain)
{
    unsigned size = (unsigned)plain.size + (unsigned)plain.size / 50 + 700;
    int status = BZ2_bzBuffToBuffCompress(
        (char *)grow(b, size), &size, (char *)(uintptr_t)plain.data, (unsigned)plain.size, 9, 0, 0);
    assert(status == BZ_OK);
    b->used += size;
}

static void pack_xz(struct buffer *b, struct view plain)
{
    size_t size = lzma_stream_buffer_bound(plain.size), used = 0;
    lzma_ret status = lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, plain.data, plain.size,
                                              grow(b, size), &used, size);
    assert(status == LZMA_OK);
    b->used += used;
}

static void pack_lzma(struct buffer *b, struct view plain, unsigned flags)
{
    lzma_options_lzma options;
    lzma_stream lzma = LZMA_STREAM_INIT;
    size_t start = b->used, size = plain.size + plain.size / 10 + 1000;
    bool bad = lzma_lzma_preset(&options, 6);
    assert(!bad);
    lzma_ret status = lzma_alone_encoder(&lzma, &options);
    assert(status == LZMA_OK);
    lzma.next_in = plain.data;
    lzma.avail_in = plain.size;
    lzma.next_out = grow(b, size);
    lzma.avail_out = size;
    status = lzma_code(&lzma, LZMA_FINISH);
    assert(status == LZMA_STREAM_END);
    b->used += size - lzma.avail_out;
    lzma_end(&lzma);
    if (flags & PACK_STATE_SIZE)
        for (unsigned i = 0; i < 8; i++)
            b->data[start + 5 + i] = (uint8_t)((uint64_t)plain.size >> 8 * i);
}

/* As `lzop` makes it: version 1.04, Adler-32 of the unpacked blocks and of the packed ones. */
static void pack_lzo(struct buffer *b, struct view plain)
{
    put(b, "\x89LZO\0\r\n\x1a\n", 9);
    size_t header = b->used;
    put_be(b, 0x1040, 2);
    put_be(b, 0x20a0, 2);
    put_be(b, 0x0940, 2);
    put_be(b, 1, 1);
    put_be(b, 5, 1);
    put_be(b, 0x03000003, 4); /* Unix; F_ADLER32_D | F_ADLER32_C */
    put_be(b, 0100644, 4);
    put_be(b, 1, 4);
    put_be(b, 0, 4);
    put_be(b, 4, 1);
    put(b, "file", 4);
    put_be(b, lzo_adler32(1, b->data + header, b->used - header), 4);
    uint8_t *work = malloc(LZO1X_1_MEM_COMPRESS), *packed = malloc(LZO_BLOCK + LZO_BLOCK / 16 + 67);
    for (size_t at = 0; at < plain.size; at += LZO_BLOCK) {
        size_t size = plain.size - at < LZO_BLOCK ? plain.size - at : LZO_BLOCK;
        lzo_uint used = 0;
        lzo1x_1_compress(plain.data + at, size, packed, &used, work);
        put_be(b, (uint32_t)size, 4);
        put_be(b, (uint32_t)(used < size ? used : size), 4);
        put_be(b, lzo_adler32(1, plain.data + at, size), 4);
        if (used < size) {
            put_be(b, lzo_adler32(1, packed, used), 4);
            put(b, packed, used);
        } else {
            put(b, plain.data + at, size);
        }
    }
    put_be(b, 0, 4);
    free(work);
    free(packed);
}

static void pack_lz4_legacy(struct buffer *b, struct view plain)
{
    put_le32(b, 0x184c2102);
    for (size_t at = 0; at < plain.size; at += LZ4_LEGACY) {
        size_t size = plain.size - at < LZ4_LEGACY ? plain.size - at : LZ4_LEGACY;
        int bound = LZ4_compressBound((int)size);
        char *packed = malloc((size_t)bound);
        int used = LZ4_compress_HC((const char *)plain.data + at, packed, (int)size, bound, 3);
        put_le32(b, (uint32_t)used);
        put(b, packed, (size_t)used);
        free(packed);
    }
}

static void pack_lz4_frame(struct buffer *b, struct view plain, unsigned flags)
{
    LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = LZ4F_max64KB,
                      .blockMode = LZ4F_blockLinked,
                      .contentChecksumFlag = LZ4F_contentChecksumEnabled,
                      .contentSize = flags & PACK_STATE_SIZE ? plain.size : 0,
                      .blockChecksumFlag = LZ4F_blockChecksumEnabled}};
    size_t bound = LZ4F_compressFrameBound(plain.size, &preferences);
    size_t used = LZ4F_compressFrame(grow(b, bound), bound, plain.data, plain.size, &preferences);
    assert(!LZ4F_isError(used));
    b->used += used;
}

static void pack_zstd(struct buffer *b, struct view plain, unsigned flags)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, flags & PACK_STATE_SIZE ? 1 : 0);
    size_t bound = ZSTD_compressBound(plain.size);
    size_t used = ZSTD_compress2(context, grow(b, bound), bound, plain.data, plain.size);
    assert(!ZSTD_isError(used));
    b->used += used;
    ZSTD_freeCCtx(context);
}

struct view pack(enum compressor compressor, struct view plain, unsigned flags)
{
    struct buffer b = {0};
    grow(&b, 64);
    switch (compressor) {
    case COMPRESSOR_NONE:
        put(&b, plain.data, plain.size);
        break;
    case COMPRESSOR_GZIP:
        pack_gzip(&b, plain);
        break;
    case COMPRESSOR_BZIP2:
        pack_bzip2(&b, plain);
        break;
    case COMPRESSOR_LZMA:
        pack_lzma(&b, plain, flags);
        break;
    case COMPRESSOR_XZ:
        pack_xz(&b, plain);
        break;
    case COMPRESSOR_LZO:
        pack_lzo(&b, plain);
        break;
    case COMPRESSOR_LZ4_LEGACY:
        pack_lz4_legacy(&b, plain);
        break;
    case COMPRESSOR_LZ4_FRAME:
        pack_lz4_frame(&b, plain, flags);
        break;
    case COMPRESSOR_ZSTD:
        pack_zstd(&b, plain, flags);
        break;
    }
    return take(&b);
}

struct view packer_join(struct view a, struct view b)
{
    struct buffer joined = {0};
    grow(&joined, a.size + b.size + 1);
    put(&joined, a.data, a.size);
    put(&joined, b.data, b.size);
    return take(&joined);
}

void packer_poke(struct view fixture, size_t offset, uint64_t value, unsigned bytes)
{
    assert(offset + bytes <= fixture.size);
    for (unsigned i = 0; i < bytes; i++)
        ((uint8_t *)(uintptr_t)fixture.data)[offset + i] = (uint8_t)(value >> 8 * i);
}

struct view packer_bzimage(struct view payload, bool has_length, uint32_t length)
{
    struct buffer b = {0};
    uint8_t zero[3072] = {0};
    put(&b, zero, sizeof(zero));
    put(&b, zero, 0x100); /* the decompressor that stands in front of the payload */
    put(&b, payload.data, payload.size);
    if (has_length)
        put_le32(&b, length);
    uint32_t payload_size = (uint32_t)(b.used - 3072 - 0x100);
    put(&b, zero, 0x200); /* and what stands behind it */
    struct view file = take(&b);
    packer_poke(file, 0x1f1, 5, 1);
    packer_poke(file, 0x1fe, 0xaa55, 2);
    packer_poke(file, 0x202, 0x53726448, 4);
    packer_poke(file, 0x206, 0x020f, 2);
    packer_poke(file, 0x211, 1, 1);
    packer_poke(file, 0x214, 0x100000, 4);
    packer_poke(file, 0x22c, 0x7fffffff, 4);
    packer_poke(file, 0x230, 0x200000, 4);
    packer_poke(file, 0x234, 1, 1);
    packer_poke(file, 0x236, 0x7f, 2);
    packer_poke(file, 0x238, 2047, 4);
    packer_poke(file, 0x248, 0x100, 4);
    packer_poke(file, 0x24c, payload_size, 4);
    packer_poke(file, 0x258, 0x1000000, 8);
    packer_poke(file, 0x260, 0x3000000, 4);
    return file;
}
