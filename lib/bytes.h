/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The memory and string functions of <string.h> that freestanding code (and gcc itself) needs.
 * On the host the C library provides them; lib/bytes.c is linked into the freestanding images only.
 */
#ifndef LIB_BYTES_H
#define LIB_BYTES_H

#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *s, int byte, size_t size);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *s, int byte);
#endif

/* Copies at most `size` - 1 characters of `from` and always ends `to` with a NUL (size > 0).
 * Returns the length of `from`, so a result >= size means that it was cut. */
size_t string_copy(char *to, const char *from, size_t size);

#endif
