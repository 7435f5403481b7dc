/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The initial region against what Xen itself prints (Debian's 4.17 as dom0 builder) for Debian's
 * Linux and for an XTF guest, against Xen's own way of counting page tables, and its refusals.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pv_abi.h"
#include "pv_layout.h"

static struct pv_layout layout;
static struct refusal why;

static const struct pv_layout_request linux_64 = {
    .class = GUEST_PV64,
    .virt_base = 0xffffffff80000000,
    .kernel_end = 0xffffffff84a00000,
    .nr_pages = 0x20000,
    .p2m_outside = true,
    .p2m_address = 0x8000000000,
};

static const struct pv_layout_request xtf_64 = {
    .class = GUEST_PV64,
    .kernel_end = 0x112000,
    .nr_pages = 0x10000,
};

static void linux_is_as_xen_has_it(void **state)
{
    (void)state;
    assert_int_equal(pv_layout_make(&linux_64, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.p2m, 0x8000000000);
    assert_int_equal(layout.p2m + linux_64.nr_pages * 8, 0x8000100000);
    assert_int_equal(layout.start_info, 0xffffffff84a00000);
    assert_int_equal(layout.page_tables, 0xffffffff84a01000);
    assert_int_equal(layout.page_table_pages, 41);
    assert_int_equal(layout.stack, 0xffffffff84a2a000);
    assert_int_equal(layout.v_start, 0xffffffff80000000);
    assert_int_equal(layout.v_end, 0xffffffff84c00000);
    assert_int_equal(layout.p2m_pfn, 0x4c00);
    assert_int_equal(layout.p2m_pages, 256);
    assert_int_equal(layout.p2m_table_pfn, 0x4d00);
    assert_int_equal(layout.p2m_table_pages, 3);
}

static void xtf_is_as_xen_has_it(void **state)
{
    (void)state;
    assert_int_equal(pv_layout_make(&xtf_64, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.p2m, 0x112000);
    assert_int_equal(layout.start_info, 0x192000);
    assert_int_equal(layout.page_tables, 0x193000);
    assert_int_equal(layout.page_table_pages, 5);
    assert_int_equal(layout.stack, 0x198000);
    assert_int_equal(layout.v_start, 0);
    assert_int_equal(layout.v_end, 0x400000);
    assert_int_equal(layout.fixed_pages, 0x400);
}

/* Mapped ramdisk, the rings of a domU and fewer than 512 KiB left: another 4 MiB. */
static void all_elements_stand_in_order(void **state)
{
    struct pv_layout_request request = xtf_64;

    (void)state;
    request.domu = true;
    request.initrd_pages = 0x1d0;
    request.initrd_mapped = true;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.initrd, 0x112000);
    assert_int_equal(layout.initrd_pfn, 0x112);
    assert_int_equal(layout.p2m, 0x2e2000);
    assert_int_equal(layout.start_info, 0x362000);
    assert_int_equal(layout.xenstore, 0x363000);
    assert_int_equal(layout.console, 0x364000);
    assert_int_equal(layout.page_tables, 0x365000);
    assert_int_equal(layout.stack, 0x36a000);
    assert_int_equal(layout.v_end, 0x400000);
    request.initrd_pages = 0x1f0; /* the stack ends at 0x38b000: 468 KiB left */
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.v_end, 0x800000);
    request.initrd_mapped = false;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.initrd, 0);
    assert_int_equal(layout.initrd_pfn, 0x400);
    assert_int_equal(layout.fixed_pages, 0x5f0);
}

static void widths_have_their_own_tables(void **state)
{
    struct pv_layout_request request = {
        .class = GUEST_PV32PAE,
        .virt_base = 0xc0000000,
        .kernel_end = 0xc0500000,
        .nr_pages = 0x10000,
        .hole_start = HV32PAE_START,
    };

    (void)state;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.p2m_pages, 64);
    assert_int_equal(layout.page_table_pages, 1 + 4 + 4); /* 8 MiB in 2 MiB tables */
    assert_int_equal(layout.v_end, 0xc0800000);
    request.class = GUEST_PV32;
    request.hole_start = HV32_START;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_int_equal(layout.page_table_pages, 1 + 2);
    assert_int_equal(layout.v_end, 0xc0800000);
}

/* Xen's own search: the smallest n from 2 up, counting blocks by rounding both ends. */
static uint64_t blocks(uint64_t start, uint64_t end, unsigned shift)
{
    uint64_t size = UINT64_C(1) << shift;

    return (((end + size - 1) & ~(size - 1)) - (start & ~(size - 1))) >> shift;
}

