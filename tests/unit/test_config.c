/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * paravane.conf and the UEFI load options: what is understood, what is complained about, and that
 * nothing outside the text is read (the text stands at the end of a heap block of its exact size).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config.h"

static struct config config;
static uint8_t *copy;

static struct view exact(const char *text)
{
    size_t size = strlen(text);
    free(copy);
    copy = malloc(size ? size : 1);
    memcpy(copy, text, size);
    return (struct view){copy, size};
}

static void assert_text(struct config_text text, const char *expected)
{
    char got[256];
    assert_true(config_copy(text, got, sizeof(got)));
    assert_string_equal(got, expected);
}

static void entries_are_read(void **state)
{
    (void)state;
    config_parse(exact("\xef\xbb\xbf# comment\r\ntimeout = 7\r\ndefault=two\noptions=log=debug\n"
                       "[one]\ntitle=First kernel\nguest=/vmlinuz\narguments=a=b  c\n"
                       "[ two ]\nguest=\\k2\nramdisk=/r1\nramdisk=/r2\nmode=pv\noptions=role=domu"),
                 &config);
    assert_int_equal(config.complaint_count, 0);
    assert_true(config.has_timeout);
    assert_int_equal(config.timeout, 7);
    assert_int_equal(config.entry_count, 2);
    assert_text(config.options, "log=debug");
    assert_text(config.entry[0].title, "First kernel");
    assert_text(config.entry[0].arguments, "a=b  c");
    const struct config_entry *two = config_find(&config, config.default_entry);
    assert_ptr_equal(two, &config.entry[1]);
    assert_int_equal(two->ramdisk_count, 2);
    assert_text(two->ramdisk[1], "/r2");
    assert_text(two->mode, "pv");
    assert_text(two->options, "role=domu");
    assert_null(config_find(&config, (struct config_text){"three", 5}));
}

static void odd_lines_are_complained_about(void **state)
{
    (void)state;
    config_parse(exact("timeout=soon\nguest=early\nnonsense\n[open\n[]\n[e]\nbad=1\nramdisk"),
                 &config);
    assert_int_equal(config.complaint_count, 7);
    assert_string_equal(config.complaint[0], "line 1: timeout is not a number of seconds: soon");
    assert_string_equal(config.complaint[2], "line 3: neither key=value nor [name]: nonsense");
    assert_false(config.has_timeout);
    assert_int_equal(config.entry_count, 1);
}

static void too_many_entries_do_not_spill(void **state)
{
    char text[CONFIG_ENTRY_MAX * 8 + 64] = "";
    (void)state;
    for (int i = 0; i < CONFIG_ENTRY_MAX; i++)
        strcat(text, "[e]\n");
    strcat(text, "guest=last\n[over]\nguest=spilled\n");
    config_parse(exact(text), &config);
    assert_int_equal(config.entry_count, CONFIG_ENTRY_MAX);
    assert_text(config.entry[CONFIG_ENTRY_MAX - 1].guest, "last");
    assert_int_equal(config.complaint_count, 1);
}

static void too_many_ramdisks_are_refused(void **state)
{
    char text[CONFIG_RAMDISK_MAX * 16 + 64] = "[e]\n";
    (void)state;
    for (int i = 0; i <= CONFIG_RAMDISK_MAX; i++)
        strcat(text, "ramdisk=r\n");
    config_parse(exact(text), &config);
    assert_int_equal(config.entry[0].ramdisk_count, CONFIG_RAMDISK_MAX);
    assert_int_equal(config.complaint_count, 1);
}

static void empty_text_has_no_entries(void **state)
{
    (void)state;
    config_parse(exact(""), &config);
    assert_int_equal(config.entry_count, 0);
    config_parse(exact("\n\n\r\n"), &config);
    assert_int_equal(config.complaint_count, 0);
}

static void load_options_are_split(void **state)
{
    struct config_entry entry;
    struct config_text name;
    char words[64];
    (void)state;
    assert_true(config_parse_load_options(exact("PARAVANE.EFI mode=pv guest=\\k ramdisk=/r1 "
                                                "log=debug ramdisk=/r2 --  root=/dev/sda1 -- x "),
                                          &entry, &name, words, sizeof(words)));
    assert_string_equal(words, "mode=pv log=debug ");
    assert_text(entry.guest, "\\k");
    assert_int_equal(entry.ramdisk_count, 2);
    assert_text(entry.arguments, "root=/dev/sda1 -- x");

    assert_true(
        config_parse_load_options(exact("entry=two plan"), &entry, &name, words, sizeof(words)));
    assert_text(name, "two");
    assert_string_equal(words, "plan ");
}

static void long_load_options_are_cut(void **state)
{
    struct config_entry entry;
    struct config_text name;
    char words[8];
    (void)state;
    assert_false(
        config_parse_load_options(exact("abcdef ghijkl"), &entry, &name, words, sizeof(words)));
    assert_string_equal(words, "abcdef ");
}

static void copies_are_bounded(void **state)
{
    char small[4];
    (void)state;
    assert_false(config_copy((struct config_text){"abcdef", 6}, small, sizeof(small)));
    assert_string_equal(small, "abc");
    assert_true(config_copy((struct config_text){0}, small, sizeof(small)));
    assert_string_equal(small, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read),
        cmocka_unit_test(odd_lines_are_complained_about),
        cmocka_unit_test(too_many_entries_do_not_spill),
        cmocka_unit_test(too_many_ramdisks_are_refused),
        cmocka_unit_test(empty_text_has_no_entries),
        cmocka_unit_test(load_options_are_split),
        cmocka_unit_test(long_load_options_are_cut),
        cmocka_unit_test(copies_are_bounded),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(copy);
    return failed;
}
