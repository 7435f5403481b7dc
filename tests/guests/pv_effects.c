/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * 64-bit guests: hypercalls that only work when something happens afterwards, in user space, at a
 * segment load, a page later or some milliseconds later; that is looked at here.  Called by
 * pv_cpu.c, whose handlers it uses.  Results are printed for compare-xen.
 * Source: the public headers of Xen.
 */
#include "pv.h"

#ifndef __i386__
#include "pv_cpu.h"

#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define MS       UINT64_C(1000000)
#define PATIENCE (10000 * MS)
#define DATA     UINT64_C(0x00cff3000000ffff) /* flat, DPL 3 */

static char page_a[4096] __attribute__((aligned(4096)));
static char page_b[4096] __attribute__((aligned(4096)));
extern char effects_in[], effects_gdt[], effects_ldt[], effects_block[];

__asm__(".text\n"
        "effects_in: inb $0x80, %al\n ud2\n"
        "effects_gdt: movl $0x100b, %eax\n movl %eax, %fs\n xorl %eax, %eax\n movl %eax, %fs\n"
        " ud2\n"
        "effects_ldt: movl $0x0f, %eax\n movl %eax, %fs\n xorl %eax, %eax\n movl %eax, %fs\n"
        " ud2\n"
        "effects_block: movl $6, %eax\n movl $1, %edi\n syscall\n ud2\n");

static void tell(const char *name, long result)
{
    tell_result("effect", name, result);
}

static long event_op(unsigned operation, void *op)
{
    return call(__HYPERVISOR_event_channel_op, operation, (uintptr_t)op, 0, 0);
}

static long memory_op(unsigned operation, void *op)
{
    return call(__HYPERVISOR_memory_op, operation, (uintptr_t)op, 0, 0);
}

static vcpu_info_t *info(void)
{
    return &cpu_shared()->vcpu_info[0];
}

static uint64_t now(void)
{
    return time_by(&info()->time);
}

static void clear_events(void)
{
    info()->evtchn_upcall_pending = 0;
    info()->evtchn_pending_sel = 0;
    cpu_shared()->evtchn_pending[0] = 0;
}

static void close_port(evtchn_port_t port)
{
    struct evtchn_close close = {.port = port};
    event_op(EVTCHNOP_close, &close);
}

/* ---- ports and segments --------------------------------------------------------------------- */

static void ports(void)
{
    static uint8_t bitmap[8192];
    struct physdev_set_iobitmap op = {.nr_ports = 65536};
    set_xen_guest_handle(op.bitmap, bitmap);
    for (unsigned forbidden = 0; forbidden < 2; forbidden++) {
        bitmap[0x80 / 8] = (uint8_t)forbidden;
        check_equal(
            "set_iobitmap",
            (uint64_t)call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, (uintptr_t)&op, 0, 0),
            0);
        if (forbidden)
            FROM_64("in of a port whose bit is set", effects_in, 0, 0);
        else
            FROM_64("in of a port whose bit is clear", effects_in, 0, 0);
    }
    op.nr_ports = 0;
    tell("set_iobitmap of none",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, (uintptr_t)&op, 0, 0));
    FROM_64("in of a port without bitmap", effects_in, 0, 0);

    /* By the CPU or by the hypervisor: the string goes forward, or back. */
    for (unsigned back = 0; back < 2; back++) {
        const char *at = page_a + 8;
        __asm__ volatile("testl %1, %1\n jz 1f\n std\n 1: outsb\n cld\n"
                         : "+S"(at)
                         : "r"(back), "d"(0x80)
                         : "memory", "cc");
        check_equal(back ? "outsb back" : "outsb forward", (uint64_t)(at - page_a), back ? 7 : 9);
    }
}

