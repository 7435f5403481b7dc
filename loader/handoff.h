/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The HANDOFF region: everything that the last moments need, outside of stage, sources and targets.
 * apply_build() fills it, boot/mover.asm runs in it; boot/mover.asm repeats the offsets (asserted
 * in apply_handoff.c).  Addresses are machine addresses below 4 GiB.
 *
 *   0x0000  struct handoff         0x3000  steps
 *   0x1000  the mover's code       0x7000  identity map of 4 GiB (PML4, PDPT, 4 PDs; 2 MiB pages)
 *                                  0xd000  stack, growing down from 0x10000
 */
#ifndef LOADER_HANDOFF_H
#define LOADER_HANDOFF_H

#include <stdint.h>

#include "plan.h"

#define HANDOFF_CODE        0x1000
#define HANDOFF_CODE_SIZE   0x2000
#define HANDOFF_STEPS       0x3000
#define HANDOFF_TABLES      0x7000
#define HANDOFF_TABLES_SIZE 0x6000
#define HANDOFF_STACK_TOP   HANDOFF_SIZE

/* Entries of the mover, from HANDOFF_CODE.  Both take the region's machine address: EBX in 32-bit
 * flat protected mode without paging, RDI in long mode with the region identity mapped. */
#define MOVER_ENTRY_32 0
#define MOVER_ENTRY_64 16

/* handoff.flags: what the CPU has.  The mover touches CR4 and EFER only where they exist. */
#define HANDOFF_CR4  1u
#define HANDOFF_EFER 2u
#define HANDOFF_SSE2 4u

struct handoff_step {
    uint32_t kind; /* enum step_kind */
    uint32_t to, from, size;
};

struct handoff_pointer { /* LGDT and LIDT read from `limit` on */
    uint16_t pad, limit;
    uint32_t base, base_high;
};

struct handoff {
    uint32_t step_count;
    uint32_t flags;
    uint32_t exit_kind; /* enum exit_kind */
    uint32_t self;      /* machine address of this struct */
    struct handoff_pointer gdt32, gdt64, idt;
    uint32_t log_uart;  /* I/O port for what the mover says, 0 = none */
    uint32_t log_tsc;   /* not 0: say how many TSC ticks the steps took */
    uint32_t real_code; /* EXIT_REAL: exit_code as real mode's segment:offset */
    uint64_t
        segment32[8];       /* null, null, code 0x10, data 0x18, TSS 0x20, 64-bit code 0x28, and
                               for EXIT_REAL 16-bit code 0x30 and data 0x38 with this region as base */
    uint64_t segment64[4];  /* null, null, code 0x10, data 0x18 */
    uint8_t exit_code[256]; /* loads the planned registers and jumps: apply_handoff.c writes it */
    uint64_t gate[32];      /* all exceptions: the mover's own report */
};

/* Exit state of the mover, for every kind: interrupts off, 8259s masked, DF and IF clear, IDT
 * empty. Protected: CR0 PE and ET alone, CR4 0, EFER 0, flat segments CS 0x10 and others 0x18, TR a
 * busy 32-bit TSS of base 0 and limit 0x67.  Long: CR0 also PG, CR4 PAE, the identity map, CS 0x10.
 * Real: 8259s as the firmware left them, the BIOS's vectors, CR0 ET alone, A20 open.
 *
 * Writes the whole region.  `region` is the HANDOFF region as this program reaches it, `mover` the
 * code of boot/mover.asm (at most HANDOFF_CODE_SIZE bytes). */
void apply_handoff(const struct plan *plan, const struct cpu_info *cpu, const void *mover,
                   uint32_t mover_size, uint32_t log_uart, bool log_tsc, uint8_t *region);

#endif
