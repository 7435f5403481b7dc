/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The PV door's page tables: a walk over every entry of every initial table, which must map
 * [v_start, v_end) linearly to PFN 0 on, tables read-only and all else writable, nothing more
 * (but for a p2m at INIT_P2M); p2m and m2p must be each other's inverse.
 */
#include "pv.h"

#ifdef __i386__
#define LEVELS     (PAE ? 3 : 2)
#define INDEX_BITS (PAE ? 9u : 10u)
#else
#define LEVELS     4
#define INDEX_BITS 9u
#endif
#define ENTRIES (1u << INDEX_BITS)

static uint32_t tables_seen, leaves_seen, wrong_frames, wrong_inverse, wrong_permission,
    wrong_level_bits, holes;

static const unsigned long *p2m(void)
{
    return (const unsigned long *)start_info->mfn_list;
}

/* Where a machine frame stands in the linear mapping, 0 when it is not in it. */
static const pte_t *table_of(uint64_t mfn)
{
    unsigned long pfn = MACHINE_TO_PHYS[mfn];
    if (pfn >= start_info->nr_pages || p2m()[pfn] != mfn)
        return NULL;
    uintptr_t address = v_start + pfn * 4096;
    return address < v_end ? (const pte_t *)address : NULL;
}

static bool is_table_page(uintptr_t address)
{
    return address >= start_info->pt_base &&
           address < start_info->pt_base + start_info->nr_pt_frames * 4096;
}

static void check_leaf(uintptr_t address, pte_t entry)
{
    unsigned long pfn = (address - v_start) / 4096;
    pte_t want = PTE_PRESENT | (is_table_page(address) ? 0 : PTE_WRITABLE);

    leaves_seen++;
    if (PTE_FRAME(entry) != p2m()[pfn])
        wrong_frames++;
    if ((entry & (PTE_PRESENT | PTE_WRITABLE)) != want)
        wrong_permission++;
#if !defined(__i386__) || PAE
    if (entry >> 63)
        wrong_permission++;
#endif
}

static bool hypervisor_slot(int level, uintptr_t address)
{
#ifdef __i386__
    (void)level;
    return address >= HOLE_START;
#else
    return level == 4 && address >= 0xffff800000000000ul && address < 0xffff880000000000ul;
#endif
}

static void walk(const pte_t *table, int level, uintptr_t address)
{
    unsigned shift = 12 + INDEX_BITS * (unsigned)(level - 1);
    unsigned count = LEVELS == 3 && level == 3 ? 4 : ENTRIES;

    tables_seen++;
    for (unsigned i = 0; i < count; i++) {
        uintptr_t at = address + ((uintptr_t)i << shift);
        pte_t entry = table[i];
#ifndef __i386__
        if (level == 4 && i >= 256)
            at |= 0xffff000000000000ul;
#endif
        if (hypervisor_slot(level, at))
            continue;
        if (!(entry & PTE_PRESENT)) {
            if (level == 1 && at >= v_start && at < v_end)
                holes++;
            continue;
        }
        if (level == 1) {
            if (at >= v_start && at < v_end)
                check_leaf(at, entry);
            else
                check("nothing is mapped outside the initial region", false, at, v_end);
            continue;
        }
        if (LEVELS == 3 && level == 3) {
            if ((entry & 0xfff &
                 ~(pte_t)(PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)) != 0)
                wrong_level_bits++;
        } else if ((entry & 0xfff & ~(pte_t)0xe00) !=
                   (PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)) {
            wrong_level_bits++;
        }
        if (entry & PTE_LARGE) {
            check("no large page in the initial region", at >= v_end || at < v_start, at, 0);
            continue;
        }
        const pte_t *next = table_of(PTE_FRAME(entry));
        if (next)
            walk(next, level - 1, at);
        else /* the p2m's own tables may lie outside the region */
            check("table inside the initial region",
                  INIT_P2M && at <= (uintptr_t)INIT_P2M && level == LEVELS, at, 0);
    }
}

void pv_tables_check(void)
{
    const start_info_t *si = start_info;

    check_equal("page tables on a page", si->pt_base & 4095, 0);
    walk((const pte_t *)si->pt_base, LEVELS, 0);
    field("tables seen", tables_seen);
    field("leaves seen", leaves_seen);
    check_equal("pages of the region that are not mapped", holes, 0);
    check_equal("pages mapped", leaves_seen, (v_end - v_start) / 4096);
    check_equal("leaves that are not linear", wrong_frames, 0);
    check_equal("leaves with a wrong permission", wrong_permission, 0);
    check_equal("upper entries with wrong bits", wrong_level_bits, 0);
    check_true("every table was counted in nr_pt_frames", tables_seen <= si->nr_pt_frames);
#ifdef __i386__
    /* As the builders of 2006 counted: a directory and its tables, or a root and four of those. */
    const uintptr_t reach = PAE ? 0x200000 : 0x400000;
    check_equal("nr_pt_frames", si->nr_pt_frames,
                (PAE ? 5u : 1u) + (v_end - v_start + reach - 1) / reach);
#endif
    field("tables spare", si->nr_pt_frames - tables_seen);

    for (unsigned long pfn = 0; pfn < si->nr_pages; pfn++)
        if (MACHINE_TO_PHYS[p2m()[pfn]] != pfn)
            wrong_inverse++;
    check_equal("p2m entries whose m2p entry is another", wrong_inverse, 0);
    field("shared_info in the p2m",
          MACHINE_TO_PHYS[si->shared_info >> 12] < si->nr_pages &&
              p2m()[MACHINE_TO_PHYS[si->shared_info >> 12]] == si->shared_info >> 12);
}
