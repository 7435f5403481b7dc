/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The PV planner: classes and layers, start_info and hand-over as Xen has them, ramdisks spliced or
 * copied, memory limits, every refusal of its own.  What is built from a plan: test_pv_build.c.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "pv_abi.h"
#include "pv_fixture.h"
#include "pv_memory.h"

static struct pv_fixture f;

static const struct handover *handover(void)
{
    return (const struct handover *)(f.memory + f.plan.pv.handover);
}

static const struct region *region(const char *name)
{
    for (uint32_t i = 0; i < f.plan.region_count; i++)
        if (!strcmp(f.plan.region[i].name, name))
            return &f.plan.region[i];
    return NULL;
}

static void setup(void)
{
    pv_fixture_init(&f, 512 << 20, 0x2000000);
}

static void assert_planned(void)
{
    if (pv_fixture_plan(&f) != REFUSE_NONE) {
        char text[512];
        struct out_buffer out;

        out_buffer_init(&out, text, sizeof(text));
        refusal_print(&out.out, &f.why);
        print_message("%s: %s\n", refusal_name(f.why.id), text);
        fail();
    }
    pv_fixture_apply(&f);
}

static void dom0_start_info_is_xens(void **state)
{
    const struct start_info64 *info;
    const struct vga_console_info *video;

    (void)state;
    setup();
    pv_fixture_module(&f, 0x8000000, 0x123456, "initrd", 0xcc);
    f.info.hypercall_page = (struct info_value){true, f.placement.base + 0x1003000};
    assert_planned();
    assert_string_equal(f.plan.protocol, "pv64");
    assert_int_equal(f.plan.exit.kind, EXIT_RESIDENT64);
    assert_int_equal(f.plan.exit.di, f.plan.pv.handover);

    info = (const struct start_info64 *)(f.memory + handover()->start_info_maddr);
    video = (const struct vga_console_info *)(info + 1);
    assert_string_equal(info->magic, "xen-3.0-x86_64p"); /* dom0 builder: "p" after PAE_MODE */
    assert_int_equal(info->nr_pages, f.plan.pv.nr_pages);
    assert_int_equal(info->shared_info, f.plan.pv.shared_info);
    assert_int_equal(info->flags, 0xb);
    assert_int_equal(info->store_mfn, 0);
    assert_int_equal(info->store_evtchn, 0);
    assert_int_equal(info->console.dom0.info_off, 0x490);
    assert_int_equal(info->console.dom0.info_size, 0x28);
    assert_int_equal(video->video_type, 3);
    assert_int_equal(video->u.text.rows, 25);
    assert_int_equal(video->u.text.columns, 80);
    assert_int_equal(info->pt_base, 0xffffffff83001000);
    assert_int_equal(info->nr_pt_frames, f.plan.pv.pt_count);
    assert_int_equal(info->mfn_list, 0x8000000000);
    assert_int_equal(info->mod_start, (f.plan.pv.v_end - f.plan.pv.v_start) >> 12);
    assert_int_equal(info->mod_len, 0x123456);
    assert_int_equal(info->first_p2m_pfn, info->mod_start + 0x124);
    assert_int_equal(info->nr_p2m_frames, f.plan.pv.p2m_pages + 3);
    assert_string_equal(info->cmd_line, "root=/dev/ram0 quiet");

    const struct handover *h = handover();
    assert_int_equal(h->magic, HANDOVER_MAGIC);
    assert_int_equal(h->flags & HANDOVER_DOM0, HANDOVER_DOM0);
    assert_int_equal(h->guest_class, GUEST_PV64);
    assert_int_equal(h->entry, 0xffffffff81000040);
    assert_int_equal(h->start_info, 0xffffffff83000000);
    assert_int_equal(h->stack_top, info->pt_base + info->nr_pt_frames * 4096 + 4096);
    assert_string_equal((char *)f.memory + h->command_line, "root=/dev/ram0 quiet");
    assert_int_equal(h->nr_pages, info->nr_pages);
    assert_int_equal(h->run_count, f.plan.pv.run_count);
    assert_memory_equal(f.memory + h->runs, f.plan.pv.run, h->run_count * sizeof(struct p2m_run));
    assert_memory_equal(f.memory + h->map, f.record.map.entry,
                        h->map_count * sizeof(struct memory_entry));
    uint64_t at;
    assert_true(pv_memory_find(&f.plan.pv, 0x1003, &at, NULL));
    assert_int_equal(h->hypercall_page, at);
}

