/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a domain may ask and set of itself: the highest PFN, a memory map, the frames of the m2p
 * (which a dom0 may map to read), watchdogs, where a vCPU runs.  Answers are printed for
 * compare-xen.  With the word `watchdog-fires` the last thing that happens is that one does.
 * Source: the public headers of Xen.
 */
#include "pv.h"

#include <xen/memory.h>
#include <xen/sched.h>

#define ENTRIES    1024 /* that a map may have */
#define ENTRY_SIZE 20
#define SECOND     UINT64_C(1000000000)

/* The m2p: entries of a page, pages of an extent, extents for half a TiB. */
#define M2P_ENTRIES  (4096 / sizeof(unsigned long))
#define EXTENT_PAGES 512
#define EXTENTS      512

static char shared_page[4096] __attribute__((aligned(4096)));
static char window_page[4096] __attribute__((aligned(4096)));
static uint8_t map_set[(ENTRIES + 1) * ENTRY_SIZE], map_given[(ENTRIES + 1) * ENTRY_SIZE];

static void tell(const char *name, long result)
{
    tell_result("domain", name, result);
}

static shared_info_t *shared(void)
{
    return (shared_info_t *)shared_page;
}

static long memory_op(unsigned operation, const void *op)
{
    return call(__HYPERVISOR_memory_op, operation, (unsigned long)op, 0, 0);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void highest_pfn(void)
{
    static const unsigned long counts[] = {0, 1, 0x12345};
    domid_t self = DOMID_SELF, other = 5;
    unsigned long was = shared()->arch.max_pfn;
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        shared()->arch.max_pfn = counts[i];
        print("guest: domain maximum_gpfn of 0x%lx = 0x%lx\n", counts[i],
              (unsigned long)memory_op(XENMEM_maximum_gpfn, &self));
    }
    shared()->arch.max_pfn = was;
    tell("maximum_gpfn of domain 5", memory_op(XENMEM_maximum_gpfn, &other));
    tell("maximum_gpfn of nowhere", memory_op(XENMEM_maximum_gpfn, (const void *)~0xffful));
    tell("maximum_gpfn, extent 1", memory_op(XENMEM_maximum_gpfn | 1u << 6, &self));
}

static long set_map(domid_t domain, unsigned count, const void *at)
{
    struct xen_foreign_memory_map op = {.domid = domain, .map.nr_entries = count};
    set_xen_guest_handle(op.map.buffer, (void *)(uintptr_t)at);
    return memory_op(XENMEM_set_memory_map, &op);
}

/* The answer, how many entries it has, and how many bytes are those that were set. */
static void tell_map(const char *name, unsigned count, void *at)
{
    struct xen_memory_map op = {.nr_entries = count};
    unsigned same = 0;
    for (unsigned i = 0; i < sizeof(map_given); i++)
        map_given[i] = 0;
    set_xen_guest_handle(op.buffer, at);
    long result = memory_op(XENMEM_memory_map, &op);
    while (same < sizeof(map_given) && map_given[same] == map_set[same])
        same++;
    print("guest: domain memory_map, %s =", name);
    print_result(result);
    print(", %u entries, %u bytes\n", op.nr_entries, same);
}

static void memory_maps(void)
{
    for (unsigned i = 0; i < sizeof(map_set); i++)
        map_set[i] = (uint8_t)(i % 251 + 1);
    tell_map("none set", 5, map_given);
    tell("set_memory_map", set_map(DOMID_SELF, 3, map_set));
    tell_map("room for five", 5, map_given);
    tell_map("room for two", 2, map_given);
    tell_map("room for none", 0, map_given);
    tell_map("to nowhere", 5, (void *)~0xffful);
    tell("set_memory_map of domain 5", set_map(5, 3, map_set));
    tell("set_memory_map of 1025", set_map(DOMID_SELF, ENTRIES + 1, map_set));
    tell("set_memory_map from nowhere", set_map(DOMID_SELF, 4, (const void *)~0xffful));
    tell_map("the first still", 5, map_given);
    tell("set_memory_map of 1024", set_map(DOMID_SELF, ENTRIES, map_set));
    tell_map("all of it", ~0u, map_given);
    tell("set_memory_map of two", set_map(DOMID_SELF, 2, map_set));
    tell_map("two", ENTRIES, map_given);
    tell("set_memory_map of none", set_map(DOMID_SELF, 0, map_set));
    tell_map("none again", 5, map_given);
    tell("set_memory_map, null", memory_op(XENMEM_set_memory_map, (const void *)~0xffful));
}

/* mmu_update of the entry that maps window_page, for a frame of `domain`; the page is as it was
 * afterwards. */
