/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Event channel state: binding, closing, raising.  See evtchn.h.
 *
 * The bit arrays are shared with other CPUs and with the guest, so every change of a bit is one
 * locked byte operation; that also makes the code independent of the guest's word width, apart from
 * the number of ports one selector bit covers.
 */
#include "evtchn.h"

#include "xen_public.h"

static bool test_and_set_bit(void *array, uint32_t bit)
{
    uint8_t *byte = (uint8_t *)array + bit / 8;
    uint8_t flag = (uint8_t)(1u << (bit % 8));
    return __atomic_fetch_or(byte, flag, __ATOMIC_SEQ_CST) & flag;
}

static bool test_and_clear_bit(void *array, uint32_t bit)
{
    uint8_t *byte = (uint8_t *)array + bit / 8;
    uint8_t flag = (uint8_t)(1u << (bit % 8));
    return __atomic_fetch_and(byte, (uint8_t)~flag, __ATOMIC_SEQ_CST) & flag;
}

static bool test_bit(const void *array, uint32_t bit)
{
    const uint8_t *byte = (const uint8_t *)array + bit / 8;
    return __atomic_load_n(byte, __ATOMIC_SEQ_CST) & (1u << (bit % 8));
}

/* VIRQs that exist once per vCPU; the others are bound for vCPU 0 and can be moved. */
static bool virq_is_per_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

void evtchn_effect_clear(struct evtchn_effect *effect)
{
    *effect = (struct evtchn_effect){.wake = 0, .service = EVTCHN_SERVICE_NONE, .pirq = -1};
}

void evtchn_init(struct evtchn_table *table, uint32_t domain, uint32_t word_bits)
{
    table->domain = domain;
    table->word_bits = word_bits;
    table->max_ports = word_bits * word_bits;
    table->valid_ports = EVTCHN_BUCKET;
    for (uint32_t i = 0; i < EVTCHN_PORTS_64; i++)
        table->port[i] = (struct evtchn){.state = EVTCHN_FREE};
    table->port[0].state = EVTCHN_RESERVED;
}

bool evtchn_port_is_valid(const struct evtchn_table *table, uint32_t port)
{
    return port < table->valid_ports;
}

static bool vcpu_is_present(const struct evtchn_table *table, uint32_t vcpu)
{
    return vcpu < table->cpu_count && table->cpu[vcpu].present;
}

static void make_valid(struct evtchn_table *table, uint32_t port)
{
    if (port >= table->valid_ports)
        table->valid_ports = (port | (EVTCHN_BUCKET - 1)) + 1;
}

static int free_port(struct evtchn_table *table, uint32_t *ret_port)
{
    for (uint32_t port = 1; port < table->max_ports; port++) {
        if (table->port[port].state == EVTCHN_FREE) {
            make_valid(table, port);
            *ret_port = port;
            return 0;
        }
    }
    return -XEN_ENOSPC;
}

/* 0 (DOMID_SELF or our own number) or the errno that Xen gives a guest for another domain: a domU
 * knows that domain 0 exists but has no rights there. */
