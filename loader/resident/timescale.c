/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clock arithmetic.  See timescale.h; the normalisation of the factor is that of Xen's
 * arch/x86/time.c: set_time_scale(), because guests invert it to find the TSC frequency.
 */
#include "timescale.h"

#include <stddef.h>

#define NS_PER_SECOND UINT32_C(1000000000)

/* Long division in two digits of 32 bits: the upper remainder is below b, so DIVL cannot fault. */
uint64_t divide_u64_u32(uint64_t a, uint32_t b, uint32_t *rem)
{
    uint32_t high = (uint32_t)(a >> 32), low = (uint32_t)a, rest = high % b;
    __asm__("divl %4" : "=a"(low), "=d"(rest) : "0"(low), "1"(rest), "r"(b) : "cc");
    if (rem != NULL)
        *rem = rest;
    return (uint64_t)(high / b) << 32 | low;
}

uint64_t multiply_divide_u64(uint64_t a, uint32_t b, uint32_t c)
{
    /* a * b as 96 bits: high 64 and low 32; divided in two steps with the remainder carried. */
    uint64_t low_product = (a & 0xffffffffu) * b;
    uint64_t high_product = (a >> 32) * b + (low_product >> 32);
    uint32_t rem, low;
    uint64_t high_quotient = divide_u64_u32(high_product, c, &rem);
    if (high_quotient >> 32)
        return UINT64_MAX;
    low = (uint32_t)divide_u64_u32((uint64_t)rem << 32 | (uint32_t)low_product, c, NULL);
    return high_quotient << 32 | low;
}

struct timescale timescale_from_hz(uint64_t hz)
{
    struct timescale scale = {0, 0};
    if (hz == 0)
        hz = NS_PER_SECOND;
    while (hz > 2 * (uint64_t)NS_PER_SECOND) {
        hz >>= 1;
        scale.shift--;
    }
    while (hz <= NS_PER_SECOND) {
        hz <<= 1;
        scale.shift++;
    }
    /* hz is in (10^9, 2 * 10^9]: the quotient is below 2^32. */
    scale.mul = (uint32_t)divide_u64_u32((uint64_t)NS_PER_SECOND << 32, (uint32_t)hz, NULL);
    return scale;
}

uint64_t timescale_ns(struct timescale scale, uint64_t ticks)
{
    if (scale.shift < 0)
        ticks >>= -scale.shift;
    else
        ticks <<= scale.shift;
    return (ticks >> 32) * scale.mul + (((ticks & 0xffffffffu) * scale.mul) >> 32);
}

uint64_t timescale_ticks(uint64_t hz, uint64_t ns)
{
    uint32_t rest;
    uint64_t seconds = divide_u64_u32(ns, NS_PER_SECOND, &rest);
    if (hz == 0)
        return 0;
    if (seconds > UINT32_MAX)
        return UINT64_MAX;
    uint64_t whole, part;
    if (__builtin_mul_overflow(hz & 0xffffffffu, seconds, &whole))
        return UINT64_MAX;
    uint64_t upper = (hz >> 32) * seconds;
    if (upper >> 32 || __builtin_add_overflow(whole, upper << 32, &whole))
        return UINT64_MAX;
    part = multiply_divide_u64(hz, rest, NS_PER_SECOND);
    if (__builtin_add_overflow(whole, part, &whole) || __builtin_add_overflow(whole, 1, &whole))
        return UINT64_MAX;
    return whole;
}

static uint32_t is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

uint64_t calendar_to_unix(const struct calendar *c)
{
    static const uint16_t days_before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    if (c->year < 1970 || c->year > 9999 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > 31 || c->hour > 23 || c->minute > 59 || c->second > 60)
        return 0;
    uint32_t before = c->year - 1;
    uint32_t leaps =
        before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    uint32_t days = (c->year - 1970) * 365 + leaps + days_before[c->month - 1] + c->day - 1;
    if (c->month > 2)
        days += is_leap(c->year);
    return (uint64_t)days * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
}
