/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Order and sizes of a PV guest's initial region; see pv_layout.h.
 * The elements are packed page by page in Xen's order: kernel, mapped ramdisk, p2m list,
 * start_info, (domU: xenstore and console rings,) page tables, stack; then padding to 4 MiB with at
 * least 512 KiB free.  Page tables stand root first and then level by level, as libxenguest has
 * them: Linux can then free all but the root and the last level (Xen's dom0 builder writes them in
 * the order of its walk, which keeps three pages from being freed).
 */
#include "pv_layout.h"

#include "pv_abi.h"

#define REGION_ALIGN  (UINT64_C(4) << 20)
#define REGION_SLACK  (UINT64_C(512) << 10)
#define REGION_MAX    (UINT64_C(4) << 30) /* the region's frames lie below 4 GiB */
#define WIDTH64       (UINT64_C(1) << 48)
#define PAE_L2_TABLES 4 /* all four, used or not: the hypervisor's hole is in the last */

uint64_t pv_table_address(enum guest_class class, uint64_t virtual)
{
    return class == GUEST_PV64 ? virtual & (WIDTH64 - 1) : virtual;
}

void pv_tables_shape(enum guest_class class, uint64_t start, uint64_t end, struct pv_tables *ret)
{
    static const struct {
        uint32_t levels, entry_size, root_bits, bits, root_shift;
    } shape[] = {
        [GUEST_PV64] = {4, 8, 9, 9, 39},
        [GUEST_PV32PAE] = {3, 8, 2, 9, 30},
        [GUEST_PV32] = {2, 4, 10, 10, 22},
    };

    start = pv_table_address(class, start);
    end = pv_table_address(class, end - 1); /* the last byte */
    ret->levels = shape[class].levels;
    ret->entry_size = shape[class].entry_size;
    ret->total = 0;
    for (uint32_t level = 0; level < ret->levels; level++) {
        ret->bits[level] = level ? shape[class].bits : shape[class].root_bits;
        ret->shift[level] = shape[class].root_shift - level * shape[class].bits;
        ret->first[level] = level ? start >> ret->shift[level - 1] : 0;
        ret->count[level] = level ? (end >> ret->shift[level - 1]) - ret->first[level] + 1 : 1;
        if (class == GUEST_PV32PAE && level == 1) {
            ret->first[level] = 0;
            ret->count[level] = PAE_L2_TABLES;
        }
        ret->before[level] = ret->total;
        ret->total += ret->count[level];
    }
}

/* The region's end for `pages` of everything before the padding. */
static uint64_t region_end(uint64_t v_start, uint64_t pages)
{
    uint64_t end = v_start + (pages << PAGE_SHIFT);
    uint64_t aligned = align_down_u64(end + REGION_ALIGN - 1, REGION_ALIGN);
    return aligned - end < REGION_SLACK ? aligned + REGION_ALIGN : aligned;
}

bool pv_layout_p2m_fits(uint64_t p2m_address, uint64_t nr_pages)
{
    uint64_t half = p2m_address >> 47, last;

    return !(p2m_address & PAGE_MASK) && (half == 0 || half == 0x1ffff) && nr_pages &&
           nr_pages <= M2P64_MFN_MAX && checked_add_u64(p2m_address, nr_pages * 8 - 1, &last) &&
           last >> 47 == half && (last < HV64_START || p2m_address >= HV64_END);
}

bool pv_layout_p2m_in_region(const struct pv_layout *layout)
{
    return layout->p2m_apart && layout->p2m < layout->v_end &&
           layout->p2m + (layout->p2m_pages << PAGE_SHIFT) > layout->v_start;
}

/* Table pages that the list needs beside the region's, level by level below the root. */
static uint64_t extra_tables(const struct pv_tables *region, const struct pv_tables *list)
{
    uint64_t ret = 0;

    for (uint32_t level = 1; level < region->levels; level++) {
        uint64_t start = list->first[level], end = start + list->count[level];
        uint64_t from = region->first[level], to = from + region->count[level];

        from = from > start ? from : start;
        to = to < end ? to : end;
        ret += list->count[level] - (to > from ? to - from : 0);
    }
    return ret;
}

/* Adds `pages` behind what is there; their address. */
static uint64_t append(uint64_t v_start, uint64_t *pages, uint64_t count)
{
    uint64_t at = v_start + (*pages << PAGE_SHIFT);
    *pages += count;
    return at;
}

