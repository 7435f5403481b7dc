/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PCI configuration accesses.  See pci_config.h.  Source: PCI 3.0 3.2.2.3.2 (mechanism 1), 6.7
 * (capability list).
 */
#include "pci_config.h"

#include "layer.h"
#include "spinlock.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

#define PCI_STATUS            0x06
#define PCI_STATUS_CAPABILITY 0x10
#define PCI_CAPABILITY        0x34

static struct spinlock lock;

static uint32_t access(uint16_t bdf, uint8_t offset, uint32_t size, bool write, uint32_t value)
{
    uint16_t data = (uint16_t)(CONFIG_DATA + (offset & 3));
    spin_lock(&lock);
    uint32_t before = port_read32(CONFIG_ADDRESS);
    port_write32(CONFIG_ADDRESS, 0x80000000u | (uint32_t)bdf << 8 | (offset & 0xfcu));
    if (write && size == 4)
        port_write32(data, value);
    else if (write)
        port_write16(data, (uint16_t)value);
    else
        value = size == 4 ? port_read32(data) : port_read16(data);
    port_write32(CONFIG_ADDRESS, before);
    spin_unlock(&lock);
    return value;
}

uint32_t pci_read32(uint16_t bdf, uint8_t offset)
{
    return access(bdf, offset, 4, false, 0);
}

uint16_t pci_read16(uint16_t bdf, uint8_t offset)
{
    return (uint16_t)access(bdf, offset, 2, false, 0);
}

void pci_write32(uint16_t bdf, uint8_t offset, uint32_t value)
{
    (void)access(bdf, offset, 4, true, value);
}

void pci_write16(uint16_t bdf, uint8_t offset, uint16_t value)
{
    (void)access(bdf, offset, 2, true, value);
}

uint8_t pci_find_capability(uint16_t bdf, uint8_t id)
{
    if (pci_read16(bdf, 0) == 0xffff || !(pci_read16(bdf, PCI_STATUS) & PCI_STATUS_CAPABILITY))
        return 0;
    uint8_t at = (uint8_t)pci_read16(bdf, PCI_CAPABILITY) & 0xfc;
    for (int i = 0; i < 48 && at >= 0x40; i++) { /* a list cannot be longer, unless it is a ring */
        uint16_t head = pci_read16(bdf, at);
        if ((head & 0xff) == id)
            return at;
        at = (uint8_t)(head >> 8) & 0xfc;
    }
    return 0;
}
