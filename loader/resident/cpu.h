/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What only the CPU itself can do: every privileged instruction that C code of the layers uses.
 * (Ports: lib/port.h.  Entry, exit and accesses with fault fix-up: entry64.asm, entry32.asm.)
 *
 * The host build of the layer (tests/machine/) has a model of a CPU in the place of this header.
 *
 * Source: Intel SDM vol. 2.
 */
#ifndef RESIDENT_CPU_H
#define RESIDENT_CPU_H

#include <stdint.h>

#ifdef __x86_64__
/* What GS:0 holds: the address of this CPU's struct vcpu. */
static inline void *cpu_self(void)
{
    void *self;
    __asm__("mov %%gs:0, %0" : "=r"(self));
    return self;
}
#endif

static inline uint64_t cpu_rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void cpu_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t cpu_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void cpu_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(ret[0]), "=b"(ret[1]), "=c"(ret[2]), "=d"(ret[3])
                     : "0"(leaf), "2"(subleaf));
}

/* Control and debug registers, as wide as the layer. */
#define CPU_REGISTER(name)                                                                         \
    static inline uint64_t cpu_##name(void)                                                        \
    {                                                                                              \
        unsigned long value;                                                                       \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                     \
        return value;                                                                              \
    }                                                                                              \
    static inline void cpu_set_##name(uint64_t value)                                              \
    {                                                                                              \
        __asm__ volatile("mov %0, %%" #name : : "r"((unsigned long)value) : "memory");             \
    }

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

static inline void cpu_invlpg(uint64_t address)
{
    __asm__ volatile("invlpg (%0)" : : "r"((unsigned long)address) : "memory");
}

/* CR0.TS off. */
static inline void cpu_clts(void)
{
    __asm__ volatile("clts");
}

static inline void cpu_wbinvd(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

static inline void cpu_lldt(uint16_t selector)
{
    __asm__ volatile("lldt %0" : : "r"(selector));
}

static inline void cpu_ltr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector));
}

/* Access rights of a descriptor, as LAR gives them to the layer; 0 when it has none. */
static inline uint32_t cpu_lar(uint16_t selector)
{
    uint32_t rights = 0;
    __asm__("lar %1, %0\n jz 1f\n xor %0, %0\n1:" : "+r"(rights) : "r"((uint32_t)selector) : "cc");
    return rights;
}

/* Interrupts on until one came. */
static inline void cpu_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Nothing any more but an NMI. */
static inline void cpu_halt(void)
{
    __asm__ volatile("cli; hlt");
}

#endif
