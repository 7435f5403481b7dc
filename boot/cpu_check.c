/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the boot CPU can do, from CPUID; a 486 without CPUID comes out with nothing.
 * Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.
 */
#include "bytes.h"
#include "stage.h"

#define EFLAGS_ID (1u << 21)

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

static bool has_ticks;

static struct leaf cpuid(uint32_t number)
{
    struct leaf leaf;
    __asm__ volatile("cpuid"
                     : "=a"(leaf.eax), "=b"(leaf.ebx), "=c"(leaf.ecx), "=d"(leaf.edx)
                     : "a"(number), "c"(0));
    return leaf;
}

/* CPUID exists when EFLAGS.ID can be changed. */
static bool has_cpuid(void)
{
#if defined(__x86_64__)
    return true;
#else
    uint32_t before, after;
    __asm__ volatile("pushfl\n\t"
                     "pushfl\n\t"
                     "xorl %2, (%%esp)\n\t"
                     "popfl\n\t"
                     "pushfl\n\t"
                     "popl %1\n\t"
                     "movl (%%esp), %0\n\t"
                     "popfl"
                     : "=&r"(before), "=&r"(after)
                     : "i"(EFLAGS_ID)
                     : "cc");
    return ((before ^ after) & EFLAGS_ID) != 0;
#endif
}

static bool bit(uint32_t word, unsigned number)
{
    return word >> number & 1;
}

void cpu_read(struct cpu_info *ret)
{
    struct leaf leaf;
    uint32_t last;

    memset(ret, 0, sizeof(*ret));
    memcpy(ret->vendor, "486", 4);
    ret->physical_bits = 32;
    ret->has_cpuid = has_cpuid();
    if (!ret->has_cpuid)
        return;

    leaf = cpuid(0);
    last = leaf.eax;
    memcpy(ret->vendor, &leaf.ebx, 4);
    memcpy(ret->vendor + 4, &leaf.edx, 4);
    memcpy(ret->vendor + 8, &leaf.ecx, 4);
    ret->vendor[12] = 0;
    if (last >= 1) {
        leaf = cpuid(1);
        ret->pse = bit(leaf.edx, 3);
        ret->tsc = bit(leaf.edx, 4);
        ret->pae = bit(leaf.edx, 6);
        ret->apic = bit(leaf.edx, 9);
        ret->cmov = bit(leaf.edx, 15);
        ret->sse2 = bit(leaf.edx, 26) && bit(leaf.edx, 24); /* FXSR too: CR4.OSFXSR */
        ret->x2apic = bit(leaf.ecx, 21);
        if (ret->pae || bit(leaf.edx, 17))
            ret->physical_bits = 36;
    }
    if (last >= 7)
        ret->la57 = bit(cpuid(7).ecx, 16);
    last = cpuid(0x80000000).eax;
    if (last < 0x80000000)
        last = 0;
    if (last >= 0x80000001) {
        leaf = cpuid(0x80000001);
        ret->syscall = bit(leaf.edx, 11);
        ret->nx = bit(leaf.edx, 20);
        ret->page1gb = bit(leaf.edx, 26);
        ret->long_mode = bit(leaf.edx, 29);
    }
    if (last >= 0x80000008)
        ret->physical_bits = cpuid(0x80000008).eax & 0xff;
    has_ticks = ret->tsc;
}

uint64_t cpu_ticks(void)
{
    uint32_t low, high;

    if (!has_ticks)
        return 0;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}
