/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The address decision, once for the whole file: what is p_paddr, and what is taken off it to get a
 * physical address.  Xen's own reading comes first wherever Xen would start the image with it
 * (libelf-dominfo.c elf_xen_addr_calc_check()); what Xen rejects is read by the rule of the
 * 2006 xen-devel patch: below VIRT_BASE physical, at or above it virtual.  p_vaddr has no say in
 * this: Linux has a per-CPU segment at virtual 0.
 */
#include "placement.h"

#include <elf.h>

#include "placement_segments.h"

#define PHYSICAL_LIMIT (UINT64_C(1) << 52) /* most that x86 page tables can address */

struct decision {
    enum placement_rule rule;
    uint64_t base, offset, compared;
    bool offset_without_base;
};

static uint64_t class_limit(const struct elf_view *elf)
{
    return elf->is_64bit ? UINT64_MAX : UINT64_C(1) << 32;
}

/* The file's addresses under a base and an offset; false when they do not fit. */
static bool convert(const struct elf_view *elf, struct range paddr, uint64_t base, uint64_t offset,
                    struct range *physical, struct range *virtual)
{
    uint64_t start;
    return range_from_size(paddr.start - offset, range_size(paddr), physical) &&
           physical->end <= class_limit(elf) && checked_add_u64(physical->start, base, &start) &&
           range_from_size(start, range_size(paddr), virtual) && virtual->end <= class_limit(elf);
}

static bool inside_inclusive(struct range range, uint64_t address)
{
    return address >= range.start && address <= range.end;
}

/* Would Xen start the image so?  Kernel at or above VIRT_BASE without wrapping, in memory that
 * exists, the entry (not converted) inside, both ends included. */
static bool xen_accepts(const struct elf_view *elf, const struct guest_info *info,
                        struct range paddr, uint64_t base, uint64_t offset, uint64_t ram_end)
{
    struct range physical, virtual;
    return convert(elf, paddr, base, offset, &physical, &virtual) &&
           (!ram_end || physical.end <= ram_end) &&
           inside_inclusive(virtual, info->entry.given ? info->entry.value : elf->entry);
}

/* VIRT_BASE is known, an offset is not. */
static enum refusal_id compare_with_base(const struct elf_view *elf, const struct guest_info *info,
                                         const struct raw_segments *raw, uint64_t ram_end,
                                         struct decision *ret, struct refusal *why)
{
    uint64_t base = ret->base;
    const struct raw_segment *below = NULL, *above = NULL;
    for (uint32_t i = 0; i < raw->count; i++) {
        const struct raw_segment *segment = &raw->segment[i];
        if (segment->paddr < base)
            below = below ? below : segment;
        else
            above = above ? above : segment;
    }
    ret->compared = below ? below->paddr : above->paddr;

    /* libelf's default: notes mean offset 0, the legacy section means offset VIRT_BASE. */
    uint64_t xen_offset = info->source == INFO_XEN_GUEST ? base : 0;
    bool as_xen = xen_accepts(elf, info, raw->paddr, base, xen_offset, ram_end);

    if (as_xen && xen_offset == 0 && base != 0 && above) {
        ret->rule = RULE_XEN_DEFAULT;
        ret->compared = above->paddr;
        return REFUSE_NONE;
    }
    if (below && above)
        return REFUSE(why, PADDR_MIXED, .num = {below->index, below->paddr, base, above->paddr});
    if (below) {
        ret->rule = RULE_BELOW_BASE;
        return REFUSE_NONE;
    }
    /* PHYS32_ENTRY is physical by definition.  When it and the segments agree in memory that
     * exists, so are they: Xen's PVH builder ignores VIRT_BASE. */
    if (base && info->phys32_entry.given && ram_end && raw->paddr.end <= ram_end &&
        info->phys32_entry.value >= raw->paddr.start && info->phys32_entry.value < raw->paddr.end) {
        ret->rule = RULE_PHYS32_INSIDE;
        return REFUSE_NONE;
    }
    ret->rule = RULE_AT_OR_ABOVE_BASE;
    ret->offset = base;
    return REFUSE_NONE;
}

/* The 2005 and 2006 parsers' base of an image that names none: its lowest address, 4 MiB aligned.
 */
static uint64_t linked_base(const struct raw_segments *raw)
{
    return align_down_u64(raw->paddr.start, UINT64_C(4) << 20);
}

