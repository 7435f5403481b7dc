/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The 8259 interrupt controllers and the 8254 timer: silenced where there are APICs, the way to get
 * a timer interrupt where there is no local APIC.
 */
#ifndef RESIDENT_PIT_H
#define RESIDENT_PIT_H

#include "layer.h"

/* Remaps both 8259s out of the way of exceptions and masks all lines.  After lapic_init(). */
void pic_init(void);

/* Lines 0..15 arrive at PIC_VECTOR + line: only without a local APIC, whose vectors these else are.
 */
#define PIC_VECTOR 0xf0

/* Channel 0 as a one-shot timer on line 0. */
void pit_timer_init(irq_handler *handler);
void pit_timer_arm(uint64_t ns); /* 0 = off; longer than 54 ms fires early */
void pit_timer_eoi(void);

#endif