static int check_domain(const struct evtchn_table *table, uint32_t domain)
{
    if (domain == DOMID_SELF || domain == table->domain)
        return 0;
    return domain == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

int evtchn_alloc_unbound(struct evtchn_table *table, uint32_t domain, uint32_t remote,
                         uint32_t *ret_port)
{
    uint32_t port;
    int status = check_domain(table, domain);
    if (status == 0)
        status = free_port(table, &port);
    if (status != 0)
        return status;
    table->port[port] = (struct evtchn){
        .state = EVTCHN_UNBOUND,
        .remote_domain = (uint16_t)(remote == DOMID_SELF ? table->domain : remote),
    };
    *ret_port = port;
    return 0;
}

int evtchn_bind_interdomain(struct evtchn_table *table, uint32_t remote, uint32_t remote_port,
                            uint32_t *ret_port, struct evtchn_effect *effect)
{
    uint32_t port;
    int status = check_domain(table, remote);
    if (status == -XEN_ESRCH)
        return status;
    if (status == -XEN_EPERM) /* domain 0 is there, but offers us no port */
        return -XEN_EINVAL;
    status = free_port(table, &port);
    if (status != 0)
        return status;
    if (!evtchn_port_is_valid(table, remote_port) ||
        table->port[remote_port].state != EVTCHN_UNBOUND ||
        table->port[remote_port].remote_domain != table->domain)
        return -XEN_EINVAL;
    table->port[port] = (struct evtchn){
        .state = EVTCHN_INTERDOMAIN,
        .remote_domain = (uint16_t)table->domain,
        .which = (uint16_t)remote_port,
    };
    struct evtchn *other = &table->port[remote_port];
    other->state = EVTCHN_INTERDOMAIN;
    other->service = EVTCHN_SERVICE_NONE;
    other->remote_domain = (uint16_t)table->domain;
    other->which = (uint16_t)port;
    /* Events sent while the other end was unbound were dropped: raise ours once. */
    evtchn_set_pending(table, port, effect);
    *ret_port = port;
    return 0;
}

int evtchn_bind_virq(struct evtchn_table *table, uint32_t virq, uint32_t vcpu, uint32_t *ret_port)
{
    uint32_t port;
    if (virq >= EVTCHN_VIRQ_COUNT)
        return -XEN_EINVAL;
    if (!virq_is_per_vcpu(virq) && vcpu != 0)
        return -XEN_EINVAL;
    if (!vcpu_is_present(table, vcpu))
        return -XEN_ENOENT;
    if (table->cpu[vcpu].virq_port[virq] != 0)
        return -XEN_EEXIST;
    int status = free_port(table, &port);
    if (status != 0)
        return status;
    table->port[port] =
        (struct evtchn){.state = EVTCHN_VIRQ, .vcpu = (uint16_t)vcpu, .which = (uint16_t)virq};
    table->cpu[vcpu].virq_port[virq] = (uint16_t)port;
    *ret_port = port;
    return 0;
}

int evtchn_bind_ipi(struct evtchn_table *table, uint32_t vcpu, uint32_t *ret_port)
{
    uint32_t port;
    if (!vcpu_is_present(table, vcpu))
        return -XEN_ENOENT;
    int status = free_port(table, &port);
    if (status != 0)
        return status;
    table->port[port] = (struct evtchn){.state = EVTCHN_IPI, .vcpu = (uint16_t)vcpu};
    *ret_port = port;
    return 0;
}

int evtchn_bind_pirq(struct evtchn_table *table, uint32_t pirq, uint32_t *ret_port)
{
    uint32_t port;
    int status = free_port(table, &port);
    if (status != 0)
        return status;
    table->port[port] = (struct evtchn){.state = EVTCHN_PIRQ, .which = (uint16_t)pirq};
    *ret_port = port;
    return 0;
}

int evtchn_bind_service(struct evtchn_table *table, uint32_t port, enum evtchn_service service)
{
    if (port == 0 || port >= table->max_ports)
        return -XEN_EINVAL;
    if (table->port[port].state != EVTCHN_FREE)
        return -XEN_EEXIST;
    make_valid(table, port);
    table->port[port] = (struct evtchn){
        .state = EVTCHN_INTERDOMAIN, .service = (uint8_t)service, .which = (uint16_t)port};
    return 0;
}

int evtchn_close(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect)
{
    if (!evtchn_port_is_valid(table, port))
        return -XEN_EINVAL;
    struct evtchn *channel = &table->port[port];
    switch ((enum evtchn_state)channel->state) {
    case EVTCHN_FREE:
    case EVTCHN_RESERVED:
        return -XEN_EINVAL;
    case EVTCHN_UNBOUND:
    case EVTCHN_IPI:
        break;
    case EVTCHN_INTERDOMAIN:
        if (channel->service == EVTCHN_SERVICE_NONE) {
            struct evtchn *other = &table->port[channel->which];
            other->state = EVTCHN_UNBOUND;
            other->remote_domain = (uint16_t)table->domain;
        }
        break;
    case EVTCHN_PIRQ:
        effect->pirq = channel->which;
        break;
    case EVTCHN_VIRQ: {
        /* A global VIRQ may have moved to another vCPU, its binding stays with vCPU 0. */
        uint32_t owner = virq_is_per_vcpu(channel->which) ? channel->vcpu : 0;
        table->cpu[owner].virq_port[channel->which] = 0;
        break;
    }
    }
    /* A port bound to itself has just been made unbound above; free wins. */
    test_and_clear_bit(table->pending, port);
    *channel = (struct evtchn){.state = EVTCHN_FREE};
    return 0;
}

/* Sets selector bit and upcall flag after a port has become both pending and unmasked. */
static void tell_vcpu(struct evtchn_table *table, uint32_t port, uint32_t vcpu,
                      struct evtchn_effect *effect)
{
    struct evtchn_cpu *cpu = &table->cpu[vcpu];
    if (!test_and_set_bit(cpu->pending_sel, port / table->word_bits)) {
        __atomic_store_n(cpu->upcall_pending, 1, __ATOMIC_SEQ_CST);
        effect->wake |= UINT64_C(1) << vcpu;
    }
}

void evtchn_set_pending(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect)
{
    uint32_t vcpu = table->port[port].vcpu;
    if (!vcpu_is_present(table, vcpu))
        return;
    if (test_and_set_bit(table->pending, port))
        return;
    if (!test_bit(table->mask, port))
        tell_vcpu(table, port, vcpu, effect);
    /* A poll looks at pending bits whether masked or not.  One vCPU polls for ports that may be
     * bound to another. */
    for (uint32_t i = 0; i < table->cpu_count; i++) {
        struct evtchn_cpu *cpu = &table->cpu[i];
        if (cpu->polling && (cpu->poll_port == 0 || cpu->poll_port == port)) {
            __atomic_store_n(&cpu->polling, false, __ATOMIC_RELEASE);
            effect->wake |= UINT64_C(1) << i;
        }
    }
}

void evtchn_raise_virq(struct evtchn_table *table, uint32_t virq, uint32_t vcpu,
                       struct evtchn_effect *effect)
{
    if (virq >= EVTCHN_VIRQ_COUNT)
        return;
    uint32_t owner = virq_is_per_vcpu(virq) ? vcpu : 0;
    if (!vcpu_is_present(table, owner))
        return;
    uint32_t port = table->cpu[owner].virq_port[virq];
    if (port != 0)
        evtchn_set_pending(table, port, effect);
}

int evtchn_send(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect)
{
    if (!evtchn_port_is_valid(table, port))
        return -XEN_EINVAL;
    const struct evtchn *channel = &table->port[port];
    switch ((enum evtchn_state)channel->state) {
    case EVTCHN_INTERDOMAIN:
        if (channel->service != EVTCHN_SERVICE_NONE)
            effect->service = channel->service;
        else
            evtchn_set_pending(table, channel->which, effect);
        return 0;
    case EVTCHN_IPI:
        evtchn_set_pending(table, port, effect);
        return 0;
    case EVTCHN_UNBOUND:
        return 0;
    case EVTCHN_FREE:
    case EVTCHN_RESERVED:
    case EVTCHN_PIRQ:
    case EVTCHN_VIRQ:
        break;
    }
    return -XEN_EINVAL;
}

int evtchn_status(const struct evtchn_table *table, uint32_t domain, uint32_t port,
                  struct evtchn_status_answer *ret)
{
    int status = check_domain(table, domain);
    if (status != 0)
        return status;
    if (!evtchn_port_is_valid(table, port))
        return -XEN_EINVAL;
    const struct evtchn *channel = &table->port[port];
    *ret = (struct evtchn_status_answer){.vcpu = channel->vcpu};
    switch ((enum evtchn_state)channel->state) {
    case EVTCHN_FREE:
    case EVTCHN_RESERVED:
        ret->status = EVTCHNSTAT_closed;
        break;
    case EVTCHN_UNBOUND:
        ret->status = EVTCHNSTAT_unbound;
        ret->domain = channel->remote_domain;
        break;
    case EVTCHN_INTERDOMAIN:
        ret->status = EVTCHNSTAT_interdomain;
        ret->domain = channel->remote_domain;
        ret->port = channel->which;
        break;
    case EVTCHN_PIRQ:
        ret->status = EVTCHNSTAT_pirq;
        ret->which = channel->which;
        break;
    case EVTCHN_VIRQ:
        ret->status = EVTCHNSTAT_virq;
        ret->which = channel->which;
        break;
    case EVTCHN_IPI:
        ret->status = EVTCHNSTAT_ipi;
        break;
    }
    return 0;
}

int evtchn_bind_vcpu(struct evtchn_table *table, uint32_t port, uint32_t vcpu)
{
    if (!vcpu_is_present(table, vcpu))
        return -XEN_ENOENT;
    if (!evtchn_port_is_valid(table, port))
        return -XEN_EINVAL;
    struct evtchn *channel = &table->port[port];
    switch ((enum evtchn_state)channel->state) {
    case EVTCHN_VIRQ:
        if (virq_is_per_vcpu(channel->which))
            return -XEN_EINVAL;
        break;
    case EVTCHN_UNBOUND:
    case EVTCHN_INTERDOMAIN:
    case EVTCHN_PIRQ:
        break;
    case EVTCHN_FREE:
    case EVTCHN_RESERVED:
    case EVTCHN_IPI:
        return -XEN_EINVAL;
    }
    channel->vcpu = (uint16_t)vcpu;
    return 0;
}

int evtchn_unmask(struct evtchn_table *table, uint32_t port, struct evtchn_effect *effect)
{
    if (!evtchn_port_is_valid(table, port))
        return -XEN_EINVAL;
    uint32_t vcpu = table->port[port].vcpu;
    if (test_and_clear_bit(table->mask, port) && test_bit(table->pending, port) &&
        vcpu_is_present(table, vcpu))
        tell_vcpu(table, port, vcpu, effect);
    return 0;
}

bool evtchn_is_pending(const struct evtchn_table *table, uint32_t port)
{
    return test_bit(table->pending, port);
}
