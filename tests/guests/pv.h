/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the PV door share.
 */
#ifndef TESTS_GUESTS_PV_H
#define TESTS_GUESTS_PV_H

#include "guest.h"

#include <xen/xen.h>

#ifdef __i386__
#define MACHINE_TO_PHYS ((const unsigned long *)(PAE ? 0xf5800000ul : 0xfc000000ul))
#define HOLE_START      (PAE ? 0xf5800000ul : 0xfc000000ul)
#else
#define MACHINE_TO_PHYS ((const unsigned long *)0xffff800000000000ul)
#endif

/* A page-table entry of this guest's kind. */
#if defined(__i386__) && !PAE
typedef uint32_t pte_t;
#else
typedef uint64_t pte_t;
#endif
#define PTE_PRESENT  1u
#define PTE_WRITABLE 2u
#define PTE_USER     4u
#define PTE_ACCESSED 0x20u
#define PTE_DIRTY    0x40u
#define PTE_LARGE    0x80u
#define PTE_OWN      (PTE_PRESENT | PTE_WRITABLE | PTE_ACCESSED | PTE_DIRTY)
#define PTE_FRAME(p) (((p)&0x000ffffffffff000ull) >> 12)

long hypercall_bare(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
                    unsigned long a4, unsigned long a5);
long hypercall_by_page(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
                       unsigned long a4, unsigned long a5);

extern const start_info_t *start_info;
/* [v_start, v_end): what the start of day promises to map. */
extern uintptr_t v_start, v_end;

/* ---- pv_ops.c: hypercalls; each gives what the hypercall returned ---- */
/* Of up to four arguments, by the instruction or through the hypercall page. */
long call(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4);
long call_by_page(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
                  unsigned long a4);
/* How often these two made call `nr` (< 64). */
unsigned calls_made(unsigned nr);
/* update_va_mapping of the page at a guest virtual address (UVMF_…; with INVLPG). */
long map_flags(const void *at, pte_t entry, unsigned long flags);
long map(const void *at, pte_t entry);
/* mmuext_op of one element: MMUEXT_…, its two arguments (frames, addresses, counts). */
long extended(unsigned cmd, unsigned long arg1, unsigned long arg2);
/* mmu_update of one element: a machine address with MMU_… in its low bits, the new entry. */
long update(uint64_t ptr, uint64_t value);
/* update_descriptor: a machine address, the eight bytes. */
long descriptor(uint64_t at, uint64_t value);
/* The machine frame of a page of the initial region, by the p2m. */
unsigned long frame_of(const void *at);
/* An entry that maps it. */
pte_t own(const void *at, unsigned flags);
/* The page-table entry that maps a guest virtual address, and its machine address. */
const pte_t *entry_of(const void *at, uint64_t *ret_maddr);
/* Nanoseconds since the hypervisor started, as every guest computes them. */
uint64_t time_by(const volatile struct vcpu_time_info *time);
/* ` -errno` or ` 0xvalue`; `guest: part name =` that, as a line. */
void print_result(long result);
void tell_result(const char *part, const char *name, long result);

/* ---- the checks, in the order of pv_main() ---- */
/* pv_tables.c: walks every table from pt_base; checks entries, p2m and m2p. */
void pv_tables_check(void);
/* pv_calls.c: maps shared_info over a page of ours and checks it; the calls of the first layer. */
void pv_calls_check(void);
/* pv_ring3.c: with the word `ring3`, user space, traps, events and page tables of 32-bit guests. */
void pv_ring3_check(void);
/* pv_services.c: events, timers, scheduling, memory, grants, devices; after pv_calls_check(). */
void pv_services_check(void);
/* pv_domain.c: what a domain asks and sets of itself: PFNs, memory map, watchdogs, pinning. */
void pv_domain_check(void);
/* pv_grants.c: a domain's own grants mapped, unmapped, swapped; caches. */
void pv_grants_check(void);
/* pv_wild.c: wild pointers, absurd numbers, frames of others; after pv_services_check(). */
void pv_wild_check(void);
/* pv_bad.c: iret frames that fail; with a word `bad-…`, what ends the domain. */
void pv_bad_check(void);
/* pv_instructions.c: what a 64-bit kernel may try; called by pv_bad_check(). */
void pv_instructions_check(void);
/* pv_vcpus.c: with the word `vcpus`, a second vCPU and contexts that it must refuse. */
void pv_vcpus_check(void);
/* pv_cpu.c: 64-bit guests: ways into the kernel, debug registers, NMI, events, MSRs, CPUID. */
void pv_cpu_check(void);
/* pv_interrupts.c: a dom0's lines and messages. */
void pv_interrupts_check(void);
/* pv_rows.c: hypercalls that nothing else here makes; last, vcpu_info moves. */
void pv_rows_check(void);

#endif
