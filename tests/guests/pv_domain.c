/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a domain may ask and set of itself: the highest PFN, a memory map, watchdogs,
 * where a vCPU runs.  Answers are printed for compare-xen.  With the word
 * `watchdog-fires` the last thing that happens is that one does.
 * Source: the public headers of Xen.
 */
#include "pv.h"

#include <xen/memory.h>
#include <xen/sched.h>

#define ENTRIES    1024 /* that a map may have */
#define ENTRY_SIZE 20
#define SECOND     UINT64_C(1000000000)

static char shared_page[4096] __attribute__((aligned(4096)));
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
    watchdogs();
    pins();
    if (option((const char *)start_info->cmd_line, "watchdog-fires", &unused))
        watchdog_fires();
    check_equal("page mapped again", (uint64_t)map(shared_page, own(shared_page, PTE_OWN)), 0);
}