static void domu_start_info_is_libxenguests(void **state)
{
    const struct start_info64 *info;

    (void)state;
    setup();
    f.options.role = ROLE_DOMU;
    f.info.init_p2m.given = false;
    assert_planned();
    info = (const struct start_info64 *)(f.memory + handover()->start_info_maddr);
    assert_string_equal(info->magic, "xen-3.0-x86_64");
    assert_int_equal(info->flags, 0x10);
    assert_int_equal(info->store_mfn, handover()->xenstore_mfn);
    assert_int_equal(info->store_evtchn, 1);
    assert_int_equal(info->console.domu.mfn, handover()->console_mfn);
    assert_int_equal(info->console.domu.evtchn, 2);
    assert_int_equal(info->first_p2m_pfn, 0);
    assert_int_equal(info->nr_p2m_frames, 0);
    assert_int_equal(info->mod_start, 0);
    assert_int_equal(info->mod_len, 0);
    assert_int_equal(info->mfn_list, 0xffffffff83000000);
    assert_int_not_equal(info->store_mfn, 0);
    assert_int_equal(handover()->flags & HANDOVER_DOM0, 0);
    for (uint64_t i = 0; i < 4096; i++)
        assert_int_equal(f.memory[(info->store_mfn << 12) + i], 0);
}

static void start_info_32bit(void **state)
{
    const struct start_info32 *info;

    (void)state;
    setup();
    pv_fixture_32bit(&f, PAE_BIMODAL);
    pv_fixture_module(&f, 0x8000000, 0x3001, "initrd", 0xcc);
    f.record.framebuffer = (struct framebuffer){.kind = FRAMEBUFFER_RGB,
                                                .efi = true,
                                                .address = 0x1c0000000,
                                                .pitch = 4096,
                                                .width = 1024,
                                                .height = 768,
                                                .bpp = 32,
                                                .red_position = 16,
                                                .red_size = 8};
    assert_planned();
    assert_string_equal(f.plan.protocol, "pv32pae");
    info = (const struct start_info32 *)(f.memory + handover()->start_info_maddr);
    assert_string_equal(info->magic, "xen-3.0-x86_32p");
    assert_int_equal(info->flags, 3);
    assert_int_equal(info->mod_start, 0xc2100000); /* mapped, right behind the kernel */
    assert_int_equal(info->mod_len, 0x3001);
    assert_int_equal(info->mfn_list, 0xc2104000);
    assert_int_equal(info->console.dom0.info_off, 0x458);
    const struct vga_console_info *video = (const struct vga_console_info *)(info + 1);
    assert_int_equal(video->video_type, 0x70);
    assert_int_equal(video->u.lfb.lfb_base, 0xc0000000);
    assert_int_equal(video->u.lfb.ext_lfb_base, 1);
    assert_int_equal(video->u.lfb.lfb_size, 48);
    assert_int_equal(handover()->hv_start_low, 0xf5800000);
    assert_int_equal(handover()->flags & HANDOVER_EXTENDED_CR3, HANDOVER_EXTENDED_CR3);

    f.record.framebuffer.kind = FRAMEBUFFER_NONE;
    f.record.way = WAY_UEFI;
    f.info.pae = PAE_NO;
    assert_planned();
    assert_string_equal(f.plan.protocol, "pv32");
    info = (const struct start_info32 *)(f.memory + handover()->start_info_maddr);
    assert_string_equal(info->magic, "xen-3.0-x86_32");
    assert_int_equal(info->console.dom0.info_size, 0);
    assert_int_equal(handover()->hv_start_low, 0xfc000000);
    assert_int_equal(handover()->flags & HANDOVER_EXTENDED_CR3, 0);
    assert_int_equal(f.plan.exit.kind, EXIT_RESIDENT32);
    assert_int_equal(f.plan.exit.ax, f.plan.pv.handover);
}

