/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * vcpu_op: state of the guest's vCPUs, their timers, and the pages in which they find vcpu_info,
 * run states and time.  Source: public/vcpu.h; Xen common/domain.c: common_vcpu_op,
 * arch/x86/domain.c: do_vcpu_op.
 */
#include "event.h"
#include "pagetable.h"
#include "runstate.h"
#include "timer.h"
#include "vcpu_start.h"

#define INFO_SIZE      64 /* struct vcpu_info, either width */
#define PERIOD_MIN     UINT64_C(1000000)
#define TIME_DELTA_MAX (UINT64_C(1) << 62) /* Xen's STIME_DELTA_MAX: half the positive range */
#define INFO_PENDING   0
#define INFO_SEL_64    8
#define INFO_SEL_32    4

LAYOUT(singleshot_layout, 12, struct vcpu_set_singleshot_timer,
       FIELD(0, 8, struct vcpu_set_singleshot_timer, timeout_abs_ns),
       FIELD(8, 4, struct vcpu_set_singleshot_timer, flags));

static long register_info(struct vcpu *caller, struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_vcpu_info op; /* u64 mfn, u32 offset, u32: same in both widths */
    if (!guest_read(caller, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.offset > PAGE_SIZE - INFO_SIZE || op.offset % 8 != 0)
        return -XEN_ENXIO;
    if (v->ev.info_registered || (v != caller && v->online))
        return -XEN_EINVAL;
    if (!frame_is_guest(op.mfn) || !frame_has_pfn(op.mfn))
        return -XEN_EINVAL;
    uint8_t *page = frame_keep(op.mfn);
    if (page == NULL || table_in_use(op.mfn))
        return -XEN_EINVAL;

    /* The old contents move along, then everything counts as pending: nothing gets lost. */
    uint8_t *to = page + op.offset;
    if (v->info != NULL)
        memcpy(to, (const uint8_t *)v->info, INFO_SIZE);
    v->info = to;
    v->ev.info_registered = true;
    event_set_info(v);
    memset(to + (layer.compat ? INFO_SEL_32 : INFO_SEL_64), 0xff, layer.compat ? 4 : 8);
    __atomic_store_n(to + INFO_PENDING, 1, __ATOMIC_SEQ_CST);
    time_publish(v);
    event_kick(v);
    return 0;
}

static bool read_area(struct vcpu *caller, uint64_t arg, uint64_t *ret)
{
    /* A union of a guest pointer and a 64-bit address; the pointer is a guest long. */
    uint64_t address = 0;
    if (!guest_read(caller, &address, arg, layer.compat ? 4 : 8))
        return false;
    *ret = address;
#ifdef __x86_64__
    if (!layer.compat && (uint64_t)((int64_t)(address << 16) >> 16) != address)
        return false;
#endif
    return address < HOLE_START || address >= HOLE_END;
}

static long register_runstate(struct vcpu *caller, struct vcpu *v, uint64_t arg)
{
    uint64_t area;
    if (!read_area(caller, arg, &area))
        return -XEN_EFAULT;
    spin_lock(&v->run.lock);
    v->run.area = area;
    spin_unlock(&v->run.lock);
    /* Xen does not mind an area that is not mapped yet; nor does it for a null one. */
    if (area != 0 && !(v == caller ? runstate_publish(v, area) : runstate_write(caller, v, area)))
        say(SAY_DEBUG, "vCPU %u: run state area 0x%llx is not mapped yet", v->id,
            (unsigned long long)area);
    return 0;
}

static long register_time(struct vcpu *caller, struct vcpu *v, uint64_t arg)
{
    uint64_t area;
    if (!read_area(caller, arg, &area))
        return -XEN_EFAULT;
    spin_lock(&v->clock.lock);
    v->clock.time_area = area;
    spin_unlock(&v->clock.lock);
    time_publish(v);
    return 0;
}

static long runstate_info(struct vcpu *caller, struct vcpu *v, uint64_t arg)
{
    return runstate_write(caller, v, arg) ? 0 : -XEN_EFAULT;
}

static long set_periodic(struct vcpu *caller, struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_periodic_timer op;
    if (!guest_read(caller, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.period_ns < PERIOD_MIN || op.period_ns > TIME_DELTA_MAX)
        return -XEN_EINVAL;
    timer_set_periodic(v, op.period_ns);
    return 0;
}

static long stop_periodic(struct vcpu *v)
{
    timer_set_periodic(v, 0);
    return 0;
}

static long set_singleshot(struct vcpu *caller, struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_singleshot_timer op;
    if (v != caller)
        return -XEN_EINVAL;
    if (!guest_read_struct(caller, &op, arg, 0, &singleshot_layout))
        return -XEN_EFAULT;
    /* VCPU_SSHOTTMR_future is not looked at, as by Xen 4.17.5: a past deadline fires at once. */
    v->clock.singleshot = op.timeout_abs_ns == 0 ? 1 : op.timeout_abs_ns; /* 0: long past */
    timer_update(v);
    return 0;
}

static long stop_singleshot(struct vcpu *caller, struct vcpu *v)
{
    if (v != caller)
        return -XEN_EINVAL;
    v->clock.singleshot = 0;
    timer_update(v);
    return 0;
}

static long send_nmi(struct vcpu *v, uint64_t arg)
{
    if (arg != 0)
        return -XEN_EINVAL;
    __atomic_fetch_or(&v->work, WORK_NMI, __ATOMIC_SEQ_CST);
    event_kick(v);
    return 0;
}

static long get_physid(struct vcpu *caller, const struct vcpu *v, uint64_t arg)
{
    struct vcpu_get_physid op;
    if (!layer.dom0)
        return -XEN_EINVAL; /* only for a guest whose vCPUs are pinned CPUs that it may know */
    op.phys_id = (uint64_t)v->apic_id | (uint64_t)v->id << 32;
    return guest_write(caller, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

long hc_vcpu_op(struct vcpu *caller, const struct hypercall_args *args)
{
    uint32_t id = (uint32_t)args->arg[1];
    uint64_t arg = args->arg[2];
    if (id >= layer.cpu_count || layer.vcpu[id] == NULL)
        return -XEN_ENOENT;
    struct vcpu *v = layer.vcpu[id];
    switch ((uint32_t)args->arg[0]) {
    case VCPUOP_initialise:
        return vcpu_initialise(caller, v, arg);
    case VCPUOP_up:
        return vcpu_up(v);
    case VCPUOP_down:
        return vcpu_down(caller, v);
    case VCPUOP_is_up:
        return vcpu_is_up(v);
    case VCPUOP_get_runstate_info:
        return runstate_info(caller, v, arg);
    case VCPUOP_register_runstate_memory_area:
        return register_runstate(caller, v, arg);
    case VCPUOP_set_periodic_timer:
        return set_periodic(caller, v, arg);
    case VCPUOP_stop_periodic_timer:
        return stop_periodic(v);
    case VCPUOP_set_singleshot_timer:
        return set_singleshot(caller, v, arg);
    case VCPUOP_stop_singleshot_timer:
        return stop_singleshot(caller, v);
    case VCPUOP_register_vcpu_info:
        return register_info(caller, v, arg);
    case VCPUOP_send_nmi:
        return send_nmi(v, arg);
    case VCPUOP_get_physid:
        return get_physid(caller, v, arg);
    case VCPUOP_register_vcpu_time_memory_area:
        return register_time(caller, v, arg);
    default:
        return -XEN_ENOSYS;
    }
}
