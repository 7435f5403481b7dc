/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TLB flushes on this CPU and others.  The caller waits until all have flushed; while it waits it
 * answers requests itself, so that two CPUs may flush each other.
 */
#include "lapic.h"
#include "pagetable.h"
#include "smp.h"

#define EVERYTHING (~UINT64_C(0))

static bool flushed(const struct vcpu *v, uint32_t wanted)
{
    return (int32_t)(__atomic_load_n(&v->flush_done, __ATOMIC_ACQUIRE) - wanted) >= 0 ||
           !__atomic_load_n(&v->online, __ATOMIC_ACQUIRE);
}

static void flush_others(struct vcpu *self, uint64_t mask)
{
    uint32_t wanted[VCPU_MAX];
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        struct vcpu *v = layer.vcpu[i];
        if (!v || v == self || !(mask >> i & 1))
            continue;
        wanted[i] = __atomic_add_fetch(&v->flush_wanted, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&v->online, __ATOMIC_ACQUIRE))
            lapic_send_ipi(v->apic_id, VECTOR_IPI);
        else
            work_set(v, WORK_FLUSH); /* before it goes on, should it come back */
    }
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        const struct vcpu *v = layer.vcpu[i];
        if (!v || v == self || !(mask >> i & 1))
            continue;
        while (!flushed(v, wanted[i])) {
            smp_flush_poll(self);
            __builtin_ia32_pause();
        }
    }
}

void flush_vcpus(struct vcpu *v, uint64_t mask, uint64_t gva)
{
    if (mask >> v->id & 1) {
        if (gva == EVERYTHING)
            flush_tlb_all();
        else
            cpu_invlpg(gva);
    }
    if (layer.cpu_count > 1)
        flush_others(v, mask);
}
