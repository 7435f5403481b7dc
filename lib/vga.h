/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VGA text, 80 by 25, colour adapter.
 */
#ifndef LIB_VGA_H
#define LIB_VGA_H

#include <stdint.h>

#define VGA_COLUMNS 80
#define VGA_ROWS    25

/* Puts one character at *row, *column of the text memory and advances them; '\n' begins a new line,
 * the last row scrolls.  The hardware cursor follows at every new line. */
void vga_put(volatile uint8_t *memory, uint32_t *row, uint32_t *column, char c);

/* Where the hardware cursor stands, so that what the firmware printed stays readable. */
void vga_cursor(uint32_t *row, uint32_t *column);

#endif
