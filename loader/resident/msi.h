/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Message-signalled interrupts: programming a device's MSI capability or one MSI-X table entry.
 * The capabilities' own enable bits stay with the guest, as under Xen.
 */
#ifndef RESIDENT_MSI_H
#define RESIDENT_MSI_H

#include "layer.h"

struct msi {
    uint16_t bdf;
    bool msix;
    uint8_t capability;      /* offset in configuration space */
    uint16_t entry;          /* MSI-X: table index */
    volatile uint32_t *line; /* MSI-X: the table entry, 4 words */
};

/* Finds the capability (and the table entry) of a device and masks it.  0, -XEN_ENODEV: no such
 * device or capability, -XEN_EINVAL: no such entry, -XEN_ENXIO: table out of our reach. */
int msi_open(uint16_t bdf, bool msix, uint32_t entry, struct msi *ret);

/* Writes address and data. */
void msi_write(const struct msi *msi, uint64_t address, uint32_t data);

/* Masks or unmasks, where the device can. */
void msi_mask(const struct msi *msi, bool masked);

#endif
