/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The independent check: a good plan passes; each way of spoiling it is found and named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan_fixture.h"

/* A kernel that is copied down over a part of its own file, a module in place, one that moves. */
static struct fixture *good(void)
{
    struct fixture *f = fixture_new(0x100000, 0x20000);
    fixture_ram(f, 0, 0x9fc00);
    fixture_ram(f, 0x100000, 0x2000000);
    f->record.keep[0].range = (struct range){0x50000, 0x51000};
    f->record.keep[0].name = "tables";
    f->record.keep_count = 1;
    fixture_module(f, 0x200000, 0x8000, 0, "guest args", true);
    fixture_module(f, 0x300000, 0x3000, 0x10000, "ramdisk", true);
    fixture_module(f, 0x181000, 0x2000, 0x20000, "moves", true);
    fixture_elf(f, false, 0x180010);
    fixture_segment(f, 0x180000, 0x1000, 0x4000, 0x6000);
    f->options.native = NATIVE_ELF;
    assert_int_equal(plan_make(&f->input, MODE_NATIVE, &f->plan, &f->why), REFUSE_NONE);
    assert_int_equal(plan_check(&f->input, &f->plan, &f->why), REFUSE_NONE);
    return f;
}

static void expect(struct fixture *f, enum refusal_id id)
{
    char text[256];
    struct out_buffer buffer;
    assert_string_equal(refusal_name(plan_check(&f->input, &f->plan, &f->why)), refusal_name(id));
    out_buffer_init(&buffer, text, sizeof(text));
    refusal_print(&buffer.out, &f->why);
    assert_null(strchr(text, '%'));
}

static struct region *region(struct fixture *f, const char *name)
{
    struct region *r = (struct region *)(uintptr_t)fixture_region(f, name);
    assert_non_null(r);
    return r;
}

static void add(struct fixture *f, enum region_kind kind, uint64_t start, uint64_t end)
{
    assert_int_equal(
        plan_add_region(&f->plan, "extra", kind, (struct range){start, end}, NULL, &f->why),
        REFUSE_NONE);
}

static void a_good_plan_does_its_work(void **unused)
{
    (void)unused;
    struct fixture *f = good();
    fixture_run(f);
    assert_null(fixture_check_segments(f, 0));
    uint64_t list = fixture_u32(f->plan.exit.bx + 24);
    assert_int_equal(fixture_u32(list), 0x300000);
    assert_true(fixture_is_module(f, 2, 0, fixture_u32(list + 16), 0x2000));
}

static void regions(void **unused)
{
    (void)unused;
    struct fixture *f = good();
    region(f, "module 1")->machine.end = 0x300000;
    expect(f, REFUSE_CHECK_REGION);
    f = good();
    add(f, REGION_TARGET, 0x100000000, 0x100001000);
    expect(f, REFUSE_CHECK_REGION);
    f = good();
    add(f, REGION_TARGET, 0x9f000, 0xa0000);
    expect(f, REFUSE_CHECK_NOT_RAM);
    f = good();
    add(f, REGION_LAYER, 0x3000000, 0x3001000);
    expect(f, REFUSE_CHECK_NOT_RAM);

    static const enum region_kind solid[] = {REGION_TARGET, REGION_IN_PLACE, REGION_LAYER,
                                             REGION_HANDOFF, REGION_KEEP};
    for (unsigned i = 0; i < 5; i++) {
        /* inside, around, and over each end of module 1 at 0x300000 to 0x303000 */
        static const uint64_t bad[][2] = {
            {0x301000, 0x302000}, {0x2ff000, 0x304000}, {0x2ff000, 0x300001}, {0x302fff, 0x304000}};
        for (unsigned k = 0; k < 4; k++) {
            f = good();
            add(f, solid[i], bad[k][0], bad[k][1]);
            expect(f, REFUSE_CHECK_OVERLAP);
        }
        f = good();
        add(f, solid[i], 0x2ff000, 0x300000);
        expect(f, REFUSE_NONE);
    }
    f = good();
    add(f, REGION_SOURCE, 0x2ff000, 0x301000);
    expect(f, REFUSE_NONE);
    f = good(); /* the layer is written while the stage runs */
    add(f, REGION_LAYER, 0x110000, 0x111000);
    expect(f, REFUSE_CHECK_OVERLAP);
    f = good();
    add(f, REGION_SOURCE, f->plan.handoff + 8, f->plan.handoff + 16);
    expect(f, REFUSE_CHECK_OVERLAP);
    f = good();
    add(f, REGION_TARGET, 0x50ff0, 0x51010);
    expect(f, REFUSE_CHECK_OVERLAP);

    f = good();
    f->plan.handoff += PAGE_SIZE;
    expect(f, REFUSE_CHECK_HANDOFF);
    f = good();
    region(f, "stage")->machine.end -= 1;
    expect(f, REFUSE_CHECK_HANDOFF);
    f = good();
    f->plan.region_count = PLAN_REGION_MAX + 1;
    expect(f, REFUSE_PLAN_TOO_MANY_REGIONS);
    f = good();
    f->plan.step_count = PLAN_STEP_MAX + 1;
    expect(f, REFUSE_PLAN_TOO_MANY_STEPS);
}

