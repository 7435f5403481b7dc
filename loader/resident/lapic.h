/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The local APIC of each CPU: timer, end of interrupt, interrupts to other CPUs.  xAPIC by memory,
 * x2APIC by MSR when the firmware has switched it on.
 */
#ifndef RESIDENT_LAPIC_H
#define RESIDENT_LAPIC_H

#include "layer.h"

/* False: the CPU has none, or none can be used.  Constant after lapic_init(). */
bool lapic_present(void);
bool lapic_is_x2apic(void);

/* End of interrupt on this CPU. */
void lapic_eoi(void);

/* A fixed interrupt, edge, to one CPU (physical destination). */
void lapic_send_ipi(uint32_t apic_id, uint8_t vector);
/* INIT and start-up IPIs to one CPU; page: start page below 1 MiB. */
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, uint8_t page);
void lapic_send_nmi(uint32_t apic_id);

/* One shot after `ticks` of the timer's rate (calibration.lapic_hz), 0 = off.  What is longer than
 * the counter's 32 bits fires early: the handler has to look at the clock. */
void lapic_timer_arm(uint64_t ticks);
/* For measuring: counts down from the top, no interrupt. */
void lapic_timer_free_run(void);
uint32_t lapic_timer_count(void);

/* The address and data words that make a device's message arrive as `vector` at that CPU. */
void lapic_message(uint32_t apic_id, uint8_t vector, uint64_t *ret_address, uint32_t *ret_data);

#endif
