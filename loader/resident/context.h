/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state with which a vCPU starts (context.c); VCPUOP_initialise itself is in vcpu_start.c.
 */
#ifndef RESIDENT_CONTEXT_H
#define RESIDENT_CONTEXT_H

#include "layer.h"

/* On the vCPU's own CPU, before its first return to the guest: what lives in the CPU itself. */
void vcpu_begin(struct vcpu *v);

#endif
