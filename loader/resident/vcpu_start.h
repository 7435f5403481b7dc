/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Giving a vCPU its first context, switching it on and off: VCPUOP initialise, up, down.
 */
#ifndef RESIDENT_VCPU_START_H
#define RESIDENT_VCPU_START_H

#include "layer.h"

/* `context`: the caller's address of a vcpu_guest_context. 0, or as Xen answers: -XEN_EFAULT,
 * -XEN_EINVAL, -XEN_EEXIST, where v has one already. */
long vcpu_initialise(struct vcpu *caller, struct vcpu *v, uint64_t context);
long vcpu_up(struct vcpu *v);
/* Asks it to stop; it does before it next runs in the guest. */
long vcpu_down(struct vcpu *caller, struct vcpu *v);
bool vcpu_is_up(const struct vcpu *v);
/* Of this CPU's vCPU with WORK_DOWN: returns when somebody switches it on again. */
void vcpu_stay_down(struct vcpu *v);

#endif
