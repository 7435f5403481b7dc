/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * event_channel_op and its form of before 2006: arguments in, evtchn.c, answers out.
 *
 * The argument structs hold only 16- and 32-bit fields: same layout for 32- and 64-bit guests.
 * The FIFO operations are answered -ENOSYS, as by a Xen without that ABI: guests then stay with
 * the 2-level one.  Source: Xen common/event_channel.c: do_event_channel_op, compat in
 * arch/x86/compat.c.
 */
#include "event.h"
#include "pirq.h"

static long alloc_unbound(struct vcpu *v, uint64_t arg)
{
    struct evtchn_alloc_unbound op;
    struct evtchn_effect effect;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    int status = evtchn_alloc_unbound(table, op.dom, op.remote_dom, &op.port);
    event_end(v, &effect);
    if (status == 0 && !guest_write(v, arg, &op, sizeof(op)))
        return -XEN_EFAULT;
    return status;
}

static long bind_interdomain(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_interdomain op;
    struct evtchn_effect effect;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    int status =
        evtchn_bind_interdomain(table, op.remote_dom, op.remote_port, &op.local_port, &effect);
    event_end(v, &effect);
    if (status == 0 && !guest_write(v, arg, &op, sizeof(op)))
        return -XEN_EFAULT;
    return status;
}

static long bind_virq(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_virq op;
    struct evtchn_effect effect;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    int status = evtchn_bind_virq(table, op.virq, op.vcpu, &op.port);
    event_end(v, &effect);
    if (status == 0 && !guest_write(v, arg, &op, sizeof(op)))
        return -XEN_EFAULT;
    return status;
}

static long bind_ipi(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_ipi op;
    struct evtchn_effect effect;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    int status = evtchn_bind_ipi(table, op.vcpu, &op.port);
    event_end(v, &effect);
    if (status == 0 && !guest_write(v, arg, &op, sizeof(op)))
        return -XEN_EFAULT;
    return status;
}

static long bind_pirq(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_pirq op;
    struct evtchn_effect effect;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    long status = pirq_check_bind(op.pirq);
    if (status != 0)
        return status;
    struct evtchn_table *table = event_begin(&effect);
    status = evtchn_bind_pirq(table, op.pirq, &op.port);
    event_end(v, &effect);
    if (status == 0) {
        status = pirq_bind(op.pirq, op.port);
        if (status != 0) {
            table = event_begin(&effect);
            (void)evtchn_close(table, op.port, &effect);
            effect.pirq = -1;
            event_end(v, &effect);
        }
    }
    if (status == 0 && !guest_write(v, arg, &op, sizeof(op)))
        return -XEN_EFAULT;
    return status;
}

static long do_status(struct vcpu *v, uint64_t arg)
{
    struct evtchn_status op;
    struct evtchn_effect effect;
    struct evtchn_status_answer answer;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    int status = evtchn_status(table, op.dom, op.port, &answer);
    event_end(v, &effect);
    if (status != 0)
        return status;
    op.status = answer.status;
    op.vcpu = answer.vcpu;
    switch (answer.status) {
    case EVTCHNSTAT_unbound:
        op.u.unbound.dom = (domid_t)answer.domain;
        break;
    case EVTCHNSTAT_interdomain:
        op.u.interdomain.dom = (domid_t)answer.domain;
        op.u.interdomain.port = answer.port;
        break;
    case EVTCHNSTAT_pirq:
        op.u.pirq = answer.which;
        break;
    case EVTCHNSTAT_virq:
        op.u.virq = answer.which;
        break;
    default:
        break;
    }
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* Operations that only take a port. */
static long port_op(struct vcpu *v, uint32_t command, uint64_t arg)
{
    evtchn_port_t port;
    struct evtchn_effect effect;
    long status;
    if (!guest_read(v, &port, arg, sizeof(port)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    switch (command) {
    case EVTCHNOP_close:
        status = evtchn_close(table, port, &effect);
        break;
    case EVTCHNOP_send:
        status = evtchn_send(table, port, &effect);
        break;
    default:
        status = evtchn_unmask(table, port, &effect);
        break;
    }
    event_end(v, &effect);
    return status;
}

static long bind_vcpu(struct vcpu *v, uint64_t arg)
{
    struct evtchn_bind_vcpu op;
    struct evtchn_effect effect;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    struct evtchn_table *table = event_begin(&effect);
    int status = evtchn_bind_vcpu(table, op.port, op.vcpu);
    int pirq =
        status == 0 && table->port[op.port].state == EVTCHN_PIRQ ? table->port[op.port].which : -1;
    event_end(v, &effect);
    if (pirq >= 0)
        pirq_set_vcpu((uint32_t)pirq, op.vcpu);
    return status;
}

static long reset(struct vcpu *v, uint64_t arg)
{
    struct evtchn_reset op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.dom != DOMID_SELF && op.dom != (layer.dom0 ? 0 : GUEST_DOMAIN))
        return op.dom == 0 ? -XEN_EPERM : -XEN_ESRCH;
    for (uint32_t port = 1; port < EVTCHN_PORTS_64; port++) {
        struct evtchn_effect effect;
        struct evtchn_table *table = event_begin(&effect);
        bool more = evtchn_port_is_valid(table, port);
        if (more)
            (void)evtchn_close(table, port, &effect);
        event_end(v, &effect);
        if (!more)
            break;
    }
    return 0;
}

static long dispatch(struct vcpu *v, uint32_t command, uint64_t arg)
{
    switch (command) {
    case EVTCHNOP_bind_interdomain:
        return bind_interdomain(v, arg);
    case EVTCHNOP_bind_virq:
        return bind_virq(v, arg);
    case EVTCHNOP_bind_pirq:
        return bind_pirq(v, arg);
    case EVTCHNOP_close:
    case EVTCHNOP_send:
    case EVTCHNOP_unmask:
        return port_op(v, command, arg);
    case EVTCHNOP_status:
        return do_status(v, arg);
    case EVTCHNOP_alloc_unbound:
        return alloc_unbound(v, arg);
    case EVTCHNOP_bind_ipi:
        return bind_ipi(v, arg);
    case EVTCHNOP_bind_vcpu:
        return bind_vcpu(v, arg);
    case EVTCHNOP_reset:
        return reset(v, arg);
    default:
        return -XEN_ENOSYS;
    }
}

long hc_event_channel_op(struct vcpu *v, const struct hypercall_args *args)
{
    return dispatch(v, (uint32_t)args->arg[0], args->arg[1]);
}

/* One pointer to { u32 cmd; union of the structs above }. */
long hc_event_channel_op_compat(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t command;
    if (!guest_read(v, &command, args->arg[0], sizeof(command)))
        return -XEN_EFAULT;
    if (command > EVTCHNOP_unmask)
        return -XEN_ENOSYS;
    return dispatch(v, command, args->arg[0] + 4);
}
