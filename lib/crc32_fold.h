/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CRC-32 (polynomial 0x04C11DB7, bits reflected: gzip, xz, Ethernet) by carry-less multiplication:
 * a seventh of the instructions that tables take.
 * Source: Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
 * Instruction", Intel 2009.
 */
#ifndef LIB_CRC32_FOLD_H
#define LIB_CRC32_FOLD_H

#include <stddef.h>
#include <stdint.h>

#define CRC32_FOLD_BLOCK 64 /* bytes, and the least that folding is for */
#define CRC32_FOLD_REST  16

/* Folds the first `size` bytes of `data`, a multiple of CRC32_FOLD_BLOCK and not 0, into 16: those
 * have, from the remainder 0 on, the remainder that all had from `remainder` on.  A remainder is
 * the CRC before its last inversion.  The CPU must have PCLMULQDQ, its SSE2 registers switched on.
 */
void crc32_fold(const uint8_t *data, size_t size, uint32_t remainder,
                uint8_t rest[CRC32_FOLD_REST]);

#endif
