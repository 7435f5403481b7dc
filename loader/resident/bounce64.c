/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The frames of 64-bit guests, and what changes in the CPU between the guest's kernel and its user
 * space under the 64-bit layer.
 *
 * Source: Xen's public xen-x86_64.h; the behaviour of create_bounce_frame
 * (xen/arch/x86/x86_64/entry.S) and toggle_guest_mode (pv/domain.c).
 */
#include "bounce.h"
#include "descriptors.h"
#include "msr.h"

#define SHOWN_KERNEL_CS 0xe030 /* FLAT_RING3_CS64 with RPL 0 */
#define SHOWN_KERNEL_SS 0xe02b

static void swap_gs_base(struct vcpu *v)
{
    uint64_t active = cpu_rdmsr(MSR_KERNEL_GS);
    if (active != v->gs_inactive)
        cpu_wrmsr(MSR_KERNEL_GS, v->gs_inactive);
    v->gs_inactive = active;
}

void enter_kernel(struct vcpu *v)
{
    v->kernel_mode = 1;
    v->tss->iomap_base = v->kernel_iomap;
    if (layer.compat)
        return;
    swap_gs_base(v);
    if (v->user_root != v->kernel_root)
        cpu_set_cr3(v->kernel_root);
}

void enter_user(struct vcpu *v)
{
    v->kernel_mode = 0;
    v->tss->iomap_base = v->user_iomap;
    if (layer.compat)
        return;
    swap_gs_base(v);
    if (v->user_root != v->kernel_root)
        cpu_set_cr3(v->user_root);
}

void bounce64(struct vcpu *v, const struct bounce *to)
{
    struct frame *f = v->frame;
    uint64_t words[12], *first = words + 7, sp = f->rsp, cs = f->cs & 0xffff, ss = f->ss & 0xffff;
    uint8_t mask = v->info[1];

    if (v->kernel_mode) {
        /* Others than ours only come from a return that failed. */
        cs = cs == SEL_KERNEL64CS ? SHOWN_KERNEL_CS : cs & ~UINT64_C(3);
        ss = ss == SEL_KERNEL64SS ? SHOWN_KERNEL_SS : ss;
    } else {
        sp = v->kernel_sp;
        enter_kernel(v);
    }
    words[7] = f->rip;
    words[8] = cs | (uint64_t)mask << 32;
    words[9] = bounce_flags(f, mask != 0);
    words[10] = f->rsp;
    words[11] = ss;
    if (to->has_error)
        *--first = to->error;
    for (int i = 3; to->segment && i >= 0; i--)
        *--first = to->segment[i];
    *--first = f->r11;
    *--first = f->rcx;

    size_t size = (size_t)(words + 12 - first) * sizeof(*words);
    sp = (sp & ~UINT64_C(15)) - size;
    if (!guest_write(v, sp, first, size))
        guest_crash(v, "no stack for %s: cannot write %zu bytes at %#llx", to->what, size,
                    (unsigned long long)sp);
    if (to->mask_events)
        v->info[1] = 1;
    f->rsp = sp;
    f->rip = to->address;
    f->cs = SEL_KERNEL64CS;
    f->ss = SEL_KERNEL64SS;
    f->rflags &= ~HANDLER_CLEARS;
}
