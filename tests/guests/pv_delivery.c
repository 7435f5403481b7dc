/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * 64-bit guests: what comes into the kernel unasked.  Breakpoints and single steps, NMI, #NM, page
 * faults with their CR2, the mask and the stack that a handler finds, upcalls, also out of block;
 * how long a block counts as one.  Results are printed for compare-xen.
 * Source: xen/include/public/arch-x86/xen-x86_64.h, xen.h, nmi.h; Intel SDM vol. 3 17.2.
 */
#include "pv.h"

#ifndef __i386__
#include "pv_cpu.h"

#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

static volatile unsigned watched;
static char read_only[4096] __attribute__((aligned(4096)));
extern char delivery_read[], delivery_fpu[], delivery_touch[], delivery_gs[], delivery_store[],
    delivery_nmi[], delivery_block[];

#define NOWHERE 0x40001000ul

/* The hypercalls are a kernel's: vcpu_op send_nmi, sched_op block. */
__asm__(".text\n"
        "delivery_read: movl watched, %eax\n nop\n ud2\n"
        "delivery_fpu: fninit\n ud2\n"
        "delivery_touch: movl 0x40001010, %eax\n ud2\n"
        "delivery_gs: movl %gs:0x10, %eax\n ud2\n"
        "delivery_store: movb $1, read_only\n ud2\n"
        "delivery_nmi: movl $24, %eax\n movl $11, %edi\n xorl %esi, %esi\n xorl %edx, %edx\n"
        " syscall\n ud2\n"
        "delivery_block: movl $29, %eax\n movl $1, %edi\n xorl %esi, %esi\n syscall\n ud2\n");

static vcpu_info_t *info(void)
{
    return &cpu_shared()->vcpu_info[0];
}

/* ---- debug registers ------------------------------------------------------------------------ */

static void tell_debug(const char *what)
{
    print("guest: cpu, DR6 after %s = 0x%lx\n", what,
          (unsigned long)call(__HYPERVISOR_get_debugreg, 6, 0, 0, 0));
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
}

static void debug(void)
{
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
    FROM_64("single step again", cpu_nops, 0x100, 0);
    tell_debug("single step");
    call(__HYPERVISOR_set_debugreg, 0, (unsigned long)cpu_nops + 2, 0, 0);
    call(__HYPERVISOR_set_debugreg, 1, (unsigned long)&watched, 0, 0);
    call(__HYPERVISOR_set_debugreg, 7, 0x401, 0, 0);
    FROM_64("breakpoint", cpu_nops, 0, 0);
    tell_debug("breakpoint");
    FROM_KERNEL("breakpoint", cpu_nops, 0, 0);
    call(__HYPERVISOR_set_debugreg, 7, 0xf00404, 0, 0); /* DR1: reads and writes of 4 bytes */
    FROM_64("watched word", delivery_read, 0, 0);
    FROM_KERNEL("watched word", delivery_read, 0, 0);
    call(__HYPERVISOR_set_debugreg, 7, 0x400, 0, 0);
    FROM_64("watched word no more", delivery_read, 0, 0);
    call(__HYPERVISOR_set_debugreg, 0, 0, 0, 0);
    call(__HYPERVISOR_set_debugreg, 1, 0, 0, 0);
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
}

/* ---- faults --------------------------------------------------------------------------------- */

static void faults(void)
{
    check_equal("page read-only", (uint64_t)map(read_only, own(read_only, PTE_PRESENT)), 0);
    FROM_KERNEL("write to a read-only page", delivery_store, 0, 0);
    check_equal("page writable again", (uint64_t)map(read_only, own(read_only, PTE_OWN)), 0);
    FROM_KERNEL("nothing there", delivery_touch, 0, 0);
    FROM_64("nothing there", delivery_touch, 0, 0);
    tell_result("cpu", "GS base of user space",
                call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, NOWHERE, 0, 0));
    FROM_64("nothing there by GS", delivery_gs, 0, 0);
    call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, 0, 0, 0);
}

