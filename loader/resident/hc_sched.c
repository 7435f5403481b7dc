/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sched_op, its form of before 2006, and set_timer_op: waiting, giving up the CPU, shutting down.
 *
 * A waiting vCPU halts its CPU; what ends the wait is an interrupt that makes an event pending.
 * Source: public/sched.h; Xen common/sched/core.c (do_sched_op, do_poll, vcpu_block_enable_events,
 * vcpu_temporary_affinity, do_set_timer_op), common/domain.c: domain_shutdown.
 */
#include "event.h"
#include "hc_console.h"
#include "hc_xenstore.h"
#include "runstate.h"
#include "timer.h"
#include "watchdog.h"

LAYOUT(poll_layout, 16, struct sched_poll, FIELD(0, 4, struct sched_poll, ports),
       FIELD(4, 4, struct sched_poll, nr_ports), FIELD(8, 8, struct sched_poll, timeout));

#define POLL_PORTS_MAX 128

static void serve_rings(struct vcpu *v)
{
    console_ring_serve(v);
    xenstore_ring_serve(v);
}

static long block(struct vcpu *v)
{
    serve_rings(v);
    v->info[1] = 0; /* upcalls are allowed from here on */
    if (event_deliverable(v) || v->work)
        return 0;
    runstate_change(v, RUNSTATE_blocked);
    v->ev.waiting = true;
    while (!event_deliverable(v) && !v->work)
        layer_wait_for_interrupt(v);
    v->ev.waiting = false;
    runstate_change(v, RUNSTATE_running);
    return 0;
}

static long yield(struct vcpu *v)
{
    serve_rings(v);
    return 0;
}

static bool upcall_pending(const struct vcpu *v)
{
    return __atomic_load_n(&v->info[0], __ATOMIC_RELAXED);
}

/* 1 when one of the ports is pending already. */
static long poll_ports(struct vcpu *v, const struct sched_poll *op, uint16_t *ret_single)
{
    for (uint32_t i = 0; i < op->nr_ports; i++) {
        evtchn_port_t port;
        struct evtchn_effect effect;
        if (!guest_read(v, &port, (uintptr_t)op->ports.p + i * sizeof(port), sizeof(port)))
            return -XEN_EFAULT;
        struct evtchn_table *table = event_begin(&effect);
        bool valid = evtchn_port_is_valid(table, port);
        bool pending = valid && evtchn_is_pending(table, port);
        event_end(v, &effect);
        if (!valid)
            return -XEN_EINVAL;
        if (pending)
            return 1;
        *ret_single = op->nr_ports == 1 ? (uint16_t)port : 0;
    }
    return 0;
}

static long poll(struct vcpu *v, uint64_t arg)
{
    struct sched_poll op;
    uint16_t single = 0;
    serve_rings(v);
    if (!guest_read_struct(v, &op, arg, 0, &poll_layout))
        return -XEN_EFAULT;
    if (op.nr_ports > POLL_PORTS_MAX)
        return -XEN_EINVAL;
    if (event_deliverable(v))
        return 0;
    bool pending_before = upcall_pending(v);
    /* From here on a new event ends the poll; those from before are looked for below. */
    event_poll_start(v);
    long status = poll_ports(v, &op, &single);
    if (status != 0) {
        event_poll_stop(v);
        return status > 0 ? 0 : status;
    }
    event_poll_narrow(v, op.nr_ports == 0 ? UINT16_MAX : single);
    if (event_poll_ended(v))
        return 0;
    if (op.timeout != 0) {
        v->clock.poll = op.timeout;
        timer_update(v);
    }
    runstate_change(v, RUNSTATE_blocked);
    v->ev.waiting = true;
    while (!event_poll_ended(v) && !(upcall_pending(v) && !pending_before) &&
           !event_deliverable(v) && !v->work)
        layer_wait_for_interrupt(v);
    v->ev.waiting = false;
    event_poll_stop(v);
    if (v->clock.poll != 0) {
        v->clock.poll = 0;
        timer_update(v);
    }
    runstate_change(v, RUNSTATE_running);
    return 0;
}

