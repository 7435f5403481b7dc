/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The rows of the hypercall table that change something and that no other file here exercises: each
 * is called as a kernel would, and what it is for is looked at.  Results are printed for
 * compare-xen.  Last of all checks: it moves vcpu_info.
 * Source: the public headers of Xen.
 */
#include "pv.h"

#include <xen/arch-x86/xen-mca.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

static char shared_page[4096] __attribute__((aligned(4096)));
static char page_a[4096] __attribute__((aligned(4096)));
static char page_b[4096] __attribute__((aligned(4096)));
static char new_root[4096] __attribute__((aligned(4096)));
static char info_page[4096] __attribute__((aligned(4096)));
static unsigned timer_port;

static void tell(const char *name, long result)
{
    tell_result("row", name, result);
}

static shared_info_t *shared(void)
{
    return (shared_info_t *)shared_page;
}

static long map_own(const void *at, unsigned flags)
{
    return map(at, own(at, flags));
}

/* ---- traps and callbacks -------------------------------------------------------------------- */

static void callbacks(void)
{
    static const uint16_t types[] = {CALLBACKTYPE_event,     CALLBACKTYPE_failsafe,
                                     CALLBACKTYPE_syscall,   CALLBACKTYPE_sysenter_deprecated,
                                     CALLBACKTYPE_nmi,       CALLBACKTYPE_sysenter,
                                     CALLBACKTYPE_syscall32, 99};
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct callback_register on = {.type = types[i]};
        struct callback_unregister off = {.type = types[i]};
#ifdef __i386__
        on.address.cs = 0xe019;
        on.address.eip = (unsigned long)callbacks;
#else
        on.address = (unsigned long)callbacks;
#endif
        print("guest: row callback_op register %u = -%u\n", types[i],
              -(unsigned)call(__HYPERVISOR_callback_op, CALLBACKOP_register, (unsigned long)&on, 0,
                              0));
        print("guest: row callback_op unregister %u = -%u\n", types[i],
              -(unsigned)call(__HYPERVISOR_callback_op, CALLBACKOP_unregister, (unsigned long)&off,
                              0, 0));
    }
    unsigned long handler = (unsigned long)callbacks;
    tell("nmi_op register",
         call(__HYPERVISOR_nmi_op, XENNMI_register_callback, (unsigned long)&handler, 0, 0));
    tell("nmi_op unregister", call(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, 0, 0, 0));
#ifdef __i386__
    call(__HYPERVISOR_set_callbacks, 0xe019, 0, 0xe019, 0);
#else
    call(__HYPERVISOR_set_callbacks, 0, 0, 0, 0);
#endif
}

/* ---- segments ------------------------------------------------------------------------------- */

static void segments(void)
{
    unsigned long list[1] = {frame_of(page_a)};
    uint16_t selector = 0;
    const uint64_t data = 0x00cff3000000ffff;
    ((uint64_t *)page_a)[1] = data;
    check_equal("page read-only", (uint64_t)map_own(page_a, PTE_PRESENT), 0);
    tell("set_gdt", call(__HYPERVISOR_set_gdt, (unsigned long)list, 512, 0, 0));
    __asm__ volatile("mov %1, %%fs\n mov %%fs, %0" : "=r"(selector) : "r"(0x0bu));
    check_equal("a selector of our own table", selector, 0x0b);
    uint64_t at = (uint64_t)list[0] << 12 | 16;
    tell("update_descriptor", descriptor(at, data));
    __asm__ volatile("mov %1, %%fs\n mov %%fs, %0" : "=r"(selector) : "r"(0x13u));
    check_equal("the selector that was added", selector, 0x13);
    print("guest: row descriptor = 0x%llx\n",
          (unsigned long long)(((uint64_t *)page_a)[2] & ~(UINT64_C(1) << 40)));
    ((uint64_t *)page_b)[1] = data;
    check_equal("page read-only", (uint64_t)map_own(page_b, PTE_PRESENT), 0);
    tell("set_ldt", extended(MMUEXT_SET_LDT, (unsigned long)page_b, 512));
    __asm__ volatile("mov %1, %%fs\n mov %%fs, %0" : "=r"(selector) : "r"(0x0fu));
    check_equal("a selector of the LDT", selector, 0x0f);
#ifdef __i386__
    __asm__ volatile("mov %0, %%fs" : : "r"(0xe021u));
#else
    __asm__ volatile("mov %0, %%fs" : : "r"(0));
#endif
    tell("set_ldt to none", extended(MMUEXT_SET_LDT, 0, 0));
    tell("set_gdt to none", call(__HYPERVISOR_set_gdt, 0, 0, 0, 0));
    check_equal("page writable again", (uint64_t)map_own(page_a, PTE_OWN), 0);
    check_equal("page writable again", (uint64_t)map_own(page_b, PTE_OWN), 0);
#ifndef __i386__
    static const unsigned long mark[2] = {0x1111, 0x2222};
    unsigned long seen;
    tell("set_segment_base fs",
         call(__HYPERVISOR_set_segment_base, SEGBASE_FS, (unsigned long)&mark[0], 0, 0));
    __asm__ volatile("movq %%fs:0, %0" : "=r"(seen));
    check_equal("read by FS", seen, mark[0]);
    tell("set_segment_base gs of the kernel",
         call(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, (unsigned long)&mark[1], 0, 0));
    __asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
    check_equal("read by GS", seen, mark[1]);
    tell("set_segment_base gs of user space",
         call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, (unsigned long)&mark[0], 0, 0));
    __asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
    check_equal("read by GS, still the kernel's", seen, mark[1]);
    tell("set_segment_base selector of user space",
         call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0, 0, 0));
    __asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
    check_equal("read by GS, still", seen, mark[1]);
    call(__HYPERVISOR_set_segment_base, SEGBASE_FS, 0, 0, 0);
    call(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, 0, 0, 0);
