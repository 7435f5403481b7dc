/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the boot CPU can do, as far as a plan depends on it.  boot/cpu_check.c fills it from CPUID,
 * the host tool from its options.
 */
#ifndef LOADER_CPU_H
#define LOADER_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_info {
    char vendor[13];
    bool has_cpuid, cmov, pse, pae, nx, long_mode, page1gb, la57, sse2, apic, x2apic, tsc;
    bool syscall;
    uint32_t physical_bits;
    uint32_t count; /* CPUs that the firmware lists as usable, 0 = not known */
};

#endif
