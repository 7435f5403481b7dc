/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The address decision: kernels as they are in the field and as they could be, each with the rule,
 * the offset and the addresses that must come out; what Xen boots comes out as in Xen; each
 * refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "elf_builder.h"
#include "placement.h"

#define NONE   UINT64_MAX /* "not given" in the tables below */
#define KERNEL UINT64_C(0xffffffff80000000)
#define MIB    (UINT64_C(1) << 20)
#define GIB    (UINT64_C(1) << 30)

static struct placement placed;
static struct guest_info info;
static struct refusal why;
static struct elf_view elf;
static struct options options;

static enum refusal_id decide(struct elf_builder *b, uint64_t ram_end)
{
    assert_int_equal(elf_view_open(elf_build(b), &elf), ELF_OK);
    assert_int_equal(guest_info_read(&elf, &info, &why), REFUSE_NONE);
    memset(&placed, 0xa5, sizeof(placed));
    enum refusal_id id = placement_decide(&elf, &info, &options, ram_end, &placed, &why);
    elf_free(b);
    return id;
}

static void set_options(const char *line)
{
    options_parse(line, &options);
    assert_int_equal(options.complaint_count, 0);
}

struct kernel {
    const char *name;
    int class;
    bool legacy; /* __xen_guest instead of notes */
    uint64_t base, offset, entry_note;
    uint64_t paddr, vaddr, size, e_entry;
    uint64_t ram_end;
    enum placement_rule rule;
    uint64_t physical, entry_physical, virtual, entry_virtual;
};