#endif
}

/* ---- page tables ---------------------------------------------------------------------------- */

static void tables(void)
{
    uint64_t at;
    const pte_t *entry = entry_of(page_a, &at);
    unsigned long here = 1;

    page_a[9] = 1;
    tell("mmu_update that keeps A and D",
         update(at | MMU_PT_UPDATE_PRESERVE_AD, own(page_a, PTE_PRESENT | PTE_WRITABLE)));
    check_equal("A and D", *entry & 0x60, 0x60);
    tell("mmu_update that does not", update(at, own(page_a, PTE_PRESENT | PTE_WRITABLE)));
    check_equal("no A, no D", *entry & 0x60, 0);
    tell("mmu_update of the m2p",
         update((uint64_t)frame_of(page_a) << 12 | MMU_MACHPHYS_UPDATE, 5));
    check_equal("m2p entry", MACHINE_TO_PHYS[frame_of(page_a)], 5);
    update((uint64_t)frame_of(page_a) << 12 | MMU_MACHPHYS_UPDATE,
           ((uintptr_t)page_a - v_start) / 4096);
#ifdef __i386__
    if (sizeof(pte_t) == 8) { /* what is behind the last entry holds the hypervisor's own */
        uint64_t top = (uint64_t)frame_of((const void *)start_info->pt_base) << 12;
        check_equal("mmu_update of the last L3 entry", (uint64_t)update(top + 24, 0),
                    (uint64_t)-22);
        check_equal("mmu_update beyond it", (uint64_t)update(top + 32, 0), (uint64_t)-22);
    }
#endif
    tell("update_va_mapping, all of all",
         map_flags(page_a, own(page_a, PTE_OWN), UVMF_TLB_FLUSH | UVMF_ALL));
    tell("update_va_mapping by mask",
         map_flags(page_a, own(page_a, PTE_OWN), UVMF_INVLPG | (unsigned long)&here));
    tell("flush local", extended(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    tell("flush page local", extended(MMUEXT_INVLPG_LOCAL, (unsigned long)page_a, 0));
    tell("flush by mask", extended(MMUEXT_TLB_FLUSH_MULTI, 0, (unsigned long)&here));
    tell("flush page by mask",
         extended(MMUEXT_INVLPG_MULTI, (unsigned long)page_a, (unsigned long)&here));
    tell("flush all", extended(MMUEXT_TLB_FLUSH_ALL, 0, 0));
    tell("flush page of all", extended(MMUEXT_INVLPG_ALL, (unsigned long)page_a, 0));
    tell("flush cache", extended(MMUEXT_FLUSH_CACHE, 0, 0));
    tell("flush cache of all", extended(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0));
    for (unsigned i = 0; i < 4096; i++)
        page_a[i] = (char)(i * 7 + 1);
    tell("copy page", extended(MMUEXT_COPY_PAGE, frame_of(page_b), frame_of(page_a)));
    check_equal("copied", crc32(page_b, 4096), crc32(page_a, 4096));
    tell("clear page", extended(MMUEXT_CLEAR_PAGE, frame_of(page_b), 0));
    unsigned long bits = 0;
    for (unsigned i = 0; i < 4096; i++)
        bits |= (unsigned char)page_b[i];
    check_equal("cleared", bits, 0);
    tell("mark superpage", extended(19, frame_of(page_a), 0));
    tell("unknown operation", extended(21, frame_of(page_a), 0));

    /* An empty table and a root like ours, pinned, used and taken back. */
    check_equal("read-only", (uint64_t)map_own(page_b, PTE_PRESENT), 0);
    tell("pin an L1", extended(MMUEXT_PIN_L1_TABLE, frame_of(page_b), 0));
    tell("unpin it", extended(MMUEXT_UNPIN_TABLE, frame_of(page_b), 0));
    tell("pin it as L2", extended(MMUEXT_PIN_L2_TABLE, frame_of(page_b), 0));
    tell("unpin it again", extended(MMUEXT_UNPIN_TABLE, frame_of(page_b), 0));
    check_equal("writable", (uint64_t)map_own(page_b, PTE_OWN), 0);
    for (unsigned i = 0; i < 4096; i++)
        new_root[i] = ((const char *)start_info->pt_base)[i];
#if !defined(__i386__)
    check_equal("read-only", (uint64_t)map_own(new_root, PTE_PRESENT), 0);
    tell("pin a root", extended(MMUEXT_PIN_L4_TABLE, frame_of(new_root), 0));
    tell("new root", extended(MMUEXT_NEW_BASEPTR, frame_of(new_root), 0));
    unsigned long cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    check_equal("CR3", cr3 >> 12, frame_of(new_root));
    tell("the old root", extended(MMUEXT_NEW_BASEPTR, frame_of((void *)start_info->pt_base), 0));
    tell("unpin the root", extended(MMUEXT_UNPIN_TABLE, frame_of(new_root), 0));
    check_equal("writable", (uint64_t)map_own(new_root, PTE_OWN), 0);
#endif
}

/* ---- memory --------------------------------------------------------------------------------- */

static void memory(void)
{
    domid_t self = DOMID_SELF;
    xen_pfn_t pfn = start_info->nr_pages - 2;
    xen_pfn_t *p2m = (xen_pfn_t *)start_info->mfn_list, frame = p2m[pfn];
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};
    long had = call(__HYPERVISOR_memory_op, XENMEM_current_reservation, (unsigned long)&self, 0, 0);
    check_true("maximum_reservation", call(__HYPERVISOR_memory_op, XENMEM_maximum_reservation,
                                           (unsigned long)&self, 0, 0) >= had);
    set_xen_guest_handle(op.extent_start, &frame);
    tell("decrease_reservation",
         call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)&op, 0, 0));
    check_equal("one less",
                (uint64_t)call(__HYPERVISOR_memory_op, XENMEM_current_reservation,
                               (unsigned long)&self, 0, 0),
                (uint64_t)had - 1);
    frame = pfn;
    tell("populate_physmap",
         call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (unsigned long)&op, 0, 0));
    check_equal("its m2p entry", MACHINE_TO_PHYS[frame], pfn);
    check_equal("as before",
                (uint64_t)call(__HYPERVISOR_memory_op, XENMEM_current_reservation,
                               (unsigned long)&self, 0, 0),
                (uint64_t)had);
    p2m[pfn] = frame;
}

