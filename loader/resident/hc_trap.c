/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls that say where the guest wants its traps: set_trap_table, set_callbacks, callback_op,
 * nmi_op.
 *
 * Source: Xen's public xen.h, callback.h, nmi.h; results as xen/arch/x86/pv/callback.c gives them.
 */
#include "trap.h"

#define MASK_EVENTS 4 /* trap_info flag: handler starts with events masked */

static const struct layout_field trap_fields[] = {
    FIELD(0, 1, struct trap_info, vector),
    FIELD(1, 1, struct trap_info, flags),
    FIELD(2, 2, struct trap_info, cs),
    FIELD(4, 4, struct trap_info, address),
};
const struct layout trap_layout = {8, sizeof(struct trap_info), 4, trap_fields};

struct callback_argument { /* as 64-bit guests have it, whose padding is the place of CS */
    uint16_t type, flags;
    uint32_t cs;
    uint64_t address;
};
LAYOUT(callback_layout, 12, struct callback_argument, FIELD(0, 2, struct callback_argument, type),
       FIELD(2, 2, struct callback_argument, flags), FIELD(4, 4, struct callback_argument, cs),
       FIELD(8, 4, struct callback_argument, address));
#ifdef __x86_64__
_Static_assert(sizeof(struct callback_argument) == sizeof(struct callback_register),
               "callback_register");
_Static_assert(offsetof(struct callback_register, address) ==
                   offsetof(struct callback_argument, address),
               "callback_register.address");
#endif

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

long hc_set_trap_table(struct vcpu *v, const struct hypercall_args *args)
{
    struct trap_info entry;
    if (!args->arg[0]) {
        memset(v->trap, 0, sizeof(v->trap));
        for (uint32_t vector = 0; vector < 256; vector++)
            trap_refresh_gate((uint8_t)vector);
        return 0;
    }
    /* The list ends at address 0; a vector may come more than once. */
    for (uint64_t i = 0;; i++) {
        if (!guest_read_struct(v, &entry, args->arg[0], i, &trap_layout))
            return -XEN_EFAULT;
        if (!entry.address)
            return 0;
        if (!canonical(entry.address))
            return -XEN_EINVAL;
        v->trap[entry.vector] = (struct trap_entry){
            .address = entry.address, .cs = entry.cs, .flags = entry.flags, .present = 1};
        trap_refresh_gate(entry.vector);
    }
}

static struct callback *callback_of(struct vcpu *v, uint16_t type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &v->event;
    case CALLBACKTYPE_failsafe:
        return &v->failsafe;
    case CALLBACKTYPE_syscall:
        return layer.compat ? NULL : &v->syscall;
    case CALLBACKTYPE_sysenter_deprecated: /* of 32-bit guests before 2006-10 */
        return layer.compat ? &v->sysenter : NULL;
    case CALLBACKTYPE_sysenter:
        return &v->sysenter;
    case CALLBACKTYPE_syscall32:
        return &v->syscall32;
    default:
        return NULL;
    }
}

static long nmi_register(struct vcpu *v, uint64_t address, uint16_t cs)
{
    v->trap[2] = (struct trap_entry){
        .address = address, .cs = cs, .flags = MASK_EVENTS, .present = address != 0};
    /* One that came while there was no callback is not lost. */
    if (address != 0 && v->id == 0 && __atomic_load_n(nmi_reason(), __ATOMIC_RELAXED) != 0)
        work_set(v, WORK_NMI);
    return 0;
}

static long callback_register(struct vcpu *v, uint64_t gva)
{
    struct callback_argument op;
    if (!guest_read_struct(v, &op, gva, 0, &callback_layout))
        return -XEN_EFAULT;
    uint16_t cs = layer.compat ? (uint16_t)op.cs : 0;
    if (!canonical(op.address))
        return -XEN_EINVAL;
    if (op.type == CALLBACKTYPE_nmi)
        return nmi_register(v, op.address, cs);
    struct callback *callback = callback_of(v, op.type);
    if (!callback)
        return -XEN_ENOSYS;
    callback->address = op.address;
    callback->cs = cs;
    callback->mask_events = (op.flags & CALLBACKF_mask_events) != 0;
    return 0;
}

static long callback_unregister(struct vcpu *v, uint64_t gva)
{
    uint16_t type;
    if (!guest_read(v, &type, gva, sizeof(type)))
        return -XEN_EFAULT;
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_syscall32:
        return -XEN_EINVAL; /* these cannot be without */
    case CALLBACKTYPE_syscall:
        return layer.compat ? -XEN_ENOSYS : -XEN_EINVAL;
    case CALLBACKTYPE_sysenter_deprecated:
        return layer.compat ? -XEN_EINVAL : -XEN_ENOSYS;
    case CALLBACKTYPE_nmi:
        return nmi_register(v, 0, 0);
    default:
        return -XEN_ENOSYS;
    }
}

long hc_callback_op(struct vcpu *v, const struct hypercall_args *args)
{
    switch (args->arg[0]) {
    case CALLBACKOP_register:
        return callback_register(v, args->arg[1]);
    case CALLBACKOP_unregister:
        return callback_unregister(v, args->arg[1]);
    default:
        return layer.compat ? -XEN_EINVAL : -XEN_ENOSYS;
    }
}

/* 64-bit: event, failsafe, syscall; 32-bit: event cs, eip, failsafe cs, eip. */
long hc_set_callbacks(struct vcpu *v, const struct hypercall_args *args)
{
    const uint64_t *arg = args->arg;
    if (layer.compat) {
        v->event = (struct callback){.address = arg[1], .cs = (uint16_t)arg[0]};
        v->failsafe = (struct callback){.address = arg[3], .cs = (uint16_t)arg[2]};
        return 0;
    }
    /* One that is not canonical is left as it was, and nothing said. */
    struct callback *const callback[3] = {&v->event, &v->failsafe, &v->syscall};
    for (int i = 0; i < 3; i++)
        if (canonical(arg[i]))
            *callback[i] = (struct callback){.address = arg[i]};
    return 0;
}

long hc_nmi_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t address = 0;
    switch (args->arg[0]) {
    case XENNMI_register_callback:
        if (!guest_read(v, &address, args->arg[1], layer.compat ? 4 : 8))
            return -XEN_EFAULT;
        if (v->id != 0 || !canonical(address))
            return -XEN_EINVAL;
        return nmi_register(v, address, layer.compat ? SEL_KERNEL32CS : 0);
    case XENNMI_unregister_callback:
        return nmi_register(v, 0, 0);
    default:
        return -XEN_ENOSYS;
    }
}