static const struct kernel kernels[] = {
    /* Kernels of the years that changed the rule. */
    {"Linux 2.6.16-xen i386", 32, true, 0xc0000000, NONE, NONE, 0xc0100000, 0xc0100000, 0x4000,
     0xc0100000, GIB, RULE_AT_OR_ABOVE_BASE, 0x100000, 0x100000, 0xc0100000, 0xc0100000},
    {"Linux 2.6.18-xen i386, compat", 32, true, 0xc0000000, 0xc0000000, 0xc0100000, 0xc0100000,
     0xc0100000, 0x4000, 0xc0100000, GIB, RULE_EXPLICIT_OFFSET, 0x100000, 0x100000, 0xc0100000,
     0xc0100000},
    {"Linux 2.6.18-xen i386, latest only", 32, true, 0xc0000000, 0, 0xc0100000, 0x100000,
     0xc0100000, 0x4000, 0x100000, GIB, RULE_EXPLICIT_OFFSET, 0x100000, 0x100000, 0xc0100000,
     0xc0100000},
    {"legacy, physical, no offset", 32, true, 0xc0000000, NONE, NONE, 0x100000, 0xc0100000, 0x4000,
     0x100000, GIB, RULE_BELOW_BASE, 0x100000, 0x100000, 0xc0100000, 0xc0100000},
    {"Linux 2.6.16-xen amd64", 64, true, KERNEL, NONE, NONE, KERNEL + 0x100000, KERNEL + 0x100000,
     0x4000, KERNEL + 0x100000, GIB, RULE_AT_OR_ABOVE_BASE, 0x100000, 0x100000, KERNEL + 0x100000,
     KERNEL + 0x100000},
    {"Linux 6.1 amd64", 64, false, KERNEL, 0, KERNEL + 0x30791c0, 0x1000000, KERNEL + 0x1000000,
     0x3a00000, 0x1000000, GIB, RULE_EXPLICIT_OFFSET, 0x1000000, 0x1000000, KERNEL + 0x1000000,
     KERNEL + 0x30791c0},
    {"Linux 6.1 amd64 in too little memory", 64, false, KERNEL, 0, KERNEL + 0x30791c0, 0x1000000,
     KERNEL + 0x1000000, 0x3a00000, 0x1000000, 32 * MIB, RULE_EXPLICIT_OFFSET, 0x1000000, 0x1000000,
     KERNEL + 0x1000000, KERNEL + 0x30791c0},
    {"XTF pv64", 64, false, NONE, NONE, NONE, 0x100000, 0x100000, 0x12000, 0x100000, GIB,
     RULE_NO_VIRT_BASE, 0x100000, 0x100000, 0x100000, 0x100000},
    {"Mini-OS, VIRT_BASE=0", 64, true, 0, 0, NONE, 0, 0, 0x4000, 0, GIB, RULE_EXPLICIT_OFFSET, 0, 0,
     0, 0},
    {"GRUB xen", 64, false, 0, NONE, 0, 0, 0, 0x4000, 0, GIB, RULE_AT_OR_ABOVE_BASE, 0, 0, 0, 0},
    {"old Mini-OS, no VIRT_BASE, linked high", 32, true, NONE, NONE, NONE, 0xc0000000, 0xc0000000,
     0x4000, 0xc0000000, GIB, RULE_LINKED_HIGH, 0, 0, 0xc0000000, 0xc0000000},
    {"the same, not 4 MiB aligned", 32, true, NONE, NONE, NONE, 0xc0100000, 0xc0100000, 0x4000,
     0xc0100010, GIB, RULE_LINKED_HIGH, 0x100000, 0x100010, 0xc0100000, 0xc0100010},
    /* notes without PADDR_OFFSET */
    {"notes, physical p_paddr and e_entry", 32, false, 0xc0000000, NONE, NONE, 0x100000, 0xc0100000,
     0x4000, 0x100020, GIB, RULE_BELOW_BASE, 0x100000, 0x100020, 0xc0100000, 0xc0100020},
    {"notes, physical p_paddr, virtual e_entry", 32, false, 0xc0000000, NONE, NONE, 0x100000,
     0xc0100000, 0x4000, 0xc0100020, GIB, RULE_BELOW_BASE, 0x100000, 0x100020, 0xc0100000,
     0xc0100020},
    {"notes, virtual p_paddr", 32, false, 0xc0000000, NONE, NONE, 0xc0100000, 0xc0100000, 0x4000,
     0xc0100020, GIB, RULE_AT_OR_ABOVE_BASE, 0x100000, 0x100020, 0xc0100000, 0xc0100020},
    {"notes, virtual p_paddr, amd64", 64, false, KERNEL, NONE, NONE, KERNEL + 0x100000,
     KERNEL + 0x100000, 0x4000, KERNEL + 0x100020, GIB, RULE_AT_OR_ABOVE_BASE, 0x100000, 0x100020,
     KERNEL + 0x100000, KERNEL + 0x100020},
    /* Equality is virtual. */
    {"linked exactly at its base", 32, false, 0xc0000000, NONE, NONE, 0xc0000000, 0xc0000000,
     0x4000, 0xc0000000, GIB, RULE_AT_OR_ABOVE_BASE, 0, 0, 0xc0000000, 0xc0000000},
    {"the same, legacy", 32, true, 0xc0000000, NONE, NONE, 0xc0000000, 0xc0000000, 0x4000,
     0xc0000000, GIB, RULE_AT_OR_ABOVE_BASE, 0, 0, 0xc0000000, 0xc0000000},
    {"the same, amd64 with 8 GiB", 64, false, 0xc0000000, NONE, NONE, 0xc0000000, 0xc0000000,
     0x4000, 0xc0000000, 8 * GIB, RULE_AT_OR_ABOVE_BASE, 0, 0, 0xc0000000, 0xc0000000},
    {"one byte below its base", 32, false, 0xc0000000, NONE, NONE, 0xbfffffff, 0xbfffffff, 1,
     0xbfffffff, 4 * GIB, RULE_BELOW_BASE, 0xbfffffff, 0xbfffffff, 0x17fffffff, 0xbfffffff},
    /* A small base: what Xen accepts stays as Xen has it. */
    {"small base, physical above it", 32, false, 0x100000, NONE, 0x300010, 0x200000, 0x300000,
     0x4000, 0x300010, GIB, RULE_XEN_DEFAULT, 0x200000, 0x200010, 0x300000, 0x300010},
    {"small base, virtual above it", 32, false, 0x100000, NONE, NONE, 0x200000, 0x200000, 0x4000,
     0x200010, GIB, RULE_AT_OR_ABOVE_BASE, 0x100000, 0x100010, 0x200000, 0x200010},
    /* Explicit offsets that are neither 0 nor the base. */
    {"offset 1 MiB", 32, false, 0xc0000000, 0x100000, NONE, 0x200000, 0xc0100000, 0x4000,
     0xc0100010, GIB, RULE_EXPLICIT_OFFSET, 0x100000, 0x100010, 0xc0100000, 0xc0100010},
    {"offset above the base", 32, false, 0xc0000000, 0xd0000000, NONE, 0xd0100000, 0xc0100000,
     0x4000, 0xd0100010, GIB, RULE_EXPLICIT_OFFSET, 0x100000, 0x100010, 0xc0100000, 0xc0100010},
    {"negative offset", 64, false, KERNEL, (uint64_t)-0x100000, NONE, 0x100000, KERNEL + 0x200000,
     0x4000, KERNEL + 0x200010, GIB, RULE_EXPLICIT_OFFSET, 0x200000, 0x200010, KERNEL + 0x200000,
     KERNEL + 0x200010},
    {"offset without base", 64, false, NONE, 0x1000, NONE, 0x100000, 0x100000, 0x4000, 0x100000,
     GIB, RULE_NO_VIRT_BASE, 0x100000, 0x100000, 0x100000, 0x100000},
    /* No notes at all: plain kernels. */
    {"Multiboot kernel, e_entry virtual", 32, false, NONE, NONE, NONE, 0x100000, 0x80100000, 0x4000,
     0x80100010, GIB, RULE_NO_VIRT_BASE, 0x100000, 0x100010, 0x100000, 0x100010},
    {"Multiboot kernel above all RAM, but low", 32, false, NONE, NONE, NONE, 64 * MIB, 64 * MIB,
     0x4000, 64 * MIB, 32 * MIB, RULE_NO_VIRT_BASE, 64 * MIB, 64 * MIB, 64 * MIB, 64 * MIB},
    {"RAM not known", 32, false, NONE, NONE, NONE, 0xc0100000, 0xc0100000, 0x4000, 0xc0100000, 0,
     RULE_NO_VIRT_BASE, 0xc0100000, 0xc0100000, 0xc0100000, 0xc0100000},
};