static long map_for(domid_t domain, pte_t entry, bool *ret_same)
{
    uint64_t maddr;
    (void)entry_of(window_page, &maddr);
    struct mmu_update one = {.ptr = maddr, .val = entry};
    long result = call(__HYPERVISOR_mmu_update, (unsigned long)&one, 1, 0, domain);
    extended(MMUEXT_INVLPG_LOCAL, (unsigned long)window_page, 0);
    *ret_same = result != 0 || entry & PTE_PRESENT; /* else it must not be touched */
    for (unsigned i = 0; *ret_same && i < sizeof(window_page) / sizeof(long); i++)
        if (((const volatile unsigned long *)window_page)[i] != MACHINE_TO_PHYS[i])
            *ret_same = false;
    check_equal("window back", (uint64_t)map(window_page, own(window_page, PTE_OWN)), 0);
    return result;
}

static void tell_mapped(const char *name, domid_t domain, pte_t entry)
{
    bool same;
    long result = map_for(domain, entry, &same);
    print("guest: domain m2p mapped, %s =", name);
    print_result(result);
    print(", %s\n", same ? "read" : "not read");
}

/* Entries of PFNs from all over the memory, read in the frames that the list gives. */
static void m2p_entries(const xen_pfn_t *list)
{
    const xen_pfn_t *p2m = (const xen_pfn_t *)start_info->mfn_list;
    unsigned long step = start_info->nr_pages / 50;
    unsigned wrong = 0;
    uint64_t maddr;
    (void)entry_of(window_page, &maddr);
    for (unsigned long pfn = step; pfn + 8 < start_info->nr_pages; pfn += step) {
        unsigned long page = p2m[pfn] / M2P_ENTRIES, at = p2m[pfn] % M2P_ENTRIES;
        pte_t frame = (pte_t)list[page / EXTENT_PAGES] + page % EXTENT_PAGES;
        struct mmu_update one = {.ptr = maddr, .val = frame << 12 | PTE_PRESENT | PTE_ACCESSED};
        wrong += call(__HYPERVISOR_mmu_update, (unsigned long)&one, 1, 0, DOMID_XEN) != 0;
        extended(MMUEXT_INVLPG_LOCAL, (unsigned long)window_page, 0);
        wrong += ((const volatile unsigned long *)window_page)[at] != pfn;
    }
    check_equal("PFNs not found in the m2p's frames", wrong, 0);
    check_equal("window back", (uint64_t)map(window_page, own(window_page, PTE_OWN)), 0);
}

/* The same by address; it is read through. */
static long map_by_address(pte_t entry)
{
#ifdef __i386__
    long result = hypercall_bare(__HYPERVISOR_update_va_mapping_otherdomain, (uintptr_t)window_page,
                                 (unsigned long)entry, (unsigned long)((uint64_t)entry >> 32),
                                 UVMF_INVLPG, DOMID_XEN);
#else
    long result = call(__HYPERVISOR_update_va_mapping_otherdomain, (uintptr_t)window_page, entry,
                       UVMF_INVLPG, DOMID_XEN);
#endif
    if (result == 0)
        check_equal("the m2p by address", ((const volatile unsigned long *)window_page)[77],
                    MACHINE_TO_PHYS[77]);
    check_equal("window back", (uint64_t)map(window_page, own(window_page, PTE_OWN)), 0);
    return result;
}

static void m2p_frames(void)
{
    static xen_pfn_t list[EXTENTS];
    struct xen_machphys_mfn_list op = {.max_extents = EXTENTS};
    set_xen_guest_handle(op.extent_start, list);
    tell("machphys_mfn_list", memory_op(XENMEM_machphys_mfn_list, &op));
    tell("its extents", op.nr_extents);
    if (start_info->flags & SIF_INITDOMAIN) {
        pte_t frame = (pte_t)list[0] << 12;
        tell_mapped("for itself", DOMID_SELF, frame | PTE_PRESENT | PTE_ACCESSED);
        tell_mapped("for I/O", DOMID_IO, frame | PTE_PRESENT | PTE_ACCESSED);
        tell_mapped("to read", DOMID_XEN, frame | PTE_PRESENT | PTE_ACCESSED);
        tell_mapped("for user space to read", DOMID_XEN,
                    frame | PTE_PRESENT | PTE_USER | PTE_ACCESSED);
        tell_mapped("to write", DOMID_XEN, frame | PTE_OWN);
        tell_mapped("nothing", DOMID_XEN, 0);
        tell_mapped("our own frame instead", DOMID_XEN, own(window_page, PTE_PRESENT));
        tell_mapped("shared_info instead", DOMID_XEN, (pte_t)start_info->shared_info | PTE_PRESENT);
        tell_mapped("our root instead", DOMID_XEN,
                    own((const void *)start_info->pt_base, PTE_PRESENT));
        tell_mapped("no frame", DOMID_XEN, (pte_t)0xfffffff << 12 | PTE_PRESENT);
        tell_mapped("domain 77's", 77, frame | PTE_PRESENT);
        tell("m2p by address to read", map_by_address(frame | PTE_PRESENT | PTE_ACCESSED));
        tell("m2p by address to write", map_by_address(frame | PTE_OWN));
        m2p_entries(list);
    }
    op.max_extents = 0;
    tell("machphys_mfn_list of none", memory_op(XENMEM_machphys_mfn_list, &op));
    tell("its extents then", op.nr_extents);
    op.max_extents = 1;
    set_xen_guest_handle(op.extent_start, (xen_pfn_t *)~0xffful);
    tell("machphys_mfn_list to nowhere", memory_op(XENMEM_machphys_mfn_list, &op));
    tell("machphys_mfn_list, null", memory_op(XENMEM_machphys_mfn_list, (const void *)~0xffful));
}

