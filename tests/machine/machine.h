/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A model of a PC on the host, on which the 64-bit resident layer's own files run: memory, CPUs,
 * ports, interrupt controllers.  One thread may be one CPU, or one thread all of them in turn.
 *
 * What is real: all of the layer between its entry stubs and the instructions of cpu.h.  What is
 * modelled: those instructions, walks of page tables with accessed and dirty bits, a local APIC by
 * MSR, an IO-APIC that remembers what was written, a PCI device with MSI and MSI-X.
 * What is not there: the start from the stage (early.c, start.c), starting real CPUs (smp.c),
 * registers and stacks in reports (report.c), measuring clocks (calibrate.c), switching off
 * (power.c).
 */
#ifndef TESTS_MACHINE_H
#define TESTS_MACHINE_H

#include <setjmp.h>

#include "layer.h"

#define MACHINE_CPUS 8

/* Frames of the machine, [first, end). */
#define FRAME_LOW      0x90u /* RAM below 640 KiB, the guest's last PFNs */
#define FRAME_LOW_END  0xa0u
#define FRAME_ACPI     0xe0u  /* tables, reserved */
#define FRAME_IMAGE    0x100u /* the layer's image: nothing on the host, faults */
#define FRAME_M2P      0x108u /* likewise after the start: the table itself is machine_m2p */
#define FRAME_ARENA    0x110u
#define FRAME_GUEST    0x400u
#define FRAME_SHARED   0x45cu /* shared_info */
#define FRAME_CONSOLE  0x45du
#define FRAME_XENSTORE 0x45eu
#define FRAME_END      0x460u
#define DEVICE_MEMORY  UINT64_C(0xfe000000) /* a page: the PCI device's MSI-X table */
#define IOAPIC_MEMORY  UINT64_C(0xfec00000)
#define DEVICE_HIGH    (UINT64_C(1) << 33) /* the same behind a 64-bit BAR */
#define PCI_DEVICE     0x10u               /* 00:02.0, the only one */

/* The guest at its start: PFN n is frame FRAME_GUEST + n below GUEST_PAGES, then comes the low RAM.
 * The first GUEST_MAPPED are mapped from guest_base(), writable but for the first GUEST_TABLES:
 *   64-bit: PFN 0-3 are L4 to L1 in use, 4-7 another such tree, not in use, that maps the same.
 *   PAE: 0 L3, 1 the L2 of the last GiB, 2 its L1; 4-6 another such tree.
 * The rest of those is empty.  The stack is page GUEST_STACK. */
#define GUEST_PAGES  0x5cu
#define GUEST_MAPPED 0x54u
#define GUEST_TABLES 10u
#define GUEST_STACK  10u

struct machine_config {
    bool dom0, compat;
    uint32_t cpus;          /* 1 to MACHINE_CPUS; PAE: 1 */
    uint32_t arena_pages;   /* for the layer to grow into after its start */
    uint32_t reserve_pages; /* handover's dma_reserve */
};

/* Builds the machine and the guest and starts the layer on every CPU; the calling thread is CPU 0
 * afterwards.  Any number of times. */
void machine_start(const struct machine_config *config);

/* Keeps the state of machine, guest and layer in one of MACHINE_STATES places, and puts it back. */
#define MACHINE_STATES 8
void machine_save(uint32_t place);
void machine_restore(uint32_t place);

/* The calling thread is CPU `id` from now on. */
void machine_be(uint32_t id);

uint64_t guest_base(void); /* virtual */

/* A pointer to machine memory that is there, else NULL. */
void *machine_at(uint64_t maddr);

/* Where the CPU would get for a guest virtual address, with the tables in use; marks the entries
 * accessed and dirty.  False: it faults. */
bool machine_walk(uint64_t gva, bool write, uint64_t *ret_maddr);

/* Called with each machine address that is written through a guest virtual one. */
extern void (*machine_on_guest_write)(uint64_t maddr, uint64_t size);

/* Interrupts of the CPU that the thread is, taken where the layer would: the one given; those that
 * others sent, and the timer when it is due; the same after the clock has gone on. */
void machine_interrupt(uint8_t vector);
void machine_poll(void);
void machine_pass_time(uint64_t ns);

/* The end of the run: longjmp target of a guest that crashed, switched off or sleeps for good.
 * Without one, such an end aborts. */
enum machine_end { MACHINE_RUNS, MACHINE_CRASHED, MACHINE_OFF, MACHINE_SLEEPS };
extern jmp_buf *machine_escape;
extern bool machine_verbose; /* the layer's words go to stderr */
extern bool machine_threads; /* each CPU is a thread: IPIs are not delivered by the sender */

/* CPU registers that tests look at. */
struct machine_cpu {
    struct vcpu *v;
    uint64_t cr0, cr2, cr3, cr4, dr[8];
    uint64_t fs_base, gs_base, kernel_gs;
    uint64_t timer_due;  /* TSC, 0 = off */
    uint64_t pending[4]; /* bit per vector */
    uint16_t ldt;
};
extern struct machine_cpu machine_cpu[MACHINE_CPUS];

#endif
