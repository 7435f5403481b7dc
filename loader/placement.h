/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Physical or virtual p_paddr: one decision for a whole file, in one function (placement.c).  This
 * is the only place where raw ELF addresses get an address space.
 */
#ifndef LOADER_PLACEMENT_H
#define LOADER_PLACEMENT_H

#include "addr.h"
#include "guest_info.h"
#include "options.h"

#define PLACEMENT_SEGMENT_MAX 64

enum placement_rule {
    RULE_FORCED,           /* paddr= or paddr-offset= on the command line */
    RULE_EXPLICIT_OFFSET,  /* PADDR_OFFSET note or ELF_PADDR_OFFSET= */
    RULE_NO_VIRT_BASE,     /* no base: addresses are taken as they stand */
    RULE_BELOW_BASE,       /* every p_paddr < VIRT_BASE, physical */
    RULE_AT_OR_ABOVE_BASE, /* every p_paddr >= VIRT_BASE, virtual */
    RULE_XEN_DEFAULT,      /* p_paddr >= a small VIRT_BASE, yet Xen's offset 0 for notes fits */
    RULE_PHYS32_INSIDE, /* p_paddr >= VIRT_BASE, but PHYS32_ENTRY lies among them as they stand */
    RULE_LINKED_HIGH,   /* no base, but linked above RAM: base = lowest p_paddr & ~4 MiB (2005) */
};

struct placed_segment {
    uint64_t file_offset; /* in the ELF */
    uint64_t file_size, memory_size;
    gpaddr_t physical; /* physical (native, pvh) or pseudo-physical (pv) load address */
    gvaddr_t virtual;  /* what pv maps it at: physical + base */
    uint32_t flags;    /* PF_… */
    uint32_t index;    /* program header number */
};

struct placement {
    enum placement_rule rule;
    uint64_t base;     /* VIRT_BASE in effect, 0 when there is none */
    uint64_t offset;   /* raw p_paddr - offset = physical */
    uint64_t compared; /* the p_paddr that the rule compared with base, for the log */
    uint32_t segment_count;
    struct placed_segment
        segment[PLACEMENT_SEGMENT_MAX]; /* loadable, memory_size > 0, file order */
    struct range physical;              /* hull of all segments, physical / pseudo-physical bytes */
    gpaddr_t entry_physical;            /* e_entry as a physical address: native's way in */
    gvaddr_t entry_virtual;             /* ENTRY/VIRT_ENTRY, else e_entry as virtual: pv's way in */
    bool entry_physical_inside;         /* lies in a segment */
    bool entry_virtual_inside;          /* lies in the hull (ends inclusive, as Xen) */
    bool virtual_fits;                  /* physical + base fits the image's class, no wrap */
    bool offset_without_base;           /* an offset was given but ignored: there is no base */
};

/* ram_end: end of the highest RAM byte, to tell plausible physical addresses from others; 0 = not
 * known, nothing is then too high.
 * Refuses: a file whose segments disagree, wrapping or overlapping segments, segments outside the
 * file, no loadable segment.  What only pv minds is left to placement_check_pv(). */
enum refusal_id placement_decide(const struct elf_view *elf, const struct guest_info *info,
                                 const struct options *options, uint64_t ram_end,
                                 struct placement *ret, struct refusal *why);

/* What libelf demands of a PV guest's addresses (elf_xen_addr_calc_check()): no offset without a
 * base, no wrap, the entry inside the kernel, INIT_P2M outside it. */
enum refusal_id placement_check_pv(const struct placement *placement, const struct guest_info *info,
                                   struct refusal *why);

/* One line for the log: the rule that fired and the numbers it compared, no newline. */
void placement_print(struct out *out, const struct placement *placement);

#endif