/* ---- small ones ----------------------------------------------------------------------------- */

static void processor(void)
{
    unsigned long cr0;
    tell("fpu_taskswitch 1", call(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0));
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    check_equal("TS", cr0 >> 3 & 1, 1);
    __asm__ volatile("clts");
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    check_equal("TS after clts", cr0 >> 3 & 1, 0);
    for (unsigned reg = 0; reg < 8; reg++) {
        unsigned long value = reg == 7 ? 0x400 : reg == 6 ? 0xffff0ff1 : 0x1000 * (reg + 1);
        print("guest: row debugreg %u = set %u, get 0x%lx\n", reg,
              -(unsigned)call(__HYPERVISOR_set_debugreg, reg, value, 0, 0),
              (unsigned long)call(__HYPERVISOR_get_debugreg, reg, 0, 0, 0));
    }
    unsigned long dr;
    __asm__ volatile("mov %%dr1, %0" : "=r"(dr));
    check_equal("DR1 as the CPU's instruction reads it", dr, 0x2000);
    for (unsigned reg = 0; reg < 4; reg++)
        call(__HYPERVISOR_set_debugreg, reg, 0, 0, 0);
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
    for (unsigned type = 0; type < 8; type++)
        print(
            "guest: row vm_assist %u = on %u, off %u\n", type == 7 ? 32 : type,
            -(unsigned)call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, type == 7 ? 32 : type, 0, 0),
            -(unsigned)call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, type == 7 ? 32 : type, 0,
                            0));
}

