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
