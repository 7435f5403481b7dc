/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the builders write, seen as the guest sees it: every page of the initial region maps to the
 * frame of its PFN with Xen's permission bits, the p2m list holds the runs, tables are read-only,
 * nothing else is mapped.  For all classes, and on random machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "memory_map.h"
#include "pv_abi.h"
#include "pv_fixture.h"

static struct pv_fixture f;

/* The frame of a PFN, read from the runs in the plainest way. */
static uint64_t mfn_of(uint64_t pfn)
{
    for (uint32_t i = 0; i < f.plan.pv.run_count; i++)
        if (pfn >= f.plan.pv.run[i].pfn && pfn < f.plan.pv.run[i].pfn + f.plan.pv.run[i].count)
            return f.plan.pv.run[i].mfn + pfn - f.plan.pv.run[i].pfn;
    return ~UINT64_C(0);
}

static void assert_region_is_mapped(void)
{
    const struct pv_plan *pv = &f.plan.pv;
    uint64_t leaf = pv->class == GUEST_PV64 ? UINT64_C(0x10000000000027) : 0x23;
    uint64_t pages = (pv->v_end - pv->v_start) >> 12, mfn, flags;

    for (uint64_t pfn = 0; pfn < pages; pfn++) {
        bool table = pfn >= pv->pt_pfn && pfn < pv->pt_pfn + pv->pt_count;

        assert_true(pv_fixture_walk(&f, pv->v_start + (pfn << 12), &mfn, &flags));
        assert_int_equal(mfn, mfn_of(pfn));
        assert_int_equal(flags, table ? leaf & ~UINT64_C(2) : leaf);
    }
    assert_false(pv_fixture_walk(&f, pv->v_end, &mfn, &flags));
    if (pv->v_start)
        assert_false(pv_fixture_walk(&f, pv->v_start - 1, &mfn, &flags));
}

static void assert_p2m_is_right(void)
{
    const struct pv_plan *pv = &f.plan.pv;
    unsigned size = pv->class == GUEST_PV64 ? 8 : 4;
    uint64_t none = size == 8 ? ~UINT64_C(0) : 0xffffffff;

    for (uint64_t i = 0; i < pv->p2m_pages * 4096 / size; i++) {
        uint64_t at = mfn_of(pv->p2m_pfn + i * size / 4096) << 12;
        uint64_t value = pv_fixture_read(&f, at + i * size % 4096, size);

        assert_int_equal(value, i < pv->nr_pages ? mfn_of(i) : none);
    }
}

/* INIT_P2M: the list is mapped read-write at its address, by tables that nothing maps. */
static void assert_p2m_is_mapped(void)
{
    const struct pv_plan *pv = &f.plan.pv;
    uint64_t mfn, flags;

    for (uint64_t i = 0; i < pv->p2m_pages; i++) {
        assert_true(pv_fixture_walk(&f, pv->p2m_virtual + i * 4096, &mfn, &flags));
        assert_int_equal(mfn, mfn_of(pv->p2m_pfn + i));
        if (pv->p2m_apart)
            assert_int_equal(flags, UINT64_C(0x10000000000067));
    }
    if (pv->p2m_apart)
        assert_false(pv_fixture_walk(&f, pv->p2m_virtual + pv->p2m_pages * 4096, &mfn, &flags));
}

/* Non-leaf entries: all that are present have these bits; returns how many are. */
static unsigned count_entries(uint64_t table_pfn, unsigned entry_size, uint64_t flags)
{
    uint64_t at = mfn_of(table_pfn) << 12;
    unsigned count = 0;

    for (unsigned i = 0; i < 4096; i += entry_size) {
        uint64_t entry = pv_fixture_read(&f, at + i, entry_size);

        if (!entry)
            continue;
        assert_int_equal(entry & 0xfff, flags);
        count++;
    }
    return count;
}

static void assert_shared_info(void)
{
    for (uint64_t i = 0; i < 4096; i++)
        assert_int_equal(f.memory[f.plan.pv.shared_info + i], i < 2048 && i % 64 == 1);
    for (uint32_t i = 0; i < f.plan.pv.run_count; i++)
        assert_true(f.plan.pv.shared_info >> 12 < f.plan.pv.run[i].mfn ||
                    f.plan.pv.shared_info >> 12 >= f.plan.pv.run[i].mfn + f.plan.pv.run[i].count);
}

static void assert_start_of_day(void)
{
    pv_fixture_apply(&f);
    assert_region_is_mapped();
    assert_p2m_is_right();
    assert_p2m_is_mapped();
    assert_shared_info();
}

