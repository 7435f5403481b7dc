/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A transcript of the hypercalls behind the first ones: events, timers, scheduling, memory, grants,
 * devices, console.  Each result is printed as a field, so that compare-xen sets it beside real
 * Xen's; what must hold anywhere is checked too.  Upcalls stay masked: nothing is delivered.
 * Source: the public headers of Xen.
 */
#include "pv.h"

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

extern char own_page[];

static long call3(unsigned long nr, unsigned long a1, unsigned long a2, unsigned long a3)
{
    return call(nr, a1, a2, a3, 0);
}

/* Prints and returns the result. */
static long tell(const char *name, long result)
{
    field(name, (uint64_t)(int64_t)result);
    return result;
}

#define EVENT(command, op)                                                                         \
    call3(__HYPERVISOR_event_channel_op, EVTCHNOP_##command, (unsigned long)(op), 0)
#define VCPU(command, id, op)                                                                      \
    call3(__HYPERVISOR_vcpu_op, VCPUOP_##command, (id), (unsigned long)(op))
#define SCHED(command, op)  call3(__HYPERVISOR_sched_op, SCHEDOP_##command, (unsigned long)(op), 0)
#define MEMORY(command, op) call3(__HYPERVISOR_memory_op, XENMEM_##command, (unsigned long)(op), 0)
#define GRANT(command, op, count)                                                                  \
    call3(__HYPERVISOR_grant_table_op, GNTTABOP_##command, (unsigned long)(op), (count))
#define PHYSDEV(command, op)                                                                       \
    call3(__HYPERVISOR_physdev_op, PHYSDEVOP_##command, (unsigned long)(op), 0)

static shared_info_t *shared(void)
{
    return (shared_info_t *)(uintptr_t)own_page;
}

static bool is_pending(unsigned port)
{
    return shared()->evtchn_pending[port / (8 * sizeof(long))] >> (port % (8 * sizeof(long))) & 1;
}

static void clear_pending(unsigned port)
{
    shared()->evtchn_pending[port / (8 * sizeof(long))] &= ~(1ul << (port % (8 * sizeof(long))));
    shared()->vcpu_info[0].evtchn_pending_sel = 0;
    shared()->vcpu_info[0].evtchn_upcall_pending = 0;
}

static unsigned bound_timer;

static void check_events(void)
{
    struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    tell("evtchn alloc_unbound", EVENT(alloc_unbound, &unbound));
    field("evtchn alloc_unbound port", unbound.port);
    struct evtchn_alloc_unbound nobody = {.dom = 99, .remote_dom = 0};
    tell("evtchn alloc_unbound for domain 99", EVENT(alloc_unbound, &nobody));
    struct evtchn_status status = {.dom = DOMID_SELF, .port = unbound.port};
    tell("evtchn status of unbound", EVENT(status, &status));
    field("evtchn status unbound", status.status);
    struct evtchn_send send = {.port = unbound.port};
    tell("evtchn send on unbound", EVENT(send, &send));

    struct evtchn_bind_interdomain pair = {.remote_dom = DOMID_SELF, .remote_port = unbound.port};
    tell("evtchn bind_interdomain", EVENT(bind_interdomain, &pair));
    field("evtchn first event of a pair", is_pending(pair.local_port));
    clear_pending(pair.local_port);
    send.port = pair.local_port;
    tell("evtchn send to the other end", EVENT(send, &send));
    check_true("event at the other end", is_pending(unbound.port));
    field("upcall pending", shared()->vcpu_info[0].evtchn_upcall_pending);
    field("pending selector", shared()->vcpu_info[0].evtchn_pending_sel);
    clear_pending(unbound.port);
    tell("evtchn bind_interdomain twice", EVENT(bind_interdomain, &pair));
    pair.remote_port = 4095;
    tell("evtchn bind_interdomain to port 4095", EVENT(bind_interdomain, &pair));
    struct evtchn_close close = {.port = send.port};
    tell("evtchn close", EVENT(close, &close));
    tell("evtchn close twice", EVENT(close, &close));
    tell("evtchn status of the other end", EVENT(status, &status));
    field("evtchn status after close", status.status);
    close.port = unbound.port;
    tell("evtchn close of the other end", EVENT(close, &close));
    close.port = 0;
    tell("evtchn close of port 0", EVENT(close, &close));
    send.port = 100000;
    tell("evtchn send on port 100000", EVENT(send, &send));

    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 0};
    tell("evtchn bind_virq timer", EVENT(bind_virq, &virq));
    bound_timer = virq.port;
    tell("evtchn bind_virq twice", EVENT(bind_virq, &virq));
    virq.virq = 100;
    tell("evtchn bind_virq 100", EVENT(bind_virq, &virq));
    virq = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 77};
    tell("evtchn bind_virq on vCPU 77", EVENT(bind_virq, &virq));
    virq = (struct evtchn_bind_virq){.virq = VIRQ_CONSOLE, .vcpu = 1};
    tell("evtchn bind_virq console on vCPU 1", EVENT(bind_virq, &virq));
    struct evtchn_bind_vcpu move = {.port = bound_timer, .vcpu = 0};
    tell("evtchn bind_vcpu of the timer", EVENT(bind_vcpu, &move));
    send.port = bound_timer;
    tell("evtchn send on a VIRQ", EVENT(send, &send));

    struct evtchn_bind_ipi ipi = {.vcpu = 77};
    tell("evtchn bind_ipi on vCPU 77", EVENT(bind_ipi, &ipi));
    ipi.vcpu = 0;
    tell("evtchn bind_ipi", EVENT(bind_ipi, &ipi));
    /* All ports: a tick of the timer must not be taken for the IPI. */
    unsigned long mask = shared()->evtchn_mask[0];
    shared()->evtchn_mask[0] = ~0ul;
    clear_pending(ipi.port);
    send.port = ipi.port;
    tell("evtchn send of an IPI, masked", EVENT(send, &send));
    field("upcall pending while masked", shared()->vcpu_info[0].evtchn_upcall_pending);
    struct evtchn_unmask unmask = {.port = ipi.port};
    tell("evtchn unmask", EVENT(unmask, &unmask));
    field("upcall pending after unmask", shared()->vcpu_info[0].evtchn_upcall_pending);
    shared()->evtchn_mask[0] = mask;
    clear_pending(ipi.port);
    move.port = ipi.port;
    tell("evtchn bind_vcpu of an IPI", EVENT(bind_vcpu, &move));
    close.port = ipi.port;
    tell("evtchn close of an IPI", EVENT(close, &close));
    struct evtchn_bind_pirq pirq = {.pirq = 5000};
    tell("evtchn bind_pirq 5000", EVENT(bind_pirq, &pirq));
    tell("evtchn unknown operation",
         call3(__HYPERVISOR_event_channel_op, 99, (unsigned long)&close, 0));
    tell("evtchn null argument", call3(__HYPERVISOR_event_channel_op, EVTCHNOP_send, ~0xfffful, 0));
}

static uint64_t system_time(void)
{
    return time_by(&shared()->vcpu_info[0].time);
}

/* With the word `wall-clock=SECONDS`, what the machine's clock had when it was started. */
static void check_wall_clock(void)
{
    uint64_t start, now = shared()->wc_sec;
    if (!option((const char *)start_info->cmd_line, "wall-clock", &start))
        return;
    for (uint64_t ns = system_time(); ns >= 1000000000; ns -= 1000000000)
        now++;
    check("the wall clock is the machine's", now >= start && now < start + 60, now, start);
}

static void check_time(void)
{
    struct vcpu_runstate_info run;
    tell("vcpu get_runstate_info", VCPU(get_runstate_info, 0, &run));
    field("runstate", (uint64_t)run.state);
    tell("vcpu is_up 0", VCPU(is_up, 0, 0));
    tell("vcpu is_up 77", VCPU(is_up, 77, 0));
    struct vcpu_register_vcpu_info info = {.mfn = ~0ul, .offset = 0};
    tell("vcpu register_vcpu_info at no frame", VCPU(register_vcpu_info, 0, &info));
    info.offset = 4090;
    tell("vcpu register_vcpu_info across a page", VCPU(register_vcpu_info, 0, &info));
    struct vcpu_set_periodic_timer periodic = {.period_ns = 1000};
    tell("vcpu set_periodic_timer 1 us", VCPU(set_periodic_timer, 0, &periodic));
    tell("vcpu stop_periodic_timer", VCPU(stop_periodic_timer, 0, 0));
    tell("vcpu initialise 0", VCPU(initialise, 0, ~0xfffful));
    tell("vcpu get_physid", VCPU(get_physid, 0, &run));
    tell("vcpu unknown operation", call3(__HYPERVISOR_vcpu_op, 99, 0, 0));

    /* A deadline that has passed fires at once; one in 20 ms ends a poll, and not before. */
    clear_pending(bound_timer);
    struct vcpu_set_singleshot_timer single = {.timeout_abs_ns = 1};
    tell("vcpu set_singleshot_timer past", VCPU(set_singleshot_timer, 0, &single));
    tell("sched yield", SCHED(yield, 0));
    check_true("a past deadline fires", is_pending(bound_timer));
    single.flags = VCPU_SSHOTTMR_future;
    tell("vcpu set_singleshot_timer past, future wanted", VCPU(set_singleshot_timer, 0, &single));
    clear_pending(bound_timer);
    evtchn_port_t port = bound_timer;
    struct sched_poll poll = {.nr_ports = 1};
    set_xen_guest_handle(poll.ports, &port);
    uint64_t before = system_time();
    single = (struct vcpu_set_singleshot_timer){.timeout_abs_ns = before + 20000000};
    tell("vcpu set_singleshot_timer 20 ms", VCPU(set_singleshot_timer, 0, &single));
    tell("sched poll for the timer", SCHED(poll, &poll));
    uint64_t after = system_time();
    check_true("the timer is not early", after >= before + 20000000);
    check_true("the timer is not 20 s late", after < before + UINT64_C(20000000000));
    check_true("the poll saw the timer", is_pending(bound_timer));
    tell("sched poll for what is pending", SCHED(poll, &poll));
    tell("vcpu stop_singleshot_timer", VCPU(stop_singleshot_timer, 0, 0));
    clear_pending(bound_timer);

    /* The older call; then a poll that only its own time limit ends. */
    before = system_time();
#ifdef __i386__
    tell("set_timer_op", call3(__HYPERVISOR_set_timer_op, (unsigned long)(before + 5000000),
                               (unsigned long)((before + 5000000) >> 32), 0));
#else
    tell("set_timer_op", call3(__HYPERVISOR_set_timer_op, before + 5000000, 0, 0));
#endif
    tell("sched poll after set_timer_op", SCHED(poll, &poll));
    check_true("set_timer_op fires", is_pending(bound_timer));
    check_true("set_timer_op is not early", system_time() >= before + 5000000);
    clear_pending(bound_timer);
    before = system_time();
    poll.timeout = before + 10000000;
    tell("sched poll with a limit", SCHED(poll, &poll));
    check_true("the limit is not early", system_time() >= before + 10000000);
    check_true("no event came", !is_pending(bound_timer));
    poll.nr_ports = 129;
    tell("sched poll for 129 ports", SCHED(poll, &poll));
    poll.nr_ports = 1;
    port = 100000;
    tell("sched poll for port 100000", SCHED(poll, &poll));
    tell("sched unknown operation", call3(__HYPERVISOR_sched_op, 99, 0, 0));

    struct evtchn_close close = {.port = bound_timer};
    tell("evtchn close of the timer", EVENT(close, &close));
    check_true("the wall clock is consistent", !(shared()->wc_version & 1));
    check_wall_clock();
#ifdef __i386__
    /* A 32-bit kernel may have room for four seconds since the last stamp; a busy host may be late.
     */
    const volatile struct vcpu_time_info *stamp = &shared()->vcpu_info[0].time;
    uint32_t version = stamp->version;
    before = system_time();
    while (stamp->version == version && system_time() < before + UINT64_C(10000000000)) {
    }
    check_true("vcpu_time_info is renewed", stamp->version != version);
#endif
}

static void check_version(void)
{
    struct xen_feature_info features = {.submap_idx = 1};
    static char text[1024];
    tell("version pagesize", call3(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0));
    tell("version pagesize with an argument",
         call3(__HYPERVISOR_xen_version, XENVER_pagesize, (unsigned long)text, 0));
    tell("version features of submap 1",
         call3(__HYPERVISOR_xen_version, XENVER_get_features, (unsigned long)&features, 0));
    features.submap_idx = 0;
    call3(__HYPERVISOR_xen_version, XENVER_get_features, (unsigned long)&features, 0);
    field("version features", features.submap);
    tell("version guest_handle",
         call3(__HYPERVISOR_xen_version, XENVER_guest_handle, (unsigned long)text, 0));
    tell("version command line",
         call3(__HYPERVISOR_xen_version, XENVER_commandline, (unsigned long)text, 0));
    tell("version unknown", call3(__HYPERVISOR_xen_version, 77, (unsigned long)text, 0));
    tell("version into the hole",
         call3(__HYPERVISOR_xen_version, XENVER_extraversion, (unsigned long)MACHINE_TO_PHYS, 0));
}

static void check_memory(void)
{
    domid_t domain = DOMID_SELF;
    check_equal("current reservation", (uint64_t)MEMORY(current_reservation, &domain),
                start_info->nr_pages);
    domain = 5;
    tell("memory current_reservation of domain 5", MEMORY(current_reservation, &domain));
    check_true("maximum RAM page", MEMORY(maximum_ram_page, 0) > 0);
    struct xen_memory_map map = {.nr_entries = 1};
    tell("memory memory_map", MEMORY(memory_map, &map));
    set_xen_guest_handle(map.buffer, own_page);
    tell("memory machine_memory_map into one entry", MEMORY(machine_memory_map, &map));
    struct xen_machphys_mapping mapping;
    tell("memory machphys_mapping", MEMORY(machphys_mapping, &mapping));
    field("machphys v_start", mapping.v_start);
    field("machphys v_end", mapping.v_end);
    field("machphys max_mfn", mapping.max_mfn);
    xen_pfn_t frame = ~(xen_pfn_t)0;
    struct xen_memory_reservation back = {.nr_extents = 1, .domid = DOMID_SELF};
    set_xen_guest_handle(back.extent_start, &frame);
    tell("memory decrease_reservation of no frame", MEMORY(decrease_reservation, &back));
    back.extent_order = 40;
    tell("memory decrease_reservation of order 40", MEMORY(decrease_reservation, &back));
    back.extent_order = 0;
    back.nr_extents = 0;
    tell("memory populate_physmap of nothing", MEMORY(populate_physmap, &back));
    struct xen_memory_exchange exchange = {.in = {.nr_extents = 2, .domid = DOMID_SELF},
                                           .out = {.nr_extents = 1, .domid = DOMID_SELF}};
    tell("memory exchange of unequal sizes", MEMORY(exchange, &exchange));
    exchange.in.nr_extents = 1;
    exchange.in.extent_order = exchange.out.extent_order = 30;
    tell("memory exchange of order 30", MEMORY(exchange, &exchange));
    exchange.in.extent_order = exchange.out.extent_order = 0;
    exchange.nr_exchanged = 2;
    tell("memory exchange beyond its end", MEMORY(exchange, &exchange));

    /* One frame for another: the same PFN stands behind it. */
    const xen_pfn_t *p2m = (const xen_pfn_t *)start_info->mfn_list;
    xen_pfn_t pfn = start_info->nr_pages - 1, in = p2m[pfn], out = pfn;
    exchange.nr_exchanged = 0;
    set_xen_guest_handle(exchange.in.extent_start, &in);
    set_xen_guest_handle(exchange.out.extent_start, &out);
    tell("memory exchange of one frame", MEMORY(exchange, &exchange));
    field("memory exchanged", exchange.nr_exchanged);
    check_equal("the new frame's PFN", MACHINE_TO_PHYS[out], pfn);
    tell("memory unknown operation", call3(__HYPERVISOR_memory_op, 63, (unsigned long)&map, 0));
}

static char copy_page[8192] __attribute__((aligned(4096)));

static void tell_copy(const char *name, struct gnttab_copy *copy)
{
    check_equal("grant copy as a whole", (uint64_t)GRANT(copy, copy, 1), 0);
    field(name, (uint64_t)(int64_t)copy->status);
}

/* Between two frames of the guest's own; no grant was ever written. */
static void check_grant_copies(void)
{
    const xen_pfn_t *p2m = (const xen_pfn_t *)start_info->mfn_list;
    xen_pfn_t pfn = ((uintptr_t)copy_page - v_start) >> 12;
    struct gnttab_copy copy = {.len = 6, .source.domid = DOMID_SELF, .dest.domid = DOMID_SELF};
    copy_page[8] = 1;
    copy_page[13] = 6;
    copy.source.u.gmfn = p2m[pfn];
    copy.source.offset = 8;
    copy.dest.u.gmfn = p2m[pfn + 1];
    copy.dest.offset = 4090;
    tell_copy("grant copy", &copy);
    check_true("grant copy copied", copy_page[4096 + 4090] == 1 && copy_page[8191] == 6);
    copy.dest.offset = 4091;
    tell_copy("grant copy beyond the page", &copy);
    copy.dest.offset = 0;
    copy.dest.domid = 99;
    tell_copy("grant copy to a frame of domain 99", &copy);
    copy.flags = GNTCOPY_dest_gref;
    tell_copy("grant copy to a grant of domain 99", &copy);
    copy.dest.domid = DOMID_SELF;
    copy.dest.u.gmfn = 100;
    tell_copy("grant copy to what is not granted", &copy);
    copy.dest.u.gmfn = 1000000;
    tell_copy("grant copy beyond the table", &copy);
    copy.flags = 0;
    copy.dest.u.gmfn = ~UINT32_C(0) >> 1;
    tell_copy("grant copy to no frame", &copy);
    copy.len = 0;
    tell_copy("grant copy of nothing", &copy);
}

static void check_grants(void)
{
    static unsigned long list[8];
    struct gnttab_set_version version = {.version = 1};
    tell("grant set_version 1", GRANT(set_version, &version, 1));
    struct gnttab_get_version which = {.dom = DOMID_SELF};
    tell("grant get_version", GRANT(get_version, &which, 1));
    field("grant version", which.version);
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 2};
    set_xen_guest_handle(setup.frame_list, list);
    tell("grant setup_table", GRANT(setup_table, &setup, 1));
    field("grant setup_table status", (uint64_t)(int64_t)setup.status);
    check_true("grant frames are frames", list[0] != 0 && list[1] != 0 && list[0] != list[1]);
    setup.nr_frames = 100000;
    tell("grant setup_table of 100000", GRANT(setup_table, &setup, 1));
    field("grant setup_table of 100000 status", (uint64_t)(int64_t)setup.status);
    tell("grant setup_table, two", GRANT(setup_table, &setup, 2));
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    tell("grant query_size", GRANT(query_size, &size, 1));
    field("grant query_size status", (uint64_t)(int64_t)size.status);
    struct gnttab_unmap_grant_ref unmap = {.handle = 5};
    tell("grant unmap", GRANT(unmap_grant_ref, &unmap, 1));
    field("grant unmap status", (uint64_t)(int64_t)unmap.status);
    check_grant_copies();
    struct gnttab_map_grant_ref map = {.flags = GNTMAP_host_map, .dom = 99};
    tell("grant map of domain 99", GRANT(map_grant_ref, &map, 1));
    field("grant map of domain 99 status", (uint64_t)(int64_t)map.status);
    map.dom = DOMID_SELF;
    tell("grant map of DOMID_SELF", GRANT(map_grant_ref, &map, 1));
    field("grant map of DOMID_SELF status", (uint64_t)(int64_t)map.status);
    map.flags = 0;
    tell("grant map to nowhere", GRANT(map_grant_ref, &map, 1));
    field("grant map to nowhere status", (uint64_t)(int64_t)map.status);
    tell("grant unknown operation", call3(__HYPERVISOR_grant_table_op, 78, (unsigned long)&map, 1));
}

static void check_devices(void)
{
    struct physdev_set_iopl iopl = {.iopl = 4};
    tell("physdev set_iopl 4", PHYSDEV(set_iopl, &iopl));
    iopl.iopl = 1;
    tell("physdev set_iopl 1", PHYSDEV(set_iopl, &iopl));
    struct physdev_irq_status_query query = {.irq = 4};
    tell("physdev irq_status_query", PHYSDEV(irq_status_query, &query));
    query.irq = 100000;
    tell("physdev irq_status_query 100000", PHYSDEV(irq_status_query, &query));
    struct physdev_apic apic = {.apic_physbase = 0x1234000, .reg = 1};
    tell("physdev apic_read of no IO-APIC", PHYSDEV(apic_read, &apic));
    apic.apic_physbase = 0xfec00000;
    tell("physdev apic_read", PHYSDEV(apic_read, &apic));
    field("IO-APIC version", apic.value);
    struct physdev_setup_gsi gsi = {.gsi = -1};
    tell("physdev setup_gsi -1", PHYSDEV(setup_gsi, &gsi));
    gsi.gsi = 20;
    gsi.triggering = gsi.polarity = 1;
    tell("physdev setup_gsi 20", PHYSDEV(setup_gsi, &gsi));
    tell("physdev setup_gsi 20 twice", PHYSDEV(setup_gsi, &gsi));
    struct physdev_map_pirq map = {.domid = DOMID_SELF, .type = 77};
    tell("physdev map_pirq of no type", PHYSDEV(map_pirq, &map));
    map = (struct physdev_map_pirq){
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 20, .pirq = 20};
    tell("physdev map_pirq 20", PHYSDEV(map_pirq, &map));
    tell("physdev map_pirq 20 twice", PHYSDEV(map_pirq, &map));
    map.pirq = 21;
    tell("physdev map_pirq 20 as 21", PHYSDEV(map_pirq, &map));
    map.index = 100000;
    tell("physdev map_pirq 100000", PHYSDEV(map_pirq, &map));
    map.domid = 99;
    tell("physdev map_pirq of domain 99", PHYSDEV(map_pirq, &map));
    map = (struct physdev_map_pirq){.domid = DOMID_SELF,
                                    .type = MAP_PIRQ_TYPE_MSI,
                                    .index = -1,
                                    .pirq = -1,
                                    .bus = 0,
                                    .devfn = 0xff};
    tell("physdev map_pirq of no device", PHYSDEV(map_pirq, &map));

    struct evtchn_bind_pirq bind = {.pirq = 20};
    tell("evtchn bind_pirq", EVENT(bind_pirq, &bind));
    tell("evtchn bind_pirq twice", EVENT(bind_pirq, &bind));
    struct physdev_eoi eoi = {.irq = 20};
    tell("physdev eoi", PHYSDEV(eoi, &eoi));
    eoi.irq = 100000;
    tell("physdev eoi 100000", PHYSDEV(eoi, &eoi));
    struct evtchn_close close = {.port = bind.port};
    tell("evtchn close of a PIRQ", EVENT(close, &close));
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = 20};
    tell("physdev unmap_pirq", PHYSDEV(unmap_pirq, &unmap));
    tell("physdev unmap_pirq twice", PHYSDEV(unmap_pirq, &unmap));
    struct evtchn_bind_pirq unmapped = {.pirq = 21};
    tell("evtchn bind_pirq, not mapped", EVENT(bind_pirq, &unmapped));
    tell("physdev unknown operation", call3(__HYPERVISOR_physdev_op, 99, (unsigned long)&eoi, 0));

    struct xen_platform_op platform = {.cmd = 9999, .interface_version = 1};
    tell("platform of another version",
         call3(__HYPERVISOR_platform_op, (unsigned long)&platform, 0, 0));
    platform.interface_version = XENPF_INTERFACE_VERSION;
    tell("platform unknown operation",
         call3(__HYPERVISOR_platform_op, (unsigned long)&platform, 0, 0));
    platform.cmd = XENPF_get_cpuinfo;
    platform.u.pcpu_info.xen_cpuid = 0;
    tell("platform get_cpuinfo", call3(__HYPERVISOR_platform_op, (unsigned long)&platform, 0, 0));
    field("platform get_cpuinfo flags", platform.u.pcpu_info.flags);
    platform.u.pcpu_info.xen_cpuid = 77;
    tell("platform get_cpuinfo 77",
         call3(__HYPERVISOR_platform_op, (unsigned long)&platform, 0, 0));
    field("platform get_cpuinfo 77 flags", platform.u.pcpu_info.flags);
    platform.cmd = XENPF_firmware_info; /* of a machine with a BIOS */
    platform.u.firmware_info.type = XEN_FW_EFI_INFO;
    platform.u.firmware_info.index = XEN_FW_EFI_CONFIG_TABLE;
    tell("platform firmware_info EFI",
         call3(__HYPERVISOR_platform_op, (unsigned long)&platform, 0, 0));
    platform.u.firmware_info.type = 99;
    tell("platform firmware_info 99",
         call3(__HYPERVISOR_platform_op, (unsigned long)&platform, 0, 0));
    tell("console_io read", call3(__HYPERVISOR_console_io, CONSOLEIO_read, 0, 0));
    tell("console_io unknown operation", call3(__HYPERVISOR_console_io, 9, 0, 0));
    tell("console_io write from nowhere",
         call3(__HYPERVISOR_console_io, CONSOLEIO_write, 16, ~0xfffful));
}

static void map_page(pte_t entry)
{
    check_equal("mapping of shared_info and back", (uint64_t)map(own_page, entry), 0);
}

void pv_services_check(void)
{
    map_page((pte_t)start_info->shared_info | PTE_OWN);
    check_version();
    check_events();
    check_time();
    check_memory();
    check_grants();
    if (start_info->flags & SIF_INITDOMAIN)
        check_devices();
    map_page(own(own_page, PTE_OWN));
}
