/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Arguments that no sane kernel passes: pointers to nothing in every hypercall, absurd counts and
 * numbers, frames that are the hypervisor's or no RAM.  Each must come back with an error; which
 * one is printed, so that compare-xen sets it beside real Xen's.  Nothing here may crash a guest.
 * Source: the public headers of Xen.
 */
#include "pv.h"

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#ifdef __i386__
#define POINTERS      3u
#define NOT_CANONICAL 0xfffff000ul
#else
#define POINTERS      4u
#define NOT_CANONICAL 0x8000000000000000ul
#endif

extern char own_page[];
static char table_page[4096] __attribute__((aligned(4096)));

static void tell(const char *name, long result)
{
    tell_result("wild", name, result);
}

/* ---- pointers ------------------------------------------------------------------------------- */

/* Sub-operations first to last of a call, with each pointer as argument number `at`; `fixed` stands
 * for the others.  Of the calls of toolstacks, which the layer has not, one operation each.  Left
 * out: what does not come back (vCPU down, an NMI without handler). */
struct pointer_sweep {
    const char *name;
    uint8_t nr, at, first, last; /* last < first: the call has no sub-operations */
    uint8_t fixed;               /* number of elements, vCPU, … */
    uint32_t skip;               /* bit per sub-operation: not with these */
    unsigned long domain;        /* argument 3 */
};

static const struct pointer_sweep sweeps[] = {
    {"set_trap_table", __HYPERVISOR_set_trap_table, 0, 1, 0, 0, 0, 0},
    {"mmu_update", __HYPERVISOR_mmu_update, 0, 1, 0, 1, 0, DOMID_SELF},
    {"set_gdt", __HYPERVISOR_set_gdt, 0, 1, 0, 1, 0, 0},
    {"platform_op", __HYPERVISOR_platform_op, 0, 1, 0, 0, 0, 0},
    {"memory_op", __HYPERVISOR_memory_op, 1, 0, 12, 0, 0, 0},
    {"multicall", __HYPERVISOR_multicall, 0, 1, 0, 1, 0, 0},
    {"xen_version", __HYPERVISOR_xen_version, 1, 0, 10, 0, 0, 0},
    {"console_io", __HYPERVISOR_console_io, 2, 0, 1, 16, 0, 0},
    {"grant_table_op", __HYPERVISOR_grant_table_op, 1, 0, 12, 1, 0, 0},
    {"vcpu_op", __HYPERVISOR_vcpu_op, 2, 0, 15, 0, 0x0806, 0},
    {"mmuext_op", __HYPERVISOR_mmuext_op, 0, 1, 0, 1, 0, DOMID_SELF},
    {"nmi_op", __HYPERVISOR_nmi_op, 1, 0, 2, 0, 0, 0},
    {"sched_op", __HYPERVISOR_sched_op, 1, 2, 8, 0, 0, 0},
    {"callback_op", __HYPERVISOR_callback_op, 1, 0, 2, 0, 0, 0},
    {"event_channel_op", __HYPERVISOR_event_channel_op, 1, 0, 14, 0, 0, 0},
    {"physdev_op", __HYPERVISOR_physdev_op, 1, 4, 33, 0, 0, 0},
    {"mca", __HYPERVISOR_arch_0, 0, 1, 0, 0, 0, 0},
    {"xsm_op", __HYPERVISOR_xsm_op, 0, 1, 0, 0, 0, 0},
    {"xenoprof_op", __HYPERVISOR_xenoprof_op, 1, 0, 0, 0, 0, 0},
    {"hvm_op", __HYPERVISOR_hvm_op, 1, 1, 1, 0, 0, 0},
    {"sysctl", __HYPERVISOR_sysctl, 0, 1, 0, 0, 0, 0},
    {"domctl", __HYPERVISOR_domctl, 0, 1, 0, 0, 0, 0},
    {"kexec_op", __HYPERVISOR_kexec_op, 1, 0, 0, 0, 0, 0},
    {"argo_op", __HYPERVISOR_argo_op, 1, 1, 1, 0, 0, 0},
    {"xenpmu_op", __HYPERVISOR_xenpmu_op, 1, 0, 0, 0, 0, 0},
    {"dm_op", __HYPERVISOR_dm_op, 2, 1, 0, 0, 0, 0},
    {"hypfs_op", __HYPERVISOR_hypfs_op, 1, 0, 0, 0, 0, 0},
};