static enum refusal_id check_address(const struct pv_layout_request *request, uint64_t v_start,
                                     uint64_t v_end, struct refusal *why)
{
    uint64_t top = v_start >> 47;

    if (request->class != GUEST_PV64) {
        if (v_end > request->hole_start)
            return REFUSE(why, PV_REGION_IN_HOLE, .num = {v_start, v_end, request->hole_start});
        return REFUSE_NONE;
    }
    if (top != 0 && top != 0x1ffff)
        return REFUSE(why, PV_REGION_TOO_HIGH, .num = {v_start, v_end});
    if (v_end < v_start || v_end >> 47 != top)
        return REFUSE(why, PV_REGION_TOO_HIGH, .num = {v_start, v_end});
    if (v_start < HV64_END && v_end > HV64_START)
        return REFUSE(why, PV_REGION_IN_HOLE, .num = {v_start, v_end, HV64_START});
    return REFUSE_NONE;
}

enum refusal_id pv_layout_make(const struct pv_layout_request *request, struct pv_layout *ret,
                               struct refusal *why)
{
    struct pv_layout layout = {.v_start = request->virt_base};
    uint64_t v_start = request->virt_base;
    uint64_t p2m_bytes = request->nr_pages * (request->class == GUEST_PV64 ? 8 : 4);
    uint64_t kernel_size, pages, tables;
    enum refusal_id id;

    if (v_start & PAGE_MASK)
        return REFUSE(why, PV_BASE_UNALIGNED, .num = {v_start});
    if (!checked_sub_u64(request->kernel_end, v_start, &kernel_size) || kernel_size > REGION_MAX ||
        request->initrd_pages > REGION_MAX >> PAGE_SHIFT || request->nr_pages > M2P64_MFN_MAX)
        return REFUSE(why, PV_REGION_TOO_HIGH, .num = {v_start, request->kernel_end});

    /* From here on every sum is far below 2^63 beyond v_start. */
    layout.p2m_pages = (p2m_bytes + PAGE_MASK) >> PAGE_SHIFT;
    pages = (kernel_size + PAGE_MASK) >> PAGE_SHIFT;
    if (request->initrd_pages && request->initrd_mapped)
        layout.initrd = append(v_start, &pages, request->initrd_pages);
    layout.initrd_pfn = (layout.initrd - v_start) >> PAGE_SHIFT;
    if (!request->p2m_outside) {
        layout.p2m_pfn = pages;
        layout.p2m = append(v_start, &pages, layout.p2m_pages);
    }
    layout.start_info = append(v_start, &pages, 1);
    if (request->domu) {
        layout.xenstore = append(v_start, &pages, 1);
        layout.console = append(v_start, &pages, 1);
    }

    /* Page tables map themselves: their number depends on where the region ends and the other way
     * round.  From the smallest number up, the first that suffices. */
    for (tables = 2;; tables = layout.tables.total) {
        layout.v_end = region_end(v_start, pages + tables + 1);
        id = check_address(request, v_start, layout.v_end, why);
        if (id)
            return id;
        pv_tables_shape(request->class, v_start, layout.v_end, &layout.tables);
        if (layout.tables.total <= tables)
            break;
    }
    layout.page_table_pages = tables;
    layout.page_tables = append(v_start, &pages, tables);
    layout.stack = append(v_start, &pages, 1);
    layout.region_pages = (layout.v_end - v_start) >> PAGE_SHIFT;
    layout.fixed_pages = layout.region_pages;

    if (request->initrd_pages && !request->initrd_mapped) {
        layout.initrd_pfn = layout.fixed_pages;
        layout.fixed_pages += request->initrd_pages;
    }
    if (!request->initrd_pages)
        layout.initrd_pfn = 0;
    if (request->p2m_outside) {
        uint64_t end = request->p2m_address + (layout.p2m_pages << PAGE_SHIFT);
        struct pv_tables list;

        layout.p2m = request->p2m_address;
        layout.p2m_pfn = layout.fixed_pages;
        pv_tables_shape(request->class, layout.p2m, end, &list);
        layout.p2m_apart = true;
        layout.p2m_table_pfn = layout.p2m_pfn + layout.p2m_pages;
        layout.p2m_table_pages = extra_tables(&layout.tables, &list);
        layout.fixed_pages += layout.p2m_pages + layout.p2m_table_pages;
    }
    *ret = layout;
    return REFUSE_NONE;
}
