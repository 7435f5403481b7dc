/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The address decision in words, with the numbers that it compared.
 */
#include "placement.h"

typedef unsigned long long ull;

void placement_print(struct out *out, const struct placement *placement)
{
    ull compared = placement->compared, base = placement->base, offset = placement->offset;
    switch (placement->rule) {
    case RULE_FORCED:
        out_printf(out,
                   "forced by the command line: p_paddr 0x%llx less offset 0x%llx, base 0x%llx",
                   compared, offset, base);
        break;
    case RULE_EXPLICIT_OFFSET:
        out_printf(out,
                   "the guest says PADDR_OFFSET 0x%llx: p_paddr 0x%llx less that, VIRT_BASE 0x%llx",
                   offset, compared, base);
        break;
    case RULE_NO_VIRT_BASE:
        out_printf(out, "no VIRT_BASE: p_paddr 0x%llx is taken as it stands", compared);
        if (placement->offset_without_base)
            out_text(out, " (PADDR_OFFSET without VIRT_BASE ignored)");
        break;
    case RULE_BELOW_BASE:
        out_printf(out, "p_paddr 0x%llx is below VIRT_BASE 0x%llx: physical", compared, base);
        break;
    case RULE_AT_OR_ABOVE_BASE:
        if (base)
            out_printf(out, "p_paddr 0x%llx is at or above VIRT_BASE 0x%llx: virtual", compared,
                       base);
        else
            out_printf(out, "VIRT_BASE is 0: p_paddr 0x%llx is virtual and physical alike",
                       compared);
        break;
    case RULE_XEN_DEFAULT:
        out_printf(
            out,
            "p_paddr 0x%llx is at or above VIRT_BASE 0x%llx, but physical as Xen reads notes: "
            "the entry fits so",
            compared, base);
        break;
    case RULE_PHYS32_INSIDE:
        out_printf(
            out,
            "p_paddr 0x%llx is at or above VIRT_BASE 0x%llx, but physical: PHYS32_ENTRY lies "
            "among the segments as they stand",
            compared, base);
        break;
    case RULE_LINKED_HIGH:
        out_printf(out, "no VIRT_BASE and p_paddr 0x%llx above all RAM: virtual, base 0x%llx",
                   compared, base);
        break;
    }
    out_printf(out, "; kernel at 0x%llx to 0x%llx, entry 0x%llx", (ull)placement->physical.start,
               (ull)placement->physical.end, (ull)placement->entry_physical.v);
    if (base)
        out_printf(out, " (virtual 0x%llx to 0x%llx, entry 0x%llx)",
                   (ull)(placement->physical.start + base), (ull)(placement->physical.end + base),
                   (ull)placement->entry_virtual.v);
}
