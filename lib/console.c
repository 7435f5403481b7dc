/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All consoles that are switched on, behind one struct out; see console.h.  Every '\n' becomes CR
 * LF on a serial line.
 */
#include "console.h"

#include "bytes.h"
#include "port.h"
#include "uart.h"
#include "vga.h"

#define DEBUGCON 0xe9

static void console_put(struct out *out, const char *text, size_t size)
{
    struct console *console = out->context;

    if (console->framebuffer.pixels)
        fb_text_put(&console->framebuffer, text, size);
    for (size_t i = 0; i < size; i++) {
        for (uint32_t u = 0; u < CONSOLE_UART_MAX; u++) {
            if (!console->uart[u])
                continue;
            if (text[i] == '\n')
                uart_put(console->uart[u], '\r');
            uart_put(console->uart[u], (uint8_t)text[i]);
        }
        if (console->debugcon)
            port_write8(DEBUGCON, (uint8_t)text[i]);
        if (console->vga)
            vga_put(console->vga_memory, &console->vga_row, &console->vga_column, text[i]);
    }
}

void console_init(struct console *console, const uint16_t *uart, uint32_t uart_count, uint32_t baud,
                  bool vga, bool debugcon, uint8_t *vga_memory)
{
    memset(console, 0, sizeof(*console));
    console->out = (struct out){console_put, console};
    for (uint32_t i = 0; i < uart_count && i < CONSOLE_UART_MAX; i++) {
        console->uart[i] = uart[i];
        uart_init(uart[i], baud);
    }
    console->debugcon = debugcon;
    console->vga = vga && vga_memory;
    console->vga_memory = vga_memory;
    if (console->vga)
        vga_cursor(&console->vga_row, &console->vga_column);
}
