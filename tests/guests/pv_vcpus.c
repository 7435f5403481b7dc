/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With the word `vcpus`, 64-bit guests: a second vCPU switched on with contexts that cannot be
 * loaded, with a good one, and twice.  Each answer is printed for compare-xen.
 * Source: xen/include/public/vcpu.h, arch-x86/xen.h struct vcpu_guest_context.
 */
#include "pv.h"

#ifndef __i386__
#include <xen/sched.h>
#include <xen/vcpu.h>

#define NOT_CANONICAL 0x8000000000000000ul

static vcpu_guest_context_t context;
static char stack[4096] __attribute__((aligned(4096)));
static char plain_page[4096] __attribute__((aligned(4096)));
static volatile unsigned second_runs;

static long vcpu_op(unsigned command, unsigned vcpu, const void *arg)
{
    return hypercall_bare(__HYPERVISOR_vcpu_op, command, vcpu, (unsigned long)arg, 0, 0);
}

static void tell(const char *name, long result)
{
    print("guest: vcpu, %s = 0x%lx\n", name, (unsigned long)result);
}

static unsigned long frame_of(const void *at)
{
    return ((const unsigned long *)start_info->mfn_list)[((uintptr_t)at - v_start) / 4096];
}

/* The second vCPU: says so and goes off, each time that it comes up. */
static void second(void)
{
    for (;;) {
        second_runs++;
        vcpu_op(VCPUOP_down, 1, 0);
    }
}

static void good_context(void)
{
    context = (vcpu_guest_context_t){.flags = VGCF_in_kernel};
    context.user_regs.rip = (unsigned long)second;
    context.user_regs.rsp = (unsigned long)stack + sizeof(stack) - 8;
    context.user_regs.cs = 0xe033;
    context.user_regs.ss = 0xe02b;
    context.user_regs.rflags = 0x202;
    context.kernel_sp = (unsigned long)stack + sizeof(stack);
    context.kernel_ss = 0xe02b;
    context.ctrlreg[3] = frame_of((const void *)start_info->pt_base) << 12;
}

static void try(const char *name)
{
    tell(name, vcpu_op(VCPUOP_initialise, 1, &context));
    good_context();
}

static void wait_for_runs(unsigned count)
{
    for (unsigned i = 0; i < 1000000 && second_runs < count; i++)
        hypercall_bare(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
    for (unsigned i = 0; i < 1000000 && vcpu_op(VCPUOP_is_up, 1, 0) == 1; i++)
        hypercall_bare(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
    check_equal("runs of the second vCPU", second_runs, count);
}

void pv_vcpus_check(void)
{
    uint64_t unused;
    if (!option((const char *)start_info->cmd_line, "vcpus", &unused))
        return;
    tell("is_up 0", vcpu_op(VCPUOP_is_up, 0, 0));
    tell("is_up 1", vcpu_op(VCPUOP_is_up, 1, 0));
    tell("is_up 2", vcpu_op(VCPUOP_is_up, 2, 0));
    tell("up without context", vcpu_op(VCPUOP_up, 1, 0));
    tell("down of one that is off", vcpu_op(VCPUOP_down, 1, 0));
    tell("initialise of the first", vcpu_op(VCPUOP_initialise, 0, &context));
    tell("initialise from nowhere", vcpu_op(VCPUOP_initialise, 1, (const void *)~0xffffull));
    good_context();
    context.user_regs.rip = NOT_CANONICAL;
    try("RIP not canonical");
    context.event_callback_eip = NOT_CANONICAL;
    try("event callback not canonical");
    context.failsafe_callback_eip = NOT_CANONICAL;
    try("failsafe callback not canonical");
    context.syscall_callback_eip = NOT_CANONICAL;
    try("syscall callback not canonical");
    context.fs_base = NOT_CANONICAL;
    try("FS base not canonical");
    context.gs_base_kernel = NOT_CANONICAL;
    try("kernel GS base not canonical");
    context.gs_base_user = NOT_CANONICAL;
    try("user GS base not canonical");
    context.trap_ctxt[20].address = NOT_CANONICAL;
    try("trap handler not canonical");
    context.gdt_ents = 8000;
    try("GDT of 8000 entries");
    context.gdt_ents = 512;
    context.gdt_frames[0] = 0xfffffffff;
    try("GDT of no frame");
    context.gdt_ents = 512;
    context.gdt_frames[0] = frame_of((const void *)start_info->pt_base);
    try("GDT in a page table");
    context.ldt_ents = 8193;
    try("LDT of 8193 entries");
    context.ldt_ents = 1;
    context.ldt_base = 0x1008;
    try("LDT across a page");
    context.ctrlreg[3] = 0;
    try("no root");
    context.ctrlreg[3] = 0xfffffffff000;
    try("root of no frame");
    ((uint64_t *)plain_page)[0] = 0xfffffffff067;
    context.ctrlreg[3] = frame_of(plain_page) << 12;
    try("root that is no page table");
    context.ctrlreg[1] = 0xfffffffff000;
    try("user root of no frame");
    tell("up after all these", vcpu_op(VCPUOP_up, 1, 0));
    try("good");
    try("good again");
    tell("up", vcpu_op(VCPUOP_up, 1, 0));
    wait_for_runs(1);
    tell("up again", vcpu_op(VCPUOP_up, 1, 0));
    wait_for_runs(2);
    try("good, once it was up");
    tell("down of one that is off", vcpu_op(VCPUOP_down, 1, 0));
    tell("up of one that is on", vcpu_op(VCPUOP_up, 0, 0));
    tell("is_up 1", vcpu_op(VCPUOP_is_up, 1, 0));
    tell("a timer of another vCPU", vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0));
}
#else
void pv_vcpus_check(void)
{
}
#endif
