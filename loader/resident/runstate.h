/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How long each vCPU ran, waited and was off: VCPUOP runstate.
 */
#ifndef RESIDENT_RUNSTATE_H
#define RESIDENT_RUNSTATE_H

#include "layer.h"

/* The vCPU enters RUNSTATE_…; its registered area is written when it is the caller's. */
void runstate_change(struct vcpu *v, uint32_t state);

/* Writes the state up to now, the present one's time included, to guest memory; false when that is
 * not writable. */
MUST_USE bool runstate_write(struct vcpu *caller, struct vcpu *v, uint64_t gva);

/* Writes the state as it was entered to the calling vCPU's own area, as guests that share it
 * between CPUs want it (VMASST_TYPE_runstate_update_flag); false when a part of it is not writable.
 */
MUST_USE bool runstate_publish(struct vcpu *v, uint64_t gva);

#endif
