/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The machine as the native and PVH doors use it: COM1, physical addresses, the end.
 */
#include "guest.h"

#define COM1            0x3f8
#define DEBUG_EXIT_PORT 0xf4 /* isa-debug-exit,iobase=0xf4: QEMU exits with 2 * value + 1 */

void serial_write(const char *text, size_t size)
{
    static bool ready;

    if (!ready) {
        out8(COM1 + 3, 0x80); /* 115200 8n1, as 16550 data sheets have it */
        out8(COM1 + 0, 1);
        out8(COM1 + 1, 0);
        out8(COM1 + 3, 3);
        out8(COM1 + 2, 7);
        ready = true;
    }
    for (; size; size--, text++) {
        while (!(in8(COM1 + 5) & 0x20))
            ;
        if (*text == '\n') {
            out8(COM1, '\r');
            while (!(in8(COM1 + 5) & 0x20))
                ;
        }
        out8(COM1, (uint8_t)*text);
    }
}

void *physical(uint64_t address)
{
#ifdef __i386__
    /* Our segments begin at -VIRT_BASE (entry32.asm). */
    return (void *)((uintptr_t)address + VIRT_BASE);
#else
    return (void *)(uintptr_t)address;
#endif
}

void native_exit(bool good)
{
    out8(DEBUG_EXIT_PORT, good ? 0x10 : 0x11);
    for (;;)
        __asm__ volatile("cli; hlt");
}