static void sweep_one(const struct pointer_sweep *sweep, unsigned operation, bool named)
{
    unsigned long pointer[4] = {(unsigned long)MACHINE_TO_PHYS, ~0xfffful, 0, NOT_CANONICAL};
    if (v_start == 0)
        pointer[2] = pointer[1]; /* a null pointer is good memory here */
    long result[4];
    for (unsigned i = 0; i < POINTERS; i++) {
        unsigned long arg[4] = {named ? operation : sweep->fixed, sweep->fixed, 0, sweep->domain};
        if (!named)
            arg[1] = sweep->fixed;
        if (sweep->nr == __HYPERVISOR_grant_table_op)
            arg[2] = sweep->fixed;
        arg[sweep->at] = pointer[i];
        result[i] = call(sweep->nr, arg[0], arg[1], arg[2], arg[3]);
    }
    /* In one piece: the hypervisor may write lines of its own meanwhile. */
    if (named)
        print("guest: wild %s %u =", sweep->name, operation);
    else
        print("guest: wild %s =", sweep->name);
    for (unsigned i = 0; i < POINTERS; i++)
        print_result(result[i]);
    print("\n");
}

static void sweep_pointers(void)
{
    for (unsigned i = 0; i < sizeof(sweeps) / sizeof(sweeps[0]); i++) {
        const struct pointer_sweep *sweep = &sweeps[i];
        if (sweep->last < sweep->first)
            sweep_one(sweep, 0, false);
        for (unsigned op = sweep->first; op <= sweep->last; op++)
            if (!(sweep->skip >> op & 1))
                sweep_one(sweep, op, true);
    }
}

/* ---- counts and numbers --------------------------------------------------------------------- */

static void sweep_numbers(void)
{
    static struct mmu_update updates[2];
    static struct mmuext_op extended[2];
    static multicall_entry_t calls[2];
    unsigned done = 77;

    /* The second element is what ends the list: no frame of ours, or an operation that is none. */
    updates[0].ptr = updates[1].ptr = ~UINT64_C(0xfff);
    tell("mmu_update of 2^31 - 1 elements", call(__HYPERVISOR_mmu_update, (unsigned long)updates,
                                                 0x7fffffff, (unsigned long)&done, DOMID_SELF));
    tell("mmu_update done", (long)done);
    updates[0].ptr = 3;
    tell("mmu_update of kind 3 at frame 0",
         call(__HYPERVISOR_mmu_update, (unsigned long)updates, 1, 0, 99));
    tell("mmu_update of nothing",
         call(__HYPERVISOR_mmu_update, (unsigned long)updates, 0, 0, DOMID_SELF));
    done = 77;
    extended[0].cmd = 99;
    tell("mmuext_op of 2^31 - 1 elements", call(__HYPERVISOR_mmuext_op, (unsigned long)extended,
                                                0x7fffffff, (unsigned long)&done, DOMID_SELF));
    tell("mmuext_op done", (long)done);
    tell("mmuext_op of domain 99", call(__HYPERVISOR_mmuext_op, (unsigned long)extended, 1, 0, 99));
    calls[0].op = calls[1].op = 63;
    tell("multicall of a call that is none",
         call(__HYPERVISOR_multicall, (unsigned long)calls, 2, 0, 0));
    tell("its result", (long)calls[1].result);
    tell("set_gdt of 8000 entries",
         call(__HYPERVISOR_set_gdt, (unsigned long)own_page, 8000, 0, 0));
    tell("set_gdt of 2^31 entries",
         call(__HYPERVISOR_set_gdt, (unsigned long)own_page, 0x80000000u, 0, 0));
    tell("grant_table_op of 2^32 - 1 elements",
         call(__HYPERVISOR_grant_table_op, 0, (unsigned long)own_page, ~0u, 0));
    struct sched_poll poll = {.nr_ports = ~0u};
    tell("poll of 2^32 - 1 ports",
         call(__HYPERVISOR_sched_op, SCHEDOP_poll, (unsigned long)&poll, 0, 0));
    xen_pfn_t frame = ~(xen_pfn_t)0;
    struct xen_memory_reservation back = {.nr_extents = ~0ul, .domid = DOMID_SELF};
    set_xen_guest_handle(back.extent_start, &frame);
    tell("decrease_reservation of ~0 extents",
         call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)&back, 0, 0));
    back.nr_extents = 1;
    tell("decrease_reservation from extent 2^20 on",
         call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation | 1ul << 26, (unsigned long)&back,
              0, 0));
    back.domid = 99;
    tell("decrease_reservation of domain 99",
         call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)&back, 0, 0));
    tell("set_debugreg 4", call(__HYPERVISOR_set_debugreg, 4, 0, 0, 0));
    tell("set_debugreg 9", call(__HYPERVISOR_set_debugreg, 9, 0, 0, 0));
    tell("set_debugreg 0 in the hole",
         call(__HYPERVISOR_set_debugreg, 0, (unsigned long)MACHINE_TO_PHYS, 0, 0));
    tell("set_debugreg 7 with GD", call(__HYPERVISOR_set_debugreg, 7, 0x2400, 0, 0));
    tell("set_debugreg 7 with an I/O breakpoint",
         call(__HYPERVISOR_set_debugreg, 7, 0x20401, 0, 0));
    tell("get_debugreg 9", call(__HYPERVISOR_get_debugreg, 9, 0, 0, 0));
    tell("vm_assist 99, 1", call(__HYPERVISOR_vm_assist, 99, 2, 0, 0));
    tell("vm_assist of type 60", call(__HYPERVISOR_vm_assist, 0, 60, 0, 0));
    tell("vm_assist of type 1000", call(__HYPERVISOR_vm_assist, 0, 1000, 0, 0));
    tell("fpu_taskswitch 77", call(__HYPERVISOR_fpu_taskswitch, 77, 0, 0, 0));
    tell("fpu_taskswitch 0", call(__HYPERVISOR_fpu_taskswitch, 0, 0, 0, 0));
    tell("vcpu_op on vCPU 2^31", call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0x80000000u, 0, 0));
    tell("vcpu_op up on vCPU 77", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 77, 0, 0));
    tell("vcpu_op down on vCPU 77", call(__HYPERVISOR_vcpu_op, VCPUOP_down, 77, 0, 0));
    tell("vcpu_op initialise on vCPU 77",
         call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 77, (unsigned long)own_page, 0));
    tell("vcpu_op send_nmi on vCPU 77", call(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, 77, 0, 0));
