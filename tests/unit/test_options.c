/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage's command line: every word of the table, good and bad values, defaults, complaints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "options.h"

static struct options o;

static struct options *parse(const char *line)
{
    memset(&o, 0xa5, sizeof(o));
    options_parse(line, &o);
    return &o;
}

static void defaults(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "   \t ", "/boot/paravane.elf", "  paravane.elf  "};
    for (size_t i = 0; i < 4; i++) {
        parse(lines[i]);
        assert_int_equal(o.mode, MODE_AUTO);
        assert_int_equal(o.native, NATIVE_ANY);
        assert_int_equal(o.role, ROLE_DOM0);
        assert_int_equal(o.uart_count, 1);
        assert_int_equal(o.uart[0], 0x3f8);
        assert_true(o.vga);
        assert_false(o.debugcon);
        assert_int_equal(o.baud, 115200);
        assert_int_equal(o.log, LOG_INFO);
        assert_int_equal(o.memory_limit, 0);
        assert_false(o.has_virt_base || o.has_paddr_offset || o.plan_only);
        assert_int_equal(o.paddr, PADDR_FROM_GUEST);
        assert_int_equal(o.on_refusal, ON_REFUSAL_HALT);
        assert_int_equal(o.debug_exit, 0);
        assert_int_equal(o.vcpus, 0);
        assert_string_equal(o.trace, "");
        assert_int_equal(o.complaint_count, 0);
    }
}

static void every_word(void **state)
{
    (void)state;
    assert_int_equal(parse("mode=native")->mode, MODE_NATIVE);
    assert_int_equal(parse("mode=pvh")->mode, MODE_PVH);
    assert_int_equal(parse("mode=pv")->mode, MODE_PV);
    assert_int_equal(parse("mode=pv mode=auto")->mode, MODE_AUTO);
    assert_int_equal(parse("mode=native,multiboot1")->native, NATIVE_MULTIBOOT1);
    assert_int_equal(parse("mode=native,multiboot2")->native, NATIVE_MULTIBOOT2);
    assert_int_equal(parse("mode=native,linux")->native, NATIVE_LINUX);
    assert_int_equal(parse("mode=native,linux16")->native, NATIVE_LINUX16);
    assert_int_equal(parse("mode=native,elf")->native, NATIVE_ELF);
    assert_int_equal(parse("role=domu")->role, ROLE_DOMU);
    assert_int_equal(parse("role=domu role=dom0")->role, ROLE_DOM0);
    assert_int_equal(parse("baud=9600")->baud, 9600);
    assert_int_equal(parse("log=quiet")->log, LOG_QUIET);
    assert_int_equal(parse("log=debug")->log, LOG_DEBUG);
    assert_int_equal(parse("mem=512M")->memory_limit, 512 << 20);
    assert_int_equal(parse("mem=2G")->memory_limit, UINT64_C(2) << 30);
    assert_int_equal(parse("virt-base=0xffffffff80000000")->virt_base, 0xffffffff80000000);
    assert_true(o.has_virt_base);
    assert_int_equal(parse("paddr-offset=0")->paddr_offset, 0);
    assert_true(o.has_paddr_offset);
    assert_int_equal(parse("paddr=physical")->paddr, PADDR_PHYSICAL);
    assert_int_equal(parse("paddr=virtual")->paddr, PADDR_VIRTUAL);
    assert_int_equal(parse("on-refusal=reboot")->on_refusal, ON_REFUSAL_REBOOT);
    assert_int_equal(parse("on-refusal=poweroff")->on_refusal, ON_REFUSAL_POWEROFF);
    assert_int_equal(parse("on-refusal=poweroff on-refusal=halt")->on_refusal, ON_REFUSAL_HALT);
    assert_int_equal(parse("debug-exit=0xf4")->debug_exit, 0xf4);
    assert_int_equal(parse("debug-exit=0xf4 debug-exit=none")->debug_exit, 0);
    assert_true(parse("plan")->plan_only);
    assert_int_equal(parse("vcpus=4")->vcpus, 4);
    assert_string_equal(parse("trace=mmu,event")->trace, "mmu,event");
    assert_int_equal(o.complaint_count, 0);

    parse("/stage.elf\tmode=pv  role=domu\nlog=debug ");
    assert_int_equal(o.mode, MODE_PV);
    assert_int_equal(o.role, ROLE_DOMU);
    assert_int_equal(o.log, LOG_DEBUG);
    assert_int_equal(o.complaint_count, 0);
    assert_string_equal(mode_name(MODE_AUTO), "auto");
    assert_string_equal(mode_name(MODE_PV), "pv");
}