static void segments(void)
{
    const unsigned long frames[2] = {frame_of(page_a), frame_of(page_b)};
    ((uint64_t *)page_b)[1] = DATA;
    check_equal("page read-only", (uint64_t)map(page_a, own(page_a, PTE_PRESENT)), 0);
    check_equal("page read-only", (uint64_t)map(page_b, own(page_b, PTE_PRESENT)), 0);
    tell("set_gdt of two frames", call(__HYPERVISOR_set_gdt, (uintptr_t)frames, 1024, 0, 0));
    FROM_KERNEL("selector of the second", effects_gdt, 0, 0);
    tell("set_gdt to none", call(__HYPERVISOR_set_gdt, 0, 0, 0, 0));
    FROM_KERNEL("selector of none", effects_gdt, 0, 0);
    tell("set_ldt", extended(MMUEXT_SET_LDT, (uintptr_t)page_b, 512));
    FROM_KERNEL("selector of the LDT", effects_ldt, 0, 0);
    tell("set_ldt to none", extended(MMUEXT_SET_LDT, 0, 0));
    FROM_KERNEL("selector of no LDT", effects_ldt, 0, 0);
    check_equal("page writable again", (uint64_t)map(page_a, own(page_a, PTE_OWN)), 0);
    check_equal("page writable again", (uint64_t)map(page_b, own(page_b, PTE_OWN)), 0);
    ((uint64_t *)page_b)[1] = 0;
}

/* ---- memory --------------------------------------------------------------------------------- */

static void page_tables(void)
{
    volatile char *at = page_a;
    uint64_t maddr;
    (void)entry_of(page_a, &maddr);
    at[7] = 1;
    page_b[7] = 2;
    tell("mapped without a flush", map_flags(page_a, own(page_b, PTE_OWN), 0));
    tell("flush of the page", extended(MMUEXT_INVLPG_LOCAL, (uintptr_t)page_a, 0));
    check_equal("the new page is seen", (uint8_t)at[7], 2);
    tell("mmu_update of kind 3", update(maddr | 3, own(page_a, PTE_OWN)));
    tell("flush of all", extended(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    check_equal("the old page is seen", (uint8_t)at[7], 1);

    for (unsigned i = 0; i < sizeof(page_b); i++)
        page_b[i] = 0;
    check_equal("page read-only", (uint64_t)map(page_b, own(page_b, PTE_PRESENT)), 0);
    tell("pin an L3", extended(MMUEXT_PIN_L3_TABLE, frame_of(page_b), 0));
    tell("map it writable", map(page_b, own(page_b, PTE_OWN)));
    tell("unpin it", extended(MMUEXT_UNPIN_TABLE, frame_of(page_b), 0));
    tell("map it writable then", map(page_b, own(page_b, PTE_OWN)));
}

/* A page table is written as memory; the hypervisor lets it pass, or does it. */
static void page_table_written(void)
{
    uint64_t maddr;
    volatile pte_t *entry = (volatile pte_t *)(uintptr_t)entry_of(page_a, &maddr);
    tell("no user root", extended(MMUEXT_NEW_USER_BASEPTR, 0, 0));
    tell("writable page tables",
         call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0, 0));
    page_a[7] = 1;
    page_b[7] = 2;
    *entry = own(page_b, PTE_OWN);
    extended(MMUEXT_INVLPG_LOCAL, (uintptr_t)page_a, 0);
    check_equal("the page that was written in", *(volatile uint8_t *)&page_a[7], 2);
    *entry = own(page_a, PTE_OWN);
    extended(MMUEXT_INVLPG_LOCAL, (uintptr_t)page_a, 0);
    check_equal("the page that was there", *(volatile uint8_t *)&page_a[7], 1);
    call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables, 0, 0);
}

