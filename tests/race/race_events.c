/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Event channels under ThreadSanitizer: vCPUs that bind, send, unmask, poll and close through the
 * layer's lock, interrupts that raise events, and guests that at the same time change their shared
 * pages without any lock, by the atomic operations of a real guest.
 *
 * Covers evtchn.c and spinlock.h: who may touch what without the lock.  Also counts: no event that
 * was sent to an open, unmasked port may be lost between the three levels of bits.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evtchn.h"
#include "spinlock.h"
#include "xen_public.h"

#define CPUS   8
#define ROUNDS 20000

static struct spinlock lock;
static struct evtchn_table table;
static struct evtchn_cpu cpu[CPUS];
static uint8_t pending[512], mask[512];
static uint64_t sel[CPUS];
static uint8_t upcall[CPUS], upcall_mask[CPUS];
static uint32_t ipi[CPUS];
static uint64_t sent[CPUS], seen[CPUS];
static int stop;

static struct evtchn_effect
effect_of(int (*operation)(struct evtchn_table *, uint32_t, struct evtchn_effect *), uint32_t port)
{
    struct evtchn_effect effect;
    evtchn_effect_clear(&effect);
    spin_lock(&lock);
    (void)operation(&table, port, &effect);
    spin_unlock(&lock);
    return effect;
}

/* What an upcall handler does: flag, selector, pending bits, each exchanged atomically. */
static void take_events(uint32_t self)
{
    if (!__atomic_exchange_n(&upcall[self], 0, __ATOMIC_SEQ_CST))
        return;
    uint64_t words = __atomic_exchange_n(&sel[self], 0, __ATOMIC_SEQ_CST);
    for (uint32_t port = 0; port < 4096; port++) {
        if (!(words >> (port / 64) & 1))
            continue;
        uint8_t bit = (uint8_t)(1u << port % 8);
        if (port == ipi[self] &&
            __atomic_fetch_and(&pending[port / 8], (uint8_t)~bit, __ATOMIC_SEQ_CST) & bit)
            seen[self]++;
    }
}

static void *vcpu(void *argument)
{
    uint32_t self = (uint32_t)(uintptr_t)argument, seed = self * 7919 + 1;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t to = (uint32_t)rand_r(&seed) % CPUS, port = 0;
        struct evtchn_effect effect;
        switch (rand_r(&seed) % 6) {
        case 0: /* mask our own port for a while, as a guest does, and unmask by hypercall */
            __atomic_fetch_or(&mask[ipi[self] / 8], (uint8_t)(1u << ipi[self] % 8),
                              __ATOMIC_SEQ_CST);
            (void)effect_of(evtchn_unmask, ipi[self]);
            break;
        case 1: /* a port of our own comes and goes */
            spin_lock(&lock);
            evtchn_effect_clear(&effect);
            if (evtchn_bind_ipi(&table, self, &port) == 0)
                (void)evtchn_close(&table, port, &effect);
            spin_unlock(&lock);
            break;
        case 2: /* poll, ended by whoever sends first; the layer looks without the lock */
            spin_lock(&lock);
            cpu[self].poll_port = (uint16_t)ipi[self];
            /* Who finds an event does not wait: the next one sent to it would tell nobody. */
            __atomic_store_n(
                &cpu[self].polling,
                !(__atomic_load_n(&pending[ipi[self] / 8], __ATOMIC_SEQ_CST) >> ipi[self] % 8 & 1),
                __ATOMIC_RELEASE);
            spin_unlock(&lock);
            (void)effect_of(evtchn_send, ipi[self]);
            sent[self]++;
            while (__atomic_load_n(&cpu[self].polling, __ATOMIC_ACQUIRE))
                take_events(self);
            break;
        default:
            (void)effect_of(evtchn_send, ipi[to]);
            break;
        }
        take_events(self);
    }
    return NULL;
}

static void *timer(void *argument)
{
    uint32_t seed = 42;
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
        struct evtchn_effect effect;
        evtchn_effect_clear(&effect);
        spin_lock(&lock);
        evtchn_raise_virq(&table, VIRQ_TIMER, (uint32_t)rand_r(&seed) % CPUS, &effect);
        spin_unlock(&lock);
    }
    return NULL;
}

int main(void)
{
    pthread_t thread[CPUS], ticker;
    evtchn_init(&table, 0, 64);
    table.pending = pending;
    table.mask = mask;
    table.cpu = cpu;
    table.cpu_count = CPUS;
    for (uint32_t i = 0; i < CPUS; i++) {
        uint32_t port;
        cpu[i] = (struct evtchn_cpu){.pending_sel = &sel[i],
                                     .upcall_pending = &upcall[i],
                                     .upcall_mask = &upcall_mask[i],
                                     .present = true};
        if (evtchn_bind_ipi(&table, i, &ipi[i]) != 0 ||
            evtchn_bind_virq(&table, VIRQ_TIMER, i, &port) != 0)
            return 1;
    }
    pthread_create(&ticker, NULL, timer, NULL);
    for (uintptr_t i = 0; i < CPUS; i++)
        pthread_create(&thread[i], NULL, vcpu, (void *)i);
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_join(thread[i], NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    pthread_join(ticker, NULL);
    int lost = 0;
    for (uint32_t i = 0; i < CPUS; i++) {
        take_events(i);
        /* Sent, unmasked and taken: nothing may be left pending without a flag that says so. */
        if (pending[ipi[i] / 8] >> ipi[i] % 8 & 1) {
            fprintf(stderr, "vCPU %u: an event is pending and nobody was told\n", i);
            lost++;
        }
        if (seen[i] == 0 || sent[i] == 0)
            lost++;
    }
    return lost != 0;
}