static void long_command_lines_are_cut_with_a_warning(void **state)
{
    static char line[3000] = "kernel ";
    const struct start_info64 *info;

    (void)state;
    setup();
    memset(line + 7, 'x', sizeof(line) - 8);
    f.record.module[0].string = line;
    assert_planned();
    info = (const struct start_info64 *)(f.memory + handover()->start_info_maddr);
    assert_int_equal(strlen(info->cmd_line), 1023);
    assert_int_equal(f.plan.warning_count, 1);
    assert_int_equal(strlen((char *)f.memory + handover()->command_line), sizeof(line) - 8);
}

/* What a ramdisk's PFNs hold, and whether a step wrote it. */
static void assert_ramdisk(uint64_t pfn, uint64_t size, uint8_t fill)
{
    uint64_t at, count;

    assert_true(pv_memory_find(&f.plan.pv, pfn, &at, &count));
    for (uint64_t i = 0; i < size; i++) {
        if (i && !(i & PAGE_MASK))
            assert_true(pv_memory_find(&f.plan.pv, pfn + (i >> 12), &at, &count));
        assert_int_equal(f.memory[at + (i & PAGE_MASK)], fill);
    }
}

static void ramdisks_are_spliced_or_copied(void **state)
{
    uint64_t at, first;

    (void)state;
    setup();
    pv_fixture_module(&f, 0x8000000, 0x3000, "a", 0xa1); /* whole pages: spliced */
    pv_fixture_module(&f, 0x9000010, 0x1801, "b", 0xb2); /* not aligned: copied */
    pv_fixture_module(&f, 0xa000000, 0, "empty", 0);
    pv_fixture_module(&f, 0xb000000, 0x2345, "c", 0xc3); /* the last: may end inside a page */
    assert_planned();
    first = f.plan.pv.initrd_pfn;
    assert_int_equal(f.plan.pv.initrd_size, 0x3000 + 0x2000 + 0x2345);
    assert_true(pv_memory_find(&f.plan.pv, first, &at, NULL));
    assert_int_equal(at, 0x8000000);
    assert_true(pv_memory_find(&f.plan.pv, first + 3, &at, NULL));
    assert_int_not_equal(at, 0x9000000);
    assert_int_equal(f.memory[at + 0x1801], 0);
    assert_true(pv_memory_find(&f.plan.pv, first + 5, &at, NULL));
    assert_int_equal(at, 0xb000000);
    assert_ramdisk(first, 0x3000, 0xa1);
    assert_ramdisk(first + 3, 0x1801, 0xb2);
    assert_ramdisk(first + 5, 0x2345, 0xc3);

    /* In the way of nothing but not RAM as a whole page, or shared with another module: copied. */
    setup();
    pv_fixture_module(&f, 0x8000000, 0x800, "a", 0xa1);
    pv_fixture_module(&f, 0x8000800, 0x800, "b", 0xb2);
    assert_planned();
    assert_ramdisk(f.plan.pv.initrd_pfn, 0x800, 0xa1);
    assert_ramdisk(f.plan.pv.initrd_pfn + 1, 0x800, 0xb2);
}

