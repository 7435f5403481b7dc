/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * More than one CPU: finding and starting them, TLB flushes across them, stopping them.
 */
#ifndef RESIDENT_SMP_H
#define RESIDENT_SMP_H

#include "layer.h"

/* Carries out the TLB flush that another CPU waits for, if there is one (tlb.c). */
void smp_flush_poll(struct vcpu *v);

/* Stops all other CPUs where they are and begins a report.  Does not return when another CPU has
 * come first: there is one report, and it is not interleaved. */
void smp_stop_others(void);
/* This CPU stands still until the machine ends. */
_Noreturn void smp_stop_here(struct vcpu *v);

/* Called from trampoline64.asm on the new CPU's own stack, our root active. */
_Noreturn void ap_start(struct vcpu *v);

#endif
