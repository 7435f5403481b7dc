/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small printf over a character sink; see out.h for what it understands.  It never divides 64-bit
 * numbers: i386 without libgcc cannot.
 */
#include "out.h"

#include <stdbool.h>

#include "bytes.h"

struct spec {
    bool left, zero, alternate, upper;
    int width, precision;
};

static void pad(struct out *out, char fill, int count)
{
    while (count-- > 0)
        out->put(out, &fill, 1);
}

/* value / 10 with the remainder in *digit, by long division over 16-bit pieces. */
static uint64_t divide_by_10(uint64_t value, unsigned *digit)
{
    uint64_t quotient = 0;
    uint32_t rest = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
        uint32_t piece = (rest << 16) | (uint32_t)((value >> shift) & 0xffff);
        quotient = (quotient << 16) | (piece / 10);
        rest = piece % 10;
    }
    *digit = rest;
    return quotient;
}

static void put_number(struct out *out, uint64_t value, bool negative, bool hex,
                       const struct spec *spec)
{
    char digits[24];
    const char *prefix = negative                            ? "-"
                         : (hex && spec->alternate && value) ? (spec->upper ? "0X" : "0x")
                                                             : "";
    int count = 0;
    bool none = value == 0 && spec->precision == 0;

    while (!none && (value || !count)) {
        unsigned digit;
        if (hex) {
            digit = (unsigned)(value & 15);
            value >>= 4;
        } else {
            value = divide_by_10(value, &digit);
        }
        digits[sizeof(digits) - 1 - (size_t)count++] =
            (spec->upper ? "0123456789ABCDEF" : "0123456789abcdef")[digit];
    }
    int prefix_length = (int)strlen(prefix);
    int zeros = spec->precision > count ? spec->precision - count : 0;
    int room = spec->width - prefix_length - zeros - count;
    if (spec->zero && !spec->left && spec->precision < 0 && room > 0) {
        zeros += room;
        room = 0;
    }
    if (!spec->left)
        pad(out, ' ', room);
    out->put(out, prefix, (size_t)prefix_length);
    pad(out, '0', zeros);
    out->put(out, digits + sizeof(digits) - count, (size_t)count);
    if (spec->left)
        pad(out, ' ', room);
}

static void put_string(struct out *out, const char *text, const struct spec *spec)
{
    if (!text)
        text = "(null)";
    size_t length = spec->precision >= 0 ? strnlen(text, (size_t)spec->precision) : strlen(text);
    int room = spec->width - (int)length;
    if (!spec->left)
        pad(out, ' ', room);
    out->put(out, text, length);
    if (spec->left)
        pad(out, ' ', room);
}

static int parse_number(const char **format)
{
    int value = 0;
    while (**format >= '0' && **format <= '9' && value < 100000)
        value = value * 10 + (*(*format)++ - '0');
    return value;
}

static const char *read_flags(const char *format, struct spec *spec)
{
    for (;; format++) {
        if (*format == '-')
            spec->left = true;
        else if (*format == '0')
            spec->zero = true;
        else if (*format == '#')
            spec->alternate = true;
        else
            return format;
    }
}

/* *ret: how many `l` the argument's type would have; shorter ones than int are passed as int. */
static const char *read_length(const char *format, int *ret)
{
    *ret = 0;
    for (;; format++) {
        if (*format == 'l')
            ++*ret;
        else if (*format == 'j')
            *ret = 2;
        else if (*format == 'z')
            *ret = sizeof(size_t) == sizeof(long) ? 1 : 0;
        else if (*format != 'h')
            return format;
    }
}

void out_vprintf(struct out *out, const char *format, va_list args)
{
    for (;;) {
        const char *plain = format;
        while (*format && *format != '%')
            format++;
        if (format != plain)
            out->put(out, plain, (size_t)(format - plain));
        if (!*format)
            return;
        const char *start = format++;

        struct spec spec = {.precision = -1};
        format = read_flags(format, &spec);
        if (*format == '*') {
            spec.width = va_arg(args, int);
            format++;
        } else {
            spec.width = parse_number(&format);
        }
        if (*format == '.') {
            format++;
            if (*format == '*') {
                spec.precision = va_arg(args, int);
                format++;
            } else {
                spec.precision = parse_number(&format);
            }
        }
        int longs;
        format = read_length(format, &longs);
        switch (*format) {
        case '%':
            out->put(out, "%", 1);
            break;
        case 'c': {
            char c = (char)va_arg(args, int);
            out->put(out, &c, 1);
            break;
        }
        case 's':
            put_string(out, va_arg(args, const char *), &spec);
            break;
        case 'd': {
            int64_t value = longs >= 2   ? va_arg(args, long long)
                            : longs == 1 ? va_arg(args, long)
                                         : va_arg(args, int);
            put_number(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0, false,
                       &spec);
            break;
        }
        case 'u':
        case 'x':
        case 'X': {
            uint64_t value = longs >= 2   ? va_arg(args, unsigned long long)
                             : longs == 1 ? va_arg(args, unsigned long)
                                          : va_arg(args, unsigned);
            spec.upper = *format == 'X';
            put_number(out, value, false, *format != 'u', &spec);
            break;
        }
        case 'p':
            spec.alternate = true;
            put_number(out, (uintptr_t)va_arg(args, void *), false, true, &spec);
            break;
        default:
            out->put(out, start, (size_t)(format - start));
            continue;
        }
        format++;
    }
}

void out_printf(struct out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    out_vprintf(out, format, args);
    va_end(args);
}

void out_text(struct out *out, const char *text)
{
    out->put(out, text, strlen(text));
}

static void buffer_put(struct out *out, const char *text, size_t size)
{
    struct out_buffer *buffer = (struct out_buffer *)out->context;
    for (size_t i = 0; i < size; i++, buffer->length++)
        if (buffer->length + 1 < buffer->size)
            buffer->text[buffer->length] = text[i];
    buffer->text[buffer->length < buffer->size ? buffer->length : buffer->size - 1] = 0;
}

void out_buffer_init(struct out_buffer *buffer, char *text, size_t size)
{
    *buffer = (struct out_buffer){{buffer_put, buffer}, text, size, 0};
    text[0] = 0;
}

size_t out_format(char *text, size_t size, const char *format, ...)
{
    struct out_buffer buffer;
    va_list args;
    out_buffer_init(&buffer, text, size);
    va_start(args, format);
    out_vprintf(&buffer.out, format, args);
    va_end(args);
    return buffer.length;
}
