/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PCI configuration space, first 256 bytes, segment 0, by ports 0xCF8/0xCFC.  The guest uses the
 * same ports: the address register is put back as it was.
 */
#ifndef RESIDENT_PCI_CONFIG_H
#define RESIDENT_PCI_CONFIG_H

#include <stdint.h>

/* bdf: bus << 8 | device << 3 | function.  offset: multiple of the access's size. */
uint32_t pci_read32(uint16_t bdf, uint8_t offset);
uint16_t pci_read16(uint16_t bdf, uint8_t offset);
void pci_write32(uint16_t bdf, uint8_t offset, uint32_t value);
void pci_write16(uint16_t bdf, uint8_t offset, uint16_t value);

/* Offset of the capability, 0 when the device has none (or is not there). */
uint8_t pci_find_capability(uint16_t bdf, uint8_t id);

#endif