static void version(void)
{
    static struct xen_compile_info info;
    static xen_changeset_info_t changeset;
    struct xen_platform_parameters parameters = {0};
    tell("compile_info",
         call(__HYPERVISOR_xen_version, XENVER_compile_info, (unsigned long)&info, 0, 0));
    check_true("a compiler", info.compiler[0] != 0);
    tell("changeset",
         call(__HYPERVISOR_xen_version, XENVER_changeset, (unsigned long)changeset, 0, 0));
    tell("platform_parameters", call(__HYPERVISOR_xen_version, XENVER_platform_parameters,
                                     (unsigned long)&parameters, 0, 0));
    print("guest: row virt_start = 0x%lx\n", (unsigned long)parameters.virt_start);
}

static void machine_check(void)
{
    struct xen_mc mc = {.cmd = XEN_MC_fetch, .interface_version = XEN_MCA_INTERFACE_VERSION};
    mc.u.mc_fetch.flags = XEN_MC_URGENT;
    tell("mca fetch to nowhere", call(__HYPERVISOR_mca, (unsigned long)&mc, 0, 0, 0));
    set_xen_guest_handle(mc.u.mc_fetch.data, (void *)page_b);
    mc.u.mc_fetch.flags = XEN_MC_URGENT;
    tell("mca fetch", call(__HYPERVISOR_mca, (unsigned long)&mc, 0, 0, 0));
    print("guest: row mca flags = 0x%x\n", mc.u.mc_fetch.flags);
    mc = (struct xen_mc){.cmd = XEN_MC_physcpuinfo, .interface_version = XEN_MCA_INTERFACE_VERSION};
    tell("mca physcpuinfo", call(__HYPERVISOR_mca, (unsigned long)&mc, 0, 0, 0));
    print("guest: row mca ncpus = %u\n", mc.u.mc_physcpuinfo.ncpus);
    tell("xenpmu_op", call(__HYPERVISOR_xenpmu_op, 0, (unsigned long)&mc, 0, 0));
}

static void devices(void)
{
    static uint8_t bitmap[8192];
    struct physdev_set_iobitmap ports = {.nr_ports = 65536};
    struct physdev_get_free_pirq pirq = {.type = MAP_PIRQ_TYPE_GSI};
    struct physdev_pci_device_add add = {.seg = 0, .bus = 0, .devfn = 0};
    struct physdev_manage_pci manage = {.bus = 0, .devfn = 0};
    struct physdev_restore_msi msi = {.bus = 0, .devfn = 0};
    struct physdev_irq irq = {.irq = 4};
    struct {
        uint32_t cmd;
        unsigned long room[4];
    } old = {.cmd = PHYSDEVOP_set_iopl, .room = {1}};
    set_xen_guest_handle(ports.bitmap, bitmap);
    tell("set_iobitmap",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, (unsigned long)&ports, 0, 0));
    ports.nr_ports = 65537;
    tell("set_iobitmap of more",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, (unsigned long)&ports, 0, 0));
    ports.nr_ports = 0;
    tell("set_iobitmap of none",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, (unsigned long)&ports, 0, 0));
    tell("physdev_op of old: set_iopl",
         call(__HYPERVISOR_physdev_op_compat, (unsigned long)&old, 0, 0, 0));
    if (!(start_info->flags & SIF_INITDOMAIN))
        return;
    tell("get_free_pirq",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_get_free_pirq, (unsigned long)&pirq, 0, 0));
    tell("alloc_irq_vector",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_alloc_irq_vector, (unsigned long)&irq, 0, 0));
    tell("pci_device_add",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_pci_device_add, (unsigned long)&add, 0, 0));
    tell("manage_pci_add",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_manage_pci_add, (unsigned long)&manage, 0, 0));
    tell("restore_msi",
         call(__HYPERVISOR_physdev_op, PHYSDEVOP_restore_msi, (unsigned long)&msi, 0, 0));
}

