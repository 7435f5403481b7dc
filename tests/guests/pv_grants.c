/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Grants that a domain gives itself: mapped by address and by page-table entry, to read and to
 * write, for devices; unmapped, twice, replaced; counted; swapped; caches flushed.  What Xen
 * answers is expected here, so that guests are checked for which there is no Xen to compare with,
 * and all that else can be seen is printed for compare-xen. Source:
 * xen/include/public/grant_table.h.
 */
#include "pv.h"

#include <xen/grant_table.h>
#include <xen/memory.h>

#define NO_HANDLE 0xffffffffu
#define MANY      200u /* mappings of one grant: more than may be */

static unsigned long list[2];
static char table_page[4096] __attribute__((aligned(4096))); /* shows the first page of the table */
static char data[2][4096] __attribute__((aligned(4096)));
static char window[2][4096] __attribute__((aligned(4096)));
static domid_t own_domain;

static long grant_op(unsigned operation, void *op, unsigned count)
{
    return call(__HYPERVISOR_grant_table_op, operation, (uintptr_t)op, count, 0);
}

static volatile grant_entry_v1_t *entry(unsigned ref)
{
    return (volatile grant_entry_v1_t *)table_page + ref;
}

static void grant_frame(unsigned ref, unsigned flags, unsigned long frame)
{
    entry(ref)->domid = own_domain;
    entry(ref)->frame = (uint32_t)frame;
    entry(ref)->flags = (uint16_t)flags;
}

static void grant(unsigned ref, unsigned flags, const void *page)
{
    grant_frame(ref, flags, frame_of(page));
}

/* A line with the status, the flags in the table, and the entry that maps the first window. */
static void tell(const char *name, unsigned ref, int status, int expected)
{
    uint64_t unused;
    pte_t pte = *entry_of(window[0], &unused);
    unsigned flags = (unsigned)pte & 0xfff & ~(PTE_USER | 0x100u); /* Xen's own, of kernels */
    const char *what = "another page";
    if (!(pte & PTE_PRESENT))
        what = "nothing";
    else if (PTE_FRAME(pte) == frame_of(window[0]))
        what = "its own page";
    else if (PTE_FRAME(pte) == frame_of(data[0]))
        what = "the data";
    print("guest: grants %s = status %s%u, grant 0x%x, window 0x%x %s, %s\n", name,
          status < 0 ? "-" : "", (unsigned)(status < 0 ? -status : status), entry(ref)->flags,
          flags, sizeof(pte) == 8 && (uint64_t)pte >> 63 ? "nx" : "x", what);
    check_equal(name, (uint64_t)(int64_t)status, (uint64_t)(int64_t)expected);
}

/* ---- one operation each --------------------------------------------------------------------- */

static struct gnttab_map_grant_ref last;

static int map_grant(unsigned ref, unsigned flags, uint64_t at)
{
    last = (struct gnttab_map_grant_ref){
        .host_addr = at, .flags = flags, .ref = ref, .dom = own_domain, .handle = NO_HANDLE};
    check_equal("map_grant_ref as a whole", (uint64_t)grant_op(GNTTABOP_map_grant_ref, &last, 1),
                0);
    return last.status;
}

static int map_at(unsigned ref, unsigned flags, const void *at)
{
    return map_grant(ref, flags, (uintptr_t)at);
}

static int unmap(unsigned handle, uint64_t at, uint64_t bus)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = at, .dev_bus_addr = bus, .handle = handle};
    check_equal("unmap_grant_ref as a whole", (uint64_t)grant_op(GNTTABOP_unmap_grant_ref, &op, 1),
                0);
    return op.status;
}

static int unmap_at(unsigned handle, const void *at)
{
    return unmap(handle, (uintptr_t)at, 0);
}

static int replace(unsigned handle, const void *at, uint64_t by)
{
    struct gnttab_unmap_and_replace op = {
        .host_addr = (uintptr_t)at, .new_addr = by, .handle = handle};
    check_equal("unmap_and_replace as a whole",
                (uint64_t)grant_op(GNTTABOP_unmap_and_replace, &op, 1), 0);
    return op.status;
}

