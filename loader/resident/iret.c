/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The iret hypercall in all its forms, and what happens when the CPU refuses the state that the
 * guest asked for.
 *
 * Source: xen-x86_64.h struct iret_context; the behaviour of do_iret (xen/arch/x86/pv/iret.c) and
 * compat_iret.
 */
#include "bounce.h"
#include "entry.h"
#include "trap.h"

static uint64_t loadable_flags(uint64_t flags)
{
    return (flags & ~(FLAG_IOPL | FLAG_VM | FLAG_VIF | FLAG_VIP)) | FLAG_IF | 2;
}

#ifdef __x86_64__
#define IN_SYSCALL 0x100 /* VGCF_in_syscall: a bit number in the header */

struct iret64 {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss;
};

#define RIGHTS_CODE64 0x20f800u /* L, P, DPL, S, code */
#define RIGHTS_DATA   0xf200u   /* P, DPL, S, writable data */
#define RIGHTS_CODE   0x800u

bool is_kernel_code(uint16_t selector)
{
    return (cpu_lar(selector) & RIGHTS_CODE64) == RIGHTS_CODE64;
}

bool is_kernel_data(uint16_t selector)
{
    return (selector & 3) == 3 && (cpu_lar(selector) & (RIGHTS_DATA | RIGHTS_CODE)) == RIGHTS_DATA;
}

/* A kernel that returns to itself by selectors that would be good for level 3, as it runs on Xen,
 * gets ours.  Others are left to the CPU to refuse. */
static void kernel_selectors(struct frame *f, uint16_t cs, uint16_t ss)
{
    f->cs = SEL_KERNEL64CS;
    f->ss = SEL_KERNEL64SS;
    if (cs == SEL_USER64CS && ss == SEL_USER_SS)
        return;
    if (!is_kernel_code(cs) || !is_kernel_data(ss)) {
        f->cs = cs;
        f->ss = ss;
    }
}

static long iret64(struct vcpu *v)
{
    struct frame *f = v->frame;
    struct iret64 to;
    if (!guest_read(v, &to, f->rsp, sizeof(to)))
        guest_crash(v, "iret: no frame at %#llx", (unsigned long long)f->rsp);

    f->rip = to.rip;
    if (iopl_is_architectural())
        io_privilege_set(v, (uint8_t)(to.rflags >> 12 & 3));
    f->rflags = loadable_flags(to.rflags);
    f->rsp = to.rsp;
    f->r11 = to.r11;
    f->rcx = to.rcx;
    if (to.flags & IN_SYSCALL) { /* what SYSRET leaves there */
        f->r11 = (to.rflags & ~(FLAG_IOPL | FLAG_VM)) | FLAG_IF;
        f->rcx = to.rip;
    }
    if ((to.cs & 3) == 3) {
        if (!v->user_root)
            guest_crash(v, "iret to user space at %#llx, but there is no user page table",
                        (unsigned long long)to.rip);
        f->cs = to.cs & 0xffff;
        f->ss = (to.ss & 0xffff) | 3;
        enter_user(v);
    } else {
        kernel_selectors(f, (uint16_t)(to.cs | 3), (uint16_t)(to.ss | 3));
    }
    v->info[1] = !(to.rflags & FLAG_IF);
    v->in_nmi = 0;
    return (long)to.rax;
}
#endif

/* eax (pushed by the stub), eip, cs, eflags and, for an outer ring, esp, ss. */
static long iret32(struct vcpu *v)
{
    struct frame *f = v->frame;
    uint32_t to[6] = {0};
    if (!guest_read(v, to, (uint32_t)f->rsp, 16))
        guest_crash(v, "iret: no frame at %#llx", (unsigned long long)f->rsp);

    f->rip = to[1];
    if (iopl_is_architectural())
        io_privilege_set(v, (uint8_t)(to[3] >> 12 & 3));
    f->rflags = loadable_flags(to[3]);
    if ((to[2] & 3) == 3) {
        if (!guest_read(v, to + 4, (uint32_t)(f->rsp + 16), 8))
            guest_crash(v, "iret: no stack pointer at %#llx", (unsigned long long)f->rsp + 16);
        f->cs = to[2] & 0xffff;
        f->rsp = to[4];
        f->ss = to[5] & 0xffff;
        enter_user(v);
    } else {
        f->cs = (to[2] & 0xfffc) | 1;
        f->rsp = (uint32_t)(f->rsp + 16);
    }
    v->info[1] = !(to[3] & FLAG_IF);
    v->in_nmi = 0;
    return (long)to[0];
}

long hc_iret(struct vcpu *v, const struct hypercall_args *args)
{
    (void)args;
#ifdef __x86_64__
    if (!layer.compat)
        return iret64(v);
#endif
    return iret32(v);
}

/* The iretq itself faulted: bad selectors or addresses from the guest's frame.  The registers in
 * *nested are the guest's; rip, cs, rflags, rsp, ss in v->frame are still what was to be loaded.
 * For the guest the fault is one of the place that it was to go to; 32-bit kernels know the
 * failsafe callback instead, where the hypervisor is 32-bit too. */
void iret_failed(const struct frame *nested)
{
    struct vcpu *v = cpu_vcpu();
    struct frame copy = *nested;
    struct frame *f = v->frame;
    memcpy(f, &copy, offsetof(struct frame, vector));
    f->vector = copy.vector;
    f->error = copy.error;
#ifdef __x86_64__
    inject_trap(v, (uint8_t)copy.vector, copy.error);
#else
    record(v, RECORD_TRAP, copy.vector, f->rip, copy.error);
    bounce(v, &(struct bounce){.address = v->failsafe.address,
                               .cs = v->failsafe.cs,
                               .mask_events = v->failsafe.mask_events,
                               .segment = guest_segments(),
                               .what = "a failed iret"});
#endif
}
