/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Text on a framebuffer: pixels where the glyph has them, nothing outside, every refused mode.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fb_text.h"
#include "font.h"

static const uint8_t position[3] = {16, 8, 0}, sizes[3] = {8, 8, 8};

static void glyphs_are_drawn(void **state)
{
    struct fb_text fb;
    uint32_t rows = 3, columns = 4, pitch = columns * FONT_WIDTH * 4 + 12;
    uint8_t *pixels = calloc(rows * font_height, pitch);
    (void)state;
    assert_true(fb_text_init(&fb, pixels, pitch, columns * FONT_WIDTH, rows * font_height, 32,
                             position, sizes));
    assert_int_equal(fb.ink, 0xaaaaaa);
    fb_text_put(&fb, "aA\n\001x", 5);
    for (uint32_t y = 0; y < font_height; y++)
        for (uint32_t x = 0; x < FONT_WIDTH; x++) {
            uint32_t pixel;
            memcpy(&pixel, pixels + y * pitch + (FONT_WIDTH + x) * 4, 4);
            bool set = font_glyph[('A' - FONT_FIRST) * font_height + y] & (0x80 >> x);
            assert_int_equal(pixel, set ? fb.ink : 0);
        }
    assert_int_equal(fb.row, 1);
    assert_int_equal(fb.column, 1);
    for (int i = 0; i < 100; i++)
        fb_text_put(&fb, "W~", 2);
    for (uint32_t y = 0; y < rows * font_height; y++)
        for (uint32_t x = 0; x < 12; x++)
            assert_int_equal(pixels[y * pitch + columns * FONT_WIDTH * 4 + x], 0);
    free(pixels);
}

static void bad_modes_are_refused(void **state)
{
    struct fb_text fb;
    uint8_t pixels[1];
    const uint8_t far[3] = {32, 0, 0}, wide[3] = {9, 8, 8};
    (void)state;
    assert_false(fb_text_init(&fb, pixels, 640, 640, 480, 8, position, sizes));
    assert_false(fb_text_init(&fb, pixels, 640 * 4 - 1, 640, 480, 32, position, sizes));
    assert_false(fb_text_init(&fb, pixels, 4 * 7, 7, 480, 32, position, sizes));
    assert_false(fb_text_init(&fb, pixels, 640 * 4, 640, 16, 32, position, sizes));
    assert_false(fb_text_init(&fb, pixels, 640 * 4, 640, 480, 32, far, sizes));
    assert_false(fb_text_init(&fb, pixels, 640 * 4, 640, 480, 32, position, wide));
    fb_text_put(&fb, "not drawn", 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(glyphs_are_drawn),
        cmocka_unit_test(bad_modes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