static void no_fpu(void)
{
    call(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0);
    FROM_64("#NM", delivery_fpu, 0x200, 0);
    unsigned long cr0;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    print("guest: cpu, TS after #NM = %u\n", (unsigned)(cr0 >> 3 & 1));
    FROM_64("no #NM", delivery_fpu, 0x200, 0);
}

/* A handler that asks for it starts with events masked; it finds its frame 16 bytes aligned. */
static void handlers(void)
{
    const unsigned long top = (unsigned long)cpu_kernel_stack + sizeof(cpu_kernel_stack);
    cpu_callback(CALLBACKTYPE_syscall, cpu_stub_1000, CALLBACKF_mask_events);
    FROM_64("syscall that masks events", cpu_syscall, 0x200, 0);
    cpu_callback(CALLBACKTYPE_syscall, cpu_stub_1000, 0);
    for (unsigned off = 0; off < 32; off += 8) {
        call(__HYPERVISOR_stack_switch, KERNEL_SS, top - off, 0, 0);
        FROM_64("int 80 by another stack", cpu_int80, 0, 0);
        print("guest: cpu, frame of a stack %u below = %u below\n", off,
              (unsigned)(top - cpu_frame_at));
    }
    call(__HYPERVISOR_stack_switch, KERNEL_SS, top, 0, 0);
}

/* Comes with the return from the call, to the next instruction; an iret ends it.  Without a
 * callback it is lost. */
static void nmi(void)
{
    FROM_KERNEL("NMI without a callback", delivery_nmi, 0, 0);
    tell_result("cpu", "NMI registered", cpu_callback(CALLBACKTYPE_nmi, cpu_stub_2, 0));
    FROM_KERNEL("NMI", delivery_nmi, 0, 0);
    FROM_KERNEL("after the NMI", cpu_nops, 0, 0);
    FROM_KERNEL("NMI again", delivery_nmi, 0x200, 0);
    FROM_KERNEL("after it", cpu_nops, 0, 0);
}

/* ---- events --------------------------------------------------------------------------------- */

static void clear_events(void)
{
    info()->evtchn_upcall_pending = 0;
    info()->evtchn_pending_sel = 0;
    cpu_shared()->evtchn_pending[0] = 0;
}

static void upcalls(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    info()->evtchn_upcall_mask = 1;
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (unsigned long)&ipi, 0, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct evtchn_send send = {.port = ipi.port};
        info()->evtchn_upcall_mask = 1;
        call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (unsigned long)&send, 0, 0);
        check_equal("pending", info()->evtchn_upcall_pending, 1);
        if (i == 0)
            FROM_64("upcall on the way to it", cpu_nops, 0x200, 0);
        else
            FROM_KERNEL("upcall out of block", delivery_block, 0, 0);
        check_equal("masked in the upcall", info()->evtchn_upcall_mask, 1);
        clear_events();
    }
    struct evtchn_close close = {.port = ipi.port};
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (unsigned long)&close, 0, 0);
}

/* The timer's upcall ends a block, the wait for it counts as blocked: at least most of it does in
 * one of ten tries, for a host may stand still between the arming and the wait. */
static void block_for_the_timer(void)
{
    const uint64_t ms = 1000000;
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
    struct vcpu_runstate_info before, after;
    uint64_t blocked = 0;
    info()->evtchn_upcall_mask = 1;
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (unsigned long)&virq, 0, 0);
    for (unsigned i = 0; i < 10 && blocked < 15 * ms; i++) {
        call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (unsigned long)&before, 0);
        call(__HYPERVISOR_set_timer_op, time_by(&info()->time) + 20 * ms, 0, 0, 0);
        FROM_KERNEL("block until the timer", delivery_block, 0, 0);
        call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (unsigned long)&after, 0);
        blocked = after.time[RUNSTATE_blocked] - before.time[RUNSTATE_blocked];
        clear_events();
    }
    check("15 of 20 ms were blocked", blocked >= 15 * ms, blocked, 15 * ms);
    struct evtchn_close close = {.port = virq.port};
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (unsigned long)&close, 0, 0);
}

void pv_delivery_check(void)
{
    debug();
    faults();
    handlers();
    nmi();
    no_fpu();
    upcalls();
    block_for_the_timer();
}
#endif
