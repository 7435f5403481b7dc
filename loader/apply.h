/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Carrying out a checked plan.  No decisions, no refusals: loops only.
 *
 * Order: apply_build() writes what is generated (PV page tables, p2m, shared_info) and the HANDOFF
 * region (handoff.h); none of these overlaps stage or sources.  Then the mover, running in HANDOFF,
 * executes the steps and the exit (boot/mover.asm); on the host apply_steps() does the same on a
 * model of memory.
 */
#ifndef LOADER_APPLY_H
#define LOADER_APPLY_H

#include "plan.h"

/* How this program reaches machine memory: [at, at + size) as a pointer.  The stage: identity.  The
 * host: a model. */
struct machine {
    void *(*reach)(struct machine *machine, uint64_t at, uint64_t size);
    void *context;

    /* The code of boot/mover.asm; NULL (host model): no HANDOFF region is written. */
    const void *mover;
    uint32_t mover_size;
};

/* PV builders: page tables, p2m list, shared_info.  Then the HANDOFF region. */
void apply_build(const struct plan *plan, const struct plan_input *input, struct machine *machine);

/* The steps in order, in C: host model only (the stage's are run by the mover). */
void apply_steps(const struct plan *plan, struct machine *machine);

#endif
