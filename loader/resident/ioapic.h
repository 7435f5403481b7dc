/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The IO-APICs of the machine: one redirection entry per GSI.  Everything stays masked until a
 * guest binds a line.  Addresses and ISA overrides come from the ACPI MADT.
 */
#ifndef RESIDENT_IOAPIC_H
#define RESIDENT_IOAPIC_H

#include "layer.h"

/* One past the highest GSI; 0: there is no IO-APIC. */
uint32_t ioapic_gsi_count(void);

/* The GSI of an IRQ number as Xen counts them: ISA lines by the overrides, others unchanged. */
uint32_t ioapic_irq_to_gsi(uint32_t irq);
uint32_t ioapic_gsi_to_irq(uint32_t gsi);

/* Trigger and polarity, before use.  False when no IO-APIC has that GSI. */
bool ioapic_configure(uint32_t gsi, bool level, bool active_low);
bool ioapic_is_level(uint32_t gsi);

/* Delivers the GSI as `vector` to that CPU; leaves it masked. */
bool ioapic_route(uint32_t gsi, uint8_t vector, uint32_t apic_id);
void ioapic_mask(uint32_t gsi, bool masked);

/* A register of the IO-APIC at that machine address, for the guest; false: none there. */
bool ioapic_read_register(uint64_t address, uint32_t reg, uint32_t *ret);
/* The GSI of a redirection register (0x10 + 2 * pin), ~0 when there is none. */
uint32_t ioapic_register_gsi(uint64_t address, uint32_t reg);

#endif