/* Pages from the end of memory, which nothing maps, given away and gotten. */
static void reservations(void)
{
    xen_pfn_t *p2m = (xen_pfn_t *)start_info->mfn_list, pfn = start_info->nr_pages - 6;
    xen_pfn_t frame = p2m[pfn], in[2] = {p2m[pfn + 1], p2m[pfn + 2]}, out = pfn + 1;
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};
    domid_t self = DOMID_SELF;
    long had = memory_op(XENMEM_current_reservation, &self);
    set_xen_guest_handle(op.extent_start, &frame);
    tell("decrease_reservation", memory_op(XENMEM_decrease_reservation, &op));
    frame = 0;
    tell("increase_reservation", memory_op(XENMEM_increase_reservation, &op));
    check_true("a frame came", frame != 0);
    check_equal("as many pages", (uint64_t)memory_op(XENMEM_current_reservation, &self),
                (uint64_t)had);
    tell("its m2p entry", update((uint64_t)frame << 12 | MMU_MACHPHYS_UPDATE, pfn));
    check_equal("the m2p entry", MACHINE_TO_PHYS[frame], pfn);
    p2m[pfn] = frame;
    check_equal("it is mapped", (uint64_t)map(page_a, (pte_t)frame << 12 | PTE_OWN), 0);
    *(volatile char *)page_a = 5;
    check_equal("and not", (uint64_t)map(page_a, own(page_a, PTE_OWN)), 0);

    struct xen_memory_exchange exchange = {
        .in = {.nr_extents = 2, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .extent_order = 1, .domid = DOMID_SELF}};
    set_xen_guest_handle(exchange.in.extent_start, in);
    set_xen_guest_handle(exchange.out.extent_start, &out);
    tell("exchange of two pages for one of order 1", memory_op(XENMEM_exchange, &exchange));
    tell("exchanged", (long)exchange.nr_exchanged);
    for (unsigned i = 0; i < 2; i++) {
        check_equal("m2p of a page of it", MACHINE_TO_PHYS[out + i], pfn + 1 + i);
        p2m[pfn + 1 + i] = out + i;
    }
}

static void assists(void)
{
    static const struct {
        unsigned command;
        const char *name, *features;
    } steps[] = {
        {VMASST_CMD_enable, "pae_extended_cr3 on", "features with it"},
        {VMASST_CMD_disable, "pae_extended_cr3 off", "features without it"},
    };
    for (unsigned i = 0; i < 2; i++) {
        struct xen_feature_info features = {0};
        tell(steps[i].name,
             call(__HYPERVISOR_vm_assist, steps[i].command, VMASST_TYPE_pae_extended_cr3, 0, 0));
        call(__HYPERVISOR_xen_version, XENVER_get_features, (uintptr_t)&features, 0, 0);
        tell(steps[i].features, (long)features.submap);
    }
}

/* ---- events and time ------------------------------------------------------------------------ */

static void callbacks(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    event_op(EVTCHNOP_bind_ipi, &ipi);
    for (unsigned i = 0; i < 2; i++) {
        struct evtchn_send send = {.port = ipi.port};
        /* Exchanged, then as they were. */
        const char *event = i ? cpu_stub_1003 : cpu_stub_1000;
        const char *syscall = i ? cpu_stub_1000 : cpu_stub_1003;
        check_equal(
            "set_callbacks",
            (uint64_t)call(__HYPERVISOR_set_callbacks, (uintptr_t)event, 0, (uintptr_t)syscall, 0),
            0);
        info()->evtchn_upcall_mask = 1;
        event_op(EVTCHNOP_send, &send);
        FROM_KERNEL("sched_op of old, block", effects_block, 0, 0);
        check_equal("event by set_callbacks", cpu_last.vector, i ? 1003 : 1000);
        clear_events();
        FROM_64("syscall by set_callbacks", cpu_syscall, 0, 0);
        check_equal("syscall by set_callbacks", cpu_last.vector, i ? 1000 : 1003);
    }
    close_port(ipi.port);
}

static bool pending(evtchn_port_t port)
{
    return cpu_shared()->evtchn_pending[0] >> port & 1;
}