static void memory_is_all_but_what_is_kept(void **state)
{
    uint64_t taken = 0, total = 0;

    (void)state;
    setup();
    f.record.keep[0].range = (struct range){0x7000800, 0x7001800};
    f.record.keep[0].name = "kept";
    f.record.keep_count = 1;
    assert_planned();
    for (uint32_t i = 0; i < f.plan.region_count; i++) {
        const struct region *r = &f.plan.region[i];

        if (r->kind == REGION_LAYER || r->kind == REGION_HANDOFF)
            taken += range_size(r->machine) >> 12;
    }
    total = (0x20000000 - 0x20000 - 0x100000) >> 12;
    assert_int_equal(f.plan.pv.nr_pages, total - taken - 2);

    f.options.memory_limit = 128 << 20;
    assert_planned();
    assert_int_equal(f.plan.pv.nr_pages, 0x8000);
    f.options.memory_limit = 32 << 20;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_MEMORY_TOO_SMALL);
}

/* 20 GiB: a PAE guest gets what lies below 16 GiB, a non-PAE one what lies below 4. */
static void reach_of_the_m2p_limits_memory(void **state)
{
    uint64_t end[3] = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        pv_fixture_init(&f, UINT64_C(20) << 30, 0x2000000);
        if (i)
            pv_fixture_32bit(&f, i == 1 ? PAE_YES : PAE_NO);
        assert_int_equal(pv_fixture_plan(&f), REFUSE_NONE);
        for (uint32_t r = 0; r < f.plan.pv.run_count; r++) {
            uint64_t run_end = f.plan.pv.run[r].mfn + f.plan.pv.run[r].count;

            if (run_end > end[i])
                end[i] = run_end;
        }
        /* RAM is [0, 3 GiB) and [4, 21 GiB). */
        static const uint64_t m2p[] = {(UINT64_C(20) << 30) / 512, (UINT64_C(15) << 30) / 1024,
                                       (UINT64_C(3) << 30) / 1024};
        assert_int_equal(f.plan.pv.m2p_size, m2p[i]);
    }
    assert_int_equal(end[0], UINT64_C(21) << 18);
    assert_int_equal(end[1], UINT64_C(16) << 18);
    assert_true(end[2] <= UINT64_C(3) << 18);
}

/* An ELF64 section table by hand: null, .symtab (0x5c bytes), .strtab (0x11 bytes). */
static void add_symbols(void)
{
    struct {
        uint32_t name, type;
        uint64_t flags, addr, offset, size;
        uint32_t link, info;
        uint64_t addralign, entsize;
    } shdr[3] = {{0},
                 {.type = 2, .offset = 0x2000, .size = 0x5c, .link = 2, .info = 7},
                 {.type = 3, .offset = 0x3000, .size = 0x11}};

    memcpy(f.memory + 0x401000, shdr, sizeof(shdr));
    memset(f.memory + 0x402000, 0x11, 0x5c);
    memset(f.memory + 0x403000, 0x22, 0x11);
    f.image.elf.shdr_offset = 0x1000;
    f.image.elf.shdr_count = 3;
    f.image.elf.shdr_size = 64;
}

static void symbols_are_copied_for_reports(void **state)
{
    (void)state;
    setup();
    add_symbols();
    assert_planned();
    assert_non_null(region("guest symbols"));
    assert_null(region("kernel symbols"));
    assert_int_equal(handover()->symbols_size, 0x5c);
    assert_int_equal(handover()->strings_size, 0x11);
    assert_int_equal(f.memory[handover()->symbols + 0x5b], 0x11);
    assert_int_equal(f.memory[handover()->strings + 0x10], 0x22);
}