static long shutdown(struct vcpu *v, uint32_t reason)
{
    serve_rings(v);
    switch (reason) {
    case SHUTDOWN_poweroff:
        say(SAY_INFO, "the guest powers off");
        layer_end(END_POWEROFF, END_CODE_GOOD);
    case SHUTDOWN_reboot:
        say(SAY_INFO, "the guest reboots");
        layer_end(END_REBOOT, 0);
    case SHUTDOWN_watchdog:
        watchdog_end();
    case SHUTDOWN_crash:
        guest_crash(v, "the guest says that it crashed (SCHEDOP_shutdown, reason crash)");
    case SHUTDOWN_suspend:
    case SHUTDOWN_soft_reset:
        /* Nobody here could resume or rebuild the guest.  Xen stops a domU for its toolstack. */
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_EINVAL;
    }
}

static long shutdown_arg(struct vcpu *v, uint64_t arg)
{
    struct sched_shutdown op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return shutdown(v, op.reason);
}

/* Only remembered for a toolstack that reads it: there is none. */
static long shutdown_code(struct vcpu *v, uint64_t arg)
{
    struct sched_shutdown op;
    return guest_read(v, &op, arg, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* A vCPU is its CPU's for good: it may be pinned there, and to no other CPU. */
static long pin_override(struct vcpu *v, uint64_t arg)
{
    static bool pinned[VCPU_MAX]; /* each is its vCPU's own */
    struct sched_pin_override op;
    if (!layer.dom0)
        return -XEN_EPERM;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    bool pin = op.pcpu >= 0;
    if (!pin && !pinned[v->id])
        return -XEN_EINVAL;
    if (pin && op.pcpu < (int32_t)layer.cpu_count && pinned[v->id])
        return -XEN_EBUSY;
    if (pin && op.pcpu != (int32_t)v->id)
        return -XEN_EINVAL;
    pinned[v->id] = pin;
    return 0;
}

static long watchdog(struct vcpu *v, uint64_t arg)
{
    struct sched_watchdog op;
    return guest_read(v, &op, arg, sizeof(op)) ? watchdog_set(op.id, op.timeout) : -XEN_EFAULT;
}

long hc_sched_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t arg = args->arg[1];
    switch ((uint32_t)args->arg[0]) {
    case SCHEDOP_yield:
        return yield(v);
    case SCHEDOP_block:
        return block(v);
    case SCHEDOP_shutdown:
        return shutdown_arg(v, arg);
    case SCHEDOP_poll:
        return poll(v, arg);
    case SCHEDOP_shutdown_code:
        return shutdown_code(v, arg);
    case SCHEDOP_watchdog:
        return watchdog(v, arg);
    case SCHEDOP_pin_override:
        return pin_override(v, arg);
    default:
        return -XEN_ENOSYS;
    }
}

long hc_sched_op_compat(struct vcpu *v, const struct hypercall_args *args)
{
    switch ((uint32_t)args->arg[0]) {
    case SCHEDOP_yield:
        return yield(v);
    case SCHEDOP_block:
        return block(v);
    case SCHEDOP_shutdown: /* the reason itself, not a pointer */
        return shutdown(v, (uint32_t)args->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}

long hc_set_timer_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t timeout = args->arg[0];
    uint64_t now = time_ns();
    if (layer.compat)
        timeout = (args->arg[0] & 0xffffffffu) | args->arg[1] << 32;
    /* Far away or negative: Linux 2.6.1x meant "soon", says Xen, and fires in 100 ms. */
    if ((int64_t)timeout < 0 || (timeout > now && (timeout - now) >> 50 != 0))
        timeout = now + 100 * 1000 * 1000;
    v->clock.singleshot = timeout;
    timer_update(v);
    return 0;
}
