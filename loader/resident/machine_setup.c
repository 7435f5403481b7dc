/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What of each CPU is set the way Xen sets it for its guests: the memory types behind the PAT bits,
 * and the ports that stay the hypervisor's even when dom0 has all I/O.
 *
 * Source: Xen arch/x86/include/asm/x86-defns.h (XEN_MSR_PAT), arch/x86/dom0_build.c:
 * dom0_setup_permissions.  Xen emulates the PIT and its gate for dom0; here, they are the guest's,
 * as long as the layer has a local APIC for its timer.
 */
#include "machine_setup.h"

#include "descriptors.h"
#include "lapic.h"
#include "layer.h"
#include "msr.h"

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
    cpu_wbinvd();
    cpu_wrmsr(MSR_PAT, XEN_PAT);
    cpu_set_cr3(cpu_cr3());
}

/* Both 8259s with their edge/level registers; the PIT when it is the layer's timer. */
static bool is_kept(uint32_t port)
{
    static const uint16_t kept[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (kept[i] == port)
            return true;
    }
    return port >= 0x40 && port < 0x44 && !lapic_present();
}

bool port_is_kept(uint32_t port, uint32_t size)
{
    bool kept = !layer.dom0;
    for (uint32_t i = 0; i < size; i++)
        kept = kept || is_kept(port + i);
    return kept;
}

/* Accesses to them fault; emulate.c answers. */
void ports_init_cpu(struct vcpu *v)
{
    for (uint32_t port = 0; port < 0x500; port++) {
        if (is_kept(port))
            v->tss->map.all[port / 8] |= (uint8_t)(1u << (port % 8));
    }
}
