/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Output of the test guests: a small formatter that collects one line and hands it to whatever the
 * door writes to (COM1, or console_io under PV).
 */
#include "guest.h"

#include <stdarg.h>

void (*output_write)(const char *text, size_t size) = serial_write;

static char line[160];
static size_t line_used;

static void put(char c)
{
    if (line_used == sizeof(line)) {
        output_write(line, line_used);
        line_used = 0;
    }
    line[line_used++] = c;
}

static void put_text(const char *text)
{
    while (*text)
        put(*text++);
}

static void put_hex(uint64_t value, unsigned digits_min)
{
    unsigned digits = 1;
    while (digits < 16 && (value >> (4 * digits)) != 0)
        digits++;
    if (digits < digits_min)
        digits = digits_min;
    while (digits--)
        put("0123456789abcdef"[(value >> (4 * digits)) & 15]);
}

static void put_decimal(uint32_t value)
{
    char digits[10];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count--)
        put(digits[count]);
}

void print(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    for (; *format; format++) {
        unsigned longs = 0, width = 0;
        if (*format != '%') {
            put(*format);
            continue;
        }
        for (format++; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + (unsigned)(*format - '0');
        for (; *format == 'l'; format++)
            longs++;
        switch (*format) {
        case 's':
            put_text(va_arg(list, const char *));
            break;
        case 'c':
            put((char)va_arg(list, int));
            break;
        case 'u':
            put_decimal(va_arg(list, unsigned));
            break;
        case 'x':
            put_hex(longs == 2   ? va_arg(list, unsigned long long)
                    : longs == 1 ? va_arg(list, unsigned long)
                                 : va_arg(list, unsigned),
                    width);
            break;
        default:
            put(*format);
            break;
        }
    }
    va_end(list);
    if (line_used) {
        output_write(line, line_used);
        line_used = 0;
    }
}

void field(const char *name, uint64_t value)
{
    print("guest: %s = 0x%llx\n", name, (unsigned long long)value);
}

void field_text(const char *name, const char *text)
{
    print("guest: %s = \"%s\"\n", name, text);
}
