/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way from boot record to plan, and the log that it writes: lines and their order, what each
 * log= level leaves, refusals on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elf_builder.h"
#include "memory_map.h"
#include "packer.h"
#include "prepare.h"

#define MIB       (UINT64_C(1) << 20)
#define WORKSPACE (UINT64_C(4) << 20)

static struct boot_record record;
static struct options options;
static struct cpu_info cpu;
static struct guest_image image;
static struct guest_info info;
static struct placement placement;
static struct plan plan;
static struct unpack_memory memory;
static struct prepare prepare;
static struct refusal why;
static uint8_t blob[65536], workspace[WORKSPACE];
static char text[16384];
static struct out_buffer buffer;
static char phases[64];
static bool old_cpu; /* without long mode */

static void note_phase(struct prepare *p, const char *name)
{
    assert_ptr_equal(p, &prepare);
    strcat(phases, name);
    strcat(phases, " ");
}

/* A 64 MiB machine with the stage at 1 MiB and the guest, when there is one, at 8 MiB. */
static enum refusal_id boot(const char *words, struct view guest, const char *string)
{
    memset(&record, 0, sizeof(record));
    assert_true(memory_map_add(&record.map, 0, 0x9f000, MEMORY_RAM));
    assert_true(memory_map_add(&record.map, 0x9f000, 0x1000, MEMORY_RESERVED));
    assert_true(memory_map_add(&record.map, MIB, 63 * MIB, MEMORY_RAM));
    record.way = WAY_MULTIBOOT1;
    record.loader_name = "GRUB 2.06";
    record.command_line = words;
    if (guest.data) {
        record.module_count = 1;
        record.module[0] = (struct boot_module){maddr(8 * MIB), guest.size, guest.data, string};
    }
    options_parse(words, &options);
    cpu = (struct cpu_info){.has_cpuid = true, .pse = true, .pae = true};
    cpu.long_mode = !old_cpu;
    cpu.nx = cpu.syscall = cpu.sse2 = cpu.cmov = cpu.tsc = true;
    memory = (struct unpack_memory){.data = workspace, .size = WORKSPACE, .at = maddr(32 * MIB)};
    memset(&plan, 0, sizeof(plan));
    plan.blob = blob;
    plan.blob_at = 2 * MIB - sizeof(blob);
    plan.blob_size = sizeof(blob);
    out_buffer_init(&buffer, text, sizeof(text));
    phases[0] = 0;
    prepare = (struct prepare){
        .report = {&buffer.out, options.log},
        .memory = &memory,
        .image = &image,
        .info = &info,
        .placement = &placement,
        .plan = &plan,
        .input = {.record = &record, .options = &options, .cpu = &cpu, .stage = {MIB, 2 * MIB}},
        .phase = note_phase,
    };
    memset(&why, 0, sizeof(why));
    return prepare_boot(&prepare, &why);
}

static struct elf_builder pvh_kernel(void)
{
    struct elf_builder b = elf_builder(64, 0x400000);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x400000, .size = 0x2000});
    elf_add_text(&b, XEN_NOTE_GUEST_OS, "test");
    elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0x400010, 4);
    return b;
}

/* Every line has the prefix, and the words come in this order, each at the start of its line. */
static void has_lines(const char *const *words, size_t count)
{
    const char *at = text;
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, REPORT_PREFIX, strlen(REPORT_PREFIX)))
            fail_msg("line without prefix: %.80s", line);
    for (size_t i = 0; i < count; i++) {
        char start[128];
        out_format(start, sizeof(start), REPORT_PREFIX "%s", words[i]);
        const char *found = strstr(at, start);
        if (!found)
            fail_msg("no line '%s' behind %zu others in:\n%s", words[i], i, text);
        at = found + 1;
    }
}

