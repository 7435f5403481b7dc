/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the packaged i386 decompression libraries want from a C library beyond the mem and str
 * functions (lib/bytes.c).  They get their memory through their own allocator hooks, so the C
 * library's allocator always says no here.  The rest is linked only because it shares an object
 * with what is used (bzlib's stdio layer) and is never reached; each ends in an invalid opcode,
 * which the stage's fault report shows with the function's name.
 *
 * The stack protector reads its canary at %gs:0x14: boot/entry.asm gives GS a block of its own.
 */
#include <stddef.h>
#include <stdint.h>

#include <lzma.h>

#include "crc32_fold.h"
#include "stage.h"

/* ---- used ----------------------------------------------------------------------------------- */

void __stack_chk_fail(void);
void __stack_chk_fail_local(void);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *block);

/* A canary was overwritten: the decoder's stack frame is damaged. */
void __stack_chk_fail(void)
{
    __builtin_trap();
}

void __stack_chk_fail_local(void)
{
    __builtin_trap();
}

void *malloc(size_t size)
{
    (void)size;
    return NULL;
}

void *calloc(size_t count, size_t size)
{
    (void)count;
    (void)size;
    return NULL;
}

void free(void *block)
{
    (void)block;
}

/* zlib's CRC of a gzip member.  liblzma has the same polynomial, is there anyway and is smaller:
 * defined here, zlib's own is not linked. */
unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned size);

unsigned long crc32(unsigned long crc, const unsigned char *data, unsigned size)
{
    return data ? lzma_crc32(data, size, (uint32_t)crc) : 0;
}

/* liblzma's CRC-32 (ld --wrap): by carry-less multiplication where the CPU has it. */
uint32_t __real_lzma_crc32(const uint8_t *data, size_t size, uint32_t crc);
uint32_t __wrap_lzma_crc32(const uint8_t *data, size_t size, uint32_t crc);

uint32_t __wrap_lzma_crc32(const uint8_t *data, size_t size, uint32_t crc)
{
    size_t folded = size & ~(size_t)(CRC32_FOLD_BLOCK - 1);
    uint8_t rest[CRC32_FOLD_REST];

    if (folded && cpu_multiplies_carry_less()) {
        crc32_fold(data, folded, ~crc, rest);
        crc = __real_lzma_crc32(rest, sizeof(rest), ~UINT32_C(0));
        data += folded;
        size -= folded;
    }
    return __real_lzma_crc32(data, size, crc);
}

/* ---- linked and never reached --------------------------------------------------------------- */

#define NEVER_REACHED(name)                                                                        \
    void name(void);                                                                               \
    void name(void)                                                                                \
    {                                                                                              \
        __builtin_trap();                                                                          \
    }

/* BZ2_bz__AssertH__fail(), and bzlib's reading and writing of files. */
NEVER_REACHED(exit)
NEVER_REACHED(__fprintf_chk)
NEVER_REACHED(__ctype_b_loc)
NEVER_REACHED(fclose)
NEVER_REACHED(fdopen)
NEVER_REACHED(ferror)
NEVER_REACHED(fflush)
NEVER_REACHED(fgetc)
NEVER_REACHED(fopen64)
NEVER_REACHED(fputc)
NEVER_REACHED(fread)
NEVER_REACHED(fwrite)
NEVER_REACHED(ungetc)

/* Compressing with libbz2. */
NEVER_REACHED(BZ2_compressBlock)

/* Formats of zstd before 1.0: only its one-call and streaming functions look for them. */
#define NEVER_REACHED_ZSTD(v)                                                                      \
    NEVER_REACHED(ZBUFF##v##_createDCtx)                                                           \
    NEVER_REACHED(ZBUFF##v##_decompressContinue)                                                   \
    NEVER_REACHED(ZBUFF##v##_decompressInitDictionary)                                             \
    NEVER_REACHED(ZBUFF##v##_freeDCtx)                                                             \
    NEVER_REACHED(ZSTD##v##_createDCtx)                                                            \
    NEVER_REACHED(ZSTD##v##_decompress_usingDict)                                                  \
    NEVER_REACHED(ZSTD##v##_findFrameSizeInfoLegacy)                                               \
    NEVER_REACHED(ZSTD##v##_freeDCtx)                                                              \
    NEVER_REACHED(ZSTD##v##_getFrameParams)

NEVER_REACHED_ZSTD(v05)
NEVER_REACHED_ZSTD(v06)
NEVER_REACHED_ZSTD(v07)

extern void *const stdin, *const stdout, *const stderr;
void *const stdin = NULL, *const stdout = NULL, *const stderr = NULL;
