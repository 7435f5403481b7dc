/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's event channels at run time: table, lock, waking and services.  See event.h.
 */
#include "event.h"

#include "hc_console.h"
#include "hc_xenstore.h"
#include "lapic.h"
#include "pirq.h"
#include "spinlock.h"

static struct spinlock lock;
static struct evtchn_table table;
static struct evtchn_cpu cpu[VCPU_MAX];

/* struct vcpu_info: evtchn_pending_sel is a guest long behind the two flag bytes. */
#define INFO_SEL_64 8
#define INFO_SEL_32 4

void event_set_info(struct vcpu *v)
{
    spin_lock(&lock);
    struct evtchn_cpu *c = &cpu[v->id];
    c->upcall_pending = (uint8_t *)v->info;
    c->upcall_mask = (uint8_t *)v->info + 1;
    c->pending_sel = (uint8_t *)v->info + (layer.compat ? INFO_SEL_32 : INFO_SEL_64);
    c->present = true;
    spin_unlock(&lock);
}

/* 32-bit shared_info: vcpu_info[32], then the arrays of 32 longs each (xen-x86_32.h). */
#define SHARED_PENDING_32 2048
#define SHARED_MASK_32    2176

void event_init(void)
{
    evtchn_init(&table, layer.dom0 ? 0 : GUEST_DOMAIN, layer.compat ? 32 : 64);
    table.cpu = cpu;
    table.cpu_count = layer.cpu_count;
    uint8_t *shared = (uint8_t *)layer.shared;
    table.pending =
        shared + (layer.compat ? SHARED_PENDING_32 : offsetof(struct shared_info, evtchn_pending));
    table.mask =
        shared + (layer.compat ? SHARED_MASK_32 : offsetof(struct shared_info, evtchn_mask));
    for (uint32_t i = 0; i < layer.cpu_count; i++)
        if (layer.vcpu[i] != NULL && layer.vcpu[i]->info != NULL)
            event_set_info(layer.vcpu[i]);
    if (layer.dom0)
        return;
    if (layer.handover->xenstore_mfn != 0)
        (void)evtchn_bind_service(&table, HANDOVER_PORT_XENSTORE, EVTCHN_SERVICE_XENSTORE);
    if (layer.handover->console_mfn != 0)
        (void)evtchn_bind_service(&table, HANDOVER_PORT_CONSOLE, EVTCHN_SERVICE_CONSOLE);
}

void event_kick(struct vcpu *v)
{
    if (v != cpu_vcpu() && v->online)
        lapic_send_ipi(v->apic_id, VECTOR_IPI);
}

struct evtchn_table *event_begin(struct evtchn_effect *effect)
{
    evtchn_effect_clear(effect);
    spin_lock(&lock);
    return &table;
}

void event_end(struct vcpu *v, struct evtchn_effect *effect)
{
    spin_unlock(&lock);
    for (uint32_t i = 0; effect->wake >> i != 0 && i < layer.cpu_count; i++) {
        if (effect->wake >> i & 1 && layer.vcpu[i] != NULL)
            event_kick(layer.vcpu[i]);
    }
    if (effect->pirq >= 0)
        pirq_unbind((uint32_t)effect->pirq);
    switch ((enum evtchn_service)effect->service) {
    case EVTCHN_SERVICE_NONE:
        break;
    case EVTCHN_SERVICE_CONSOLE:
        console_ring_serve(v);
        break;
    case EVTCHN_SERVICE_XENSTORE:
        xenstore_ring_serve(v);
        break;
    }
}

void event_set_pending(struct vcpu *v, uint32_t port)
{
    struct evtchn_effect effect;
    struct evtchn_table *t = event_begin(&effect);
    if (evtchn_port_is_valid(t, port) && t->port[port].state != EVTCHN_FREE) {
        evtchn_set_pending(t, port, &effect);
        record(v, RECORD_EVENT, port, 0, 0);
    }
    event_end(v, &effect);
}

void event_raise_virq(struct vcpu *v, uint32_t virq)
{
    struct evtchn_effect effect;
    struct evtchn_table *t = event_begin(&effect);
    evtchn_raise_virq(t, virq, v->id, &effect);
    event_end(v, &effect);
}

void event_poll_start(struct vcpu *v)
{
    spin_lock(&lock);
    cpu[v->id].poll_port = 0;
    __atomic_store_n(&cpu[v->id].polling, true, __ATOMIC_RELEASE);
    spin_unlock(&lock);
}

void event_poll_narrow(struct vcpu *v, uint16_t port)
{
    spin_lock(&lock);
    cpu[v->id].poll_port = port;
    spin_unlock(&lock);
}

void event_poll_stop(struct vcpu *v)
{
    spin_lock(&lock);
    __atomic_store_n(&cpu[v->id].polling, false, __ATOMIC_RELEASE);
    spin_unlock(&lock);
}

bool event_poll_ended(const struct vcpu *v)
{
    return !__atomic_load_n(&cpu[v->id].polling, __ATOMIC_ACQUIRE);
}
