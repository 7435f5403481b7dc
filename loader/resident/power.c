/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The end of the machine's run: debug-exit port, power-off, reset, halt.
 */
#include "layer.h"

#define PORT_KEYBOARD 0x64
#define PORT_RESET    0xcf9

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static _Noreturn void reset(void)
{
    port_write8(PORT_RESET, 2);
    port_write8(PORT_RESET, 6);
    for (uint32_t i = 0; i < 100000 && port_read8(PORT_KEYBOARD) & 2; i++)
        ;
    port_write8(PORT_KEYBOARD, 0xfe);
    for (uint32_t i = 0; i < 10000000; i++)
        __asm__ volatile("pause");
    halt();
}

_Noreturn void layer_end(enum end end, uint32_t code)
{
    if (layer.handover && layer.handover->debug_exit)
        port_write32((uint16_t)layer.handover->debug_exit, code);
    if (end == END_REBOOT)
        reset();
    halt();
}