static enum refusal_id decide(const struct elf_view *elf, const struct guest_info *info,
                              const struct options *options, const struct raw_segments *raw,
                              uint64_t ram_end, struct decision *ret, struct refusal *why)
{
    bool has_base = options->has_virt_base || info->virt_base.given;
    *ret = (struct decision){.compared = raw->paddr.start};
    if (has_base)
        ret->base = options->has_virt_base ? options->virt_base : info->virt_base.value;

    if (options->has_paddr_offset) {
        ret->rule = RULE_FORCED;
        ret->offset = options->paddr_offset;
        return REFUSE_NONE;
    }
    if (options->paddr != PADDR_FROM_GUEST) {
        ret->rule = RULE_FORCED;
        if (options->paddr == PADDR_VIRTUAL) {
            if (!has_base)
                ret->base = linked_base(raw);
            ret->offset = ret->base;
        }
        return REFUSE_NONE;
    }
    if (has_base && info->paddr_offset.given) {
        ret->rule = RULE_EXPLICIT_OFFSET;
        ret->offset = info->paddr_offset.value;
        return REFUSE_NONE;
    }
    if (has_base)
        return compare_with_base(elf, info, raw, ram_end, ret, why);

    /* Without a base there is nothing that an offset could lead to; Xen's PVH builder ignores it,
     * its PV builder refuses (placement_check_pv()). */
    ret->offset_without_base = info->paddr_offset.given;
    ret->rule = RULE_NO_VIRT_BASE;
    /* Above all RAM and above the 1 GiB under which no kernel was ever linked virtually: a kernel
     * of 2005, mapped where it is linked.  Xen since 3.0.3 fails on it. */
    if (ram_end && raw->paddr.start >= ram_end && raw->paddr.start >= UINT64_C(1) << 30) {
        ret->rule = RULE_LINKED_HIGH;
        ret->base = ret->offset = linked_base(raw);
    }
    return REFUSE_NONE;
}

static enum refusal_id place_segments(const struct elf_view *elf, const struct raw_segments *raw,
                                      struct placement *ret, struct refusal *why)
{
    ret->segment_count = raw->count;
    for (uint32_t i = 0; i < raw->count; i++) {
        const struct raw_segment *from = &raw->segment[i];
        struct range physical;
        /* As in Xen the subtraction is modulo 2^64, so that an offset may be negative; what comes
         * out must be an address all the same. */
        if (!range_from_size(from->paddr - ret->offset, from->memory_size, &physical) ||
            (from->paddr < ret->offset && physical.end > PHYSICAL_LIMIT))
            return REFUSE(why, PADDR_BELOW_OFFSET,
                          .num = {from->index, from->paddr, ret->offset, ret->base});
        if (physical.end > class_limit(elf))
            return REFUSE(why, PADDR_ABOVE_4G,
                          .num = {from->index, physical.end, from->paddr, ret->offset});
        if (!i)
            ret->physical = physical;
        if (physical.start < ret->physical.start)
            ret->physical.start = physical.start;
        if (physical.end > ret->physical.end)
            ret->physical.end = physical.end;
        ret->segment[i] = (struct placed_segment){
            .file_offset = from->offset,
            .file_size = from->file_size,
            .memory_size = from->memory_size,
            .physical = gpaddr(physical.start),
            .virtual = gvaddr(physical.start + ret->base),
            .flags = from->flags,
            .index = from->index,
        };
    }
    return REFUSE_NONE;
}

static bool in_physical_segment(const struct placement *placement, uint64_t address)
{
    for (uint32_t i = 0; i < placement->segment_count; i++) {
        const struct placed_segment *segment = &placement->segment[i];
        if (address >= segment->physical.v && address - segment->physical.v < segment->memory_size)
            return true;
    }
    return false;
}

/* e_entry through the segment whose p_vaddr range holds it, as the gABI means it and as GRUB and
 * QEMU enter a Multiboot kernel.  This is about e_entry alone: where the segment went has been
 * decided without p_vaddr. */
static bool entry_by_vaddr(const struct raw_segments *raw, const struct placement *placement,
                           uint64_t entry, bool executable, uint64_t *ret)
{
    for (uint32_t i = 0; i < raw->count; i++) {
        const struct raw_segment *segment = &raw->segment[i];
        if (!!(segment->flags & PF_X) == executable && entry >= segment->vaddr &&
            entry - segment->vaddr < segment->memory_size) {
            *ret = placement->segment[i].physical.v + (entry - segment->vaddr);
            return true;
        }
    }
    return false;
}

