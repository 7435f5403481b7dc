/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Characters to pixels; see fb_text.h.
 */
#include "fb_text.h"

#include "bytes.h"
#include "font.h"

#define GREY 0xaa

bool fb_text_init(struct fb_text *fb, uint8_t *pixels, uint32_t pitch, uint32_t width,
                  uint32_t height, uint8_t bpp, const uint8_t position[3], const uint8_t size[3])
{
    memset(fb, 0, sizeof(*fb));
    uint32_t bytes = (bpp + 7u) / 8;
    if (bpp < 15 || bpp > 32 || width > 0xffff || height > 0xffff || pitch < width * bytes ||
        width < FONT_WIDTH || height < 2 * font_height)
        return false;
    for (int i = 0; i < 3; i++) {
        if (position[i] > 31 || size[i] > 8)
            return false;
        fb->ink |= (uint32_t)(GREY >> (8 - size[i])) << position[i];
    }
    fb->pixels = pixels;
    fb->pitch = pitch;
    fb->width = width;
    fb->height = height;
    fb->bytes = bytes;
    return true;
}

static void draw(const struct fb_text *fb, uint32_t row, uint32_t column, char c)
{
    const uint8_t *glyph = font_glyph + (size_t)((uint8_t)c - FONT_FIRST) * font_height;
    for (uint32_t y = 0; y < font_height; y++) {
        uint8_t *to = fb->pixels + (size_t)(row * font_height + y) * fb->pitch +
                      (size_t)column * FONT_WIDTH * fb->bytes;
        for (uint32_t x = 0; x < FONT_WIDTH; x++, to += fb->bytes) {
            uint32_t pixel = glyph[y] & (0x80u >> x) ? fb->ink : 0;
            memcpy(to, &pixel, fb->bytes);
        }
    }
}

static void clear_row(const struct fb_text *fb, uint32_t row)
{
    for (uint32_t y = 0; y < font_height; y++)
        memset(fb->pixels + (size_t)(row * font_height + y) * fb->pitch, 0, fb->width * fb->bytes);
}

static void new_line(struct fb_text *fb)
{
    uint32_t rows = fb->height / font_height;
    fb->column = 0;
    fb->row = fb->row + 1 < rows ? fb->row + 1 : 0;
    clear_row(fb, fb->row);
    clear_row(fb, fb->row + 1 < rows ? fb->row + 1 : 0);
}

void fb_text_put(struct fb_text *fb, const char *text, size_t size)
{
    if (!fb->pixels)
        return;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n') {
            new_line(fb);
            continue;
        }
        if (text[i] < FONT_FIRST || text[i] > FONT_LAST)
            continue;
        if (fb->column == fb->width / FONT_WIDTH)
            new_line(fb);
        draw(fb, fb->row, fb->column++, text[i]);
    }
}
