/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The event channels of one guest, 2-level ABI, as plain state: who is bound to which port, and the
 * pending, mask and selector bits of the shared pages.  No locks, no hardware, no guest copies: the
 * callers (hc_event.c, event.c) hold the lock; tests drive it on the host.
 *
 * Source: public/event_channel.h; Xen common/event_channel.c, event_2l.c (states, order of checks,
 * errno).  Functions return 0 or a negative Xen errno.
 */
#ifndef RESIDENT_EVTCHN_H
#define RESIDENT_EVTCHN_H

#include <stdbool.h>
#include <stdint.h>

#define EVTCHN_PORTS_64   4096 /* 64 * 64 */
#define EVTCHN_VIRQ_COUNT 24   /* NR_VIRQS */
#define EVTCHN_BUCKET     64   /* ports become valid in steps of so many, as Xen allocates them */

enum evtchn_state {
    EVTCHN_FREE,
    EVTCHN_RESERVED, /* port 0 */
    EVTCHN_UNBOUND,
    EVTCHN_INTERDOMAIN, /* to another port of this guest, or to a service of the layer */
    EVTCHN_PIRQ,
    EVTCHN_VIRQ,
    EVTCHN_IPI,
};

/* Who answers an inter-domain port whose other end is not the guest itself. */
enum evtchn_service { EVTCHN_SERVICE_NONE, EVTCHN_SERVICE_CONSOLE, EVTCHN_SERVICE_XENSTORE };

struct evtchn {
    uint8_t state;   /* enum evtchn_state */
    uint8_t service; /* enum evtchn_service, INTERDOMAIN only */
    uint16_t vcpu;   /* told about events */
    uint16_t remote_domain;
    uint16_t which; /* VIRQ: number; PIRQ: number; INTERDOMAIN: the other end's port */
};

/* One CPU's selector word and flags, in whichever vcpu_info is active. */
struct evtchn_cpu {
    void *pending_sel; /* uint64_t or uint32_t, see word_bits */
    uint8_t *upcall_pending, *upcall_mask;
    uint16_t virq_port[EVTCHN_VIRQ_COUNT];
    bool present;
    bool polling;       /* blocked in SCHEDOP_poll */
    uint16_t poll_port; /* the one port it waits for, 0 = several */
};

struct evtchn_table {
    uint32_t domain;    /* our domain id: 0 for dom0 */
    uint32_t max_ports; /* EVTCHN_PORTS_… */
    uint32_t valid_ports;
    uint32_t word_bits;      /* 64 or 32: width of the guest's long */
    uint8_t *pending, *mask; /* shared_info bit arrays */
    uint32_t cpu_count;
    struct evtchn_cpu *cpu;
    struct evtchn port[EVTCHN_PORTS_64];
};

/* What the caller has to do after an operation. */
struct evtchn_effect {
    uint64_t wake; /* bit per vCPU to be told: its upcall was raised or its poll ended */
    int service;   /* enum evtchn_service to run */
    int pirq;      /* pirq to unbind, -1 = none */
};

struct evtchn_status_answer {
    uint32_t status, vcpu; /* EVTCHNSTAT_… */
    uint32_t domain, port, which;
};

/* Empties the table.  The pointers for the shared pages and CPUs stay as the caller set them. */
void evtchn_init(struct evtchn_table *table, uint32_t domain, uint32_t word_bits);

/* Ports for the guest, each -XEN_ENOSPC when all are taken.
 *   alloc_unbound: `domain` must be the guest itself, by number or DOMID_SELF (else -XEN_EPERM for
 *   domain 0, -XEN_ESRCH), `remote` is who may connect.
 *   bind_interdomain: to such a port of its own (else -XEN_ESRCH or -XEN_EINVAL).
 *   bind_virq: -XEN_EINVAL for no such number or a global one not on vCPU 0, -XEN_EEXIST when it is
 *   bound; as bind_ipi -XEN_ENOENT without that vCPU. */
int evtchn_alloc_unbound(struct evtchn_table *table, uint32_t domain, uint32_t remote,
                         uint32_t *ret_port);
int evtchn_bind_interdomain(struct evtchn_table *table, uint32_t remote, uint32_t remote_port,
                            uint32_t *ret_port, struct evtchn_effect *effect);
int evtchn_bind_virq(struct evtchn_table *table, uint32_t virq, uint32_t vcpu, uint32_t *ret_port);
int evtchn_bind_ipi(struct evtchn_table *table, uint32_t vcpu, uint32_t *ret_port);

/* The check that the pirq exists and is not bound yet is the caller's. */
int evtchn_bind_pirq(struct evtchn_table *table, uint32_t pirq, uint32_t *ret_port);

/* A port that is connected to a service of the layer from the start (domU console, xenstore). */
int evtchn_bind_service(struct evtchn_table *table, uint32_t port, enum evtchn_service service);

/* Of a port, -XEN_EINVAL when it is not valid or of a kind that cannot: free it; signal its other
 * end, or itself for an IPI; say what it is (`domain` as above); move it to another vCPU
 * (-XEN_ENOENT: not there); unmask it, which raises what was pending. */
int evtchn_close(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect);
int evtchn_send(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect);
int evtchn_status(const struct evtchn_table *table, uint32_t domain, uint32_t port,
                  struct evtchn_status_answer *ret);
int evtchn_bind_vcpu(struct evtchn_table *table, uint32_t port, uint32_t vcpu);
int evtchn_unmask(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect);

/* Raises a port: pending bit, selector bit, upcall flag.  effect->wake says whom to tell. */
void evtchn_set_pending(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect);

/* Raises a VIRQ: per-vCPU ones on `vcpu`, global ones wherever they are bound; nothing if not. */
void evtchn_raise_virq(struct evtchn_table *table, uint32_t virq, uint32_t vcpu,
                       struct evtchn_effect *effect);

/* True when the port's pending bit is set (port already checked to be valid). */
bool evtchn_is_pending(const struct evtchn_table *table, uint32_t port);
bool evtchn_port_is_valid(const struct evtchn_table *table, uint32_t port);

/* Nothing to do; before the first operation that takes it. */
void evtchn_effect_clear(struct evtchn_effect *effect);

#endif