/* Only calls on lists of extents go on from one. */
static void later_extents(void)
{
    static const struct {
        const char *name;
        unsigned operation;
    } rows[] = {
        {"memory_map", XENMEM_memory_map},
        {"set_memory_map", XENMEM_set_memory_map},
        {"machine_memory_map", XENMEM_machine_memory_map},
        {"machphys_mapping", XENMEM_machphys_mapping},
        {"machphys_mfn_list", XENMEM_machphys_mfn_list},
        {"exchange", XENMEM_exchange},
        {"maximum_ram_page", XENMEM_maximum_ram_page},
        {"current_reservation", XENMEM_current_reservation},
        {"maximum_reservation", XENMEM_maximum_reservation},
        {"remove_from_physmap", XENMEM_remove_from_physmap},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static uint64_t nothing[8];
        print("guest: domain extent 1 of %s =", rows[i].name);
        print_result(memory_op(rows[i].operation | 1u << 6, nothing));
        print("\n");
    }
}

/* ---- watchdogs and CPUs --------------------------------------------------------------------- */

static long watchdog(unsigned id, unsigned seconds)
{
    struct sched_watchdog op = {.id = id, .timeout = seconds};
    return call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (unsigned long)&op, 0, 0);
}

static void watchdogs(void)
{
    tell("watchdog 1, not started", watchdog(1, 1000));
    tell("watchdog 3", watchdog(3, 1000));
    tell("watchdog 2^32 - 1", watchdog(~0u, 1000));
    tell("first watchdog", watchdog(0, 1000));
    tell("second watchdog, of 2^32 - 1 s", watchdog(0, ~0u));
    tell("third watchdog", watchdog(0, 1000));
    tell("watchdog 1 again", watchdog(1, 2000));
    tell("watchdog 1 stopped", watchdog(1, 0));
    tell("watchdog 1 stopped twice", watchdog(1, 0));
    tell("another first watchdog", watchdog(0, 1000));
    tell("watchdog 2 stopped", watchdog(2, 0));
    tell("watchdog 1 stopped at last", watchdog(1, 0));
}

static long pin(int cpu)
{
    struct sched_pin_override op = {.pcpu = cpu};
    return call(__HYPERVISOR_sched_op, SCHEDOP_pin_override, (unsigned long)&op, 0, 0);
}

static void pins(void)
{
    tell("pinned to none", pin(-1));
    tell("pinned to CPU 77", pin(77));
    tell("pinned to CPU 2^31 - 1", pin(0x7fffffff));
    tell("pinned to CPU 0", pin(0));
    tell("pinned to CPU 0 twice", pin(0));
    tell("pinned to CPU 77 then", pin(77));
    tell("pinned no more", pin(-0x7fffffff));
    tell("pinned no more twice", pin(-1));
}

static uint64_t now(void)
{
    return time_by(&shared()->vcpu_info[0].time);
}

/* One that is set again in time does not fire, nor one that is stopped; then one does. */
static void watchdog_fires(void)
{
    uint64_t start = now();
    check_equal("watchdog", (uint64_t)watchdog(0, 2), 1);
    check_equal("watchdog", (uint64_t)watchdog(0, 2), 2);
    check_equal("watchdog set again", (uint64_t)watchdog(2, 4), 0);
    check_equal("watchdog stopped", (uint64_t)watchdog(1, 0), 0);
    while (now() < start + 3 * SECOND) {
    }
    print("guest: domain after three seconds = here\n");
    while (now() < start + 60 * SECOND)
        call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    check_true("the watchdog fired", false);
}

void pv_domain_check(void)
{
    uint64_t unused;
    check_equal(
        "shared_info mapped",
        (uint64_t)map_flags(shared_page, (pte_t)start_info->shared_info | PTE_OWN, UVMF_INVLPG), 0);
    highest_pfn();
    memory_maps();
    m2p_frames();
    later_extents();
    watchdogs();
    pins();
    if (option((const char *)start_info->cmd_line, "watchdog-fires", &unused))
        watchdog_fires();
    check_equal("page mapped again", (uint64_t)map(shared_page, own(shared_page, PTE_OWN)), 0);
}