static void steps(void **unused)
{
    (void)unused;
    struct fixture *f = good();
    struct step *last = &f->plan.step[f->plan.step_count - 1];
    last->size += 0x100000;
    expect(f, REFUSE_CHECK_STEP_TARGET);
    f = good();
    f->plan.step[0].to = 0x800000;
    expect(f, REFUSE_CHECK_STEP_TARGET);
    f = good();
    f->plan.step[0].size = 0;
    expect(f, REFUSE_CHECK_STEP_TARGET);
    f = good();
    f->plan.step[0].to = UINT64_MAX - 1;
    expect(f, REFUSE_CHECK_STEP_TARGET);
    f = good();
    f->plan.step[f->plan.step_count - 1].from = 0x800000;
    expect(f, REFUSE_CHECK_STEP_SOURCE);
    f = good();
    f->plan.step[f->plan.step_count - 1].from = UINT64_MAX - 1;
    expect(f, REFUSE_CHECK_STEP_SOURCE);

    f = good(); /* the module at 0x181000 is read after the segment has come to 0x180000 */
    uint32_t segment = 0, module = 0;
    for (uint32_t i = 0; i < f->plan.step_count; i++) {
        if (f->plan.step[i].to == 0x180000)
            segment = i;
        if (f->plan.step[i].from == 0x181000)
            module = i;
    }
    assert_true(module < segment);
    struct step s = f->plan.step[segment];
    f->plan.step[segment] = f->plan.step[module];
    f->plan.step[module] = s;
    expect(f, REFUSE_CHECK_SOURCE_LOST);

    f = good();
    f->plan.step[f->plan.step_count] = f->plan.step[f->plan.step_count - 1];
    f->plan.step_count++;
    expect(f, REFUSE_CHECK_WRITTEN_TWICE);
}

static void entry_and_information(void **unused)
{
    (void)unused;
    struct fixture *f = good();
    f->plan.exit.ip = 0x186000;
    expect(f, REFUSE_CHECK_ENTRY);
    f = good();
    f->plan.exit.ip = 0x200000;
    expect(f, REFUSE_CHECK_ENTRY);
    f = good();
    f->plan.exit.ip = 0x100180010;
    expect(f, REFUSE_CHECK_ENTRY);
    f = good(); /* a resident layer is entered in a layer region only */
    f->plan.exit.kind = EXIT_RESIDENT64;
    expect(f, REFUSE_CHECK_ENTRY);
    f = good();
    f->plan.info = 0x800000;
    expect(f, REFUSE_CHECK_INFO);
    f = good();
    f->plan.blob_used = f->plan.blob_size + 1;
    expect(f, REFUSE_CHECK_INFO);
}