static struct elf_builder build(const struct kernel *k)
{
    static char text[256];
    struct elf_builder b = elf_builder(k->class, k->e_entry);
    uint32_t width = k->class == 64 ? 8 : 4;
    elf_add_segment(&b, (struct elf_segment){.paddr = k->paddr,
                                             .vaddr = k->vaddr,
                                             .at_vaddr_0 = !k->vaddr,
                                             .size = k->size,
                                             .file_size = 1});
    if (k->legacy) {
        size_t n = (size_t)snprintf(text, sizeof(text), "LOADER=generic,XEN_VER=xen-3.0");
        static const char *const keys[] = {"VIRT_BASE", "ELF_PADDR_OFFSET", "VIRT_ENTRY"};
        const uint64_t values[] = {k->base, k->offset, k->entry_note};
        for (int i = 0; i < 3; i++)
            if (values[i] != NONE)
                n += (size_t)snprintf(text + n, sizeof(text) - n, ",%s=0x%llx", keys[i],
                                      (unsigned long long)values[i]);
        b.xen_guest = text;
    } else {
        elf_add_pv_notes(&b);
        if (k->base != NONE)
            elf_add_number(&b, XEN_NOTE_VIRT_BASE, k->base, width);
        if (k->offset != NONE)
            elf_add_number(&b, XEN_NOTE_PADDR_OFFSET, k->offset, width);
        if (k->entry_note != NONE)
            elf_add_number(&b, XEN_NOTE_ENTRY, k->entry_note, width);
    }
    return b;
}

#define SAME(k, what, found, expected)                                                             \
    do {                                                                                           \
        if ((found) != (expected))                                                                 \
            fail_msg("%s: " what " 0x%llx, expected 0x%llx", (k)->name,                            \
                     (unsigned long long)(found), (unsigned long long)(expected));                 \
    } while (0)

