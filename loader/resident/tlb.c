/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TLB flushes on this CPU and others.  The caller waits until all have flushed; while it waits it
 * answers requests itself, so that two CPUs may flush each other.
 */
#include "lapic.h"
#include "pagetable.h"
#include "smp.h"

#define EVERYTHING (~UINT64_C(0))
#define SPIN_TURNS 2000

static uint64_t flush_waiters; /* bit per vCPU that sleeps until others have flushed */

void smp_flush_poll(struct vcpu *v)
{
    uint32_t wanted = __atomic_load_n(&v->flush_wanted, __ATOMIC_ACQUIRE);
    if (wanted == v->flush_done)
        return;
    cpu_set_cr3(cpu_cr3());
    __atomic_store_n(&v->flush_done, wanted, __ATOMIC_SEQ_CST);
    uint64_t waiters = __atomic_load_n(&flush_waiters, __ATOMIC_SEQ_CST);
    for (waiters &= ~(UINT64_C(1) << v->id); waiters; waiters &= waiters - 1)
        lapic_send_ipi(layer.vcpu[__builtin_ctzll(waiters)]->apic_id, VECTOR_IPI);
}

static bool flushed(const struct vcpu *v, uint32_t wanted)
{
    return (int32_t)(__atomic_load_n(&v->flush_done, __ATOMIC_ACQUIRE) - wanted) >= 0 ||
           !__atomic_load_n(&v->online, __ATOMIC_ACQUIRE);
}

/* The other CPU may be one that an emulator does not run just now: it gets ours. */
static void sleep_until_flushed(struct vcpu *self, const struct vcpu *v, uint32_t wanted)
{
    __atomic_fetch_or(&flush_waiters, UINT64_C(1) << self->id, __ATOMIC_SEQ_CST);
    if (!flushed(v, wanted) &&
        __atomic_load_n(&self->flush_wanted, __ATOMIC_ACQUIRE) == self->flush_done)
        layer_wait_for_interrupt(self);
    __atomic_fetch_and(&flush_waiters, ~(UINT64_C(1) << self->id), __ATOMIC_SEQ_CST);
}

static void flush_others(struct vcpu *self, uint64_t mask)
{
    uint32_t wanted[VCPU_MAX];
    uint64_t asked = 0; /* a vCPU that is made meanwhile has nothing to flush */
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        struct vcpu *v = layer.vcpu[i];
        if (!v || v == self || !(mask >> i & 1))
            continue;
        asked |= UINT64_C(1) << i;
        wanted[i] = __atomic_add_fetch(&v->flush_wanted, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&v->online, __ATOMIC_ACQUIRE))
            lapic_send_ipi(v->apic_id, VECTOR_IPI);
        else
            work_set(v, WORK_FLUSH); /* before it goes on, should it come back */
    }
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        const struct vcpu *v = layer.vcpu[i];
        if (!(asked >> i & 1))
            continue;
        for (uint32_t turns = 0; !flushed(v, wanted[i]); turns++) {
            smp_flush_poll(self);
            __builtin_ia32_pause();
            if (turns >= SPIN_TURNS)
                sleep_until_flushed(self, v, wanted[i]);
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