static void windows_back(void)
{
    for (unsigned i = 0; i < 2; i++)
        check_equal("window as it was", (uint64_t)map(window[i], own(window[i], PTE_OWN)), 0);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static void refused(void)
{
    tell("flags 0", 0, map_at(8, 0, window[0]), GNTST_bad_gntref);
    tell("no map flag", 0, map_at(8, GNTMAP_readonly, window[0]), GNTST_bad_gntref);
    tell("beyond the table", 0, map_at(1024, GNTMAP_host_map, window[0]), GNTST_bad_gntref);
    tell("far beyond the table", 0, map_at(~0u, GNTMAP_host_map, window[0]), GNTST_bad_gntref);
    grant_frame(8, 0, 0);
    tell("not granted", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_general_error);
    grant(8, GTF_permit_access, data[0]);
    entry(8)->domid = 5;
    tell("granted to another", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_general_error);
    grant(8, GTF_accept_transfer, data[0]);
    tell("for a transfer", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_general_error);
    grant(8, GTF_permit_access | GTF_sub_page, data[0]);
    tell("a part of a page", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_general_error);
    grant(8, GTF_permit_access | GTF_readonly, data[0]);
    tell("to write what is to be read", 8, map_at(8, GNTMAP_host_map, window[0]),
         GNTST_general_error);
    own_domain = 99;
    tell("of domain 99", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_bad_domain);
    own_domain = DOMID_SELF;
    tell("of DOMID_SELF", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_bad_domain);
    own_domain = start_info->flags & SIF_INITDOMAIN ? 0 : 1;
    check_equal("map_grant_ref at nowhere",
                (uint64_t)grant_op(GNTTABOP_map_grant_ref, (void *)~0xffful, 1), (uint64_t)-14l);
    check_equal("map_grant_ref of nothing", (uint64_t)grant_op(GNTTABOP_map_grant_ref, &last, 0),
                0);
    tell("no such handle", 8, unmap_at(200000, window[0]), GNTST_bad_handle);
    tell("no handle", 8, unmap_at(NO_HANDLE, window[0]), GNTST_bad_handle);
}

static void frames(void)
{
    static const struct {
        const char *name;
        uint32_t frame;
        int status;
    } rows[] = {
        {"no frame", 0xfffffff0, GNTST_bad_page},
        {"frame 0", 0, GNTST_bad_page},
        {"a frame of the local APIC", 0xfee00, GNTST_bad_page},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        grant_frame(8, GTF_permit_access, rows[i].frame);
        tell(rows[i].name, 8, map_at(8, GNTMAP_host_map, window[0]), rows[i].status);
    }
#ifndef __i386__
    grant_frame(8, GTF_permit_access, PTE_FRAME(((const pte_t *)start_info->pt_base)[256]));
    tell("a frame of the hypervisor", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_bad_page);
#endif
    grant_frame(8, GTF_permit_access, start_info->shared_info >> 12);
    tell("shared_info", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    tell("shared_info unmapped", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    grant_frame(8, GTF_permit_access, list[1]);
    tell("the table itself", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    tell("the table unmapped", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    grant(8, GTF_permit_access, (const void *)start_info->pt_base);
    tell("the root to write", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_general_error);
    tell("the root for a device to write", 8, map_at(8, GNTMAP_device_map, window[0]),
         GNTST_general_error);
    tell("the root to read", 8, map_at(8, GNTMAP_host_map | GNTMAP_readonly, window[0]),
         GNTST_okay);
    check_equal("the root's entry", *(volatile pte_t *)window[0],
                *(const pte_t *)start_info->pt_base);
    tell("the root unmapped", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    windows_back();
}

/* ---- what works ----------------------------------------------------------------------------- */

static void to_read(void)
{
    const unsigned flags = GNTMAP_host_map | GNTMAP_readonly;
    grant(8, GTF_permit_access | GTF_readonly, data[0]);
    data[0][5] = 55;
    tell("to read", 8, map_at(8, flags, window[0]), GNTST_okay);
    unsigned first = last.handle;
    check_equal("bus address", last.dev_bus_addr, (uint64_t)frame_of(data[0]) << 12);
    check_equal("the data are read", (uint8_t)((volatile char *)window[0])[5], 55);
    tell("to write, while it is read", 8, map_at(8, GNTMAP_host_map, window[1]),
         GNTST_general_error);
    tell("to read twice", 8, map_at(8, flags, window[1]), GNTST_okay);
    unsigned second = last.handle;
    check_true("another handle", first != second);
    check_equal("the data are read twice", (uint8_t)((volatile char *)window[1])[5], 55);
    tell("first one unmapped", 8, unmap_at(first, window[0]), GNTST_okay);
    tell("first one unmapped twice", 8, unmap_at(first, window[0]), GNTST_bad_handle);
    tell("second one at the first's address", 8, unmap_at(second, window[0]), GNTST_general_error);
    tell("second one at no address", 8, unmap(second, 0, 0), GNTST_okay);
    tell("second one in the hole", 8, unmap(second, (uintptr_t)MACHINE_TO_PHYS, 0),
         GNTST_general_error);
    tell("second one unmapped", 8, unmap_at(second, window[1]), GNTST_okay);
    windows_back();
}

static void to_write(void)
{
    grant(8, GTF_permit_access, data[0]);
    tell("to write", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    unsigned writer = last.handle;
    ((volatile char *)window[0])[7] = 77;
    check_equal("the data are written", (uint8_t)((volatile char *)data[0])[7], 77);
    tell("to read as well", 8, map_at(8, GNTMAP_host_map | GNTMAP_readonly, window[1]), GNTST_okay);
    unsigned reader = last.handle;
    tell("writer at the reader's address", 8, unmap_at(writer, window[1]), GNTST_general_error);
    tell("writer unmapped", 8, unmap_at(writer, window[0]), GNTST_okay);
    tell("to write again", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    writer = last.handle;
    check_equal("made read-only", (uint64_t)map(window[0], own(data[0], PTE_PRESENT)), 0);
    tell("writer whose entry is read-only", 8, unmap_at(writer, window[0]), GNTST_general_error);
    check_equal("made writable", (uint64_t)map(window[0], own(data[0], PTE_OWN)), 0);
    tell("writer whose entry is writable", 8, unmap_at(writer, window[0]), GNTST_okay);
    tell("reader unmapped", 8, unmap_at(reader, window[1]), GNTST_okay);
    /* What the guest writes into its table while it is used is not looked at. */
    tell("to write, once more", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    writer = last.handle;
    grant(8, 0, data[1]);
    tell("a grant that is gone", 8, map_at(8, GNTMAP_host_map, window[1]), GNTST_okay);
    check_equal("its old page", (uint8_t)((volatile char *)window[1])[7], 77);
    tell("that one unmapped", 8, unmap_at(last.handle, window[1]), GNTST_okay);
    tell("all of it unmapped", 8, unmap_at(writer, window[0]), GNTST_okay);
    tell("a grant that is gone, then", 8, map_at(8, GNTMAP_host_map, window[1]),
         GNTST_general_error);
    windows_back();
}

static void forms(void)
{
    grant(8, GTF_permit_access, data[0]);
    tell(
        "for user space", 8,
        map_at(8, GNTMAP_host_map | GNTMAP_application_map | 5u << _GNTMAP_guest_avail0, window[0]),
        GNTST_okay);
    uint64_t maddr;
    const pte_t *pte = entry_of(window[0], &maddr);
    check_equal("user space may", *pte & PTE_USER, PTE_USER);
    tell("user space's unmapped", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    windows_back();

    const unsigned by_entry = GNTMAP_host_map | GNTMAP_contains_pte;
    tell("by its entry", 8, map_grant(8, by_entry, maddr), GNTST_okay);
    ((volatile char *)window[0])[9] = 99;
    check_equal("the data are written by entry", (uint8_t)((volatile char *)data[0])[9], 99);
    tell("by its address, not its entry", 8, unmap_at(last.handle, window[0]), GNTST_general_error);
    tell("by its entry, replaced", 8,
         replace(last.handle, (void *)(uintptr_t)maddr, (uintptr_t)window[1]), GNTST_general_error);
    tell("by its entry, unmapped", 8, unmap(last.handle, maddr, 0), GNTST_okay);
    windows_back();
    tell("by a crooked entry", 8, map_grant(8, by_entry, maddr + sizeof(pte_t) / 2),
         GNTST_general_error);
    tell("by an entry in no table", 8, map_grant(8, by_entry, (uint64_t)frame_of(data[1]) << 12),
         GNTST_general_error);
    tell("by an entry of the root", 8,
         map_grant(8, by_entry, (uint64_t)frame_of((const void *)start_info->pt_base) << 12),
         GNTST_general_error);
    tell("by an entry in no frame", 8, map_grant(8, by_entry, (uint64_t)0xfffffff0 << 12),
         GNTST_general_error);
    tell("at an address in the hole", 8, map_at(8, GNTMAP_host_map, MACHINE_TO_PHYS),
         GNTST_general_error);
    tell("at an address without tables", 8, map_grant(8, GNTMAP_host_map, 0x10000000),
         GNTST_general_error);
    tell("at an address of 48 bits", 8, map_grant(8, GNTMAP_host_map, UINT64_C(1) << 47),
         GNTST_general_error);
}

static void for_devices(void)
{
    const uint64_t bus = (uint64_t)frame_of(data[0]) << 12;
    grant(8, GTF_permit_access, data[0]);
    tell("for a device", 8, map_at(8, GNTMAP_device_map, NULL), GNTST_okay);
    check_equal("its bus address", last.dev_bus_addr, bus);
    tell("at another bus address", 8, unmap(last.handle, 0, bus + 4096), GNTST_bad_dev_addr);
    tell("device unmapped as a page", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    tell("device unmapped", 8, unmap(last.handle, 0, bus), GNTST_okay);
    tell("for both", 8, map_at(8, GNTMAP_device_map | GNTMAP_host_map, window[0]), GNTST_okay);
    tell("the page unmapped", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    tell("the page unmapped again", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    tell("the device unmapped too", 8, unmap(last.handle, 0, bus), GNTST_okay);
    tell("the device unmapped again", 8, unmap(last.handle, 0, bus), GNTST_bad_handle);
    windows_back();
    tell("for both once more", 8, map_at(8, GNTMAP_device_map | GNTMAP_host_map, window[0]),
         GNTST_okay);
    tell("both unmapped", 8, unmap(last.handle, (uintptr_t)window[0], bus), GNTST_okay);
    windows_back();
}

static void replaced(void)
{
    uint64_t unused;
    grant(8, GTF_permit_access, data[0]);
    tell("to be replaced", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    window[1][3] = 33;
    tell("replaced by the hole", 8, replace(last.handle, window[0], (uintptr_t)MACHINE_TO_PHYS),
         GNTST_general_error);
    tell("replaced", 8, replace(last.handle, window[0], (uintptr_t)window[1]), GNTST_okay);
    extended(MMUEXT_INVLPG_LOCAL, (uintptr_t)window[0], 0);
    check_equal("the other page is there", (uint8_t)((volatile char *)window[0])[3], 33);
    check_equal("and nowhere else", *entry_of(window[1], &unused) & PTE_PRESENT, 0);
    tell("replaced twice", 8, replace(last.handle, window[0], (uintptr_t)window[1]),
         GNTST_bad_handle);
    windows_back();
    tell("to be replaced again", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    tell("replaced at another address", 8, replace(last.handle, data[1], (uintptr_t)window[1]),
         GNTST_general_error);
    check_equal("what was to come is lost", *entry_of(window[1], &unused) & PTE_PRESENT, 0);
    tell("replaced by nothing", 8, replace(last.handle, window[0], 0), GNTST_okay);
    windows_back();
}

/* 128 of a kind and no more; handles are given out in turn. */
static void counted(void)
{
    static unsigned handle[MANY];
    unsigned made = 0, wrong = 0, turn = 0;
    grant(8, GTF_permit_access, data[0]);
    while (made < MANY && map_at(8, GNTMAP_device_map | GNTMAP_readonly, NULL) == GNTST_okay) {
        turn += made > 0 && last.handle == handle[made - 1] + 1;
        handle[made++] = last.handle;
    }
    print("guest: grants of a kind = %u, %u in turn\n", made, turn);
    check_equal("mappings of a kind", made, 128);
    tell("one too many", 8, last.status, GNTST_general_error);
    tell("one of another kind", 8, map_at(8, GNTMAP_device_map, NULL), GNTST_okay);
    unsigned other = last.handle;
    for (unsigned i = 0; i < made; i++)
        wrong += unmap(handle[i], 0, (uint64_t)frame_of(data[0]) << 12) != GNTST_okay;
    check_equal("not unmapped", wrong, 0);
    tell("of another kind unmapped", 8, unmap(other, 0, (uint64_t)frame_of(data[0]) << 12),
         GNTST_okay);
}

/* More handles than a page of any table of them holds; each unmaps what it mapped. */
static void many(void)
{
    static unsigned handle[8][100];
    unsigned wrong = 0;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++) {
            grant(100 + i, GTF_permit_access | GTF_readonly, data[i & 1]);
            for (unsigned n = 0; n < 100; n++) {
                wrong += map_at(100 + i, GNTMAP_device_map | GNTMAP_readonly, NULL) != GNTST_okay;
                handle[i][n] = last.handle;
            }
        }
        for (unsigned i = 0; i < 8; i++) {
            uint64_t bus = (uint64_t)frame_of(data[i & 1]) << 12;
            wrong += entry(100 + i)->flags != (GTF_permit_access | GTF_readonly | GTF_reading);
            wrong += unmap(handle[i][0], 0, bus ^ 0x1000000000) != GNTST_bad_dev_addr;
            for (unsigned n = 0; n < 100; n++)
                wrong += unmap(handle[i][n], 0, bus) != GNTST_okay;
            wrong += entry(100 + i)->flags != (GTF_permit_access | GTF_readonly);
        }
    }
    check_equal("wrong ones of 2400 mappings", wrong, 0);
}

static void lists(void)
{
    struct gnttab_map_grant_ref op[3] = {
        {.host_addr = (uintptr_t)window[0], .flags = GNTMAP_host_map, .ref = 8, .dom = own_domain},
        {.host_addr = (uintptr_t)window[1],
         .flags = GNTMAP_host_map,
         .ref = 5000,
         .dom = own_domain},
        {.host_addr = (uintptr_t)window[1], .flags = GNTMAP_host_map, .ref = 8, .dom = own_domain},
    };
    grant(8, GTF_permit_access, data[0]);
    check_equal("a list", (uint64_t)grant_op(GNTTABOP_map_grant_ref, op, 3), 0);
    tell("first of a list", 8, op[0].status, GNTST_okay);
    tell("second of a list", 8, op[1].status, GNTST_bad_gntref);
    tell("third of a list", 8, op[2].status, GNTST_okay);
    struct gnttab_unmap_grant_ref back[2] = {
        {.host_addr = (uintptr_t)window[1], .handle = op[2].handle},
        {.host_addr = (uintptr_t)window[0], .handle = op[0].handle},
    };
    check_equal("a list back", (uint64_t)grant_op(GNTTABOP_unmap_grant_ref, back, 2), 0);
    tell("third of a list unmapped", 8, back[0].status, GNTST_okay);
    tell("first of a list unmapped", 8, back[1].status, GNTST_okay);
    windows_back();
}

/* The table can be copied from and to, as any page of the domain's. */
static void copied(void)
{
    struct gnttab_copy op = {.len = 8, .source.domid = DOMID_SELF, .dest.domid = DOMID_SELF};
    grant(8, GTF_permit_access, data[0]);
    op.source.u.gmfn = list[0];
    op.source.offset = 8 * 8;
    op.dest.u.gmfn = list[0];
    op.dest.offset = 9 * 8;
    check_equal("copy as a whole", (uint64_t)grant_op(GNTTABOP_copy, &op, 1), 0);
    tell("copied within the table", 9, op.status, GNTST_okay);
    check_equal("the copied entry", entry(9)->frame, (uint32_t)frame_of(data[0]));
}

/* ---- entries exchanged, caches -------------------------------------------------------------- */

static int swap(unsigned a, unsigned b)
{
    struct gnttab_swap_grant_ref op = {.ref_a = a, .ref_b = b};
    check_equal("swap_grant_ref as a whole", (uint64_t)grant_op(GNTTABOP_swap_grant_ref, &op, 1),
                0);
    return op.status;
}

static void swapped(void)
{
    grant(8, GTF_permit_access, data[0]);
    grant(9, GTF_permit_access | GTF_readonly, data[1]);
    entry(9)->domid = 7;
    tell("swapped", 8, swap(8, 9), GNTST_okay);
    check_equal("flags of the one", entry(8)->flags, GTF_permit_access | GTF_readonly);
    check_equal("domain of the one", entry(8)->domid, 7);
    check_equal("frame of the one", entry(8)->frame, (uint32_t)frame_of(data[1]));
    check_equal("frame of the other", entry(9)->frame, (uint32_t)frame_of(data[0]));
    check_equal("domain of the other", entry(9)->domid, own_domain);
    tell("swapped with itself", 9, swap(9, 9), GNTST_okay);
    tell("swapped with none", 9, swap(9, 1024), GNTST_bad_gntref);
    tell("none swapped", 9, swap(1024, 9), GNTST_bad_gntref);
    tell("mapped before a swap", 9, map_at(9, GNTMAP_device_map, NULL), GNTST_okay);
    tell("swapped while it is mapped", 9, swap(9, 8), GNTST_eagain);
    tell("swapped with what is mapped", 9, swap(8, 9), GNTST_eagain);
    tell("swapped with itself, mapped", 9, swap(9, 9), GNTST_okay);
    tell("unmapped after a swap", 9, unmap(last.handle, 0, last.dev_bus_addr), GNTST_okay);
    tell("swapped back", 8, swap(8, 9), GNTST_okay);
    check_equal("as it was", entry(8)->frame, (uint32_t)frame_of(data[0]));
    check_equal("swap_grant_ref of nothing", (uint64_t)grant_op(GNTTABOP_swap_grant_ref, NULL, 0),
                0);
}

static void flush(const char *name, uint64_t at, unsigned offset, unsigned length, unsigned op)
{
    struct gnttab_cache_flush flush = {
        .a.dev_bus_addr = at, .offset = (uint16_t)offset, .length = (uint16_t)length, .op = op};
    tell_result("grants", name, grant_op(GNTTABOP_cache_flush, &flush, 1));
}

static void caches(void)
{
    const uint64_t at = (uint64_t)frame_of(data[0]) << 12;
    const unsigned both = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL;
    struct gnttab_cache_flush two[2] = {{.a.dev_bus_addr = at, .length = 8, .op = both},
                                        {.a.dev_bus_addr = at, .length = 5000, .op = both}};
    flush("cleaned", at, 0, 4096, GNTTAB_CACHE_CLEAN);
    flush("cleaned, bits below the page", at + 77, 100, 3996, GNTTAB_CACHE_CLEAN);
    flush("cleaned and forgotten", at, 64, 64, both);
    flush("forgotten", at, 64, 64, GNTTAB_CACHE_INVAL);
    flush("no operation", at, 64, 64, 0);
    flush("another operation", at, 64, 64, 8);
    flush("by grant", 8, 64, 64, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF);
    flush("of no length", at, 4095, 0, GNTTAB_CACHE_CLEAN);
    flush("of no length in no frame", ~UINT64_C(0), 0, 0, GNTTAB_CACHE_CLEAN);
    flush("from behind the page", at, 4096, 0, GNTTAB_CACHE_CLEAN);
    flush("beyond the page", at, 4000, 97, GNTTAB_CACHE_CLEAN);
    flush("more than a page", at, 0, 4097, GNTTAB_CACHE_CLEAN);
    flush("of no frame", UINT64_C(0xffffffff000), 0, 64, GNTTAB_CACHE_CLEAN);
    flush("of frame 0", 0, 0, 64, GNTTAB_CACHE_CLEAN);
    flush("of the table", (uint64_t)list[0] << 12, 0, 64, GNTTAB_CACHE_CLEAN);
    flush("of the root", (uint64_t)frame_of((const void *)start_info->pt_base) << 12, 0, 64, both);
#ifndef __i386__
    flush("of the hypervisor", PTE_FRAME(((const pte_t *)start_info->pt_base)[256]) << 12, 0, 64,
          both);
#endif
    tell_result("grants", "flush of two, one bad", grant_op(GNTTABOP_cache_flush, two, 2));
    tell_result("grants", "flush that goes on", grant_op(0x1000 | GNTTABOP_cache_flush, two, 1));
    two[0].length = 0;
    tell_result("grants", "flush of nothing that goes on",
                grant_op(0x1000 | GNTTABOP_cache_flush, two, 1));
    tell_result("grants", "map that goes on", grant_op(0x1000 | GNTTABOP_map_grant_ref, &last, 1));
}

/* ---- frames that are mapped and used for something else ------------------------------------- */

static void other_uses(void)
{
    grant(8, GTF_permit_access, data[0]);
    for (unsigned i = 0; i < 4096; i++)
        data[0][i] = 0;
    tell("mapped before a pin", 8, map_at(8, GNTMAP_host_map, window[0]), GNTST_okay);
    check_equal("read-only", (uint64_t)map(data[0], own(data[0], PTE_PRESENT)), 0);
    tell_result("grants", "pinned while it is mapped",
                extended(MMUEXT_PIN_L1_TABLE, frame_of(data[0]), 0));
    extended(MMUEXT_UNPIN_TABLE, frame_of(data[0]), 0);
    tell("unmapped after a pin", 8, unmap_at(last.handle, window[0]), GNTST_okay);
    tell_result("grants", "pinned when it is not",
                extended(MMUEXT_PIN_L1_TABLE, frame_of(data[0]), 0));
    tell("mapped while it is pinned", 8, map_at(8, GNTMAP_host_map, window[0]),
         GNTST_general_error);
    extended(MMUEXT_UNPIN_TABLE, frame_of(data[0]), 0);
    check_equal("writable", (uint64_t)map(data[0], own(data[0], PTE_OWN)), 0);
    windows_back();
}

void pv_grants_check(void)
{
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 2};
    own_domain = start_info->flags & SIF_INITDOMAIN ? 0 : 1;
    set_xen_guest_handle(setup.frame_list, list);
    check_equal("setup_table", (uint64_t)grant_op(GNTTABOP_setup_table, &setup, 1), 0);
    check_equal("table mapped", (uint64_t)map(table_page, (pte_t)list[0] << 12 | PTE_OWN), 0);
    windows_back();
    swapped();
    caches();
    refused();
    frames();
    to_read();
    to_write();
    forms();
    for_devices();
    replaced();
    counted();
    many();
    lists();
    copied();
    other_uses();
    grant_frame(8, 0, 0);
    grant_frame(9, 0, 0);
    check_equal("table unmapped", (uint64_t)map(table_page, own(table_page, PTE_OWN)), 0);
}
