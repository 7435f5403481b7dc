/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the processors' machine-check banks hold, for the report of a machine check.  Each CPU can
 * read only its own: those that stop for the report leave theirs behind.
 */
#ifndef RESIDENT_MC_BANKS_H
#define RESIDENT_MC_BANKS_H

#include "layer.h"

/* From here on every CPU that stops saves its banks. */
void mc_banks_want(void);

/* Called on v's own CPU, in any state of it; does nothing unless they are wanted. */
void mc_banks_save(struct vcpu *v);

/* In a report: one line a bank, this CPU's first; then the other CPUs', as far as they stopped. */
void mc_banks_print(const struct vcpu *self);

#endif
