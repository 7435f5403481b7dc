/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The initial region of a PV guest as addresses: which element stands where between v_start and
 * v_end, and how many page-table pages that takes.  Pure arithmetic over guest virtual addresses
 * and PFNs; machine frames are pv_memory.c's.
 * Source: xen/arch/x86/pv/dom0_build.c (dom0_construct), tools/libs/guest/xg_dom_core.c;
 * xen-x86_32p and the 2006 non-PAE builder for the 32-bit shapes.
 */
#ifndef LOADER_PV_LAYOUT_H
#define LOADER_PV_LAYOUT_H

#include "addr.h"
#include "checked.h"
#include "handover.h"
#include "refusal.h"

/* Page tables that map one stretch of virtual addresses.  Level 0 is the root; a level's tables are
 * consecutive, and so are the levels. */
#define PV_LEVEL_MAX 4

struct pv_tables {
    uint32_t levels;
    uint32_t entry_size;           /* bytes: 8 or 4 */
    uint32_t shift[PV_LEVEL_MAX];  /* one entry of the level covers 1 << shift bytes */
    uint32_t bits[PV_LEVEL_MAX];   /* a table of the level has 1 << bits entries */
    uint64_t first[PV_LEVEL_MAX];  /* number of the level's first table, counted from address 0 */
    uint64_t count[PV_LEVEL_MAX];  /* tables of the level */
    uint64_t before[PV_LEVEL_MAX]; /* tables in front of the level's first */
    uint64_t total;
};

/* The tables for [start, end), guest virtual, page-aligned, not empty, end above start (as
 * offsets from address 0 or from the start of the upper half; see pv_table_address()). */
void pv_tables_shape(enum guest_class class, uint64_t start, uint64_t end, struct pv_tables *ret);

/* A virtual address as the page tables index it: bits above the class's reach cut off. */
uint64_t pv_table_address(enum guest_class class, uint64_t virtual);

struct pv_layout_request {
    enum guest_class class;
    bool domu;             /* xenstore and console pages */
    uint64_t virt_base;    /* page-aligned */
    uint64_t kernel_end;   /* guest virtual, BSD symbol block included */
    uint64_t initrd_pages; /* 0 = none */
    bool initrd_mapped;    /* false: MOD_START_PFN */
    uint64_t nr_pages;     /* entries of the p2m list */
    bool p2m_outside;      /* INIT_P2M is honoured */
    uint64_t p2m_address;  /* then: where */
    uint64_t hole_start;   /* 32-bit: start of the hypervisor's hole; 64-bit: 0 */
};

/* Guest virtual addresses; a PFN is (address - v_start) >> PAGE_SHIFT. */
struct pv_layout {
    uint64_t v_start, v_end;
    uint64_t initrd; /* 0 when none is mapped */
    uint64_t p2m;    /* the list, wherever it is */
    uint64_t start_info, xenstore, console, page_tables, stack;
    struct pv_tables tables;
    uint64_t page_table_pages;               /* at page_tables: at least tables.total */
    uint64_t region_pages;                   /* (v_end - v_start) in pages */
    uint64_t initrd_pfn;                     /* 0 when there is none */
    uint64_t p2m_pfn, p2m_pages;             /* frames of the list */
    bool p2m_apart;                          /* outside the region, by INIT_P2M */
    uint64_t p2m_table_pfn, p2m_table_pages; /* then: the tables beside the region's */
    uint64_t fixed_pages;                    /* PFNs with a purpose: region, ramdisk, outside p2m */
};

/* Refuses: a region that wraps, leaves the guest's address width or reaches the hypervisor's part
 * (PV_REGION_TOO_HIGH, PV_REGION_IN_HOLE). */
enum refusal_id pv_layout_make(const struct pv_layout_request *request, struct pv_layout *ret,
                               struct refusal *why);

static inline uint64_t pv_layout_pfn(const struct pv_layout *layout, uint64_t address)
{
    return (address - layout->v_start) >> PAGE_SHIFT;
}

/* True when a 64-bit guest's p2m list of nr_pages can stand at p2m_address: page-aligned,
 * canonical, outside the hypervisor's part. */
bool pv_layout_p2m_fits(uint64_t p2m_address, uint64_t nr_pages);

/* True when the list stands apart (p2m_outside), but in the initial region's own addresses. */
bool pv_layout_p2m_in_region(const struct pv_layout *layout);

#endif
