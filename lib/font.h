/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The bitmap font for framebuffers, 8 pixels wide: glyphs of ASCII 32 to 126, one byte a row, the
 * most significant bit on the left.  build/font.c is generated from Debian's console fonts by
 * tools/gen-font.
 */
#ifndef LIB_FONT_H
#define LIB_FONT_H

#include <stdint.h>

#define FONT_FIRST 32
#define FONT_LAST  126
#define FONT_WIDTH 8

extern const uint32_t font_height; /* rows of a glyph */
extern const uint8_t font_glyph[]; /* font_height bytes a glyph */

#endif
