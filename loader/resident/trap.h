/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Traps: what other files of the layer need of trap.c.
 */
#ifndef RESIDENT_TRAP_H
#define RESIDENT_TRAP_H

#include "layer.h"

#define DR6_IDLE   UINT64_C(0xffff0ff0)
#define DR6_CAUSES UINT64_C(0xe000) /* BD BS BT */

#define VCPU_INFO_CR2_32 8 /* arch.cr2 in a 32-bit guest's vcpu_info */

/* struct trap_info of 32-bit guests (hc_trap.c). */
extern const struct layout trap_layout;

/* In words, for reports: an exception, "interrupt", "SYSCALL". */
const char *trap_vector_name(uint64_t vector);

/* In shared_info, bits XEN_NMIREASON_…: what the machine's NMIs came for so far.  The guest clears
 * it. */
uint32_t *nmi_reason(void);

/* Sets the gate's privilege level from what the guest's trap tables ask. */
void trap_refresh_gate(uint8_t vector);

#ifdef __x86_64__
/* iret.c: does this selector of level 3 name 64-bit code, so that a kernel on Xen could run by it?
 */
bool is_kernel_code(uint16_t selector);
/* The same for SS: writable data, and the selector itself of level 3. */
bool is_kernel_data(uint16_t selector);
#endif

#endif
