/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading unsigned numbers from text, with C's prefixes (0x hexadecimal, 0 octal, else decimal), as
 * strtoull(…, 0) has it, but without wrapping and without a 64-bit division.
 */
#ifndef LIB_NUMBER_H
#define LIB_NUMBER_H

#include <stddef.h>

#include "checked.h"

/* The number that starts `text` (at most `size` characters), and in *used the characters it takes;
 * false when there is no digit or it does not fit in 64 bits. */
MUST_USE bool number_scan(const char *text, size_t size, uint64_t *ret, size_t *used);

/* All `size` characters are one number; with `units` it may end in K, M, G or T (or k, m, g, t)
 * for powers of 1024.  False otherwise. */
MUST_USE bool number_parse(const char *text, size_t size, bool units, uint64_t *ret);

#endif
