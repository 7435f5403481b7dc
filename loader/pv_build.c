/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Carrying out the generated part of a PV plan; see pv_build.h.
 * Permission bits are those that Xen's dom0 builder leaves: 64-bit entries are all user-accessible,
 * leaves carry Xen's "guest kernel" software bit; 32-bit leaves are supervisor; page-table pages
 * are read-only in the initial region; nothing is no-execute. Source: xen/arch/x86/pv/dom0_build.c
 * (…_PROT, setup_pv_physmap).  A PAE root that the CPU uses directly has only the present bit: the
 * others are reserved there (SDM vol. 3, 4.4.1).
 */
#include "pv_build.h"

#include "bytes.h"
#include "pv_abi.h"
#include "pv_layout.h"
#include "pv_memory.h"

#define TABLE_FLAGS (PTE_PRESENT | PTE_RW | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define LEAF32      (PTE_PRESENT | PTE_RW | PTE_ACCESSED)
#define LEAF64      (PTE_PRESENT | PTE_RW | PTE_ACCESSED | PTE_USER | PTE_GUEST_KERNEL)

/* Frames of the plan have runs (plan_check()); page-table pages and the p2m are contiguous. */
static uint64_t machine_of(const struct pv_plan *pv, uint64_t pfn)
{
    uint64_t at = 0;

    return pv_memory_find(pv, pfn, &at, NULL) ? at : 0;
}

struct builder {
    const struct pv_tables *tables;
    uint8_t *pages; /* the first table page, as this program reaches it */
    uint64_t at;    /* its machine address */
};

/* The entry of level `level` for the n-th unit of its size, counted from address 0.  A level's
 * tables are consecutive, so its entries are one array. */
static uint8_t *entry_of(const struct builder *b, uint32_t level, uint64_t unit)
{
    const struct pv_tables *t = b->tables;
    uint8_t *first = b->pages + (size_t)(t->before[level] << PAGE_SHIFT);

    return first + (size_t)((unit - (t->first[level] << t->bits[level])) * t->entry_size);
}

/* `count` entries for consecutive machine pages from `value` (address and flags) on. */
static void put_entries(uint8_t *to, uint32_t entry_size, uint64_t value, uint64_t count)
{
    uint64_t *to64 = (uint64_t *)(void *)to;
    uint32_t *to32 = (uint32_t *)(void *)to;

    if (entry_size == sizeof(uint64_t))
        for (uint32_t i = 0; i < count; i++, value += PAGE_SIZE)
            to64[i] = value;
    else
        for (uint32_t i = 0; i < count; i++, value += PAGE_SIZE)
            to32[i] = (uint32_t)value;
}

/* Links every table below the root into the level above. */
static void link_tables(const struct builder *b, uint32_t root_flags)
{
    const struct pv_tables *t = b->tables;

    for (uint32_t level = 1; level < t->levels; level++) {
        uint64_t at = b->at + (t->before[level] << PAGE_SHIFT);

        put_entries(entry_of(b, level - 1, t->first[level]), t->entry_size,
                    at | (level == 1 ? root_flags : TABLE_FLAGS), t->count[level]);
    }
}

/* Leaves for `count` pages from virtual page `page` on, for PFNs from `pfn` on. */
static void put_leaves(const struct builder *b, const struct pv_plan *pv, uint64_t page,
                       uint64_t pfn, uint64_t count, uint64_t flags)
{
    uint64_t at, run;

    for (; count && pv_memory_find(pv, pfn, &at, &run); page += run, pfn += run, count -= run) {
        if (run > count)
            run = count;
        put_entries(entry_of(b, b->tables->levels - 1, page), b->tables->entry_size, at | flags,
                    run);
    }
}

/* An INIT_P2M list, 64-bit guests only: hangs its own tables into the region's, one for every entry
 * on the way that leads nowhere yet. */
static void map_p2m(const struct pv_plan *pv, struct machine *machine, const struct builder *region)
{
    uint64_t own = machine_of(pv, pv->p2m_table_pfn), used = 0, count;
    uint64_t own_size = pv->p2m_table_count << PAGE_SHIFT;
    uint8_t *pages = own_size ? machine->reach(machine, own, own_size) : NULL;
    uint64_t first = pv_table_address(pv->class, pv->p2m_virtual) >> PAGE_SHIFT;
    uint64_t at = machine_of(pv, pv->p2m_pfn); /* contiguous */

    if (pages)
        memset(pages, 0, (size_t)own_size);
    for (uint64_t done = 0; done < pv->p2m_pages; done += count) {
        uint64_t *table = (uint64_t *)(void *)region->pages, page = first + done;

        for (uint32_t shift = 27; shift; shift -= 9) {
            uint64_t *entry = &table[page >> shift & 511];

            if (!*entry)
                *entry = (own + (used++ << PAGE_SHIFT)) | TABLE_FLAGS;
            uint64_t next = *entry & ~(uint64_t)PAGE_MASK;
            bool is_own = next >= own && next - own < own_size;
            table = (uint64_t *)(void *)(is_own ? pages + (size_t)(next - own)
                                                : region->pages + (size_t)(next - region->at));
        }
        count = 512 - (page & 511);
        if (count > pv->p2m_pages - done)
            count = pv->p2m_pages - done;
        put_entries((uint8_t *)&table[page & 511], sizeof(*table),
                    (at + (done << PAGE_SHIFT)) | LEAF64 | PTE_DIRTY, count);
    }
}