/* e_entry may be a link address (most kernels), what p_paddr is (Xen's old kernels), VIRT_BASE plus
 * a physical address, or physical (Linux for x86-64).  Data segments come last: Linux's per-CPU
 * segment at p_vaddr 0 would claim low addresses. */
static void place_physical_entry(const struct elf_view *elf, const struct raw_segments *raw,
                                 struct placement *ret)
{
    uint64_t entry = elf->entry;
    uint64_t found;
    bool inside = true;
    if (entry_by_vaddr(raw, ret, entry, true, &found))
        ;
    else if (in_physical_segment(ret, entry - ret->offset))
        found = entry - ret->offset;
    else if (entry >= ret->base && in_physical_segment(ret, entry - ret->base))
        found = entry - ret->base;
    else if (in_physical_segment(ret, entry))
        found = entry;
    else if (!entry_by_vaddr(raw, ret, entry, false, &found)) {
        found = entry - ret->offset;
        inside = false;
    }
    ret->entry_physical = gpaddr(found);
    ret->entry_physical_inside = inside;
}

/* ENTRY, VIRT_ENTRY or else e_entry: as it stands when that is inside (Xen), else converted like
 * p_paddr, else raised by VIRT_BASE (the 2006 rule), else e_entry the native way. */
static void place_virtual_entry(const struct elf_view *elf, const struct guest_info *info,
                                struct range virtual, struct placement *ret)
{
    uint64_t entry = info->entry.given ? info->entry.value : elf->entry;
    uint64_t tries[4] = {entry, entry - ret->offset + ret->base, entry + ret->base,
                         ret->entry_physical.v + ret->base};
    unsigned count = info->entry.given || !ret->entry_physical_inside ? 3 : 4;
    ret->entry_virtual = gvaddr(entry);
    for (unsigned i = 0; i < count && !ret->entry_virtual_inside; i++) {
        if (inside_inclusive(virtual, tries[i])) {
            ret->entry_virtual = gvaddr(tries[i]);
            ret->entry_virtual_inside = true;
        }
    }
}

enum refusal_id placement_decide(const struct elf_view *elf, const struct guest_info *info,
                                 const struct options *options, uint64_t ram_end,
                                 struct placement *ret, struct refusal *why)
{
    struct raw_segments raw;
    struct decision decision;
    struct range physical, virtual;

    enum refusal_id id = raw_segments_collect(elf, &raw, why);
    if (!id)
        id = decide(elf, info, options, &raw, ram_end, &decision, why);
    if (id)
        return id;

    struct placement placement = {
        .rule = decision.rule,
        .base = decision.base,
        .offset = decision.offset,
        .compared = decision.compared,
        .offset_without_base = decision.offset_without_base,
    };
    id = place_segments(elf, &raw, &placement, why);
    if (id)
        return id;
    place_physical_entry(elf, &raw, &placement);
    placement.virtual_fits =
        convert(elf, raw.paddr, placement.base, placement.offset, &physical, &virtual);
    if (placement.virtual_fits)
        place_virtual_entry(elf, info, virtual, &placement);
    else
        placement.entry_virtual = gvaddr(info->entry.given ? info->entry.value : elf->entry);
    *ret = placement;
    return REFUSE_NONE;
}

enum refusal_id placement_check_pv(const struct placement *placement, const struct guest_info *info,
                                   struct refusal *why)
{
    uint64_t start = placement->physical.start + placement->base;
    uint64_t end = placement->physical.end + placement->base;

    if (placement->offset_without_base)
        return REFUSE(why, PADDR_OFFSET_WITHOUT_BASE, .num = {info->paddr_offset.value});
    if (!placement->virtual_fits)
        return REFUSE(
            why, PADDR_VIRTUAL_WRAPS,
            .num = {range_size(placement->physical), placement->physical.start, placement->base});
    if (!placement->entry_virtual_inside)
        return REFUSE(why, PADDR_ENTRY_OUTSIDE, .num = {placement->entry_virtual.v, start, end});
    if (info->init_p2m.given && info->init_p2m.value >= start && info->init_p2m.value < end)
        return REFUSE(why, PADDR_P2M_INSIDE, .num = {info->init_p2m.value, start, end});
    return REFUSE_NONE;
}
