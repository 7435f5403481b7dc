/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CRC-32 (of gzip, xz, lzop) and Adler-32 (of lzop) by libdeflate, which has the fastest of
 * Debian's: by carry-less multiplication and by SSE2, where the CPU has them.  Defined here under
 * the names that the packaged decompressors call, their own are not linked.  libdeflate asks CPUID:
 * every CPU that gets as far as a decompressor has it (loader/unpack.c wants CMOV).
 */
#include <libdeflate.h>
#include <lzma.h>
#include <lzo/lzo1x.h>
#include <zlib.h>

/* libdeflate keeps vectors on a stack aligned to 16 bytes, as the i386 ABI promises. */
#define ALIGNS_STACK __attribute__((force_align_arg_pointer))

ALIGNS_STACK uint32_t lzma_crc32(const uint8_t *data, size_t size, uint32_t crc)
{
    return libdeflate_crc32(crc, data, size);
}

ALIGNS_STACK lzo_uint32_t lzo_crc32(lzo_uint32_t crc, const lzo_bytep data, lzo_uint size)
{
    return libdeflate_crc32(crc, data, size);
}

ALIGNS_STACK lzo_uint32_t lzo_adler32(lzo_uint32_t sum, const lzo_bytep data, lzo_uint size)
{
    return libdeflate_adler32(sum, data, size);
}

ALIGNS_STACK uLong crc32(uLong crc, const Bytef *data, uInt size)
{
    return libdeflate_crc32((uint32_t)crc, data, size);
}

/* For zlib streams, which no container here is. */
ALIGNS_STACK uLong adler32(uLong sum, const Bytef *data, uInt size)
{
    return libdeflate_adler32((uint32_t)sum, data, size);
}
