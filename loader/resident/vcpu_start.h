/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Giving a vCPU its first context, switching it on and off: VCPUOP initialise, up, down.
 */
#ifndef RESIDENT_VCPU_START_H
#define RESIDENT_VCPU_START_H

#include "layer.h"

long vcpu_initialise(struct vcpu *caller, struct vcpu *v, uint64_t context);
long vcpu_up(struct vcpu *v);
/* Of the caller itself: returns when somebody switches it on again. */
long vcpu_down(struct vcpu *caller, struct vcpu *v);

#endif