static void build_tables(const struct pv_plan *pv, struct machine *machine)
{
    struct pv_tables tables;
    uint64_t size = pv->pt_count << PAGE_SHIFT;
    uint64_t page = pv_table_address(pv->class, pv->v_start) >> PAGE_SHIFT;
    uint64_t leaf = pv->class == GUEST_PV64 ? LEAF64 : LEAF32;
    struct builder b = {.tables = &tables, .at = machine_of(pv, pv->pt_pfn)};

    pv_tables_shape(pv->class, pv->v_start, pv->v_end, &tables);
    b.pages = machine->reach(machine, b.at, size);
    memset(b.pages, 0, (size_t)size);
    link_tables(&b, pv->class == GUEST_PV32PAE && pv->hardware_pae ? PTE_PRESENT : TABLE_FLAGS);
    put_leaves(&b, pv, page, 0, (pv->v_end - pv->v_start) >> PAGE_SHIFT, leaf);
    put_leaves(&b, pv, page + pv->pt_pfn, pv->pt_pfn, pv->pt_count, leaf & ~(uint64_t)PTE_RW);
    if (pv->p2m_apart)
        map_p2m(pv, machine, &b);
}

/* `count` entries from mfn on, four a turn: 64 GiB have 16 Mi of them.  Not inlined, so that the
 * loop has the registers for itself. */
__attribute__((noinline)) static uint32_t *fill64(uint32_t *to, uint64_t mfn, uint64_t count)
{
    while (count) {
        uint32_t low = (uint32_t)mfn, high = (uint32_t)(mfn >> 32);
        uint64_t left = (UINT64_C(1) << 32) - low; /* until `high` changes */
        uint64_t now = count < left ? count : left;
        uint32_t *end = to + 2 * (size_t)now, *end4 = to + 2 * ((size_t)now & ~(size_t)3);

        if (to != end4)
            do {
                to[0] = low;
                to[1] = high;
                to[2] = low + 1;
                to[3] = high;
                to[4] = low + 2;
                to[5] = high;
                to[6] = low + 3;
                to[7] = high;
                to += 8;
                low += 4;
            } while (to != end4);
        for (; to != end; to += 2, low++) {
            to[0] = low;
            to[1] = high;
        }
        mfn += now;
        count -= now;
    }
    return to;
}

__attribute__((noinline)) static uint32_t *fill32(uint32_t *to, uint64_t mfn, uint64_t count)
{
    uint32_t value = (uint32_t)mfn;
    uint32_t *end = to + (size_t)count, *end4 = to + ((size_t)count & ~(size_t)3);

    for (; to != end4; to += 4, value += 4) {
        to[0] = value;
        to[1] = value + 1;
        to[2] = value + 2;
        to[3] = value + 3;
    }
    for (; to != end; to++, value++)
        to[0] = value;
    return to;
}

static void build_p2m(const struct pv_plan *pv, struct machine *machine)
{
    uint64_t size = pv->p2m_pages << PAGE_SHIFT;
    uint8_t *start = machine->reach(machine, machine_of(pv, pv->p2m_pfn), size);
    uint32_t *to = (uint32_t *)(void *)start;

    for (uint32_t i = 0; i < pv->run_count; i++) {
        const struct p2m_run *run = &pv->run[i];

        if (pv->class == GUEST_PV64)
            to = fill64(to, run->mfn, run->count);
        else
            to = fill32(to, run->mfn, run->count);
    }
    /* PFNs behind the last one are invalid. */
    memset(to, 0xff, (size_t)size - (size_t)((uint8_t *)to - start));
}

/* All zero but the event masks; wall clock and time are the layer's. */
static void build_shared_info(const struct pv_plan *pv, struct machine *machine)
{
    uint8_t *page = machine->reach(machine, pv->shared_info, PAGE_SIZE);

    memset(page, 0, (size_t)PAGE_SIZE);
    for (uint32_t i = 0; i < SHARED_INFO_VCPUS; i++)
        page[i * SHARED_INFO_VCPU_SIZE + SHARED_INFO_UPCALL_MASK_OFF] = 1;
}

void pv_build(const struct plan *plan, const struct plan_input *input, struct machine *machine)
{
    (void)input;
    build_tables(&plan->pv, machine);
    build_p2m(&plan->pv, machine);
    build_shared_info(&plan->pv, machine);
}