static void kernels_of_all_kinds(void **state)
{
    (void)state;
    set_options("");
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        const struct kernel *k = &kernels[i];
        struct elf_builder b = build(k);
        SAME(k, "refusal", decide(&b, k->ram_end), REFUSE_NONE);
        SAME(k, "rule", placed.rule, k->rule);
        SAME(k, "segments", placed.segment_count, 1u);
        SAME(k, "physical", placed.segment[0].physical.v, k->physical);
        SAME(k, "hull", placed.physical.start, k->physical);
        SAME(k, "hull's end", placed.physical.end, k->physical + k->size);
        SAME(k, "entry", placed.entry_physical.v, k->entry_physical);
        SAME(k, "entry inside", placed.entry_physical_inside, true);
        SAME(k, "virtual", placed.segment[0].virtual.v, k->virtual);
        SAME(k, "virtual entry", placed.entry_virtual.v, k->entry_virtual);
        /* One kernel of the table has an end above 4 GiB. */
        bool fits = k->class == 64 || k->virtual + k->size <= UINT64_C(1) << 32;
        SAME(k, "virtual fits", placed.virtual_fits, fits);
        SAME(k, "virtual entry inside", placed.entry_virtual_inside, fits);
    }
}

/* What libelf computes (elf_xen_addr_calc_check, elf_parse_binary), in its own words; false where
 * it rejects. */
static bool libelf(const struct kernel *k, uint64_t *load, uint64_t *kstart, uint64_t *entry)
{
    uint64_t base = k->base == NONE ? 0 : k->base;
    uint64_t offset = k->offset != NONE ? k->offset : k->legacy ? base : 0;
    uint64_t virt_offset = base - offset;
    uint64_t kend = k->paddr + k->size + virt_offset;
    if (k->base == NONE && k->offset != NONE)
        return false;
    *load = k->paddr - offset;
    *kstart = k->paddr + virt_offset;
    *entry = k->entry_note != NONE ? k->entry_note : k->e_entry;
    /* The last two are what Xen's builders run into behind libelf: no such memory or address. */
    return *kstart <= kend && *entry >= *kstart && *entry <= kend && base <= *kstart &&
           *load + k->size <= k->ram_end && (k->class == 64 || kend <= UINT64_C(1) << 32);
}

static void what_xen_boots_comes_out_as_in_xen(void **state)
{
    static const uint64_t bases[] = {NONE,  0, 0x100000, 0x40000000, 0xc0000000, 0xffff800000000000,
                                     KERNEL};
    static const uint64_t places[] = {0,
                                      0x1000,
                                      0x100000,
                                      0x200000,
                                      0x40000000,
                                      0xc0000000,
                                      0xc0100000,
                                      0xffff800000000000,
                                      KERNEL,
                                      KERNEL + 0x100000,
                                      KERNEL + 0x1000000};
    unsigned accepted = 0;
    (void)state;
    set_options("");
    for (int class = 32; class <= 64; class += 32)
        for (int legacy = 0; legacy <= 1; legacy++)
            for (size_t base = 0; base < 7; base++)
                for (size_t offset = 0; offset < 7; offset++)
                    for (size_t paddr = 0; paddr < 11; paddr++)
                        for (size_t entry = 0; entry < 11; entry++)
                            for (int note = 0; note <= 1; note++)
                                for (int ram = 0; ram <= 1; ram++) {
                                    struct kernel k = {
                                        .name = "any",
                                        .class = class,
                                        .legacy = legacy,
                                        .base = bases[base],
                                        .offset = bases[offset],
                                        .entry_note = note ? places[entry] + 0x10 : NONE,
                                        .paddr = places[paddr],
                                        .vaddr = places[paddr],
                                        .size = 0x2000,
                                        .e_entry = note ? 0x1234 : places[entry] + 0x10,
                                        .ram_end = ram ? 6 * GIB : 64 * MIB};
                                    uint64_t load, kstart, virtual_entry;
                                    if (class == 32 && ((k.base != NONE && k.base >> 32) ||
                                                        (k.offset != NONE && k.offset >> 32) ||
                                                        k.paddr >> 32 || places[entry] >> 32))
                                        continue;
                                    if (!libelf(&k, &load, &kstart, &virtual_entry))
                                        continue;
                                    accepted++;
                                    struct elf_builder b = build(&k);
                                    SAME(&k, "refusal", decide(&b, k.ram_end), REFUSE_NONE);
                                    SAME(&k, "load", placed.segment[0].physical.v, load);
                                    SAME(&k, "kstart", placed.segment[0].virtual.v, kstart);
                                    SAME(&k, "entry", placed.entry_virtual.v, virtual_entry);
                                    SAME(&k, "pv", placement_check_pv(&placed, &info, &why),
                                         REFUSE_NONE);
                                }
    assert_true(accepted > 300);
}

