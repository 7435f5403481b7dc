/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The initial region of a PV guest as regions and steps of the plan; see pv_parts.h.
 * All of it is written: segments, zeros between them, zeroed pages behind; what only generated
 * bytes fill (page tables, p2m) is pv_build.c's.
 * Source: xen/common/libelf/libelf-loader.c (elf_load_binary) for the segments.
 */
#include "pv_parts.h"

#include "pv_memory.h"

/* The machine address of a place in the initial region that the plan itself laid out. */
static uint64_t machine_at(const struct pv_work *work, uint64_t physical)
{
    uint64_t at = 0;

    if (!pv_memory_find(&work->plan->pv, physical >> PAGE_SHIFT, &at, NULL))
        return 0; /* not reached: every page of the layout has a run; the check would refuse 0 */
    return at + (physical & PAGE_MASK);
}

enum refusal_id pv_add_region(struct pv_work *work, const char *name, uint64_t physical,
                              uint64_t size, uint64_t *ret_at, struct refusal *why)
{
    uint64_t at = machine_at(work, physical);
    struct region *region;
    enum refusal_id id = plan_add_region(work->plan, name, REGION_TARGET,
                                         (struct range){at, at + size}, &region, why);

    if (id)
        return id;
    region->has_physical = true;
    region->physical = gpaddr(physical);
    if (physical < work->layout.region_pages << PAGE_SHIFT) {
        region->has_virtual = true;
        region->virtual = gvaddr(work->layout.v_start + physical);
    }
    *ret_at = at;
    return REFUSE_NONE;
}

static enum refusal_id add_pages(struct pv_work *work, const char *name, uint64_t pfn,
                                 uint64_t pages, bool zero, struct refusal *why)
{
    uint64_t at;
    enum refusal_id id;

    if (!pages)
        return REFUSE_NONE;
    id = pv_add_region(work, name, pfn << PAGE_SHIFT, pages << PAGE_SHIFT, &at, why);
    if (!id && zero)
        id = plan_add_zero(work->plan, at, pages << PAGE_SHIFT, why);
    return id;
}

/* The segment that begins lowest at or above `from`; NULL when there is none. */
static const struct placed_segment *next_segment(const struct placement *placement, uint64_t from)
{
    const struct placed_segment *best = NULL;

    for (uint32_t i = 0; i < placement->segment_count; i++) {
        const struct placed_segment *s = &placement->segment[i];

        if (s->physical.v >= from && (!best || s->physical.v < best->physical.v))
            best = s;
    }
    return best;
}

/* Segments in ascending order, each region reaching to the next segment (or the end of the last
 * page) so that the bytes in between are zeroed with it. */
static enum refusal_id add_kernel(struct pv_work *work, struct refusal *why)
{
    const struct plan_input *input = work->input;
    const struct placed_segment *s = next_segment(input->placement, 0), *next;
    uint64_t start = s ? s->physical.v & ~PAGE_MASK : 0;
    enum refusal_id id = REFUSE_NONE;

    for (; s && !id; s = next) {
        uint64_t end =
            work->symbol_block ? work->symbol_block : (work->kernel_end + PAGE_MASK) & ~PAGE_MASK;
        uint64_t at, to;

        next = next_segment(input->placement, s->physical.v + s->memory_size);
        if (next)
            end = next->physical.v;
        id = pv_add_region(work, plan_name(work->plan, "kernel segment", s->index), start,
                           end - start, &at, why);
        to = at + (s->physical.v - start);
        if (!id)
            id = plan_add_zero(work->plan, at, to - at, why);
        if (!id)
            id = plan_add_copy(work->plan, to, input->image->elf_at.v + s->file_offset,
                               s->file_size, why);
        if (!id)
            id = plan_add_zero(work->plan, to + s->file_size, end - s->physical.v - s->file_size,
                               why);
        start = end;
    }
    return id;
}

static void describe_ramdisks(struct pv_work *work)
{
    uint64_t pfn = work->layout.initrd_pfn;

    for (uint32_t i = 0; i < work->piece_count; i++) {
        struct region *region = work->piece[i].region;

        region->has_physical = true;
        region->physical = gpaddr(pfn << PAGE_SHIFT);
        if (work->layout.initrd) {
            region->has_virtual = true;
            region->virtual = gvaddr(work->layout.v_start + (pfn << PAGE_SHIFT));
        }
        pfn += work->piece[i].pages;
    }
}

enum refusal_id pv_add_contents(struct pv_work *work, struct refusal *why)
{
    const struct pv_layout *layout = &work->layout;
    const struct pv_plan *pv = &work->plan->pv;
    uint64_t padding = pv->stack_pfn + 1;
    enum refusal_id id = add_kernel(work, why);

    describe_ramdisks(work);
    if (!id)
        id = add_pages(work, "p2m", pv->p2m_pfn, pv->p2m_pages, false, why);
    if (!id && layout->p2m_table_pages) {
        struct region *region = &work->plan->region[work->plan->region_count - 1];

        region->has_virtual = true;
        region->virtual = gvaddr(layout->p2m);
    }
    if (!id)
        id = add_pages(work, "start_info", pv->start_info_pfn, 1, false, why);
    if (!id)
        id = add_pages(work, "xenstore ring", pv->xenstore_pfn, !work->dom0, true, why);
    if (!id)
        id = add_pages(work, "console ring", pv->console_pfn, !work->dom0, true, why);
    if (!id)
        id = add_pages(work, "page tables", pv->pt_pfn, pv->pt_count, false, why);
    if (!id)
        id = add_pages(work, "boot stack", pv->stack_pfn, 1, true, why);
    if (!id)
        id = add_pages(work, "padding", padding, layout->region_pages - padding, true, why);
    if (!id)
        id = add_pages(work, "p2m tables", pv->p2m_table_pfn, pv->p2m_table_count, false, why);
    return id;
}
