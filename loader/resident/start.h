/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Start-up shared by the first and the other CPUs.
 */
#ifndef RESIDENT_START_H
#define RESIDENT_START_H

#include "layer.h"

/* Everything of init_cpu.def, on the CPU that v runs on. */
void init_cpu(struct vcpu *v);

#endif