static void linux_per_cpu_segment_at_virtual_0(void **state)
{
    (void)state;
    set_options("");
    struct elf_builder b = elf_builder(64, 0x1000000);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x1000000,
                                             .vaddr = KERNEL + 0x1000000,
                                             .size = 0x1600000,
                                             .file_size = 64,
                                             .flags = PF_R | PF_X});
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x3044000,
                                             .at_vaddr_0 = true,
                                             .size = 0x35000,
                                             .file_size = 64,
                                             .flags = PF_R | PF_W});
    elf_add_pv_notes(&b);
    elf_add_number(&b, XEN_NOTE_VIRT_BASE, KERNEL, 8);
    elf_add_number(&b, XEN_NOTE_ENTRY, KERNEL + 0x1000100, 8);
    elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0x1000850, 4);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.rule, RULE_BELOW_BASE);
    assert_int_equal(placed.segment_count, 2);
    assert_int_equal(placed.segment[1].physical.v, 0x3044000);
    assert_int_equal(placed.segment[1].virtual.v, KERNEL + 0x3044000);
    assert_int_equal(placed.segment[1].flags, PF_R | PF_W);
    assert_int_equal(placed.segment[1].index, 1);
    assert_int_equal(placed.entry_physical.v, 0x1000000);
    assert_int_equal(placed.entry_virtual.v, KERNEL + 0x1000100);

    /* A physical e_entry inside the per-CPU segment's p_vaddr range is still physical. */
    b = elf_builder(64, 0x10000);
    elf_add_segment(
        &b, (struct elf_segment){
                .paddr = 0x10000, .vaddr = KERNEL + 0x10000, .size = 0x1000, .flags = PF_R | PF_X});
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x3044000,
                                             .at_vaddr_0 = true,
                                             .size = 0x35000,
                                             .file_size = 64,
                                             .flags = PF_R | PF_W});
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.entry_physical.v, 0x10000);
}

static void segments_without_size_do_not_vote(void **state)
{
    (void)state;
    set_options("");
    struct elf_builder b = elf_builder(32, 0xc0100000);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0, .no_bytes = true});
    elf_add_segment(&b, (struct elf_segment){.paddr = 0xc0100000, .size = 0x1000});
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x100, .size = 0x10, .type = PT_NOTE});
    elf_add_pv_notes(&b);
    elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0xc0000000, 4);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.rule, RULE_AT_OR_ABOVE_BASE);
    assert_int_equal(placed.segment_count, 1);
    assert_int_equal(placed.segment[0].index, 1);
}

static void mixed_files_are_refused(void **state)
{
    (void)state;
    for (int class = 32; class <= 64; class += 32)
        for (int swap = 0; swap <= 1; swap++)
            for (int legacy = 0; legacy <= 1; legacy++) {
                uint64_t base = class == 64 ? KERNEL : 0xc0000000;
                struct elf_builder b = elf_builder(class, base + 0x100000);
                uint64_t paddr[2] = {0x100000, base + 0x200000};
                set_options("");
                for (int i = 0; i < 2; i++)
                    elf_add_segment(&b,
                                    (struct elf_segment){.paddr = paddr[i ^ swap], .size = 0x1000});
                if (legacy) {
                    b.xen_guest = class == 64 ? "VIRT_BASE=0xffffffff80000000,LOADER=generic"
                                              : "VIRT_BASE=0xC0000000,LOADER=generic";
                } else {
                    elf_add_number(&b, XEN_NOTE_VIRT_BASE, base, class == 64 ? 8 : 4);
                }
                assert_int_equal(decide(&b, 8 * GIB), REFUSE_PADDR_MIXED);
                assert_int_equal(why.num[0], swap);
                assert_int_equal(why.num[1], 0x100000);
                assert_int_equal(why.num[2], base);
                assert_int_equal(why.num[3], base + 0x200000);
                set_options("paddr=physical");
                enum refusal_id forced = decide(&b, 8 * GIB);
                assert_int_equal(forced, REFUSE_NONE);
                assert_int_equal(placed.physical.start, 0x100000);
            }
}

