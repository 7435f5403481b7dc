/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Small hypercalls on the CPU and the interface itself: fpu_taskswitch, debug registers, vm_assist,
 * multicall.
 *
 * Source: Xen's public xen.h; results as xen/arch/x86/pv/misc-hypercalls.c, common/kernel.c and
 * common/multicall.c give them; debug registers: Intel SDM vol. 3 17.2.
 */
#include "emulate.h"
#include "pagetable.h"
#include "trap.h"

#define CR0_TS      UINT64_C(8)
#define CR4_DE      UINT64_C(8)
#define DR7_GD      UINT64_C(0x2000)
#define DR7_FIXED_1 UINT64_C(0x400)
#define DR7_FIXED_0 UINT64_C(0xffffffff0000d800)
#define DR7_ENABLES UINT64_C(0xff)

void task_switched_set(struct vcpu *v, bool set)
{
    v->task_switched = set;
    if (set)
        cpu_set_cr0(cpu_cr0() | CR0_TS);
    else
        cpu_clts();
}

long hc_fpu_taskswitch(struct vcpu *v, const struct hypercall_args *args)
{
    task_switched_set(v, args->arg[0] != 0);
    return 0;
}

static void hardware_debugreg(uint32_t reg, uint64_t value)
{
    switch (reg) {
    case 0:
        cpu_set_dr0(value);
        break;
    case 1:
        cpu_set_dr1(value);
        break;
    case 2:
        cpu_set_dr2(value);
        break;
    case 3:
        cpu_set_dr3(value);
        break;
    default:
        cpu_set_dr7(value);
        break;
    }
}

static long control_check(uint64_t value)
{
    if (value & DR7_GD)
        return -XEN_EPERM;
    /* Each breakpoint's kind: 2 is an I/O one, which is not given to guests. */
    for (int i = 16; i < 32 && value & DR7_ENABLES; i += 4)
        if ((value >> i & 3) == 2)
            return -XEN_EPERM;
    return 0;
}

static bool debug_address_is_canonical(uint64_t value)
{
#ifdef __x86_64__
    return (uint64_t)((int64_t)(value << 16) >> 16) == value;
#else
    return value <= UINT32_MAX;
#endif
}

long debugreg_write(struct vcpu *v, uint32_t reg, uint64_t value)
{
    long rc;
    switch (reg) {
    case 0 ... 3:
        if (layer.compat)
            value = (uint32_t)value;
        if ((value >= HOLE_START && value < HOLE_END) || !debug_address_is_canonical(value))
            return -XEN_EPERM;
        break;
    case 4:
        if (v->cr4 & CR4_DE)
            return -XEN_ENODEV;
        /* fall through */
    case 6:
        if (value >> 32)
            return -XEN_EINVAL;
        value = (value & ~UINT64_C(0xffffffff00001000)) | DR6_IDLE;
        v->debugreg[6] = value;
        return 0;
    case 5:
        if (v->cr4 & CR4_DE)
            return -XEN_ENODEV;
        /* fall through */
    case 7:
        if (value >> 32)
            return -XEN_EINVAL;
        reg = 7;
        value = (value & ~DR7_FIXED_0) | DR7_FIXED_1;
        rc = control_check(value);
        if (rc)
            return rc;
        break;
    default:
        return -XEN_ENODEV;
    }
    v->debugreg[reg] = value;
    hardware_debugreg(reg, value);
    return 0;
}

bool debugreg_read(struct vcpu *v, uint32_t reg, uint64_t *ret)
{
    if (reg > 7 || ((reg == 4 || reg == 5) && v->cr4 & CR4_DE))
        return false;
    if (reg == 4 || reg == 5)
        reg += 2;
    *ret = v->debugreg[reg];
    return true;
}

long hc_set_debugreg(struct vcpu *v, const struct hypercall_args *args)
{
    return debugreg_write(v, (uint32_t)args->arg[0], args->arg[1]);
}

long hc_get_debugreg(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t value;
    if (!debugreg_read(v, (uint32_t)args->arg[0], &value))
        return -XEN_ENODEV;
    return (long)value;
}

long hc_vm_assist(struct vcpu *v, const struct hypercall_args *args)
{
    const uint64_t valid = UINT64_C(1) << VMASST_TYPE_4gb_segments |
                           UINT64_C(1) << VMASST_TYPE_4gb_segments_notify |
                           UINT64_C(1) << VMASST_TYPE_writable_pagetables |
                           UINT64_C(1) << VMASST_TYPE_pae_extended_cr3 |
                           UINT64_C(1) << VMASST_TYPE_architectural_iopl |
                           UINT64_C(1) << VMASST_TYPE_runstate_update_flag |
                           (layer.compat ? 0 : UINT64_C(1) << VMASST_TYPE_m2p_strict);
    if (args->arg[1] >= 64 || !(valid >> args->arg[1] & 1))
        return -XEN_EINVAL;
    /* m2p_strict is the one above 31: the m2p is out of user space's reach anyway. */
    uint32_t bit = (uint32_t)(UINT64_C(1) << args->arg[1]);
    switch (args->arg[0]) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&layer.vm_assist, bit, __ATOMIC_RELAXED);
        io_privilege_set(v, v->iopl); /* a kernel of level 0 has all ports */
        return 0;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&layer.vm_assist, ~bit, __ATOMIC_RELAXED);
        io_privilege_set(v, v->iopl);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

struct multicall64 {
    uint64_t op, result, args[6];
};

/* op, result, args[6], each a long of the guest. */
static const struct layout_field multicall_fields[] = {{0, 4, 0, 8, 8}};
static const struct layout multicall_layout = {32, sizeof(struct multicall64), 1, multicall_fields};

long hc_multicall(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t width = layer.compat ? 4 : 8;
    for (uint64_t i = 0; i < (uint32_t)args->arg[1]; i++) {
        struct multicall64 call;
        struct hypercall_args inner;
        if (!guest_read_struct(v, &call, args->arg[0], i, &multicall_layout))
            return -XEN_EFAULT;
        memcpy(inner.arg, call.args, sizeof(inner.arg));
        int64_t result = call.op == __HYPERVISOR_multicall ? -XEN_EINVAL /* no lists of lists */
                                                           : hypercall_dispatch(v, call.op, &inner);
        bool written = guest_write(v, args->arg[0] + i * width * 8 + width, &result, width);
        /* The frame is another context's now: the list ends here, and what iret gave is that
         * context's rax.  The list may be outside its page table. */
        if (call.op == __HYPERVISOR_iret)
            return (long)result;
        if (!written)
            return -XEN_EFAULT;
    }
    return 0;
}