#ifndef __i386__
    tell("set_segment_base 9", call(__HYPERVISOR_set_segment_base, 9, 0, 0, 0));
    tell("set_segment_base, not canonical",
         call(__HYPERVISOR_set_segment_base, SEGBASE_FS, NOT_CANONICAL, 0, 0));
    tell("set_segment_base, no selector",
         call(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0xfff3, 0, 0));
    tell("set_callbacks, not canonical", call(__HYPERVISOR_set_callbacks, NOT_CANONICAL, 0, 0, 0));
#endif
}

/* ---- frames --------------------------------------------------------------------------------- */

/* What every call that takes a frame makes of one that is not the guest's. */
static void sweep_frame(const char *kind, unsigned long mfn)
{
    static const uint8_t commands[] = {
        MMUEXT_PIN_L1_TABLE,     MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE,
        MMUEXT_UNPIN_TABLE,      MMUEXT_NEW_BASEPTR,  MMUEXT_CLEAR_PAGE,   MMUEXT_COPY_PAGE,
#ifndef __i386__
        MMUEXT_NEW_USER_BASEPTR,
#endif
    };
    unsigned long list[1] = {mfn}, ours = frame_of(table_page);
    xen_pfn_t extent = mfn;
    struct xen_memory_reservation back = {.nr_extents = 1, .domid = DOMID_SELF};
    struct vcpu_register_vcpu_info info = {.mfn = mfn};

    print("guest: wild frame, %s, update_va_mapping =", kind);
    print_result(map(table_page, (pte_t)mfn << 12 | 0x63));
    print_result(map(table_page, (pte_t)mfn << 12 | 0x61));
    print("\nguest: wild frame, %s, mmuext_op =", kind);
    for (unsigned i = 0; i < sizeof(commands); i++)
        print_result(extended(commands[i], mfn, ours));
    print_result(extended(MMUEXT_COPY_PAGE, ours, mfn));
    print("\nguest: wild frame, %s, mmu_update =", kind);
    print_result(update((uint64_t)mfn << 12, 0));
    print_result(update((uint64_t)mfn << 12 | MMU_PT_UPDATE_PRESERVE_AD, 0));
    print_result(update((uint64_t)mfn << 12 | MMU_MACHPHYS_UPDATE, 5));
    print("\nguest: wild frame, %s, others =", kind);
    print_result(call(__HYPERVISOR_set_gdt, (unsigned long)list, 512, 0, 0));
    print_result(descriptor((uint64_t)mfn << 12, 0));
    set_xen_guest_handle(back.extent_start, &extent);
    print_result(
        call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)&back, 0, 0));
    print_result(call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (unsigned long)&info, 0));
    print("\n");
}

