/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text output, hex first: a sink that takes characters, and a small printf over it.  The same code
 * prints on the stage's consoles, into the host tool's stdout and into test buffers.
 */
#ifndef LIB_OUT_H
#define LIB_OUT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct out {
    void (*put)(struct out *out, const char *text, size_t size);
    void *context; /* belongs to whoever made the sink */
};

/* A sink that fills a buffer of `size` bytes (> 0), always NUL-terminated; what does not fit is
 * dropped and counted in `length` all the same. */
struct out_buffer {
    struct out out;
    char *text;
    size_t size;
    size_t length;
};

/* An empty one over `size` bytes (> 0) at text, which stay the caller's. */
void out_buffer_init(struct out_buffer *buffer, char *text, size_t size);

/* printf subset: %% %c %s %d %u %x %X %p, flags '-' '0' '#', width and precision as numbers or '*',
 * lengths hh h l ll z j.  An unknown conversion is printed as it stands. */
void out_printf(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void out_vprintf(struct out *out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void out_text(struct out *out, const char *text);

/* snprintf over out_vprintf: returns the length that the text would have had. */
size_t out_format(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
