/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What of each CPU is set the way Xen sets it for its guests: the memory types behind the PAT bits,
 * and the ports that stay the hypervisor's even when dom0 has all I/O.
 *
 * Source: Xen arch/x86/include/asm/x86-defns.h (XEN_MSR_PAT), arch/x86/dom0_build.c:
 * dom0_setup_permissions.  Xen emulates the PIT and its gate for dom0; here, they are the guest's,
 * as long as the layer has a local APIC for its timer.
 */
#include "descriptors.h"
#include "lapic.h"
#include "layer.h"

#define MSR_PAT   0x277
#define CPUID_PAT (1u << 16)
/* From index 0: WB, WT, UC-, UC, WC, WP, UC, UC. Guests read it and choose by it. */
#define XEN_PAT UINT64_C(0x050100070406)

void pat_init_cpu(struct vcpu *v)
{
    uint32_t id[4];
    (void)v;
    cpu_cpuid(1, 0, id);
    if (!(id[3] & CPUID_PAT))
        return;
    __asm__ volatile("wbinvd" ::: "memory");
    cpu_wrmsr(MSR_PAT, XEN_PAT);
    cpu_set_cr3(cpu_cr3());
}

static void keep_port(struct vcpu *v, uint32_t port)
{
    v->tss->map.all[port / 8] |= (uint8_t)(1u << (port % 8));
}

/* Both 8259s with their edge/level registers; the PIT when it is the layer's timer. Accesses fault:
 * emulate.c answers reads with ones and loses writes. */
void ports_init_cpu(struct vcpu *v)
{
    static const uint16_t kept[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        keep_port(v, kept[i]);
    for (uint32_t port = 0x40; port < 0x44 && !lapic_present(); port++)
        keep_port(v, port);
}
