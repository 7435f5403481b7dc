/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers from text; see number.h.
 */
#include "number.h"

static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned)(c - 'A') + 10;
    return 99;
}

bool number_scan(const char *text, size_t size, uint64_t *ret, size_t *used)
{
    uint32_t base = 10;
    size_t at = 0;
    if (size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
        digit_value(text[2]) < 16) {
        base = 16;
        at = 2;
    } else if (size > 1 && text[0] == '0') {
        base = 8;
    }
    size_t first = at;
    uint64_t value = 0;
    while (at < size && digit_value(text[at]) < base) {
        if (!checked_mul_u64(value, base, &value) ||
            !checked_add_u64(value, digit_value(text[at]), &value))
            return false;
        at++;
    }
    if (at == first)
        return false;
    *ret = value;
    *used = at;
    return true;
}

bool number_parse(const char *text, size_t size, bool units, uint64_t *ret)
{
    uint64_t value;
    size_t used;
    unsigned shift = 0;
    if (!number_scan(text, size, &value, &used))
        return false;
    if (units && used + 1 == size) {
        switch (text[used] | 0x20) {
        case 'k':
            shift = 10;
            break;
        case 'm':
            shift = 20;
            break;
        case 'g':
            shift = 30;
            break;
        case 't':
            shift = 40;
            break;
        default:
            return false;
        }
        used++;
    }
    if (used != size || value << shift >> shift != value)
        return false;
    *ret = value << shift;
    return true;
}
