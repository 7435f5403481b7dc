/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The calls that a PV kernel makes first: hypercall page and bare instruction, version, memory
 * maps, and page-table updates that put shared_info over a page of ours; then shared_info itself.
 * Sources: xen/include/public/{xen,version,memory}.h.
 */
#include "pv.h"

#include <xen/features.h>
#include <xen/memory.h>
#include <xen/version.h>

#define call call_by_page

extern char own_page[];
#ifndef __i386__
extern uint8_t stub_lost_registers;
#endif

static long update_mapping(uintptr_t address, pte_t entry, unsigned long flags)
{
#ifdef __i386__
    return call(__HYPERVISOR_update_va_mapping, address, (unsigned long)entry,
                (unsigned long)((uint64_t)entry >> 32), flags);
#else
    return call(__HYPERVISOR_update_va_mapping, address, entry, flags, 0);
#endif
}

static void check_stubs(void)
{
    unsigned poisoned = 0;

    for (unsigned slot = 0; slot < 128; slot++)
        if ((uint8_t)hypercall_page[slot * 32] == 0xcc)
            poisoned++;
    check_equal("hypercall slots that were not filled", poisoned, 0);

    long bare = hypercall_bare(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);
    long page = hypercall_by_page(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);
    check_equal("version by page and by bare instruction", (uint64_t)page, (uint64_t)bare);
    check("version", bare >= 0x30000, (uint64_t)bare, 0x40011);
    field("version", (uint64_t)bare);
#ifndef __i386__
    check_equal("stub keeps RCX and R11", stub_lost_registers, 0);
#endif
    check_equal("unknown hypercall 100", (uint64_t)call(100, 1, 2, 3, 4), (uint64_t)-38L);
    check_equal("unknown hypercall, bare", (uint64_t)hypercall_bare(63, 1, 2, 3, 4, 5),
                (uint64_t)-38L);
}

static void check_version(void)
{
    struct xen_feature_info features = {.submap_idx = 0};
    static xen_extraversion_t extra;
    static xen_capabilities_info_t capabilities;

    check_equal("features",
                (uint64_t)call(__HYPERVISOR_xen_version, XENVER_get_features,
                               (unsigned long)&features, 0, 0),
                0);
    field("features", features.submap);
    check_equal("not translated, no writable page tables",
                features.submap &
                    (1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap),
                0);
#ifdef __i386__
    check_equal("extended CR3 as the image asked for it",
                features.submap >> XENFEAT_pae_pgdir_above_4gb & 1, PAE);
#endif
    check_equal("dom0 feature follows the role", features.submap >> XENFEAT_dom0 & 1,
                (start_info->flags & SIF_INITDOMAIN) != 0);
    check_true("extraversion", call(__HYPERVISOR_xen_version, XENVER_extraversion,
                                    (unsigned long)extra, 0, 0) >= 0);
    check_true("capabilities", call(__HYPERVISOR_xen_version, XENVER_capabilities,
                                    (unsigned long)capabilities, 0, 0) >= 0);
}

static void check_memory_calls(void)
{
    static struct {
        uint64_t address, size;
        uint32_t type;
    } __attribute__((packed)) entries[64];
    struct xen_memory_map map = {.nr_entries = 64};
    struct xen_machphys_mapping m2p = {0};

    set_xen_guest_handle(map.buffer, (void *)entries);
    /* Xen has none (-ENOSYS) unless a toolstack gave one; whoever has one must cover nr_pages. */
    long got = call(__HYPERVISOR_memory_op, XENMEM_memory_map, (unsigned long)&map, 0, 0);
    field("memory map call", (uint64_t)got);
    check("memory map", got == 0 || got == -38, (uint64_t)got, 0);
    if (got == 0) {
        uint64_t ram = 0;
        check_true("memory map has entries", map.nr_entries > 0 && map.nr_entries <= 64);
        for (unsigned i = 0; i < map.nr_entries && i < 64; i++)
            if (entries[i].type == 1)
                ram += entries[i].size;
        check("memory map holds nr_pages", ram >= (uint64_t)start_info->nr_pages * 4096, ram,
              (uint64_t)start_info->nr_pages * 4096);
    }

    if (start_info->flags & SIF_INITDOMAIN) {
        map.nr_entries = 64;
        check_equal("machine memory map",
                    (uint64_t)call(__HYPERVISOR_memory_op, XENMEM_machine_memory_map,
                                   (unsigned long)&map, 0, 0),
                    0);
        check_true("machine memory map has RAM at 1 MiB",
                   map.nr_entries > 1 && map.nr_entries <= 64);
    }
    check_equal(
        "machphys mapping",
        (uint64_t)call(__HYPERVISOR_memory_op, XENMEM_machphys_mapping, (unsigned long)&m2p, 0, 0),
        0);
    check_equal("machphys table's address", m2p.v_start, (uintptr_t)MACHINE_TO_PHYS);
    long top = call(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0, 0, 0);
    check("highest RAM page", top >= (long)start_info->nr_pages, (uint64_t)top,
          start_info->nr_pages);
}

