/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What two vCPUs do to each other: vCPU 1 is started and either loops in the guest, to be flushed,
 * or waits for an event, to be sent one.  The TSC counts the instructions of both CPUs (QEMU runs
 * them in turn on one thread and hands over at PAUSE), so a row is what the whole machine did.
 */
#include "bench.h"

#ifdef __x86_64__
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define ROUNDS 200

enum order { SPIN, ECHO };

extern uint8_t shared_window[4096], second_stack_top[];

static volatile enum order order;
static volatile bool running;
static evtchn_port_t port[2];

static bool pending(evtchn_port_t which)
{
    struct shared_info *shared = (struct shared_info *)shared_window;
    return __atomic_fetch_and(&shared->evtchn_pending[0], ~(1ul << which), __ATOMIC_SEQ_CST) >>
               which &
           1;
}

/* Waits as an idle CPU does, and takes the event without an upcall. */
static void wait_for(evtchn_port_t which)
{
    while (!pending(which)) {
        struct sched_poll poll = {.nr_ports = 1};
        poll.ports.p = (evtchn_port_t *)&which;
        expect("poll", call(__HYPERVISOR_sched_op, SCHEDOP_poll, (uintptr_t)&poll, 0, 0));
    }
}

static void send_to(evtchn_port_t which)
{
    struct evtchn_send send = {which};
    expect("send", call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uintptr_t)&send, 0, 0));
}

static void second_main(void)
{
    running = true;
    while (order == SPIN)
        __asm__ volatile("pause");
    for (;;) {
        wait_for(port[1]);
        send_to(port[0]);
    }
}

static void start_second(const struct start_info *info)
{
    static struct vcpu_guest_context context;
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uintptr_t)second_main;
    context.user_regs.rsp = (uintptr_t)second_stack_top - 8;
    context.user_regs.cs = 0xe033;
    context.user_regs.ss = 0xe02b;
    context.user_regs.rflags = 0x1000; /* IOPL 1 */
    context.kernel_ss = 0xe02b;
    context.kernel_sp = (uintptr_t)second_stack_top;
    context.ctrlreg[3] = frame_of((const void *)info->pt_base) << 12;
    context.event_callback_eip = (uintptr_t)event_entry;
    expect("vCPU 1 initialised",
           call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (uintptr_t)&context, 0));
    expect("vCPU 1 up", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0));
    while (!running)
        __asm__ volatile("pause");
}

static void flush(const char *name, unsigned command)
{
    struct mmuext_op op = {.cmd = command, .arg1.linear_addr = (uintptr_t)shared_window};
    uint64_t from = ticks();
    for (int i = 0; i < ROUNDS; i++)
        expect("flush", call(__HYPERVISOR_mmuext_op, (uintptr_t)&op, 1, 0, DOMID_SELF));
    report(name, since(from) / ROUNDS);
}

void vcpus_bench(const struct start_info *info)
{
    for (unsigned i = 0; i < 2; i++) {
        struct evtchn_bind_ipi bind = {.vcpu = i};
        expect("bind_ipi",
               call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uintptr_t)&bind, 0, 0));
        port[i] = bind.port;
    }
    start_second(info);
    flush("TLB shootdown of one page on the other vCPU", MMUEXT_INVLPG_ALL);
    flush("TLB shootdown of everything on the other vCPU", MMUEXT_TLB_FLUSH_ALL);
    order = ECHO;
    send_to(port[1]);
    wait_for(port[0]);
    uint64_t from = ticks();
    for (int i = 0; i < ROUNDS; i++) {
        send_to(port[1]);
        wait_for(port[0]);
    }
    report("IPI to a vCPU that waits, and one back", since(from) / ROUNDS);
}
#else
void vcpus_bench(const struct start_info *info)
{
    (void)info;
}
#endif