static void counts_agree_with_xens_search(void **state)
{
    (void)state;
    srandom(17);
    for (unsigned round = 0; round < 20000; round++) {
        static const uint64_t base[] = {
            0, 0x100000, 0x3fe00000, 0xffff880000000000, 0xffffffff80000000, 0x7fc0000000};
        struct pv_layout_request request = {
            .class = round % 3 + GUEST_PV64,
            .virt_base = base[(unsigned)random() % 6],
            .nr_pages = (uint64_t)random() % 0x2000000 + 1,
            .hole_start = HV32PAE_START,
        };
        uint64_t pages, n, v_end, needed;

        if (request.class != GUEST_PV64 && request.virt_base > HV32PAE_START)
            request.virt_base = 0xc0000000;
        request.kernel_end = request.virt_base + (uint64_t)random() % 0x8000000 + 1;
        if (pv_layout_make(&request, &layout, &why) != REFUSE_NONE)
            continue;
        pages = (layout.page_tables - layout.v_start) >> 12;
        for (n = 2;; n++) {
            uint64_t end = layout.v_start + ((pages + n + 1) << 12);

            v_end = (end + 0x3fffff) & ~UINT64_C(0x3fffff);
            if (v_end - end < 0x80000)
                v_end += 0x400000;
            if (request.class == GUEST_PV64)
                needed = 1 + blocks(layout.v_start, v_end, 39) + blocks(layout.v_start, v_end, 30) +
                         blocks(layout.v_start, v_end, 21);
            else if (request.class == GUEST_PV32PAE)
                needed = 1 + 4 + blocks(layout.v_start, v_end, 21);
            else
                needed = 1 + blocks(layout.v_start, v_end, 22);
            if (needed <= n)
                break;
        }
        assert_int_equal(layout.page_table_pages, n);
        assert_int_equal(layout.v_end, v_end);
        assert_true(layout.tables.total <= n);
    }
}

static void regions_out_of_place_are_refused(void **state)
{
    struct pv_layout_request request = xtf_64;

    (void)state;
    request.virt_base = 0x800;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_BASE_UNALIGNED);
    request.virt_base = 0x0000900000000000; /* not canonical */
    request.kernel_end = request.virt_base + 0x1000;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_REGION_TOO_HIGH);
    request.virt_base = 0xffffffffffe00000; /* would end at 2^64 */
    request.kernel_end = request.virt_base + 0x1000;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_REGION_TOO_HIGH);
    request.kernel_end = request.virt_base - 1;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_REGION_TOO_HIGH);
    request.virt_base = 0x00007fffffe00000; /* over the end of the lower half */
    request.kernel_end = request.virt_base + 0x1000;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_REGION_TOO_HIGH);
    request.virt_base = HV64_START;
    request.kernel_end = request.virt_base + 0x1000;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_REGION_IN_HOLE);
    request.class = GUEST_PV32PAE;
    request.hole_start = HV32PAE_START;
    request.virt_base = 0xc0000000;
    request.kernel_end = 0xf5700000;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_PV_REGION_IN_HOLE);
}

static void init_p2m_wants_good_addresses(void **state)
{
    uint64_t pages = 0x20000;

    (void)state;
    assert_true(pv_layout_p2m_fits(0x8000000000, pages));
    assert_true(pv_layout_p2m_fits(0, pages));
    assert_true(pv_layout_p2m_fits(0xffffff8000000000, pages));
    assert_true(pv_layout_p2m_fits(0xfffff01000, pages)); /* over a slot's end */
    assert_true(pv_layout_p2m_fits(HV64_END, pages));
    assert_false(pv_layout_p2m_fits(0x8000000800, pages));
    assert_false(pv_layout_p2m_fits(0x800000000000, pages)); /* not canonical */
    assert_false(pv_layout_p2m_fits(0x7ffffff01000, pages)); /* its end is not */
    assert_false(pv_layout_p2m_fits(HV64_START, pages));     /* the hypervisor's */
    assert_false(pv_layout_p2m_fits(HV64_END - 0x1000, pages));
    assert_false(pv_layout_p2m_fits(0xfffffffffff01000, pages)); /* wraps */
}

/* As many tables as Xen needs: none where the region's own lead. */
static void init_p2m_shares_the_regions_tables(void **state)
{
    static const struct {
        uint64_t address, tables;
    } list[] = {
        {0x8000000000, 3},       {0x3ffff80000, 5}, /* one slot; over the end of a GiB */
        {0xffffff7ffff80000, 5},                    /* into the region's slot */
        {0xffffff8000000000, 2}, {0xffffffff90000000, 1},
        {0xffffffff84e00000, 1}, {0xffffffff85000000, 1},
    };
    struct pv_layout_request request = linux_64;

    (void)state;
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        request.p2m_address = list[i].address;
        assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
        assert_int_equal(layout.p2m_table_pages, list[i].tables);
        assert_true(layout.p2m_apart);
        assert_false(pv_layout_p2m_in_region(&layout));
    }
    request.p2m_address = 0xffffffff84b00000; /* before 0xffffffff84c00000, the region's end */
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_true(pv_layout_p2m_in_region(&layout));
    request.p2m_outside = false;
    assert_int_equal(pv_layout_make(&request, &layout, &why), REFUSE_NONE);
    assert_false(pv_layout_p2m_in_region(&layout));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_is_as_xen_has_it),
        cmocka_unit_test(xtf_is_as_xen_has_it),
        cmocka_unit_test(all_elements_stand_in_order),
        cmocka_unit_test(widths_have_their_own_tables),
        cmocka_unit_test(counts_agree_with_xens_search),
        cmocka_unit_test(regions_out_of_place_are_refused),
        cmocka_unit_test(init_p2m_wants_good_addresses),
        cmocka_unit_test(init_p2m_shares_the_regions_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