/* Kernel bytes at their PFNs, zeros behind them. */
static void assert_kernel(void)
{
    const struct placed_segment *s = &f.placement.segment[0];

    for (uint64_t i = 0; i < s->memory_size; i += 509) {
        uint64_t physical = s->physical.v + i;

        assert_int_equal(f.memory[(mfn_of(physical >> 12) << 12) + (physical & 4095)],
                         i < s->file_size ? 0x5a : 0);
    }
}

static void every_class_is_mapped(void **state)
{
    static const enum pae_mode pae[] = {PAE_YES, PAE_YES, PAE_NO};

    (void)state;
    for (unsigned role = 0; role < 2; role++)
        for (unsigned i = 0; i < 3; i++) {
            pv_fixture_init(&f, 256 << 20, 0x1800000);
            if (i)
                pv_fixture_32bit(&f, pae[i]);
            f.options.role = role ? ROLE_DOMU : ROLE_DOM0;
            pv_fixture_module(&f, 0x9000000, 0x5678, "initrd", 0xcc);
            assert_int_equal(pv_fixture_plan(&f), REFUSE_NONE);
            assert_start_of_day();
            assert_kernel();
            const uint64_t roots[] = {2, 4, (f.plan.pv.v_end - f.plan.pv.v_start) >> 22};
            assert_int_equal(count_entries(f.plan.pv.pt_pfn, i == 2 ? 4 : 8, 0x67), roots[i]);
        }
}

/* On a CPU without long mode the root is the CPU's own PDPT, where only P may be set. */
static void hardware_pdptes_have_only_present(void **state)
{
    (void)state;
    pv_fixture_init(&f, 256 << 20, 0x1800000);
    pv_fixture_32bit(&f, PAE_YES);
    f.cpu.long_mode = false;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_NONE);
    pv_fixture_apply(&f);
    assert_region_is_mapped();
    assert_int_equal(count_entries(f.plan.pv.pt_pfn, 8, 0x01), 4);
    uint64_t used = (f.plan.pv.v_end - f.plan.pv.v_start) >> 21;
    for (unsigned l2 = 0; l2 < 4; l2++)
        assert_int_equal(count_entries(f.plan.pv.pt_pfn + 1 + l2, 8, 0x67), l2 == 3 ? used : 0);
}

/* Old guests at 0 (GRUB, Mini-OS) and at 1 MiB (XTF): no base, list in the region. */
static void guests_at_zero_are_mapped(void **state)
{
    (void)state;
    for (uint64_t at = 0; at <= 0x100000; at += 0x100000) {
        pv_fixture_init(&f, 64 << 20, 0x20000);
        f.info.init_p2m.given = false;
        f.placement.base = 0;
        f.placement.segment[0].physical = gpaddr(at);
        f.placement.physical = (struct range){at, at + 0x20000};
        f.placement.entry_virtual = gvaddr(at);
        assert_int_equal(pv_fixture_plan(&f), REFUSE_NONE);
        assert_int_equal(f.plan.pv.v_end, 0x400000);
        assert_start_of_day();
        assert_kernel();
    }
}

/* INIT_P2M in the region's own slot of 512 GiB, its own GiB, and from one slot into the other. */
static void init_p2m_hangs_in_the_regions_tables(void **state)
{
    static const uint64_t list[] = {0xffffff8000000000, 0xffffffff90000000, 0xffffff7fffffe000,
                                    0xffffffff84003000};

    (void)state;
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        pv_fixture_init(&f, 256 << 20, 0x1800000);
        f.info.init_p2m.value = list[i];
        assert_int_equal(pv_fixture_plan(&f), REFUSE_NONE);
        assert_true(f.plan.pv.p2m_apart);
        assert_int_equal(f.plan.warning_count, 0);
        assert_start_of_day();
        assert_kernel();
    }
}

static uint64_t random_below(uint64_t limit)
{
    return (((uint64_t)random() << 31) | (uint64_t)random()) % limit;
}