static void consoles(void **state)
{
    (void)state;
    parse("console=com2,0x2e8,vga,debugcon,com2");
    assert_int_equal(o.uart_count, 2);
    assert_int_equal(o.uart[0], 0x2f8);
    assert_int_equal(o.uart[1], 0x2e8);
    assert_true(o.vga && o.debugcon);
    parse("console=none");
    assert_true(o.uart_count == 0 && !o.vga && !o.debugcon);
    parse("console=com1,com2,com3,com4");
    assert_int_equal(o.uart_count, 4);
    assert_false(o.vga);
    assert_int_equal(o.uart[2], 0x3e8);
    assert_int_equal(o.uart[3], 0x2e8);
    assert_int_equal(o.complaint_count, 0);
    /* A bad list leaves the default alone. */
    static const char *const bad[] = {
        "console=com5", "console=",        "console=com1,",  "console=0x",
        "console=0x0",  "console=0x10000", "console=serial", "console=com1,com2,com3,com4,0x100"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i]);
        assert_int_equal(o.complaint_count, 1);
        assert_string_equal(o.complaint[0], bad[i]);
        assert_int_equal(o.uart_count, 1);
        assert_true(o.vga);
    }
}

static void bad_values_are_reported_and_change_nothing(void **state)
{
    static const char *const bad[] = {
        "mode=xen",
        "mode=",
        "mode=pv,linux",
        "mode=native,",
        "mode=native,foo",
        "mode=native,linux,elf",
        "Mode=pv",
        "role=dom1",
        "baud=0",
        "baud=100000",
        "baud=230400",
        "baud=x",
        "log=loud",
        "mem=0",
        "mem=12Q",
        "mem=",
        "virt-base=c0000000",
        "virt-base=",
        "paddr-offset=-1",
        "paddr=both",
        "paddr=",
        "on-refusal=",
        "debug-exit=0",
        "debug-exit=0x10000",
        "vcpus=0",
        "vcpus=5000",
        "trace=",
        "plan=1",
        "planner=",
        "virt-base=0x10000000000000000",
    };
    struct options none;
    (void)state;
    options_parse("", &none);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i]);
        if (o.complaint_count != 1 || strcmp(o.complaint[0], bad[i]))
            fail_msg("%s: %u complaints, '%s'", bad[i], o.complaint_count, o.complaint[0]);
        assert_int_equal(o.mode, none.mode);
        assert_int_equal(o.native, none.native);
        assert_int_equal(o.memory_limit, none.memory_limit);
        assert_int_equal(o.baud, none.baud);
        assert_false(o.has_virt_base || o.has_paddr_offset || o.plan_only);
        assert_int_equal(o.vcpus, 0);
    }
}

static void complaints_are_counted_and_cleaned(void **state)
{
    char line[400] = "stage.elf ";
    (void)state;
    for (int i = 0; i < 12; i++)
        strcat(line, "what? ");
    parse(line);
    assert_int_equal(o.complaint_count, 12);
    assert_string_equal(o.complaint[OPTIONS_COMPLAINT_MAX - 1], "what?");

    memset(line, 'x', 200);
    strcpy(line + 200, "=1 a\x01\xff");
    parse(line);
    assert_int_equal(o.complaint_count, 2);
    assert_int_equal(strlen(o.complaint[0]), sizeof(o.complaint[0]) - 1);
    assert_string_equal(o.complaint[1], "a??");

    /* Only the very first word may be a file name, and not one with '='. */
    parse("first second");
    assert_int_equal(o.complaint_count, 1);
    assert_string_equal(o.complaint[0], "second");
    parse("mode=pv second");
    assert_int_equal(o.complaint_count, 1);

    char trace[100] = "trace=";
    memset(trace + 6, 'y', 63);
    trace[69] = 0;
    assert_int_equal(strlen(parse(trace)->trace), 63);
    strcat(trace, "y");
    assert_int_equal(parse(trace)->complaint_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(every_word),
        cmocka_unit_test(consoles),
        cmocka_unit_test(bad_values_are_reported_and_change_nothing),
        cmocka_unit_test(complaints_are_counted_and_cleaned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
