/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tables the CPU itself reads: TSS, IDT, GDT window, LDT; and the memory block of one CPU.
 * Source: Intel SDM vol. 3, chapters 3, 6, 7; vol. 1 19.5 (I/O permission bit map).
 */
#ifndef RESIDENT_DESCRIPTORS_H
#define RESIDENT_DESCRIPTORS_H

#include "layer.h"

#define IST_DB  1
#define IST_NMI 2
#define IST_DF  3
#define IST_MC  4

#define XCR0_AT_START UINT64_C(3) /* x87 and SSE, as Xen starts a vCPU */

#define IOMAP_BYTES 8192

/* The I/O map behind a TSS of either width. */
struct io_maps {
    uint8_t all[IOMAP_BYTES];  /* zero: every port allowed */
    uint8_t all_end[4];        /* 0xff: the byte the CPU reads behind the last */
    uint8_t user[IOMAP_BYTES]; /* set_iobitmap's */
    uint8_t user_end[4];
} __attribute__((packed));

#ifdef __x86_64__
struct tss {
    uint32_t reserved0;
    uint64_t rsp0, rsp1, rsp2;
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base;
    struct io_maps map;
} __attribute__((packed));

_Static_assert(offsetof(struct tss, iomap_base) == 102, "TSS");
#else
struct tss {
    uint32_t link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi, es, cs, ss, ds, fs, gs, ldt;
    uint16_t trap, iomap_base;
    struct io_maps map;
} __attribute__((packed));

_Static_assert(offsetof(struct tss, iomap_base) == 102, "TSS");
#endif

#define IOMAP_ALL  ((uint16_t)offsetof(struct tss, map.all))
#define IOMAP_USER ((uint16_t)offsetof(struct tss, map.user))
#define IOMAP_NONE ((uint16_t)sizeof(struct tss)) /* past the limit: no port allowed */

#ifdef __x86_64__
/* One CPU's memory: aligned to its size, so that a stack pointer into it leads to the vCPU. */
#define CPU_BLOCK_SIZE 0x10000
#define CPU_TSS        0x4000
#define CPU_IST        0x9000 /* four stacks of 4 KiB */
#define CPU_STACK_TOP  CPU_BLOCK_SIZE

_Static_assert(sizeof(struct vcpu) <= CPU_TSS, "struct vcpu must end before the TSS");
_Static_assert(sizeof(struct tss) <= CPU_IST - CPU_TSS, "the TSS must end before the stacks");

static inline struct vcpu *vcpu_of_stack(const void *on_stack)
{
    return (struct vcpu *)((uint64_t)on_stack & ~(uint64_t)(CPU_BLOCK_SIZE - 1));
}
#endif

#ifndef __x86_64__
static inline struct vcpu *vcpu_of_stack(const void *on_stack)
{
    (void)on_stack;
    return cpu_vcpu();
}
#endif

/* Allocates the block of vCPU `id` with stacks and TSS; NULL when the arena is used up. */
struct vcpu *cpu_block_make(uint32_t id);

/* Fills the IDT (once). */
void idt_make(void);

/* Loads GDT, LDT, TSS, IDT, GS base, SYSCALL MSRs and control registers on this CPU for v.  Our own
 * root or the guest's (with our slots) must be active. */
void cpu_load(struct vcpu *v);

/* Puts machine frame mfn (~0 = nothing) at page `index` (0-13) of v's GDT window. */
void gdt_window_set(struct vcpu *v, uint32_t index, uint64_t mfn);

#define GDT_ENTRIES_MAX 7168 /* of the guest: below the reserved part */

/* Makes a page of descriptors fit for a guest (hc_segments.c): levels below its own are raised;
 * false for gates and other system descriptors. */
bool descriptor_page_fix(uint64_t *descriptors);
/* A frame of the guest that is no page table in use. */
bool may_hold_descriptors(uint64_t mfn);

/* LDT of `entries` (<= 8192) descriptors at guest virtual base, 0 entries = none. */
void ldt_load(struct vcpu *v, uint64_t base, uint32_t entries);

/* Privilege level from which INT n may call vector n; interrupt vectors stay 0. */
void idt_set_dpl(uint8_t vector, uint8_t dpl);

#endif