/* BSD_SYMTAB on a kernel of 0x2000004 bytes: the block begins at the next 8 bytes. */
static void bsd_symbols_stand_behind_the_kernel(void **state)
{
    Elf64_Ehdr header;
    Elf64_Shdr section[3];
    uint64_t at;

    (void)state;
    setup();
    add_symbols();
    f.info.bsd_symtab = true;
    f.placement.segment[0].memory_size = 0x2000004;
    f.placement.physical.end = 0x3000004;
    assert_planned();
    assert_true(pv_memory_find(&f.plan.pv, 0x3000, &at, NULL));
    at += 8;
    assert_int_equal(pv_fixture_read(&f, at, 4), 264 + 0x60 + 0x11 - 4);
    memcpy(&header, f.memory + at + 4, sizeof(header));
    memcpy(section, f.memory + at + 4 + header.e_shoff, sizeof(section));
    assert_int_equal(header.e_shnum, 3);
    assert_int_equal(header.e_shentsize, 64);
    assert_int_equal(header.e_phnum, 0);
    assert_int_equal(header.e_ident[0], 0x5a); /* the rest as in the file */
    assert_int_equal(section[1].sh_type, SHT_SYMTAB);
    assert_int_equal(section[1].sh_link, 2);
    assert_int_equal(section[1].sh_info, 7);
    assert_int_equal(section[1].sh_offset, 260);
    assert_int_equal(section[2].sh_offset, 260 + 0x60);
    assert_int_equal(f.memory[at + 4 + 260 + 0x5b], 0x11);
    assert_int_equal(f.memory[at + 4 + 260 + 0x5c], 0);
    assert_int_equal(f.memory[at + 4 + 260 + 0x60 + 0x10], 0x22);
    assert_int_equal(handover()->start_info, 0xffffffff83001000);

    f.info.bsd_symtab = true; /* asked for, but not there */
    f.image.elf.shdr_count = 0;
    assert_planned();
    assert_int_equal(f.plan.warning_count, 1);
    assert_null(region("kernel symbols"));
}

static void init_p2m_that_does_not_fit_is_ignored(void **state)
{
    (void)state;
    setup();
    f.info.init_p2m.value = 0x8000000800;
    assert_planned();
    assert_int_equal(f.plan.warning_count, 1);
    assert_int_equal(f.plan.pv.p2m_table_count, 0);
    assert_int_equal(f.plan.pv.p2m_virtual, 0xffffffff83000000);
    setup();
    f.info.init_p2m.value = 0xffffffff83001000; /* in the region, behind the kernel */
    assert_planned();
    assert_int_equal(f.plan.warning_count, 1);
    assert_false(f.plan.pv.p2m_apart);
    assert_int_equal(f.plan.pv.p2m_virtual, 0xffffffff83000000);
}

/* Stubs that begin in the kernel's last page and end behind it: the p2m list stands behind them. */
static void unaligned_hypercall_page_keeps_its_place(void **state)
{
    (void)state;
    setup();
    f.info.init_p2m.given = false;
    f.info.hypercall_page = (struct info_value){true, 0xffffffff82fff010};
    assert_planned();
    assert_int_equal(f.plan.pv.p2m_virtual, 0xffffffff83001000);
}

static void layer_is_chosen_by_cpu_and_class(void **state)
{
    (void)state;
    setup();
    pv_fixture_32bit(&f, PAE_YES);
    assert_planned();
    assert_int_equal(f.plan.exit.kind, EXIT_RESIDENT64);
    assert_false(f.plan.pv.hardware_pae);
    f.cpu.long_mode = false;
    assert_planned();
    assert_int_equal(f.plan.exit.kind, EXIT_RESIDENT32);
    assert_true(f.plan.pv.hardware_pae);
    f.cpu.pae = false;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NEEDS_PAE);
    f.info.pae = PAE_BIMODAL;
    assert_planned();
    assert_int_equal(f.plan.pv.class, GUEST_PV32);
    f.cpu.tsc = false;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NEEDS_TSC);
    f.cpu.tsc = true;
    f.resident32.classes = 1u << GUEST_PV32PAE;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NO_LAYER);
    f.input.resident32 = NULL;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NO_LAYER);
    f.image.elf.is_64bit = true;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NEEDS_LONG_MODE);
    f.cpu.long_mode = true;
    f.input.resident64 = NULL;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NO_LAYER);
}

static void layers_with_wrong_headers_are_refused(void **state)
{
    (void)state;
    setup();
    f.resident64.version++;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_LAYER_INVALID);
    setup();
    f.resident64.image_size = f.resident64.memory_size + 1;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_LAYER_INVALID);
    setup();
    f.resident64.entry_offset = f.resident64.image_size;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_LAYER_INVALID);
}

