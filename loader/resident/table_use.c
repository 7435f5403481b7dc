/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Is a page table still one?  The marks of pagetable.c say what a frame was last linked or pinned
 * as; nothing is counted, so that a mark outlives the last link.  Where a mark would forbid
 * something, and only there, all tables are searched for what still bears it out.
 *
 * Source: the type counts of get_page_type and put_page_type in xen/arch/x86/mm.c, which go down by
 * themselves.
 */
#include "pagetable.h"

static bool names(uint64_t table, int level, uint64_t mfn)
{
    uint32_t width = entry_width(), count = level == 3 && root_level() == 3 ? 4 : PAGE_SIZE / width;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t entry = entry_read((table << PAGE_SHIFT) + i * width);
        if ((entry & PTE_P) && (entry & PTE_ADDR) >> PAGE_SHIFT == mfn)
            return true;
    }
    return false;
}

static bool borne_out(uint64_t mfn)
{
    int level = frame_level(frame_state(mfn));
    if (frame_state(mfn) & FRAME_PINNED || frame_is_root(mfn))
        return true;
    if (level == root_level())
        return false;
    for (uint64_t at = 0; at < layer.frame_count; at++)
        if (frame_is_guest(at) && frame_level(frame_state(at)) == level + 1 &&
            names(at, level + 1, mfn) && borne_out(at))
            return true;
    return false;
}

bool table_in_use(uint64_t mfn)
{
    if (!(frame_state(mfn) & (FRAME_LEVEL | FRAME_PINNED)))
        return false;
    if (borne_out(mfn))
        return true;
    frame_set_level(mfn, 0);
    return false;
}

bool table_conflicts(uint64_t mfn, int level)
{
    int present = frame_level(frame_state(mfn));
    return present != 0 && present != level && table_in_use(mfn);
}
