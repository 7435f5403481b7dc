/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text on a linear framebuffer, for machines without VGA text.  Reading a framebuffer back is slow,
 * so nothing scrolls: after the last line writing goes on at the top, with a blank line ahead of
 * it.
 */
#ifndef LIB_FB_TEXT_H
#define LIB_FB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fb_text {
    uint8_t *pixels;                      /* as this program reaches them; NULL = no framebuffer */
    uint32_t pitch, width, height, bytes; /* bytes per line, pixels, pixels, bytes per pixel */
    uint32_t ink;                         /* the pixel value of light grey */
    uint32_t row, column;
};

/* bpp 15, 16, 24 or 32; the colour fields are bit positions and sizes as Multiboot 2 gives them.
 * Returns false (and leaves the console off) when the mode cannot be drawn: odd depth, a line
 * shorter than its pixels, a screen smaller than one character. */
bool fb_text_init(struct fb_text *fb, uint8_t *pixels, uint32_t pitch, uint32_t width,
                  uint32_t height, uint8_t bpp, const uint8_t position[3], const uint8_t size[3]);

/* Printable ASCII and newlines at the cursor, scrolling where the screen ends; the rest is dropped.
 * Nothing without a framebuffer. */
void fb_text_put(struct fb_text *fb, const char *text, size_t size);

#endif