/* No machine's RAM reaches it: 48 bits of address, 36 with PAE. */
#ifndef __i386__
#define BEYOND_ALL 0xffffffffful
#else
#define BEYOND_ALL 0xfffffful
#endif

#ifndef __i386__
/* A root that is bad by one entry, and otherwise empty: neither pinned nor loaded. */
static void sweep_new_root(const char *what, pte_t entry)
{
    ((pte_t *)table_page)[300] = entry;
    check_equal("a new root made read-only",
                (uint64_t)map(table_page, own(table_page, PTE_PRESENT)), 0);
    tell_result("wild: pinned, a new root", what,
                extended(MMUEXT_PIN_L4_TABLE, frame_of(table_page), 0));
    tell_result("wild: loaded, a new root", what,
                extended(MMUEXT_NEW_BASEPTR, frame_of(table_page), 0));
    check_equal("our own page back", (uint64_t)map(table_page, own(table_page, PTE_OWN)), 0);
    ((pte_t *)table_page)[300] = 0;
}
#endif

static void sweep_frames(void)
{
    const pte_t *top = (const pte_t *)start_info->pt_base;
#ifndef __i386__
    sweep_frame("of the hypervisor", PTE_FRAME(top[256]));
    sweep_frame("of the local APIC", 0xfee00);
#endif
    sweep_frame("beyond all", BEYOND_ALL);
    check_equal("our own page mapped again", (uint64_t)map(table_page, own(table_page, PTE_OWN)),
                0);

    /* Our own, but a page table in use: never writable, never given back, never cleared. */
    unsigned long root = frame_of(top);
    tell("the root mapped writable", map(table_page, (pte_t)root << 12 | PTE_OWN));
    tell("the root mapped read-only", map(table_page, (pte_t)root << 12 | PTE_PRESENT));
    tell("our own page back", map(table_page, own(table_page, PTE_OWN)));
    tell("the root pinned again", extended(sizeof(long) == 8 ? MMUEXT_PIN_L4_TABLE
                                           : PAE             ? MMUEXT_PIN_L3_TABLE
                                                             : MMUEXT_PIN_L2_TABLE,
                                           root, 0));
#ifndef __i386__ /* the root in itself: its tables can be read there, never written */
    const uint64_t slot = ((uint64_t)root << 12) + 300 * 8;
    const uint64_t self = (uint64_t)root << 12 | (PTE_OWN & ~PTE_WRITABLE) | PTE_USER;
    tell("the root in itself", update(slot, self));
    tell("the hypervisor's entry there, as an L1's",
         call(__HYPERVISOR_update_va_mapping,
              ~0xfffffffffffful | 300ul << 39 | 300ul << 30 | 300ul << 21 | 256ul << 12, 0, 0, 0));
    tell("the root in itself, writable", update(slot, self | PTE_WRITABLE));
    tell("the root no more in itself", update(slot, 0));
    tell("the root in itself, writable at once", update(slot, self | PTE_WRITABLE));
    check_equal("nothing there", top[300], 0);
    sweep_new_root("in itself, writable", (pte_t)frame_of(table_page) << 12 | PTE_OWN | PTE_USER);
    sweep_new_root("with a large page", own(hypercall_page, PTE_OWN | PTE_USER | PTE_LARGE));
    sweep_new_root("with the hypervisor's", (top[256] & ~0xffful) | PTE_OWN | PTE_USER);
    sweep_new_root("with a frame beyond all", (pte_t)BEYOND_ALL << 12 | PTE_OWN | PTE_USER);
#endif
#if defined(__i386__) && !PAE /* what is above the 32 bits of an entry does not hide its frame */
    const uint64_t above = UINT64_C(1) << 32;
    uint64_t place;
    (void)entry_of(table_page, &place);
    check_true("the hypervisor's frame with a 33rd bit",
               update(place, above | (top[1023] & ~0xfffu) | PTE_OWN) < 0);
    check_true("the hypervisor's frame with a 33rd bit, by address",
               call(__HYPERVISOR_update_va_mapping, (uintptr_t)table_page,
                    (top[1023] & ~0xfffu) | PTE_OWN, 1, 0) < 0);
    check_equal("our own frame with a 33rd bit",
                (uint64_t)update(place, above | own(table_page, PTE_OWN)), 0);
#endif
    tell("the root pinned as L1", extended(MMUEXT_PIN_L1_TABLE, root, 0));
    tell("the root cleared", extended(MMUEXT_CLEAR_PAGE, root, 0));
    /* RAM, but no guest's. */
    tell("frame 0 cleared", extended(MMUEXT_CLEAR_PAGE, 0, 0));
    tell("frame 0 copied", extended(MMUEXT_COPY_PAGE, root, 0));
    tell("superpage marked", extended(MMUEXT_MARK_SUPER, 0, 0));
    const unsigned long none = 0;
    tell("frame 0 as GDT", call(__HYPERVISOR_set_gdt, (unsigned long)&none, 512, 0, 0));
    struct vcpu_register_vcpu_info info = {.mfn = 0};
    tell("vcpu_info in frame 0",
         call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (unsigned long)&info, 0));
    tell("the root copied over", extended(MMUEXT_COPY_PAGE, root, root));
    xen_pfn_t extent = root;
    struct xen_memory_reservation back = {.nr_extents = 1, .domid = DOMID_SELF};
    set_xen_guest_handle(back.extent_start, &extent);
    tell("the root given back",
         call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)&back, 0, 0));
    unsigned long list[1] = {root};
    tell("the root as GDT", call(__HYPERVISOR_set_gdt, (unsigned long)list, 512, 0, 0));
    tell("a descriptor into the root", descriptor((uint64_t)root << 12, 0));
    tell("our page unpinned, which is not pinned",
         extended(MMUEXT_UNPIN_TABLE, frame_of(table_page), 0));
    tell("our page pinned as L1, mapped writable",
         extended(MMUEXT_PIN_L1_TABLE, frame_of(table_page), 0));
    extended(MMUEXT_UNPIN_TABLE, frame_of(table_page), 0);
    tell("LDT of 8193 entries", extended(MMUEXT_SET_LDT, 0, 8193));
    tell("LDT across a page", extended(MMUEXT_SET_LDT, 0x1008, 1));
    tell("LDT in the hole", extended(MMUEXT_SET_LDT, (unsigned long)MACHINE_TO_PHYS, 1));
    tell("no LDT", extended(MMUEXT_SET_LDT, 0, 0));
    tell("a flush by a mask at nowhere", extended(MMUEXT_TLB_FLUSH_MULTI, 0, ~0xfffful));
    tell("a flush of one page by a mask at nowhere", extended(MMUEXT_INVLPG_MULTI, 0, ~0xfffful));
    unsigned long everybody = ~0ul;
    tell("a flush of CPUs that are not there",
         extended(MMUEXT_TLB_FLUSH_MULTI, 0, (unsigned long)&everybody));
    tell("another root that is 0", extended(MMUEXT_NEW_BASEPTR, 0, 0));
    tell("an own page with bad contents as root",
         (((pte_t *)table_page)[0] = (pte_t)BEYOND_ALL << 12 | 0x67,
          extended(MMUEXT_NEW_BASEPTR, frame_of(table_page), 0)));
    ((pte_t *)table_page)[0] = 0;
}

