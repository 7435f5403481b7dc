/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Physical interrupts as a dom0 guest numbers them: PIRQs, each backed by a GSI or by a device's
 * message, bound to at most one event channel.
 *
 * A level-triggered line is masked when it fires and unmasked by PHYSDEVOP_eoi; edges and messages
 * are only passed on.  Functions return 0 or a negative Xen errno.
 */
#ifndef RESIDENT_PIRQ_H
#define RESIDENT_PIRQ_H

#include "layer.h"

#define PIRQ_MAX 256

/* May the guest bind it?  -XEN_EINVAL: no such number, -XEN_EPERM: not mapped, -XEN_EEXIST: already
 * bound. */
int pirq_check_bind(uint32_t pirq);
/* Starts delivery to `port`. */
int pirq_bind(uint32_t pirq, uint32_t port);
void pirq_unbind(uint32_t pirq);
/* Interrupts of this PIRQ are to arrive at the CPU of that vCPU. */
void pirq_set_vcpu(uint32_t pirq, uint32_t vcpu);

/* pirq < 0: choose one.  *pirq and *irq are what was chosen. */
int pirq_map_gsi(int irq, int *pirq);
int pirq_map_msi(uint16_t bdf, bool msix, uint32_t entry, int *pirq, int *irq);
int pirq_unmap(int pirq);
int pirq_setup_gsi(int irq, bool level, bool active_low);
/* *ret_port: the event channel that is to be unmasked, 0 = none. */
int pirq_eoi(uint32_t pirq, uint32_t *ret_port);
/* A frame of the guest's where a bit a PIRQ says, from its binding on, whether it needs pirq_eoi()
 * at all; `unmasks`: that unmasks its event channel too.  -XEN_EINVAL, -XEN_EBUSY: there is one. */
int pirq_eoi_map_set(uint64_t mfn, bool unmasks);
int pirq_get_free(bool gsi);
/* Writes the messages of a device again, if it has any, after it lost them (suspend). */
void pirq_restore(uint16_t bdf);
bool pirq_is_valid(uint32_t pirq);

#endif