static void the_command_line_wins(void **state)
{
    struct kernel k = {.name = "override",
                       .class = 32,
                       .base = 0xc0000000,
                       .offset = 0,
                       .entry_note = NONE,
                       .paddr = 0xc0100000,
                       .vaddr = 0xc0100000,
                       .size = 0x1000,
                       .e_entry = 0xc0100000,
                       .ram_end = GIB};
    struct elf_builder b;
    (void)state;
    set_options("paddr=virtual");
    b = build(&k);
    assert_int_equal(decide(&b, k.ram_end), REFUSE_NONE);
    assert_int_equal(placed.rule, RULE_FORCED);
    assert_int_equal(placed.physical.start, 0x100000);
    assert_true(placed.virtual_fits && placed.entry_virtual_inside);

    set_options("paddr=physical");
    b = build(&k);
    assert_int_equal(decide(&b, k.ram_end), REFUSE_NONE);
    assert_int_equal(placed.physical.start, 0xc0100000);
    assert_false(placed.virtual_fits);

    set_options("paddr-offset=0xc0080000");
    b = build(&k);
    assert_int_equal(decide(&b, k.ram_end), REFUSE_NONE);
    assert_int_equal(placed.physical.start, 0x80000);
    assert_int_equal(placed.segment[0].virtual.v, 0xc0080000);

    k.offset = NONE;
    set_options("virt-base=0xc0100000");
    b = build(&k);
    assert_int_equal(decide(&b, k.ram_end), REFUSE_NONE);
    assert_int_equal(placed.rule, RULE_AT_OR_ABOVE_BASE);
    assert_int_equal(placed.base, 0xc0100000);
    assert_int_equal(placed.physical.start, 0);

    k.base = NONE;
    set_options("paddr=virtual");
    b = build(&k);
    assert_int_equal(decide(&b, k.ram_end), REFUSE_NONE);
    assert_int_equal(placed.base, 0xc0000000);
    assert_int_equal(placed.physical.start, 0x100000);
    set_options("virt-base=0xc0000000");
    b = build(&k);
    assert_int_equal(decide(&b, k.ram_end), REFUSE_NONE);
    assert_int_equal(placed.physical.start, 0x100000);
    assert_false(placed.offset_without_base);
    set_options("");
}

static void phys32_entry_proves_physical(void **state)
{
    (void)state;
    set_options("");
    /* Base 1 MiB, notes, kernel at 2 MiB: PV would read it as virtual (its entry says so), but the
     * PVH entry lies among the addresses as they stand. */
    struct elf_builder b = elf_builder(64, 0x200010);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x200000, .size = 0x4000});
    elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0x100000, 8);
    elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0x200020, 4);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.rule, RULE_PHYS32_INSIDE);
    assert_int_equal(placed.physical.start, 0x200000);
}

static void entries_are_found_or_marked(void **state)
{
    (void)state;
    set_options("");
    struct kernel k = {.name = "entry",
                       .class = 64,
                       .base = KERNEL,
                       .offset = 0,
                       .entry_note = 0x5000,
                       .paddr = 0x100000,
                       .vaddr = 0x100000,
                       .size = 0x1000,
                       .e_entry = 0x7000};
    struct elf_builder b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_false(placed.entry_physical_inside || placed.entry_virtual_inside);
    assert_int_equal(placed.entry_virtual.v, 0x5000);
    assert_int_equal(placement_check_pv(&placed, &info, &why), REFUSE_PADDR_ENTRY_OUTSIDE);
    assert_int_equal(why.num[1], KERNEL + 0x100000);

    /* A physical ENTRY goes through the same conversion. */
    k.entry_note = 0x100040;
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.entry_virtual.v, KERNEL + 0x100040);
    assert_int_equal(placement_check_pv(&placed, &info, &why), REFUSE_NONE);

    /* One past the end counts as inside for Xen, and for no one as a way in natively. */
    k.entry_note = KERNEL + 0x101000;
    k.e_entry = 0x101000;
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_true(placed.entry_virtual_inside);
    assert_false(placed.entry_physical_inside);

    /* e_entry by the p_vaddr of its segment, when p_vaddr has nothing to do with VIRT_BASE. */
    k.entry_note = NONE;
    k.vaddr = 0x7000000000;
    k.e_entry = 0x7000000030;
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.entry_physical.v, 0x100030);
    assert_int_equal(placed.entry_virtual.v, KERNEL + 0x100030);
    /* Only a data segment has it. */
    b = elf_builder(64, 0x7000000030);
    elf_add_segment(&b, (struct elf_segment){
                            .paddr = 0x100000, .vaddr = 0x7000000000, .size = 64, .flags = PF_R});
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.entry_physical.v, 0x100030);
}