/* ---- addresses of mappings ------------------------------------------------------------------ */

static void sweep_addresses(void)
{
    const unsigned long at[] = {(unsigned long)MACHINE_TO_PHYS, ~0xfffful, 0x10000000,
                                NOT_CANONICAL};
    print("guest: wild update_va_mapping at =");
    for (unsigned i = 0; i < POINTERS; i++)
#ifdef __i386__
        print_result(call(__HYPERVISOR_update_va_mapping, at[i], 0, 0, UVMF_INVLPG));
#else
        print_result(call(__HYPERVISOR_update_va_mapping, at[i], 0, UVMF_INVLPG, 0));
#endif
    print("\n");
#ifdef __i386__
    tell("update_va_mapping with a mask at nowhere",
         call(__HYPERVISOR_update_va_mapping, (uintptr_t)table_page,
              (unsigned long)((pte_t)frame_of(table_page) << 12 | PTE_OWN), 0, ~0xfffful | 1));
#else
    tell("update_va_mapping with a mask at nowhere",
         call(__HYPERVISOR_update_va_mapping, (uintptr_t)table_page,
              (pte_t)frame_of(table_page) << 12 | PTE_OWN, ~0xfffful | 1, 0));
#endif
}

void pv_wild_check(void)
{
    sweep_pointers();
    sweep_numbers();
    sweep_frames();
    sweep_addresses();
    /* The machine is as it was. */
    table_page[100] = 5;
    check_equal("our page is ours", (uint8_t)table_page[100], 5);
}