/* A machine with holes and odd ends, modules anywhere, any class, role and kernel size. */
static void random_machine(unsigned seed, bool bare)
{
    struct memory_map *map = &f.record.map;
    uint64_t kernel_size;

    srandom(seed);
    kernel_size = (random_below(0x900) + 1) << 13;
    if (bare)
        pv_fixture_init_bare(&f, 256 << 20, kernel_size);
    else
        pv_fixture_init(&f, 256 << 20, kernel_size);
    map->count = 0;
    for (uint64_t at = random_below(0x1000) + 0x100000 - 0x800, n = random_below(8) + 1; n; n--) {
        uint64_t size = random_below(0x8000000) + 0x1000000;

        assert_true(memory_map_add(map, at, size, n % 5 ? MEMORY_RAM : MEMORY_RESERVED));
        at += size + random_below(3) * random_below(0x2000000);
    }
    assert_true(memory_map_add(map, 0, 0xa0000, MEMORY_RAM));
    if (random_below(2))
        assert_true(memory_map_add(map, UINT64_C(1) << 32, random_below(1 << 28), MEMORY_RAM));
    if (random_below(2))
        pv_fixture_32bit(&f, random_below(2) ? PAE_YES : PAE_NO);
    if (random_below(2))
        f.info.mod_start_pfn = !f.info.mod_start_pfn;
    if (random_below(2))
        f.options.role = ROLE_DOMU;
    if (random_below(4) == 0)
        f.options.memory_limit = random_below(512 << 20) + 1;
    for (uint64_t n = random_below(4); n; n--)
        pv_fixture_module(
            &f, 0x1400000 + random_below(2) * random_below(4096) + (random_below(0x4000) << 12),
            random_below(0x100000), "module", 0xcc);
    f.record.keep_count = (uint32_t)random_below(2);
    f.record.keep[0].name = "kept";
    f.record.keep[0].range.start = random_below(0x10000000);
    f.record.keep[0].range.end = f.record.keep[0].range.start + random_below(0x10000) + 1;
}

/* Planned, or refused for want of room. */
static bool plan_random(unsigned seed, bool bare)
{
    random_machine(seed, bare);
    if (pv_fixture_plan(&f) == REFUSE_NONE)
        return true;
    if (f.why.id != REFUSE_PV_NO_ROOM && f.why.id != REFUSE_PV_MEMORY_TOO_SMALL)
        print_message("seed %u: %s\n", seed, refusal_name(f.why.id));
    assert_true(f.why.id == REFUSE_PV_NO_ROOM || f.why.id == REFUSE_PV_MEMORY_TOO_SMALL);
    return false;
}

static void random_machines_are_built(void **state)
{
    unsigned planned = 0;

    (void)state;
    for (unsigned seed = 1; seed <= 100; seed++) {
        if (!plan_random(seed, false))
            continue;
        planned++;
        assert_start_of_day();
        assert_kernel();
    }
    assert_true(planned > 50);
}

/* Every page of whole RAM from 1 MiB up belongs to the guest or to a region that is kept from it,
 * unless mem= says less; and nothing is in both (plan_check() has run as well). */
static void assert_memory_is_shared_out(void)
{
    const struct pv_plan *pv = &f.plan.pv;
    uint64_t ram = 0, kept = 0, limit = f.options.memory_limit >> 12;
    uint64_t reach = pv->class == GUEST_PV64 ? ~UINT64_C(0) : UINT64_C(1) << 20;

    for (uint32_t i = 0; i < f.record.map.count; i++) {
        const struct memory_entry *e = &f.record.map.entry[i];
        uint64_t start = (e->start + 4095) >> 12, end = e->end >> 12;

        if (start < 256)
            start = 256;
        if (pv->class == GUEST_PV32 && end > reach)
            end = reach;
        if (e->type == MEMORY_RAM && end > start)
            ram += end - start;
    }
    for (uint32_t i = 0; i < f.plan.region_count; i++) {
        const struct region *r = &f.plan.region[i];
        uint64_t pages = (r->machine.end - r->machine.start) >> 12;

        if (r->kind == REGION_LAYER || r->kind == REGION_HANDOFF)
            kept += pages;
    }
    if (limit)
        assert_true(pv->nr_pages <= limit);
    if (f.record.keep_count)
        assert_true(pv->nr_pages <= ram - kept);
    else if (!limit || limit >= ram - kept)
        assert_int_equal(pv->nr_pages, ram - kept);
    else
        assert_int_equal(pv->nr_pages, limit);
}

static void random_machines_are_planned_or_refused(void **state)
{
    unsigned planned = 0;

    (void)state;
    for (unsigned seed = 1000; seed < 21000; seed++) {
        if (!plan_random(seed, true))
            continue;
        planned++;
        assert_memory_is_shared_out();
    }
    assert_true(planned > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_is_mapped),
        cmocka_unit_test(hardware_pdptes_have_only_present),
        cmocka_unit_test(guests_at_zero_are_mapped),
        cmocka_unit_test(init_p2m_hangs_in_the_regions_tables),
        cmocka_unit_test(random_machines_are_built),
        cmocka_unit_test(random_machines_are_planned_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