static void pv_demands(void **state)
{
    (void)state;
    set_options("");
    struct kernel k = {.name = "pv",
                       .class = 32,
                       .base = NONE,
                       .offset = 0,
                       .entry_note = NONE,
                       .paddr = 0x100000,
                       .vaddr = 0x100000,
                       .size = 0x1000,
                       .e_entry = 0x100000};
    struct elf_builder b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_true(placed.offset_without_base);
    assert_int_equal(placement_check_pv(&placed, &info, &why), REFUSE_PADDR_OFFSET_WITHOUT_BASE);

    k.base = 0xfff80000;
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placement_check_pv(&placed, &info, &why), REFUSE_PADDR_VIRTUAL_WRAPS);

    static const struct {
        uint64_t p2m;
        enum refusal_id id;
    } cases[] = {{KERNEL + 0xfffff, REFUSE_NONE},
                 {KERNEL + 0x100000, REFUSE_PADDR_P2M_INSIDE},
                 {KERNEL + 0x100fff, REFUSE_PADDR_P2M_INSIDE},
                 {KERNEL + 0x101000, REFUSE_NONE}};
    for (size_t i = 0; i < 4; i++) {
        b = elf_builder(64, KERNEL + 0x100000);
        elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000, .size = 0x1000});
        elf_add_number(&b, XEN_NOTE_VIRT_BASE, KERNEL, 8);
        elf_add_number(&b, XEN_NOTE_INIT_P2M, cases[i].p2m, 8);
        assert_int_equal(decide(&b, GIB), REFUSE_NONE);
        assert_int_equal(placement_check_pv(&placed, &info, &why), cases[i].id);
    }
}

static void bad_segments_are_refused(void **state)
{
    (void)state;
    set_options("");
    struct elf_builder b = elf_builder(64, 0);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0, .no_bytes = true});
    assert_int_equal(decide(&b, GIB), REFUSE_ELF_NO_SEGMENT);

    b = elf_builder(64, 0);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x1000, .size = 16, .file_size = 17});
    assert_int_equal(decide(&b, GIB), REFUSE_ELF_SEGMENT_FILE_SIZE);

    b = elf_builder(64, 0);
    elf_add_segment(&b, (struct elf_segment){.paddr = UINT64_MAX - 10, .size = 16});
    assert_int_equal(decide(&b, GIB), REFUSE_ELF_SEGMENT_WRAPS);
    b = elf_builder(32, 0);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0xfffffff0, .size = 17});
    assert_int_equal(decide(&b, GIB), REFUSE_ELF_SEGMENT_WRAPS);
    b = elf_builder(32, 0xfffffff0);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0xfffffff0, .size = 16});
    set_options("paddr=physical");
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    set_options("");

    for (int swap = 0; swap <= 1; swap++) {
        b = elf_builder(64, 0);
        for (int i = 0; i < 2; i++)
            elf_add_segment(&b, (struct elf_segment){.paddr = (i ^ swap) ? 0x100fff : 0x100000,
                                                     .size = 0x1000});
        assert_int_equal(decide(&b, GIB), REFUSE_ELF_SEGMENTS_OVERLAP);
        assert_int_equal(why.num[0], swap);
        assert_int_equal(why.num[2], 0x101000);
    }
    b = elf_builder(64, 0x100000);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x101000, .size = 0x1000});
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000, .size = 0x1000});
    assert_int_equal(decide(&b, GIB), REFUSE_NONE);
    assert_int_equal(placed.physical.start, 0x100000);
    assert_int_equal(placed.physical.end, 0x102000);

    b = elf_builder(64, 0);
    for (unsigned i = 0; i <= PLACEMENT_SEGMENT_MAX; i++)
        elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000 + i * 16, .size = 16});
    assert_int_equal(decide(&b, GIB), REFUSE_ELF_TOO_MANY_SEGMENTS);

    b = elf_builder(64, 0);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x1000, .size = 16});
    struct view file = elf_build(&b);
    ((Elf64_Phdr *)(b.file + b.phdr_at))->p_offset = file.size - 15;
    assert_int_equal(elf_view_open(file, &elf), ELF_OK);
    assert_int_equal(placement_decide(&elf, &info, &options, GIB, &placed, &why),
                     REFUSE_ELF_SEGMENT_OUTSIDE_FILE);
    ((Elf64_Phdr *)(b.file + b.phdr_at))->p_offset = UINT64_MAX - 2;
    assert_int_equal(placement_decide(&elf, &info, &options, GIB, &placed, &why),
                     REFUSE_ELF_SEGMENT_OUTSIDE_FILE);
    elf_free(&b);
}

