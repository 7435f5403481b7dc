/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The domU guest's xenstore ring, served by xenstore.c.
 */
#ifndef RESIDENT_HC_XENSTORE_H
#define RESIDENT_HC_XENSTORE_H

#include "layer.h"

/* Answers what stands in the ring; nothing to do for a dom0 guest. */
void xenstore_ring_serve(struct vcpu *v);

#endif
