/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Start-up shared by the first and the other CPUs, and by both layers.
 */
#ifndef RESIDENT_START_H
#define RESIDENT_START_H

#include "layer.h"

/* Stops unless layer.handover is a record of this version for a guest class (enum guest_class)
 * whose bit is in `classes`.  Its consoles are switched on first, so that the reason is seen. */
void handover_check(uint32_t classes);

/* Everything of init.def. */
void init_all(void);

/* Everything of init_cpu.def, on the CPU that v runs on. */
void init_cpu(struct vcpu *v);

/* The first vCPU's registers and state at the guest's entry; CR4 as the guest reads it first. */
void entry_state(struct vcpu *v);
void seen_cr4(struct vcpu *v);

/* Writes the guest's hypercall page, if it has one. */
void fill_hypercall_page(void);

#endif
