/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state with which a vCPU starts (context.c); VCPUOP_initialise itself is in vcpu_start.c.
 */
#ifndef RESIDENT_CONTEXT_H
#define RESIDENT_CONTEXT_H

#include "layer.h"

/* The guest's struct, widened, and what only 32-bit guests have in it. */
struct start_context {
    struct vcpu_guest_context context;
    uint16_t event_cs, failsafe_cs;
};

/* Of the caller's memory; false: -EFAULT. */
MUST_USE bool context_read(struct vcpu *caller, struct start_context *ret, uint64_t gva);

/* Checks it and gives it to a vCPU that is off: 0 or -XEN_E…. */
long vcpu_load_context(struct vcpu *v, const struct start_context *start);

/* On the vCPU's own CPU, before its first return to the guest: what lives in the CPU itself. */
void vcpu_begin(struct vcpu *v);

#endif