static void guests_that_cannot_run_are_refused(void **state)
{
    (void)state;
    setup();
    f.image.has_elf = false;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NO_ELF);
    setup();
    f.info.features_required = 1u << 3;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_SUPERVISOR_MODE);
    setup();
    f.info.features_required = 1u << 11;
    assert_planned();
    f.options.role = ROLE_DOMU;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_ONLY_DOM0);
    setup();
    f.info.supported_given = true;
    f.info.features_supported = 1;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NOT_DOM0);
    f.options.role = ROLE_DOMU;
    assert_planned();
    setup();
    pv_fixture_32bit(&f, PAE_YES);
    f.info.hv_start_low = (struct info_value){true, 0xf5800001};
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_HOLE_TOO_HIGH);
    setup();
    f.info.hypercall_page = (struct info_value){true, f.placement.base - 4096};
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_HYPERCALL_PAGE);
    f.info.hypercall_page.value = f.placement.base + 0x10000000;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_HYPERCALL_PAGE);
    setup();
    f.placement.entry_virtual_inside = false;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PADDR_ENTRY_OUTSIDE);
}

static void machines_that_are_too_small_are_refused(void **state)
{
    (void)state;
    setup();
    pv_fixture_module(&f, 0xfffff000, 0x2000, "initrd", 0);
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_MODULE_TOO_HIGH);
    pv_fixture_init(&f, 64 << 20, 0x4000000);
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_MEMORY_TOO_SMALL);
    pv_fixture_init(&f, 96 << 20, 0x2800000); /* enough, but in pieces: the file is in the middle */
    f.record.module[0].start = maddr(0x3000000);
    f.image.elf_at = maddr(0x3000000);
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NO_ROOM);
    setup();
    f.resident64.arena_fixed = 0xf0000000;
    assert_int_equal(pv_fixture_plan(&f), REFUSE_PV_NO_ROOM);
}

static void too_many_pieces_of_memory_are_refused(void **state)
{
    static struct pv_plan pv;
    static struct p2m_run head[2 * PLAN_RUN_MAX];
    struct refusal why;

    (void)state;
    /* Every other frame of one run, taken one by one, makes a piece each. */
    pv.run_count = 1;
    pv.run[0] = (struct p2m_run){0, 0x1000, 4 * PLAN_RUN_MAX};
    for (uint32_t i = 0; i < PLAN_RUN_MAX; i++)
        head[i] = (struct p2m_run){0, 0x1001 + 2 * i, 1};
    assert_int_equal(pv_memory_assign(&pv, head, PLAN_RUN_MAX, ~UINT64_C(0), &why),
                     REFUSE_PV_TOO_MANY_RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dom0_start_info_is_xens),
        cmocka_unit_test(domu_start_info_is_libxenguests),
        cmocka_unit_test(start_info_32bit),
        cmocka_unit_test(long_command_lines_are_cut_with_a_warning),
        cmocka_unit_test(ramdisks_are_spliced_or_copied),
        cmocka_unit_test(memory_is_all_but_what_is_kept),
        cmocka_unit_test(reach_of_the_m2p_limits_memory),
        cmocka_unit_test(symbols_are_copied_for_reports),
        cmocka_unit_test(bsd_symbols_stand_behind_the_kernel),
        cmocka_unit_test(init_p2m_that_does_not_fit_is_ignored),
        cmocka_unit_test(unaligned_hypercall_page_keeps_its_place),
        cmocka_unit_test(layer_is_chosen_by_cpu_and_class),
        cmocka_unit_test(layers_with_wrong_headers_are_refused),
        cmocka_unit_test(guests_that_cannot_run_are_refused),
        cmocka_unit_test(machines_that_are_too_small_are_refused),
        cmocka_unit_test(too_many_pieces_of_memory_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
