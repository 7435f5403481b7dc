/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct vcpu_guest_context out of the guest's memory, either width.  The 32-bit one is read in
 * four parts, each described as data; its FPU state is not used.
 *
 * Source: Xen's public arch-x86/xen.h and xen-x86_32.h: 2800 bytes.
 */
#include "context.h"
#include "trap.h"

/* Places in the 32-bit struct. */
#define FLAGS_32 512
#define REGS_32  516
#define TRAPS_32 584
#define TAIL_32  2632 /* from ldt_base on */
#define SIZE_32  2800

#define REG(at, size, member) FIELD(at, size, struct cpu_user_regs, member)

LAYOUT(regs_layout, TRAPS_32 - REGS_32, struct cpu_user_regs, REG(0, 4, rbx), REG(4, 4, rcx),
       REG(8, 4, rdx), REG(12, 4, rsi), REG(16, 4, rdi), REG(20, 4, rbp), REG(24, 4, rax),
       REG(32, 4, rip), REG(36, 2, cs), REG(40, 4, rflags), REG(44, 4, rsp), REG(48, 2, ss),
       REG(52, 2, es), REG(56, 2, ds), REG(60, 2, fs), REG(64, 2, gs));

struct tail { /* what both widths have behind the traps; longs, and the two CS of 32-bit guests */
    uint64_t ldt_base, ldt_ents, gdt_frames[16], gdt_ents, kernel_ss, kernel_sp, ctrlreg[8],
        debugreg[8], event_cs, event_eip, failsafe_cs, failsafe_eip;
};

#define LONGS(at, member)                                                                          \
    {                                                                                              \
        (at) - TAIL_32, 4, offsetof(struct tail, member), 8,                                       \
            sizeof(((struct tail *)0)->member) / 8                                                 \
    }

LAYOUT(tail_layout, SIZE_32 - TAIL_32, struct tail, LONGS(2632, ldt_base), LONGS(2636, ldt_ents),
       LONGS(2640, gdt_frames), LONGS(2704, gdt_ents), LONGS(2708, kernel_ss),
       LONGS(2712, kernel_sp), LONGS(2716, ctrlreg), LONGS(2748, debugreg), LONGS(2780, event_cs),
       LONGS(2784, event_eip), LONGS(2788, failsafe_cs), LONGS(2792, failsafe_eip));

static bool read_narrow(struct vcpu *caller, struct start_context *ret, uint64_t gva)
{
    struct vcpu_guest_context *c = &ret->context;
    struct tail tail;
    uint32_t flags;
    uint64_t end;
    if (!checked_add_u64(gva, SIZE_32, &end) ||
        !guest_read(caller, &flags, gva + FLAGS_32, sizeof(flags)) ||
        !guest_read_struct(caller, &c->user_regs, gva + REGS_32, 0, &regs_layout) ||
        !guest_read_struct(caller, &tail, gva + TAIL_32, 0, &tail_layout))
        return false;
    for (uint32_t i = 0; i < 256; i++)
        if (!guest_read_struct(caller, &c->trap_ctxt[i], gva + TRAPS_32, i, &trap_layout))
            return false;
    c->flags = flags;
    c->ldt_base = tail.ldt_base;
    c->ldt_ents = tail.ldt_ents;
    memcpy(c->gdt_frames, tail.gdt_frames, sizeof(c->gdt_frames));
    c->gdt_ents = tail.gdt_ents;
    c->kernel_ss = tail.kernel_ss;
    c->kernel_sp = tail.kernel_sp;
    memcpy(c->ctrlreg, tail.ctrlreg, sizeof(c->ctrlreg));
    memcpy(c->debugreg, tail.debugreg, sizeof(c->debugreg));
    c->event_callback_eip = tail.event_eip;
    c->failsafe_callback_eip = tail.failsafe_eip;
    ret->event_cs = (uint16_t)tail.event_cs;
    ret->failsafe_cs = (uint16_t)tail.failsafe_cs;
    return true;
}

bool context_read(struct vcpu *caller, struct start_context *ret, uint64_t gva)
{
    memset(ret, 0, sizeof(*ret));
    return layer.compat ? read_narrow(caller, ret, gva)
                        : guest_read(caller, &ret->context, gva, sizeof(ret->context));
}
