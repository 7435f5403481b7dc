/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Running a few bytes of code at either level until the kernel is entered, with the frame, the
 * handler's flags and the event mask printed: pv_cpu.c.  64-bit guests only.
 */
#ifndef TESTS_GUESTS_PV_CPU_H
#define TESTS_GUESTS_PV_CPU_H

#include "pv.h"

#define KERNEL_CS 0xe030ul
#define KERNEL_SS 0xe02bul
#define USER_CS   0xe033ul
#define USER_CS32 0xe023ul
#define USER_SS   0xe02bul

/* What a stub pushes, then the hypervisor's frame.  Vectors above 255: 1000 SYSCALL, 1001 that of
 * 32-bit code, 1002 SYSENTER, 1003 an event. */
struct cpu_frame {
    unsigned long vector, error, ip, cs, flags, sp, ss;
};

/* The last entry: its frame, where that was, the event mask in the handler; entries so far. */
extern struct cpu_frame cpu_last;
extern unsigned long cpu_frame_at;
extern unsigned cpu_mask, cpu_count;
extern char cpu_kernel_stack[8192], cpu_user_stack[4096];
/* Handlers that come back to cpu_try(): NMI, SYSCALL, an event. */
extern char cpu_stub_2[], cpu_stub_1000[], cpu_stub_1003[];
/* Code that ends in ud2. */
extern char cpu_syscall[], cpu_int80[], cpu_nops[];

shared_info_t *cpu_shared(void);
/* CALLBACKOP_register: CALLBACKTYPE_…, CALLBACKF_…; what it returned. */
long cpu_callback(unsigned type, const void *address, unsigned flags);

/* What cannot be compared: QEMU gives another error code for a refused INT n. */
#define NO_ERROR 1u

/* Goes there by an iret hypercall and prints how it came back. */
void cpu_try(const char *name, unsigned long ip, unsigned long cs, unsigned long flags,
             unsigned long sp, unsigned how);
#define FROM_64(name, what, flags, how)                                                            \
    cpu_try("user, " name, (unsigned long)(what), USER_CS, flags,                                  \
            (unsigned long)cpu_user_stack + sizeof(cpu_user_stack), how)
#define FROM_KERNEL(name, what, flags, how)                                                        \
    cpu_try("kernel, " name, (unsigned long)(what), KERNEL_CS, flags,                              \
            (unsigned long)cpu_user_stack + sizeof(cpu_user_stack), how)

/* pv_delivery.c */
void pv_delivery_check(void);
/* pv_effects.c */
void pv_effects_check(void);

#endif
