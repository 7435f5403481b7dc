/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's page tables: roots, book-keeping of table frames, flushes.
 */
#ifndef RESIDENT_PAGETABLE_H
#define RESIDENT_PAGETABLE_H

#include "layer.h"

static inline uint64_t entry_mfn(uint64_t entry)
{
    return (entry & PTE_ADDR) >> PAGE_SHIFT;
}

/* Machine address of gva's L1 entry below `root`; false when there is none (hole, missing table,
 * large page), or where linear page tables show a table of another level in its place. */
MUST_USE bool leaf_find(uint64_t root, uint64_t gva, uint64_t *ret);

/* The page-table entry at or around machine address `at` of a guest frame, as wide as the guest's.
 */
uint64_t entry_read(uint64_t at);
void entry_write(uint64_t at, uint64_t value);
/* The same, with the accessed and dirty bits that are there. */
void entry_write_keep(uint64_t at, uint64_t value);
/* True for entries that are the hypervisor's in every table of that kind, and for a PAE root's link
 * to the table with ours, which stays as it was when the root was made. */
bool entry_is_ours(int level, uint64_t at);

/* Level of the guest's root tables: 4, PAE 3, non-PAE 2. */
int root_level(void);

/* Entries on the way to `address` from the root in CR3, the top one, of *ret_level, first; returns
 * how many. */
#define WALK_MAX 4
uint32_t walk_read(uint64_t cr3, uint64_t address, int *ret_level, uint64_t entry[WALK_MAX]);

/* Bytes of an entry of the guest's tables: 8, non-PAE 4. */
uint32_t entry_width(void);

/* Is guest frame mfn the root of a vCPU, for its kernel or its user space? */
bool frame_is_root(uint64_t mfn);

/* Is guest frame mfn a page table: pinned, a root, or linked by one that is (table_use.c)?  Then
 * nothing but checked entries may be written there.  Takes a mark away that is out of date. */
bool table_in_use(uint64_t mfn);

/* Is it in use as a table of another level?  Then it cannot be pinned, or be a root: what is
 * written into a root (the hypervisor's entries) would be leaves to the other. */
bool table_conflicts(uint64_t mfn, int level);

/* Marks frame mfn as a table of `level` and everything below it. */
void table_mark(uint64_t mfn, int level);

/* What a new entry may name: 0, or what Xen answers for a frame that is not the guest's.  Of an L1
 * (entry_check.c; what is not RAM by device_check(), the layer's own) or of a table above. */
long leaf_check(uint64_t entry);
long device_check(uint64_t mfn);
/* Large pages are not for guests: only the first frame of one would be looked at. */
static inline long link_check(uint64_t entry)
{
    if (!(entry & PTE_P))
        return 0;
    return !(entry & PTE_PS) && frame_is_guest(entry_mfn(entry)) ? 0 : -XEN_EINVAL;
}
/* The same for an entry of the table in frame `table`, of `level` above L1: where it names a table
 * of that level, itself or another, tables can be seen as pages, which must not be writable
 * (XSA-182). */
long table_link_check(uint64_t table, int level, uint64_t entry);
/* The same as link_check() for an L3 of a 32-bit guest: it must not name another L3, nor itself
 * (XSA-185). */
long top_link_check(uint64_t entry);
/* Book-keeping after such an entry was stored at machine address `at` in a table of `level`. */
void entry_stored(int level, uint64_t at, uint64_t entry);

/* A write fault of the guest's kernel on a read-only, supervisor mapping of a page-table frame: the
 * mapping is made writable and true returned, the instruction is to be tried again. */
bool page_table_write_allowed(struct vcpu *v, uint64_t error, uint64_t address);

/* Makes guest frame mfn fit to be loaded as a root: 0 or -XEN_EINVAL. */
long root_prepare(uint64_t mfn);

/* The kernel's root (CR3 as the guest writes it): 0 or -XEN_EINVAL. */
long root_set(struct vcpu *v, uint64_t mfn);
long user_root_set(struct vcpu *v, uint64_t mfn);

/* Loads CR3 for v's kernel root.  32-bit guests: their four L3 entries are copied into a table of
 * ours, since a PAE entry has no permission bits and long mode's has. */
void root_load(struct vcpu *v);

/* This CPU's TLB, everything of it. */
void flush_tlb_all(void);

/* TLBs of all vCPUs in `mask` (bit per vCPU): gva, or everything when gva is ~0. */
void flush_vcpus(struct vcpu *v, uint64_t mask, uint64_t gva);

/* CR0.TS as fpu_taskswitch, clts and mov cr0 set it (hc_misc.c). */
void task_switched_set(struct vcpu *v, bool set);

#endif