static void the_log_in_its_order(void **state)
{
    static const char *const lines[] = {
        "version 0.1, way in: Multiboot 1 (GRUB 2.06)",
        "command line: 'what' is not understood",
        "memory: 65148 KiB of RAM in 2 areas up to 0x4000000",
        "module 0: 0x800000 to 0x",
        "guest: ELF64",
        "guest: Xen notes, e_entry 0x400000",
        "guest: OS 'test'",
        "guest: PHYS32_ENTRY 0x400010",
        "addresses: no VIRT_BASE: p_paddr 0x400000",
        "mode: pvh (",
        "memory arrangement",
        "entering pvh at 0x400010",
    };
    struct elf_builder b = pvh_kernel();
    (void)state;
    assert_int_equal(boot("stage.elf mode=pvh what", elf_build(&b), "k a b"), REFUSE_NONE);
    report_entering(&prepare.report, &plan);
    has_lines(lines, sizeof(lines) / sizeof(lines[0]));
    assert_non_null(strstr(text, "as asked for\n"));
    assert_non_null(strstr(text, "guest: k a b\n"));
    assert_string_equal(phases, "print open decide print decide print plan print ");
    assert_null(strstr(text, "command line: stage.elf"));
    elf_free(&b);
}

static void log_levels(void **state)
{
    struct elf_builder b = pvh_kernel();
    (void)state;
    assert_int_equal(boot("mode=pvh log=quiet", elf_build(&b), ""), REFUSE_NONE);
    report_entering(&prepare.report, &plan);
    assert_string_equal(text, "");
    elf_free(&b);
    b = pvh_kernel();
    static const char *const lines[] = {"command line: mode=pvh log=debug",
                                        "memory: 0x0000000000 to 0x000009f000 RAM (type 1)",
                                        "memory: 0x000009f000 to 0x00000a0000 reserved (type 2)"};
    assert_int_equal(boot("mode=pvh log=debug", elf_build(&b), ""), REFUSE_NONE);
    has_lines(lines, 3);
    elf_free(&b);
}

static void auto_says_why(void **state)
{
    struct elf_builder b = pvh_kernel();
    (void)state;
    assert_int_equal(boot("", elf_build(&b), ""), REFUSE_NONE);
    assert_int_equal(plan.mode, MODE_PVH);
    assert_non_null(strstr(text, "mode: pvh ("));
    assert_non_null(strstr(text, "the first that the image offers of native, pvh, pv"));
    elf_free(&b);
}

static void an_old_cpu(void **state)
{
    struct elf_builder b = pvh_kernel();
    (void)state;
    old_cpu = true;
    assert_int_equal(boot("mode=pvh", elf_build(&b), ""), REFUSE_PVH_NEEDS_LONG_MODE);
    old_cpu = false;
    elf_free(&b);
}

static void refusals_on_the_way(void **state)
{
    uint8_t nothing = 0;
    (void)state;
    assert_int_equal(boot("", (struct view){NULL, 0}, ""), REFUSE_INFO_NO_MODULE);
    assert_non_null(strstr(text, "paravane: modules: none\n"));
    assert_int_equal(boot("", (struct view){&nothing, 0}, "k"), REFUSE_BOOT_EMPTY_MODULE);
    assert_string_equal(why.str[0], "k");

    struct elf_builder b = pvh_kernel();
    elf_add_text(&b, XEN_NOTE_FEATURES, "!unheard_of");
    assert_int_equal(boot("", elf_build(&b), ""), REFUSE_GUEST_FEATURE_REQUIRED);
    assert_non_null(strstr(text, "paravane: guest: ELF64"));
    assert_null(prepare.input.info);
    elf_free(&b);

    b = pvh_kernel();
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x401000, .size = 0x2000});
    assert_int_equal(boot("", elf_build(&b), ""), REFUSE_ELF_SEGMENTS_OVERLAP);
    assert_null(prepare.input.placement);
    elf_free(&b);

    b = pvh_kernel();
    assert_int_equal(boot("mode=pv", elf_build(&b), ""), REFUSE_GUEST_LOADER);
    out_buffer_init(&buffer, text, sizeof(text));
    report_refusal(&buffer.out, &why);
    assert_memory_equal(text, "paravane: refused: GUEST_LOADER: LOADER is ''", 45);
    assert_int_equal(text[strlen(text) - 1], '\n');
    elf_free(&b);
}

