/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The seam between the 64-bit resident layer and the machine, as the host build has it: included
 * first into every file of the layer, in the place of loader/resident/cpu.h, lib/port.h and
 * loader/resident/space64.h, whose include guards it takes.
 *
 * Machine memory stands at machine_memory in the host's address space; a machine address without
 * memory behind it faults there.  Guest virtual addresses are what they are, reached by a walk of
 * the guest's page tables (machine.c).
 */
#ifndef MACHINE_SEAM_H
#define MACHINE_SEAM_H

#include <stdint.h>

/* ---- loader/resident/cpu.h ------------------------------------------------------------------ */
#define RESIDENT_CPU_H

void *cpu_self(void);
uint64_t cpu_rdmsr(uint32_t msr);
void cpu_wrmsr(uint32_t msr, uint64_t value);
uint64_t cpu_tsc(void);
void cpu_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret[4]);
#define CPU_REGISTER(name)                                                                         \
    uint64_t cpu_##name(void);                                                                     \
    void cpu_set_##name(uint64_t value);
CPU_REGISTER(cr0)
CPU_REGISTER(cr2)
CPU_REGISTER(cr3)
CPU_REGISTER(cr4)
CPU_REGISTER(dr0)
CPU_REGISTER(dr1)
CPU_REGISTER(dr2)
CPU_REGISTER(dr3)
CPU_REGISTER(dr6)
CPU_REGISTER(dr7)
#undef CPU_REGISTER
void cpu_invlpg(uint64_t address);
void cpu_clts(void);
void cpu_wbinvd(void);
void cpu_lldt(uint16_t selector);
void cpu_ltr(uint16_t selector);
uint32_t cpu_lar(uint16_t selector);
void cpu_wait(void);
void cpu_halt(void);

/* ---- lib/port.h ----------------------------------------------------------------------------- */
#define LIB_PORT_H

void port_write8(uint16_t port, uint8_t value);
void port_write16(uint16_t port, uint16_t value);
void port_write32(uint16_t port, uint32_t value);
uint8_t port_read8(uint16_t port);
uint16_t port_read16(uint16_t port);
uint32_t port_read32(uint16_t port);

/* ---- loader/resident/space64.h -------------------------------------------------------------- */
#define RESIDENT_SPACE64_H

extern uint8_t *machine_memory;                    /* of MACHINE_SIZE bytes of address space */
extern uint64_t machine_m2p[];                     /* one entry a frame */
extern uint8_t machine_window[], machine_device[]; /* GDT and LDT windows; devices above 4 GiB */
extern char machine_program[] __asm__("__executable_start");

#define MACHINE_SIZE (UINT64_C(1) << 40)
#define WINDOW_SIZE  0x10000 /* of each vCPU */
#define WINDOW_CPUS  8

#define M2P_BASE       UINT64_C(0xffff800000000000)
#define LAYER_BASE     ((uint64_t)(uintptr_t)machine_program)
#define GDT_BASE       ((uint64_t)(uintptr_t)machine_window)
#define LDT_BASE       (GDT_BASE + WINDOW_CPUS * WINDOW_SIZE)
#define DEVICE_BASE    ((uint64_t)(uintptr_t)machine_device)
#define DIRECT_BASE    ((uint64_t)(uintptr_t)machine_memory)
#define DIRECT_END     (DIRECT_BASE + MACHINE_SIZE)
#define M2P_WRITE_BASE ((uint64_t)(uintptr_t)machine_m2p)
#define HOLE_START     UINT64_C(0xffff800000000000)
#define HOLE_END       UINT64_C(0xffff880000000000)
#define HOLE_SLOT      256
#define HOLE_SLOTS     16
#define FRAMES_MAX     (MACHINE_SIZE >> 12)

#endif