static long set_time(unsigned cmd, uint64_t secs, uint32_t nsecs, uint32_t mbz)
{
    struct xen_platform_op op = {.cmd = cmd, .interface_version = XENPF_INTERFACE_VERSION};
    if (cmd == XENPF_settime32) {
        op.u.settime32.secs = (uint32_t)secs;
        op.u.settime32.nsecs = nsecs;
    } else {
        op.u.settime64.secs = secs;
        op.u.settime64.nsecs = nsecs;
        op.u.settime64.mbz = mbz;
    }
    return call(__HYPERVISOR_platform_op, (unsigned long)&op, 0, 0, 0);
}

/* System time 0 was at these seconds; it is set back at the end. */
static void wall_clock(void)
{
    uint64_t was = shared()->wc_sec;
    tell("settime64", set_time(XENPF_settime64, 1000000000, 5, 0));
    print("guest: row wall clock = %u s, %u ns\n", shared()->wc_sec, shared()->wc_nsec);
    tell("settime64, mbz", set_time(XENPF_settime64, 1, 5, 1));
    tell("settime64, too many ns", set_time(XENPF_settime64, 1000000000, 2500000000u, 0));
    print("guest: row wall clock then = %u s, %u ns\n", shared()->wc_sec, shared()->wc_nsec);
    tell("settime32", set_time(XENPF_settime32, 1200000000, 7, 0));
    print("guest: row wall clock at last = %u s, %u ns\n", shared()->wc_sec, shared()->wc_nsec);
    set_time(XENPF_settime64, was, 0, 0);
}

/* ---- events, time, scheduling --------------------------------------------------------------- */

static bool pending(unsigned port)
{
    return shared()->evtchn_pending[port / (8 * sizeof(long))] >> (port % (8 * sizeof(long))) & 1;
}

static void old_events(void)
{
    struct {
        uint32_t cmd;
        union {
            struct evtchn_bind_ipi ipi;
            struct evtchn_send send;
            struct evtchn_close close;
            uint32_t room[6];
        } u;
    } op = {.cmd = EVTCHNOP_bind_ipi};
    tell("event_channel_op of old: bind_ipi",
         call(__HYPERVISOR_event_channel_op_compat, (unsigned long)&op, 0, 0, 0));
    unsigned port = op.u.ipi.port;
    op.cmd = EVTCHNOP_send;
    op.u.send.port = port;
    tell("event_channel_op of old: send",
         call(__HYPERVISOR_event_channel_op_compat, (unsigned long)&op, 0, 0, 0));
    check_true("it came", pending(port));
    op.cmd = EVTCHNOP_close;
    tell("event_channel_op of old: close",
         call(__HYPERVISOR_event_channel_op_compat, (unsigned long)&op, 0, 0, 0));
    op.cmd = 99;
    tell("event_channel_op of old: unknown",
         call(__HYPERVISOR_event_channel_op_compat, (unsigned long)&op, 0, 0, 0));
    tell("sched_op of old: yield", call(__HYPERVISOR_sched_op_compat, SCHEDOP_yield, 0, 0, 0));
    tell("sched_op of old: unknown", call(__HYPERVISOR_sched_op_compat, 99, 0, 0, 0));
}

/* What lies in the area after each of some waits adds up, as it does in Xen, and is marked whole.
 */
static void runstate_area(unsigned assist, const volatile struct vcpu_runstate_info *run)
{
    uint64_t lag = 0, entered = run->state_entry_time;
    unsigned right = 0;
    tell("runstate_update_flag",
         call(__HYPERVISOR_vm_assist, assist, VMASST_TYPE_runstate_update_flag, 0, 0));
    for (unsigned i = 0; i < 4; i++) {
        /* On a busy host the time may be over before the wait begins, which is then none. */
        for (unsigned n = 0; n < 1000 && run->state_entry_time <= entered; n++) {
            struct sched_poll wait = {.timeout = time_by(&shared()->vcpu_info[0].time) + 1000000};
            call(__HYPERVISOR_sched_op, SCHEDOP_poll, (unsigned long)&wait, 0, 0);
        }
        uint64_t sum = run->time[0] + run->time[1] + run->time[2] + run->time[3];
        right += run->state == RUNSTATE_running && run->state_entry_time > entered &&
                 !(run->state_entry_time & XEN_RUNSTATE_UPDATE) &&
                 (i == 0 || run->state_entry_time - sum == lag);
        entered = run->state_entry_time;
        lag = entered - sum;
    }
    check_equal("run states as they were entered", right, 4);
}

