/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Arithmetic that refuses instead of wrapping.  Every function returns true when the result fits
 * and was stored, false when it does not; *ret is then untouched.
 */
#ifndef LIB_CHECKED_H
#define LIB_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

static inline MUST_USE bool checked_add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
    uint64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *ret = sum;
    return true;
}

static inline MUST_USE bool checked_sub_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
    if (b > a)
        return false;
    *ret = a - b;
    return true;
}

/* a * b for a small b; b == 0 gives 0.  Done without a 64-bit division, which i386 lacks. */
static inline MUST_USE bool checked_mul_u64(uint64_t a, uint32_t b, uint64_t *ret)
{
    uint64_t low = (a & 0xffffffffu) * b;
    uint64_t high = (a >> 32) * b;
    if (high >> 32)
        return false;
    return checked_add_u64(high << 32, low, ret);
}

/* Rounds up to a power of two `align`. */
static inline MUST_USE bool checked_align_up_u64(uint64_t a, uint64_t align, uint64_t *ret)
{
    uint64_t sum;
    if (!checked_add_u64(a, align - 1, &sum))
        return false;
    *ret = sum & ~(align - 1);
    return true;
}

static inline MUST_USE bool narrow_u32(uint64_t a, uint32_t *ret)
{
    if (a >> 32)
        return false;
    *ret = (uint32_t)a;
    return true;
}

/* Rounds down to a power of two; cannot overflow. */
static inline uint64_t align_down_u64(uint64_t a, uint64_t align)
{
    return a & ~(align - 1);
}

#endif
