/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An 8250 (16550) serial port, polled.
 */
#ifndef LIB_UART_H
#define LIB_UART_H

#include <stddef.h>
#include <stdint.h>

/* 8N1 at `baud` (115200 divided by a whole number; else the next faster one), FIFO on, no
 * interrupts.  port: first I/O port. */
void uart_init(uint16_t port, uint32_t baud);

/* Sends one byte.  Waits for room, at most about a character's time at 50 baud; a port without a
 * UART swallows the byte. */
void uart_put(uint16_t port, uint8_t byte);

#endif