static void time_of_vcpu(void)
{
    static struct vcpu_runstate_info run;
    static struct vcpu_time_info time;
    struct vcpu_register_runstate_memory_area run_area;
    struct vcpu_register_time_memory_area time_area;
    struct vcpu_set_periodic_timer tick = {.period_ns = 5000000};
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
    evtchn_port_t port;

    run.state = 77;
    set_xen_guest_handle(run_area.addr.h, &run);
    tell("register_runstate", call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
                                   (unsigned long)&run_area, 0));
    check_equal("run state", (uint64_t)run.state, RUNSTATE_running);
    runstate_area(VMASST_CMD_enable, &run);
    runstate_area(VMASST_CMD_disable, &run);
    set_xen_guest_handle(time_area.addr.h, &time);
    tell("register_time", call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0,
                               (unsigned long)&time_area, 0));
    check_equal("time's multiplier there", time.tsc_to_system_mul,
                shared()->vcpu_info[0].time.tsc_to_system_mul);
    check_equal("its version is even", time.version & 1, 0);

    tell("bind_virq timer",
         call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (unsigned long)&virq, 0, 0));
    timer_port = port = virq.port;
    tell("set_periodic",
         call(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, (unsigned long)&tick, 0));
    for (unsigned i = 0; i < 3; i++) {
        shared()->evtchn_pending[port / (8 * sizeof(long))] = 0;
        shared()->vcpu_info[0].evtchn_pending_sel = 0;
        shared()->vcpu_info[0].evtchn_upcall_pending = 0;
        /* Xen ticks only while the vCPU runs. */
        for (unsigned n = 0; n < 10000000 && !pending(port); n++)
            call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
        check_true("a tick", pending(port));
    }
    tell("stop_periodic", call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0));
    struct vcpu_runstate_info before, after;
    call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (unsigned long)&before, 0);
    call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (unsigned long)&after, 0);
    check_true("time passes while it runs",
               after.time[RUNSTATE_running] > before.time[RUNSTATE_running]);
    check_true("it was blocked for a while", after.time[RUNSTATE_blocked] > 0);
    run_area.addr.p = 0;
    time_area.addr.p = 0;
    tell("no runstate", call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
                             (unsigned long)&run_area, 0));
    tell("no time", call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0,
                         (unsigned long)&time_area, 0));
}

static void vcpu_info_moves(void)
{
    struct vcpu_register_vcpu_info op = {.mfn = frame_of(info_page), .offset = 128};
    const vcpu_info_t *info = (const vcpu_info_t *)(info_page + 128);
    shared()->vcpu_info[0].evtchn_upcall_mask = 1;
    tell("register_vcpu_info",
         call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (unsigned long)&op, 0));
    check_equal("mask", info->evtchn_upcall_mask, 1);
    check_equal("all may be pending", info->evtchn_upcall_pending, 1);
    check_equal("every selector", info->evtchn_pending_sel, ~0ul);
    check_true("time goes on there", info->time.tsc_to_system_mul != 0);
    tell("register_vcpu_info again",
         call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (unsigned long)&op, 0));
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
    tell("evtchn reset",
         call(__HYPERVISOR_event_channel_op, EVTCHNOP_reset, (unsigned long)&reset, 0, 0));
    tell("bind_virq after it",
         call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (unsigned long)&virq, 0, 0));
}

void pv_rows_check(void)
{
    check_equal(
        "shared_info mapped",
        (uint64_t)map_flags(shared_page, (pte_t)start_info->shared_info | PTE_OWN, UVMF_INVLPG), 0);
    shared()->vcpu_info[0].evtchn_upcall_mask = 1;
    callbacks();
    segments();
    tables();
    memory();
    processor();
    version();
    devices();
    if (start_info->flags & SIF_INITDOMAIN) {
        machine_check();
        wall_clock();
    }
    old_events();
    time_of_vcpu();
    vcpu_info_moves();
}