static void everything_the_guest_may_say(void **state)
{
    static const char *const lines[] = {
        "guest: OS 'test' version '1', Xen version 'xen-3.0', loader 'generic', PAE bimodal",
        "guest: VIRT_BASE 0xc0000000",
        "guest: PADDR_OFFSET 0x0",
        "guest: ENTRY 0xc0400000",
        "guest: HYPERCALL_PAGE 0xc0401000",
        "guest: INIT_P2M 0x1",
        "guest: HV_START_LOW 0x2",
        "guest: PHYS32_RELOC align 0x200000, 0x0 to 0xffffffff",
        "guest: MOD_START_PFN BSD_SYMTAB",
        "guest: features !writable_page_tables dom0 bit15",
        "guest: note of unknown type 0x4d (ignored)",
    };
    struct elf_builder b = elf_builder(32, 0x400000);
    (void)state;
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x400000, .size = 0x2000});
    elf_add_pv_notes(&b);
    elf_add_text(&b, XEN_NOTE_GUEST_VERSION, "1");
    elf_add_text(&b, XEN_NOTE_PAE_MODE, "bimodal");
    elf_add_text(&b, XEN_NOTE_FEATURES, "!writable_page_tables|dom0");
    elf_add_text(&b, XEN_NOTE_BSD_SYMTAB, "yes");
    elf_add_number(&b, XEN_NOTE_SUPPORTED_FEATURES, 0x8000, 4);
    elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0xc0000000, 4);
    elf_add_number(&b, XEN_NOTE_PADDR_OFFSET, 0, 4);
    elf_add_number(&b, XEN_NOTE_ENTRY, 0xc0400000, 4);
    elf_add_number(&b, XEN_NOTE_HYPERCALL_PAGE, 0xc0401000, 4);
    elf_add_number(&b, XEN_NOTE_INIT_P2M, 1, 4);
    elf_add_number(&b, XEN_NOTE_HV_START_LOW, 2, 4);
    elf_add_number(&b, XEN_NOTE_MOD_START_PFN, 1, 4);
    elf_add_note(&b, "Xen", XEN_NOTE_PHYS32_RELOC, "", 0);
    elf_add_note(&b, "Xen", 77, "", 0);
    (void)!boot("mode=pv", elf_build(&b), "");
    has_lines(lines, sizeof(lines) / sizeof(lines[0]));
    elf_free(&b);
}

/* Dots for a long stream, ten for a whole one, always a whole line; none at log=quiet. */
static void long_streams_show_progress(void **state)
{
    (void)state;
    static uint8_t noise[6 * MIB]; /* more than the workspace has room for */
    uint32_t x = 1;
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
    static const struct {
        size_t size;
        enum compressor compressor;
        enum refusal_id id;
        const char *line;
    } cases[] = {
        {2 * MIB, COMPRESSOR_GZIP, REFUSE_IMAGE_UNKNOWN, "\nparavane: unpacking ..........\n"},
        {2 * MIB, COMPRESSOR_XZ, REFUSE_IMAGE_UNKNOWN, "\nparavane: unpacking ..........\n"},
        {6 * MIB, COMPRESSOR_GZIP, REFUSE_UNPACK_NO_OUTPUT_ROOM, "\nparavane: unpacking ......\n"},
        {MIB / 2, COMPRESSOR_GZIP, REFUSE_IMAGE_UNKNOWN, NULL},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct view packed = pack(cases[i].compressor, (struct view){noise, cases[i].size}, 0);
        assert_int_equal(boot("", packed, ""), cases[i].id);
        if (cases[i].line ? !strstr(text, cases[i].line) : !!strstr(text, "unpacking"))
            fail_msg("case %u: %s", i, text);
        has_lines(NULL, 0);
        assert_int_equal(boot("log=quiet", packed, ""), cases[i].id);
        assert_string_equal(text, "");
        free((void *)(uintptr_t)packed.data);
    }
}

static void ways_in_have_names(void **state)
{
    (void)state;
    assert_string_equal(way_in_name(WAY_MULTIBOOT1), "Multiboot 1");
    assert_string_equal(way_in_name(WAY_MULTIBOOT2), "Multiboot 2");
    assert_string_equal(way_in_name(WAY_PVH), "PVH");
    assert_string_equal(way_in_name(WAY_UEFI), "UEFI");
    assert_string_equal(way_in_name(WAY_HOST_TOOL), "host tool");
    assert_string_equal(way_in_name(WAY_NONE), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_in_its_order), cmocka_unit_test(log_levels),
        cmocka_unit_test(auto_says_why),        cmocka_unit_test(an_old_cpu),
        cmocka_unit_test(refusals_on_the_way),  cmocka_unit_test(everything_the_guest_may_say),
        cmocka_unit_test(ways_in_have_names),   cmocka_unit_test(long_streams_show_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