/* Until it is pending or this time has come; the time now. */
static uint64_t wait(evtchn_port_t port, uint64_t until)
{
    struct sched_poll op = {.nr_ports = 1, .timeout = until};
    set_xen_guest_handle(op.ports, &port);
    while (!pending(port) && now() < until)
        call(__HYPERVISOR_sched_op, SCHEDOP_poll, (uintptr_t)&op, 0, 0);
    return now();
}

static long set_timer(uint64_t at)
{
    return call(__HYPERVISOR_set_timer_op, at, 0, 0, 0);
}

static long stop_singleshot(void)
{
    return call(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0, 0);
}

static long set_timer_to_none(void)
{
    return set_timer(0);
}

/* A timer of 20 ms that is stopped before.  A busy host may not run us in time: then again. */
static void stopped(const char *name, evtchn_port_t port, long (*stop)(void))
{
    bool in_time = false;
    uint64_t deadline = 0;
    long result = 0;
    for (unsigned i = 0; i < 100 && !in_time; i++) {
        clear_events();
        deadline = now() + 20 * MS;
        struct vcpu_set_singleshot_timer single = {.timeout_abs_ns = deadline};
        call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, (uintptr_t)&single, 0);
        result = stop();
        in_time = now() < deadline;
    }
    tell(name, result);
    check_true("the timer was stopped in time", in_time);
    wait(port, deadline + 10 * MS);
    check_true("no timer", !pending(port));
}

/* Negative, or days away, which was a bug of guests: soon. */
static void far_timers(evtchn_port_t port)
{
    static const uint64_t far[] = {~UINT64_C(0), UINT64_C(1) << 60};
    for (unsigned i = 0; i < 2; i++) {
        clear_events();
        uint64_t start = now();
        check_equal("set_timer_op, far", (uint64_t)set_timer(far[i]), 0);
        uint64_t end = wait(port, start + PATIENCE);
        check_true("it comes", pending(port));
        check("after 100 ms", end - start >= 100 * MS, end - start, 100 * MS);
    }
}

/* Ticks of 5 ms.  Twenty take no less.  One that comes late shortens the way to the next, to less
 * than 3 ms no more than twice.  A busy host has them far apart, but in one round of many four come
 * in time one after the other.  Xen ticks only while the vCPU runs. */
static void ticks(evtchn_port_t port)
{
    struct vcpu_set_periodic_timer tick = {.period_ns = 5 * MS};
    uint64_t least = ~UINT64_C(0);
    unsigned most_short = 0, best_run = 0;
    for (unsigned i = 0; i < 3 || (i < 100 && best_run < 4); i++) {
        unsigned shorter = 0, run = 0;
        clear_events();
        uint64_t start = now(), last = start;
        call(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, (uintptr_t)&tick, 0);
        for (unsigned n = 0; n < 20; n++) {
            while (!pending(port) && now() < start + PATIENCE)
                call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
            clear_events();
            uint64_t then = now();
            shorter += n > 0 && then - last < 3 * MS;
            run = n > 0 && then - last >= 3 * MS && then - last <= 7 * MS ? run + 1 : 0;
            best_run = run > best_run ? run : best_run;
            last = then;
        }
        call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0);
        least = last - start < least ? last - start : least;
        most_short = shorter > most_short ? shorter : most_short;
    }
    check("20 ticks of 5 ms, at least", least >= 95 * MS, least, 95 * MS);
    check("ticks that come too soon", most_short <= 13, most_short, 13);
    check("ticks that come in time, in a row", best_run >= 4, best_run, 4);
}

static void timers(void)
{
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
    info()->evtchn_upcall_mask = 1;
    event_op(EVTCHNOP_bind_virq, &virq);
    call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0);
    clear_events();
    stopped("set_timer_op 0", virq.port, set_timer_to_none);
    stopped("stop_singleshot", virq.port, stop_singleshot);
    far_timers(virq.port);
    ticks(virq.port);
    close_port(virq.port);
}

void pv_effects_check(void)
{
    ports();
    segments();
    page_tables();
    reservations();
    assists();
    callbacks();
    timers();
    page_table_written();
}
#endif