/* A plan of mode pv reduced to what the check looks at. */
static struct fixture *good_pv(void)
{
    struct fixture *f = good();
    struct pv_plan *pv = &f->plan.pv;
    f->plan.mode = MODE_PV;
    memset(pv, 0, sizeof(*pv));
    add(f, REGION_LAYER, 0x1000000, 0x1010000);
    pv->nr_pages = 0x300;
    pv->run_count = 3;
    pv->run[0] = (struct p2m_run){0, 0x180, 0x100};
    pv->run[1] = (struct p2m_run){0x100, 0x1100, 0x100};
    pv->run[2] = (struct p2m_run){0x200, 0x400, 0x100};
    pv->pt_pfn = 0x20;
    pv->pt_count = 4;
    pv->p2m_pfn = 0x10;
    pv->p2m_pages = 2;
    pv->start_info_pfn = 0x12;
    pv->stack_pfn = 0x13;
    pv->shared_info = 0x1000000;
    pv->m2p = 0x1001000;
    pv->m2p_size = 0x2000;
    pv->handover = 0x1004000;
    expect(f, REFUSE_NONE);
    return f;
}

static void p2m_runs(void **unused)
{
    (void)unused;
    struct fixture *f;
    static const struct p2m_run bad[] = {
        {0x101, 0x1100, 0x100}, /* a gap */
        {0x0ff, 0x1100, 0x100}, /* a PFN twice */
        {0x100, 0x1100, 0},     /* empty */
        {0x100, 0x1f80, 0x100}, /* past the end of RAM */
        {0x100, UINT64_C(1) << 52, 0x100},
        {0x100, (UINT64_C(1) << 52) - 0x10, 0x100},
        {0x100, 0x0f80, 0x100}, /* into the layer from below */
        {0x100, 0x100f, 0x100}, /* the layer's last frame */
        {0x100, 0x27f, 0x100},  /* a frame of run 0 */
        {0x100, 0x301, 0x100},  /* frames of run 2, from below */
        {0x100, 0x4ff, 0x100},  /* run 2's last frame */
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        f = good_pv();
        f->plan.pv.run[1] = bad[i];
        expect(f, REFUSE_CHECK_RUN);
    }
    f = good_pv();
    f->plan.pv.nr_pages++;
    expect(f, REFUSE_CHECK_RUN);
    f = good_pv();
    f->plan.pv.run_count = PLAN_RUN_MAX + 1;
    expect(f, REFUSE_CHECK_RUN);
    f = good_pv();
    f->plan.pv.shared_info = 0x400000;
    expect(f, REFUSE_CHECK_RUN);
    f = good_pv(); /* a kept frame in low memory */
    f->plan.pv.run[0] = (struct p2m_run){0, 0x50, 1};
    f->plan.pv.run[1] = (struct p2m_run){1, 0x180, 0x2ff};
    f->plan.pv.run_count = 2;
    expect(f, REFUSE_CHECK_RUN);
}

static void pv_pieces(void **unused)
{
    (void)unused;
    struct fixture *f = good_pv();
    f->plan.pv.pt_pfn = 0x2fd;
    expect(f, REFUSE_CHECK_PV);
    f = good_pv();
    f->plan.pv.stack_pfn = 0x300;
    expect(f, REFUSE_CHECK_PV);
    f = good_pv();
    f->plan.pv.initrd_pfn = 0x2ff;
    f->plan.pv.initrd_size = 0x1001;
    expect(f, REFUSE_CHECK_PV);
    f = good_pv();
    f->plan.pv.p2m_pfn = UINT64_MAX;
    expect(f, REFUSE_CHECK_PV);
    f = good_pv();
    f->plan.pv.m2p_size = 0x10000;
    expect(f, REFUSE_CHECK_PV);
    f = good_pv();
    f->plan.pv.handover = 0x180000;
    expect(f, REFUSE_CHECK_PV);
    f = good_pv(); /* what no step writes is built early: not on top of the stage or a source */
    add(f, REGION_TARGET, 0x110000, 0x111000);
    expect(f, REFUSE_CHECK_OVERLAP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_plan_does_its_work),
        cmocka_unit_test(regions),
        cmocka_unit_test(steps),
        cmocka_unit_test(entry_and_information),
        cmocka_unit_test(p2m_runs),
        cmocka_unit_test(pv_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