static void offsets_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    set_options("");
    struct kernel k = {.name = "offset",
                       .class = 64,
                       .base = 0xc0000000,
                       .offset = 0xc0000000,
                       .entry_note = NONE,
                       .paddr = 0x100000,
                       .vaddr = 0x100000,
                       .size = 0x1000,
                       .e_entry = 0x100000};
    struct elf_builder b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_PADDR_BELOW_OFFSET);
    assert_int_equal(why.num[1], 0x100000);
    assert_int_equal(why.num[2], 0xc0000000);
    k.class = 32;
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_PADDR_BELOW_OFFSET);
    k.paddr = 0xbffff800; /* ends above the offset */
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_PADDR_BELOW_OFFSET);

    set_options("paddr-offset=0xffffffff00000000");
    k.paddr = 0x100000;
    b = build(&k);
    assert_int_equal(decide(&b, GIB), REFUSE_PADDR_ABOVE_4G);
    set_options("");
}

static void the_log_names_rule_and_numbers(void **state)
{
    static const char *const words[] = {"forced by the command line",  "PADDR_OFFSET 0x",
                                        "no VIRT_BASE: p_paddr 0x",    "is below VIRT_BASE 0x",
                                        "is at or above VIRT_BASE 0x", "as Xen reads notes",
                                        "PHYS32_ENTRY lies among",     "above all RAM: virtual"};
    (void)state;
    for (int rule = RULE_FORCED; rule <= RULE_LINKED_HIGH; rule++) {
        char text[512];
        struct out_buffer buffer;
        struct placement p = {.rule = (enum placement_rule)rule,
                              .base = 0xc0000000,
                              .offset = 0xc0000000,
                              .compared = 0xc0100000,
                              .physical = {0x100000, 0x104000},
                              .entry_physical = {0x100010},
                              .entry_virtual = {0xc0100010}};
        out_buffer_init(&buffer, text, sizeof(text));
        placement_print(&buffer.out, &p);
        assert_non_null(strstr(text, words[rule]));
        assert_non_null(strstr(text, "0xc0100000"));
        assert_non_null(strstr(text, "kernel at 0x100000 to 0x104000, entry 0x100010"));
        assert_non_null(strstr(text, "virtual 0xc0100000 to 0xc0104000, entry 0xc0100010"));
        assert_null(strchr(text, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_of_all_kinds),
        cmocka_unit_test(what_xen_boots_comes_out_as_in_xen),
        cmocka_unit_test(linux_per_cpu_segment_at_virtual_0),
        cmocka_unit_test(segments_without_size_do_not_vote),
        cmocka_unit_test(mixed_files_are_refused),
        cmocka_unit_test(the_command_line_wins),
        cmocka_unit_test(phys32_entry_proves_physical),
        cmocka_unit_test(entries_are_found_or_marked),
        cmocka_unit_test(pv_demands),
        cmocka_unit_test(bad_segments_are_refused),
        cmocka_unit_test(offsets_that_lead_nowhere_are_refused),
        cmocka_unit_test(the_log_names_rule_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
