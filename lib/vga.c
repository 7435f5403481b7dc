/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VGA text; see vga.h.  Source: IBM VGA, CRT controller registers 0x0E and 0x0F (cursor).
 */
#include "vga.h"

#include "port.h"

#define CRTC_INDEX  0x3d4
#define CRTC_DATA   0x3d5
#define CURSOR_HIGH 0x0e
#define CURSOR_LOW  0x0f
#define ATTRIBUTE   0x07 /* light grey on black */

static void move_cursor(uint32_t row, uint32_t column)
{
    uint32_t at = row * VGA_COLUMNS + column;

    port_write8(CRTC_INDEX, CURSOR_HIGH);
    port_write8(CRTC_DATA, (uint8_t)(at >> 8));
    port_write8(CRTC_INDEX, CURSOR_LOW);
    port_write8(CRTC_DATA, (uint8_t)at);
}

void vga_cursor(uint32_t *row, uint32_t *column)
{
    uint32_t at;

    port_write8(CRTC_INDEX, CURSOR_HIGH);
    at = (uint32_t)port_read8(CRTC_DATA) << 8;
    port_write8(CRTC_INDEX, CURSOR_LOW);
    at |= port_read8(CRTC_DATA);
    *row = at / VGA_COLUMNS;
    *column = at % VGA_COLUMNS;
    if (*row >= VGA_ROWS) {
        *row = VGA_ROWS - 1;
        *column = 0;
    }
}

static void set_cell(volatile uint8_t *memory, uint32_t cell, char c)
{
    memory[cell * 2] = (uint8_t)c;
    memory[cell * 2 + 1] = ATTRIBUTE;
}

static void new_line(volatile uint8_t *memory, uint32_t *row, uint32_t *column)
{
    *column = 0;
    if (++*row < VGA_ROWS)
        return;
    *row = VGA_ROWS - 1;
    for (uint32_t i = 0; i < (VGA_ROWS - 1) * VGA_COLUMNS * 2; i++)
        memory[i] = memory[i + VGA_COLUMNS * 2];
    for (uint32_t i = 0; i < VGA_COLUMNS; i++)
        set_cell(memory, (VGA_ROWS - 1) * VGA_COLUMNS + i, ' ');
}

void vga_put(volatile uint8_t *memory, uint32_t *row, uint32_t *column, char c)
{
    if (c == '\r') {
        *column = 0;
    } else if (c == '\n') {
        new_line(memory, row, column);
        move_cursor(*row, *column);
    } else {
        if (*column >= VGA_COLUMNS)
            new_line(memory, row, column);
        set_cell(memory, *row * VGA_COLUMNS + (*column)++, c);
    }
}
