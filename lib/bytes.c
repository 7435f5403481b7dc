/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The mem and str functions for the freestanding images, and string_copy() for all.  `rep` string
 * instructions: small, and the fast way on every CPU that has fast strings.
 */
#include "bytes.h"

#include <stdbool.h>

#if !__STDC_HOSTED__
#if defined(__x86_64__)
#define REP_MOVS  "rep movsq"
#define REP_STOS  "rep stosq"
#define WORD_SIZE 8
#else
#define REP_MOVS  "rep movsl"
#define REP_STOS  "rep stosl"
#define WORD_SIZE 4
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *d = to;
    size_t words = size / WORD_SIZE, rest = size % WORD_SIZE;
    __asm__ volatile(REP_MOVS : "+D"(d), "+S"(from), "+c"(words)::"memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest)::"memory");
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= size)
        return memcpy(to, from, size);
    while (size--)
        d[size] = s[size];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *d = to;
    size_t word = (uint8_t)byte * (~(size_t)0 / 255);
    size_t words = size / WORD_SIZE, rest = size % WORD_SIZE;
    __asm__ volatile(REP_STOS : "+D"(d), "+c"(words) : "a"(word) : "memory");
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(word) : "memory");
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < size; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int byte, size_t size)
{
    bool found;
    if (!size)
        return NULL;
    __asm__ volatile("repne scasb" : "+D"(s), "+c"(size), "=@ccz"(found) : "a"(byte) : "memory");
    return found ? (void *)((uintptr_t)s - 1) : NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

size_t strnlen(const char *s, size_t limit)
{
    size_t n = 0;
    while (n < limit && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, ~(size_t)0);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (size_t i = 0; i < limit; i++) {
        uint8_t x = (uint8_t)a[i], y = (uint8_t)b[i];
        if (x != y)
            return x < y ? -1 : 1;
        if (!x)
            break;
    }
    return 0;
}

char *strchr(const char *s, int byte)
{
    for (;; s++) {
        if (*s == (char)byte)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}
#endif

size_t string_copy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);
    size_t kept = length < size ? length : size - 1;
    memcpy(to, from, kept);
    to[kept] = 0;
    return length;
}
