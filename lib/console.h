/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The consoles: 8250 serial ports, VGA text, QEMU's debugcon, a linear framebuffer.  One struct out
 * that writes to all that are switched on.  Polling, no interrupts, bounded waits: an absent UART
 * never hangs the machine.
 */
#ifndef LIB_CONSOLE_H
#define LIB_CONSOLE_H

#include <stdbool.h>

#include "fb_text.h"
#include "out.h"

#define CONSOLE_UART_MAX 4

struct console {
    struct out out;
    uint16_t uart[CONSOLE_UART_MAX]; /* I/O ports, 0 = none */
    bool vga, debugcon;
    uint8_t *vga_memory; /* 80x25 text, as this program reaches it */
    uint32_t vga_row, vga_column;
    struct fb_text framebuffer; /* pixels NULL = none */
};

/* Programs the UARTs (8N1, baud, FIFO) and clears nothing on screen.  vga_memory: where 0xB8000 is
 * reached. */
void console_init(struct console *console, const uint16_t *uart, uint32_t uart_count, uint32_t baud,
                  bool vga, bool debugcon, uint8_t *vga_memory);

#endif
