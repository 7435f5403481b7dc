/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An 8250 serial port, polled; see uart.h.  Source: PC16550D data sheet, section 8.
 */
#include "uart.h"

#include "port.h"

#define DATA     0 /* divisor low while DLAB is set */
#define ENABLE   1 /* interrupt enable; divisor high while DLAB is set */
#define FIFO     2
#define LINE     3
#define MODEM    4
#define STATUS   5
#define LINE_8N1 0x03
#define DLAB     0x80
#define FIFO_ON  0x07 /* on, both directions cleared */
#define DTR_RTS  0x03
#define THRE     0x20 /* the transmitter takes a byte */

#define CLOCK    115200u
#define WAIT_MAX 200000u /* port reads of about 1 us */

void uart_init(uint16_t port, uint32_t baud)
{
    uint32_t divisor = baud && baud <= CLOCK ? CLOCK / baud : 1;

    if (divisor > 0xffff)
        divisor = 0xffff;
    port_write8((uint16_t)(port + ENABLE), 0);
    port_write8((uint16_t)(port + LINE), DLAB | LINE_8N1);
    port_write8((uint16_t)(port + DATA), (uint8_t)divisor);
    port_write8((uint16_t)(port + ENABLE), (uint8_t)(divisor >> 8));
    port_write8((uint16_t)(port + LINE), LINE_8N1);
    port_write8((uint16_t)(port + FIFO), FIFO_ON);
    port_write8((uint16_t)(port + MODEM), DTR_RTS);
}

void uart_put(uint16_t port, uint8_t byte)
{
    uint32_t wait = WAIT_MAX;

    while (!(port_read8((uint16_t)(port + STATUS)) & THRE) && --wait)
        __asm__ volatile("pause");
    port_write8((uint16_t)(port + DATA), byte);
}
