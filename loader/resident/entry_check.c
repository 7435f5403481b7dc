/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a guest's new page-table entries may name, in both layers: frames of its own, no page table
 * writable, never the layer's memory.
 *
 * Source: get_page_from_l1e, get_linear_pagetable in xen/arch/x86/mm.c; XSA-182, XSA-185.
 */
#include "pagetable.h"

long leaf_check(uint64_t entry)
{
    if (!(entry & PTE_P))
        return 0;
    uint64_t mfn = entry_mfn(entry);
    uint8_t state = mfn < layer.frame_count ? frame_state(mfn) : 0;
    if (state & FRAME_LAYER)
        return state & FRAME_SPECIAL ? 0 : -XEN_EBUSY;
    if (!(state & FRAME_RAM))
        return device_check(mfn);
    if ((state & FRAME_PINNED) && (entry & PTE_RW))
        return -XEN_EBUSY;
    return 0;
}

long table_link_check(uint64_t table, int level, uint64_t entry)
{
    long rc = link_check(entry);
    if (rc || (entry & (PTE_P | PTE_RW)) != (PTE_P | PTE_RW))
        return rc;
    uint64_t mfn = entry_mfn(entry);
    return mfn == table || (frame_level(frame_state(mfn)) == level && table_in_use(mfn))
               ? -XEN_EINVAL
               : 0;
}

long top_link_check(uint64_t entry)
{
    long rc = link_check(entry);
    if (rc || !(entry & PTE_P))
        return rc;
    return frame_level(frame_state(entry_mfn(entry))) == 3 ? -XEN_EINVAL : 0;
}