static void check_shared_info(void)
{
    const shared_info_t *shared = (const shared_info_t *)own_page;
    unsigned masked = 0, pending = 0;

    for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        masked += shared->vcpu_info[i].evtchn_upcall_mask == 1;
        pending += shared->vcpu_info[i].evtchn_upcall_pending != 0;
    }
    field("vcpus with upcalls masked", masked);
    check_equal("vcpus with upcalls masked", masked, XEN_LEGACY_MAX_VCPUS);
    check_equal("vcpus with upcalls pending", pending, 0);
    unsigned long masks = 0, bits = 0;
    for (unsigned i = 0; i < sizeof(long) * 8; i++) {
        masks |= shared->evtchn_mask[i];
        bits |= shared->evtchn_pending[i];
    }
    check_equal("event mask", masks, 0);
    check_equal("events pending", bits, 0);

    /* Xen gives the time of a virtual CPU when it first runs; under both the versions are even. */
    const vcpu_time_info_t *time = &shared->vcpu_info[0].time;
    check_equal("time version is even", time->version & 1, 0);
    check_true("TSC multiplier", time->tsc_to_system_mul != 0);
    check_equal("wall clock version is even", shared->wc_version & 1, 0);
    check("wall clock is of this century", shared->wc_sec > 946684800u, shared->wc_sec, 946684800u);
}

static void map_shared_info(void)
{
    uintptr_t at = (uintptr_t)own_page;
    pte_t own_entry = own(own_page, PTE_OWN);

    own_page[100] = 77;
    check_equal("map shared_info",
                (uint64_t)update_mapping(at, (pte_t)start_info->shared_info | 0x63, UVMF_INVLPG),
                0);
    check_shared_info();
    check_equal("map our own page again", (uint64_t)update_mapping(at, own_entry, UVMF_INVLPG), 0);
    check_equal("our page is as it was", (uint8_t)own_page[100], 77);

    /* The same by mmu_update, read-only, with the entry's machine address. */
    struct mmu_update update = {.val = own_entry & ~(pte_t)PTE_WRITABLE};
    const pte_t *entry = entry_of(own_page, &update.ptr); /* MMU_NORMAL_PT_UPDATE is 0 */
    unsigned done = 0;
    check_equal("mmu_update",
                (uint64_t)call(__HYPERVISOR_mmu_update, (unsigned long)&update, 1,
                               (unsigned long)&done, DOMID_SELF),
                0);
    check_equal("mmu_update did one", done, 1);
    check_equal("entry is read-only", *entry & (PTE_PRESENT | PTE_WRITABLE), PTE_PRESENT);
    check_equal("our page is still there", (uint8_t)own_page[100], 77);
    check_equal("make it writable again", (uint64_t)update_mapping(at, own_entry, UVMF_INVLPG), 0);
    own_page[100] = 78;
    check_equal("our page is writable", (uint8_t)own_page[100], 78);
}

/* The multicall with an iret frame on the stack that leads to the end of the statement: rax there.
 */
static unsigned long multicall_with_iret(const multicall_entry_t *list, unsigned long count)
{
    unsigned long result = __HYPERVISOR_multicall;
#ifdef __i386__
    __asm__ volatile("movl %%esp, %%esi\n"
                     "pushl $2\n pushl %%cs\n pushl $1f\n pushl $0x1234\n"
                     "int $0x82\n"
                     "1: movl %%esi, %%esp\n"
                     : "+a"(result)
                     : "b"(list), "c"(count)
                     : "esi", "memory", "cc");
#else
    unsigned long first = (unsigned long)list;
    __asm__ volatile("movq %%rsp, %%r12\n"
                     "pushq $0xe02b\n pushq %%r12\n pushq $2\n pushq $0xe030\n"
                     "leaq 1f(%%rip), %%rcx\n pushq %%rcx\n"
                     "pushq $0\n pushq $0\n pushq $0\n pushq $0x1234\n"
                     "syscall\n"
                     "1: movq %%r12, %%rsp\n"
                     : "+a"(result), "+D"(first), "+S"(count)
                     :
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "memory", "cc");
#endif
    return result;
}

/* An iret ends the list and gives rax; a list in a list is refused. */
static void check_multicall(void)
{
    static multicall_entry_t list[4];
    list[0] = (multicall_entry_t){.op = __HYPERVISOR_xen_version, .result = 0x55};
    list[1] = (multicall_entry_t){.op = __HYPERVISOR_multicall, .result = 0x55};
    list[2] = (multicall_entry_t){.op = __HYPERVISOR_iret, .result = 0x55};
    list[3] = (multicall_entry_t){.op = __HYPERVISOR_xen_version, .result = 0x55};
    check_equal("multicall with iret: rax of the frame", multicall_with_iret(list, 4), 0x1234);
    check_true("multicall with iret: the call before is done", list[0].result >= 0x30000);
    check_equal("a multicall in a multicall", list[1].result, (unsigned long)-22);
    check_equal("multicall with iret: the call after is not done", list[3].result, 0x55);
}

void pv_calls_check(void)
{
    check_stubs();
    check_version();
    check_memory_calls();
    map_shared_info();
    check_multicall();
}
