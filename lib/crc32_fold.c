/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Folding for CRC-32; see crc32_fold.h.  Four registers hold 64 bytes, xmm0 the first; a turn
 * multiplies their halves by powers of x that carry them 64 bytes on, and adds the next 64.
 */
#include "crc32_fold.h"

#if defined(__SSE2__)
#define USED_REGISTERS                                                                             \
    , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6" /* else the compiler has none */
#else
#define USED_REGISTERS
#endif

/* x^(n + 32) and x^(n - 32) modulo the polynomial, reflected: what carries a low and a high half
 * n bits on. */
static const uint64_t by_512[2] = {0x154442bd4, 0x1c6e41596};
static const uint64_t by_128[2] = {0x1751997d0, 0x0ccaa009e};

/* Register n carried on by what xmm6 says and added to the 16 bytes in xmm5. */
#define CARRY(n)                                                                                   \
    "movdqa %%xmm" #n ", %%xmm4\n\t"                                                               \
    "pclmulqdq $0x00, %%xmm6, %%xmm4\n\t"                                                          \
    "pclmulqdq $0x11, %%xmm6, %%xmm" #n "\n\t"                                                     \
    "pxor %%xmm4, %%xmm5\n\t"                                                                      \
    "pxor %%xmm" #n ", %%xmm5\n\t"

#define NEXT(n, offset)                                                                            \
    "movdqu " #offset "(%0), %%xmm5\n\t" CARRY(n) "movdqa %%xmm5, %%xmm" #n "\n\t"

#define INTO(n, next)                                                                              \
    "movdqa %%xmm" #next ", %%xmm5\n\t" CARRY(n) "movdqa %%xmm5, %%xmm" #next "\n\t"

void crc32_fold(const uint8_t *data, size_t size, uint32_t remainder, uint8_t rest[CRC32_FOLD_REST])
{
    const uint8_t *last = data + size - CRC32_FOLD_BLOCK;
    __asm__ volatile("movdqu (%0), %%xmm0\n\t"
                     "movdqu 16(%0), %%xmm1\n\t"
                     "movdqu 32(%0), %%xmm2\n\t"
                     "movdqu 48(%0), %%xmm3\n\t"
                     "movd %2, %%xmm4\n\t"
                     "pxor %%xmm4, %%xmm0\n\t"
                     "movdqu %4, %%xmm6\n\t"
                     "jmp 2f\n"
                     "1:\n\t" NEXT(0, 64) NEXT(1, 80) NEXT(2, 96)
                         NEXT(3, 112) "add $64, %0\n"
                                      "2:\n\t"
                                      "cmp %1, %0\n\t"
                                      "jne 1b\n\t"
                                      "movdqu %5, %%xmm6\n\t" INTO(0, 1) INTO(1, 2)
                                          INTO(2, 3) "movdqu %%xmm3, %3"
                     : "+r"(data)
                     : "r"(last), "r"(remainder), "m"(*(uint8_t(*)[CRC32_FOLD_REST])rest),
                       "m"(by_512), "m"(by_128)
                     : "memory", "cc" USED_REGISTERS);
}
