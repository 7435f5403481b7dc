/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames on the guest kernel's stack, and the switch between the guest's kernel and its user space.
 */
#ifndef RESIDENT_BOUNCE_H
#define RESIDENT_BOUNCE_H

#include "layer.h"

/* Flags that a handler never starts with.  Xen leaves it the direction flag that user space had,
 * with which Linux, whose SYSCALL entry trusts that the CPU has cleared it, falls over. */
#define HANDLER_CLEARS (FLAG_TF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_VM | FLAG_DF)

struct bounce {
    uint64_t address; /* handler; 0 crashes the guest */
    uint16_t cs;      /* 32-bit guests: the handler's */
    bool mask_events; /* the handler starts with events masked */
    bool has_error;
    const uint16_t *segment; /* failsafe callback: DS, ES, FS, GS, which are pushed too */
    uint64_t error;
    const char *what; /* for the crash report */
};

/* The guest goes on in the handler with the frame of xen-x86_64.h / the hardware's 32-bit one on
 * its kernel stack. */
void bounce(struct vcpu *v, const struct bounce *to);
void bounce_callback(struct vcpu *v, const struct callback *callback, const char *what);

/* bounce64.c: the 64-bit form of bounce(). */
void bounce64(struct vcpu *v, const struct bounce *to);
/* RFLAGS as such a frame shows them. */
uint64_t bounce_flags(const struct frame *f, bool masked);
/* trap32.c: DS, ES, FS, GS of the guest as it was when the layer was entered. */
const uint16_t *guest_segments(void);

/* 64-bit guests: root, GS base and I/O map of the other mode.  enter_user: v->user_root is set. */
void enter_kernel(struct vcpu *v);
void enter_user(struct vcpu *v);

#endif
