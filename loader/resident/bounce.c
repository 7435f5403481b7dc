/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds the frames with which a guest kernel sees traps, events and system calls, on its own
 * stack, exactly as Xen lays them out, whatever privilege levels are really used.
 *
 * Source: Xen's public xen-x86_64.h and arch-x86/xen.h; the behaviour of create_bounce_frame and
 * compat_create_bounce_frame (xen/arch/x86/x86_64/entry.S, compat/entry.S).
 */
#include "bounce.h"

uint64_t bounce_flags(const struct frame *f, bool masked)
{
    uint64_t iopl = iopl_is_architectural() ? (uint64_t)cpu_vcpu()->iopl << 12 : 0;
    return (f->rflags & ~(FLAG_IF | FLAG_IOPL)) | (masked ? 0 : FLAG_IF) | iopl;
}

static void bounce32(struct vcpu *v, const struct bounce *to)
{
    struct frame *f = v->frame;
    uint32_t words[12], count = 0;
    uint64_t sp = f->rsp;
    uint8_t mask = v->info[1];
    bool outer = !v->kernel_mode;

    for (int i = 0; to->segment && i < 4; i++)
        words[count++] = to->segment[i];
    if (to->has_error)
        words[count++] = (uint32_t)to->error;
    words[count++] = (uint32_t)f->rip;
    words[count++] = (uint32_t)(f->cs & 0xffff) | (uint32_t)mask << 16;
    words[count++] = (uint32_t)bounce_flags(f, mask != 0);
    if (outer) {
        words[count++] = (uint32_t)f->rsp;
        words[count++] = (uint32_t)f->ss & 0xffff;
        sp = v->kernel_sp;
        enter_kernel(v);
    }
    sp = (uint32_t)(sp - count * 4);
    if (!guest_write(v, sp, words, count * 4))
        guest_crash(v, "no stack for %s: cannot write %u bytes at %#llx", to->what, count * 4,
                    (unsigned long long)sp);
    if (to->mask_events)
        v->info[1] = 1;
    f->rsp = sp;
    f->rip = (uint32_t)to->address;
    /* Ring 1, whatever RPL was registered. */
    f->cs = to->cs ? (to->cs & ~3u) | 1 : SEL_KERNEL32CS;
    if (outer)
        f->ss = v->kernel_ss ? (v->kernel_ss & ~UINT64_C(3)) | 1 : SEL_KERNEL32DS;
    f->rflags &= ~HANDLER_CLEARS;
}

void bounce(struct vcpu *v, const struct bounce *to)
{
    if (!to->address)
        guest_crash(v, "%s, and the guest has registered no handler", to->what);
#ifdef __x86_64__
    if (!layer.compat) {
        bounce64(v, to);
        return;
    }
#endif
    bounce32(v, to);
}

void bounce_callback(struct vcpu *v, const struct callback *callback, const char *what)
{
    bounce(v, &(struct bounce){.address = callback->address,
                               .cs = callback->cs,
                               .mask_events = callback->mask_events,
                               .what = what});
}
