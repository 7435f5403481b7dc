/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * 8259 and 8254.  See pit.h.  Sources: Intel 8259A and 8254 data sheets.
 */
#include "pit.h"

#include "lapic.h"
#include "timescale.h"

#define PIC1_COMMAND 0x20
#define PIC1_DATA    0x21
#define PIC2_COMMAND 0xa0
#define PIC2_DATA    0xa1
#define PIC_EOI      0x20 /* of the line in service */
#define PIT_CHANNEL0 0x40
#define PIT_COMMAND  0x43
#define PIT_HZ       1193182u

static uint16_t mask_bits = 0xffff;

/* A slow write: old controllers want a pause between their words. */
static void pic_write(uint16_t port, uint8_t value)
{
    port_write8(port, value);
    port_write8(0x80, 0);
}

static void write_masks(void)
{
    pic_write(PIC1_DATA, (uint8_t)mask_bits);
    pic_write(PIC2_DATA, (uint8_t)(mask_bits >> 8));
}

static void pic_eoi(uint8_t line)
{
    if (line >= 8)
        port_write8(PIC2_COMMAND, PIC_EOI);
    port_write8(PIC1_COMMAND, PIC_EOI);
}

/* A line that nobody asked for, or a spurious one (lines 7 and 15 when a request goes away). */
static void stray(struct vcpu *v, uint8_t vector, void *context)
{
    (void)context;
    uint8_t line = (uint8_t)(vector - PIC_VECTOR);
    uint16_t command = line >= 8 ? PIC2_COMMAND : PIC1_COMMAND;
    record(v, RECORD_INTERRUPT, vector, line, 0);
    port_write8(command, 0x0b); /* read the in-service register next */
    if (port_read8(command) & (1u << (line & 7)))
        pic_eoi(line);
    else if (line >= 8)
        port_write8(PIC1_COMMAND, 0x20); /* the cascade was real */
}

void pic_init(void)
{
    pic_write(PIC1_COMMAND, 0x11); /* edge, cascade, ICW4 follows */
    pic_write(PIC1_DATA, PIC_VECTOR);
    pic_write(PIC1_DATA, 4); /* slave on line 2 */
    pic_write(PIC1_DATA, 1); /* 8086 mode */
    pic_write(PIC2_COMMAND, 0x11);
    pic_write(PIC2_DATA, PIC_VECTOR + 8);
    pic_write(PIC2_DATA, 2);
    pic_write(PIC2_DATA, 1);
    mask_bits = 0xffff;
    write_masks();
    for (uint8_t line = 0; line < 16 && !lapic_present(); line++)
        irq_set_handler((uint8_t)(PIC_VECTOR + line), stray, NULL);
}

void pit_timer_init(irq_handler *handler)
{
    irq_set_handler(PIC_VECTOR, handler, NULL);
    mask_bits &= (uint16_t)~1u; /* line 0 */
    write_masks();
}

void pit_timer_arm(uint64_t ns)
{
    port_write8(PIT_COMMAND, 0x30); /* channel 0, mode 0: stops counting until loaded */
    if (ns == 0)
        return;
    uint64_t ticks = timescale_ticks(PIT_HZ, ns);
    uint16_t count = ticks > 0xffff ? 0xffff : (uint16_t)ticks;
    port_write8(PIT_CHANNEL0, (uint8_t)count);
    port_write8(PIT_CHANNEL0, (uint8_t)(count >> 8));
}

void pit_timer_eoi(void)
{
    pic_eoi(0);
}
