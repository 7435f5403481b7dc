/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls as functions, for the checks of the PV door, and their results as compare-xen reads
 * them.  Nothing is checked here.
 * A 32-bit guest passes 64 bits as two arguments, the low half first.
 * Source: xen/include/public/xen.h.
 */
#include "pv.h"

static unsigned calls[64];

unsigned calls_made(unsigned nr)
{
    return calls[nr];
}

long call(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3, unsigned long a4)
{
    if (nr < 64)
        calls[nr]++;
    return hypercall_bare(nr, a1, a2, a3, a4, 0);
}

long call_by_page(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3,
                  unsigned long a4)
{
    if (nr < 64)
        calls[nr]++;
    return hypercall_by_page(nr, a1, a2, a3, a4, 0);
}

long map_flags(const void *at, pte_t entry, unsigned long flags)
{
#ifdef __i386__
    return call(__HYPERVISOR_update_va_mapping, (uintptr_t)at, (unsigned long)entry,
                (unsigned long)((uint64_t)entry >> 32), flags);
#else
    return call(__HYPERVISOR_update_va_mapping, (uintptr_t)at, entry, flags, 0);
#endif
}

long map(const void *at, pte_t entry)
{
    return map_flags(at, entry, UVMF_INVLPG);
}

long extended(unsigned cmd, unsigned long arg1, unsigned long arg2)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = arg1, .arg2.src_mfn = arg2};
    return call(__HYPERVISOR_mmuext_op, (uintptr_t)&op, 1, 0, DOMID_SELF);
}

long update(uint64_t ptr, uint64_t value)
{
    struct mmu_update one = {.ptr = ptr, .val = value};
    return call(__HYPERVISOR_mmu_update, (uintptr_t)&one, 1, 0, DOMID_SELF);
}

long descriptor(uint64_t at, uint64_t value)
{
#ifdef __i386__
    return call(__HYPERVISOR_update_descriptor, (unsigned long)at, (unsigned long)(at >> 32),
                (unsigned long)value, (unsigned long)(value >> 32));
#else
    return call(__HYPERVISOR_update_descriptor, at, value, 0, 0);
#endif
}

unsigned long frame_of(const void *at)
{
    return ((const unsigned long *)start_info->mfn_list)[((uintptr_t)at - v_start) / 4096];
}

pte_t own(const void *at, unsigned flags)
{
    return (pte_t)frame_of(at) << 12 | flags;
}

const pte_t *entry_of(const void *at, uint64_t *ret_maddr)
{
    const pte_t *table = (const pte_t *)start_info->pt_base;
    unsigned bits = sizeof(pte_t) == 8 ? 9 : 10, mask = (1u << bits) - 1;
    uint64_t frame = frame_of(table);
    for (int level = sizeof(long) == 8 ? 4 : PAE ? 3 : 2; level > 1; level--) {
        frame = PTE_FRAME(table[(uintptr_t)at >> (12 + bits * (unsigned)(level - 1)) & mask]);
        table = (const pte_t *)(v_start + MACHINE_TO_PHYS[frame] * 4096);
    }
    unsigned index = (unsigned)((uintptr_t)at >> 12) & mask;
    *ret_maddr = frame << 12 | index * sizeof(pte_t);
    return &table[index];
}

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

uint64_t time_by(const volatile struct vcpu_time_info *t)
{
    uint32_t version;
    uint64_t ns;
    do {
        version = t->version;
        __asm__ volatile("" : : : "memory");
        uint64_t delta = ticks() - t->tsc_timestamp;
        delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        ns = t->system_time + (delta >> 32) * t->tsc_to_system_mul +
             ((delta & 0xffffffffu) * t->tsc_to_system_mul >> 32);
        __asm__ volatile("" : : : "memory");
    } while (version & 1 || version != t->version);
    return ns;
}

void print_result(long result)
{
    if (result < 0 && result > -1000)
        print(" -%u", (unsigned)-result);
    else
        print(" 0x%lx", (unsigned long)result);
}

void tell_result(const char *part, const char *name, long result)
{
    print("guest: %s %s =", part, name);
    print_result(result);
    print("\n");
}
