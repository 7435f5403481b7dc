/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MSI and MSI-X.  See msi.h.  Source: PCI 3.0 6.8.1 (MSI capability), 6.8.2 (MSI-X capability and
 * table), 6.2.5.1 (base address registers).
 */
#include "msi.h"

#include "device_map.h"
#include "pci_config.h"

#define CAP_MSI  0x05
#define CAP_MSIX 0x11

#define MSI_CONTROL  2
#define MSI_ADDRESS  4
#define MSI_64BIT    (1u << 7)
#define MSI_MASKABLE (1u << 8)
#define MSI_MULTIPLE (7u << 4)
#define MSIX_TABLE   4
#define MSIX_SIZE    0x7ffu
#define MSIX_ENTRY   16 /* bytes: address low, high, data, control */
#define BAR_0        0x10
#define BAR_IO       1u
#define BAR_64BIT    4u
#define HEADER_TYPE  0x0e

/* The machine address of a memory BAR, 0 when it is none. */
static uint64_t bar_address(uint16_t bdf, uint32_t index)
{
    uint32_t count = (pci_read16(bdf, HEADER_TYPE) & 0x7f) == 0 ? 6 : 2;
    if (index >= count)
        return 0;
    uint32_t low = pci_read32(bdf, (uint8_t)(BAR_0 + 4 * index));
    if (low & BAR_IO)
        return 0;
    uint64_t address = low & ~15u;
    if ((low & 6) == BAR_64BIT && index + 1 < count)
        address |= (uint64_t)pci_read32(bdf, (uint8_t)(BAR_0 + 4 * index + 4)) << 32;
    return address;
}

static int open_msix(uint16_t bdf, uint32_t entry, struct msi *ret)
{
    uint16_t control = pci_read16(bdf, (uint8_t)(ret->capability + MSI_CONTROL));
    uint32_t table = pci_read32(bdf, (uint8_t)(ret->capability + MSIX_TABLE));
    if (entry > (control & MSIX_SIZE))
        return -XEN_EINVAL;
    uint64_t bar = bar_address(bdf, table & 7);
    uint64_t at;
    if (bar == 0 || !checked_add_u64(bar, (table & ~7u) + (uint64_t)entry * MSIX_ENTRY, &at))
        return -XEN_EINVAL;
    ret->line = device_map(at, MSIX_ENTRY);
    if (ret->line == NULL)
        return -XEN_ENXIO;
    ret->entry = (uint16_t)entry;
    return 0;
}

int msi_open(uint16_t bdf, bool msix, uint32_t entry, struct msi *ret)
{
    *ret = (struct msi){.bdf = bdf, .msix = msix};
    ret->capability = pci_find_capability(bdf, msix ? CAP_MSIX : CAP_MSI);
    if (ret->capability == 0)
        return -XEN_ENODEV;
    if (msix) {
        int status = open_msix(bdf, entry, ret);
        if (status != 0)
            return status;
    } else {
        /* One message: several need consecutive vectors, which Xen too refuses without interrupt
         * remapping. */
        uint8_t at = (uint8_t)(ret->capability + MSI_CONTROL);
        pci_write16(bdf, at, (uint16_t)(pci_read16(bdf, at) & ~MSI_MULTIPLE));
    }
    msi_mask(ret, true);
    return 0;
}

void msi_write(const struct msi *msi, uint64_t address, uint32_t data)
{
    if (msi->msix) {
        msi->line[0] = (uint32_t)address;
        msi->line[1] = (uint32_t)(address >> 32);
        msi->line[2] = data;
        (void)msi->line[2]; /* posted writes have arrived when this comes back */
        return;
    }
    uint8_t at = msi->capability;
    bool wide = pci_read16(msi->bdf, (uint8_t)(at + MSI_CONTROL)) & MSI_64BIT;
    pci_write32(msi->bdf, (uint8_t)(at + MSI_ADDRESS), (uint32_t)address);
    if (wide)
        pci_write32(msi->bdf, (uint8_t)(at + 8), (uint32_t)(address >> 32));
    pci_write16(msi->bdf, (uint8_t)(at + (wide ? 12 : 8)), (uint16_t)data);
}

void msi_mask(const struct msi *msi, bool masked)
{
    if (msi->msix) {
        uint32_t control = msi->line[3] & ~1u;
        msi->line[3] = control | (masked ? 1 : 0);
        (void)msi->line[3];
        return;
    }
    uint16_t control = pci_read16(msi->bdf, (uint8_t)(msi->capability + MSI_CONTROL));
    if (!(control & MSI_MASKABLE))
        return;
    uint8_t at = (uint8_t)(msi->capability + (control & MSI_64BIT ? 16 : 12));
    uint32_t mask = pci_read32(msi->bdf, at) & ~1u;
    pci_write32(msi->bdf, at, mask | (masked ? 1 : 0));
}
