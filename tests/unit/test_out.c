/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The small printf against the C library's, for every combination of what it understands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bytes.h"
#include "out.h"

static const char *const flags[] = {"", "-", "0", "#", "0#", "-#"};
static const char *const widths[] = {"", "1", "5", "20"};
static const char *const precisions[] = {"", ".0", ".3", ".12"};

static void same(const char *format, const char *ours, const char *theirs)
{
    if (strcmp(ours, theirs))
        fail_msg("%s: ours '%s', theirs '%s'", format, ours, theirs);
}

/* One conversion with one value of one C type, under every flag, width and precision. */
#define COMPARE(conversion, value)                                                                 \
    for (size_t f = 0; f < 6; f++)                                                                 \
        for (size_t w = 0; w < 4; w++)                                                             \
            for (size_t p = 0; p < 4; p++) {                                                       \
                char format[32], ours[64], theirs[64];                                             \
                snprintf(format, sizeof(format), "<%%%s%s%s" conversion ">", flags[f], widths[w],  \
                         precisions[p]);                                                           \
                size_t length = out_format(ours, sizeof(ours), format, value);                     \
                assert_int_equal(length, snprintf(theirs, sizeof(theirs), format, value));         \
                same(format, ours, theirs);                                                        \
            }

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"

static void numbers(void **state)
{
    static const uint64_t values[] = {0,          1,          9,
                                      10,         255,        0x7fffffff,
                                      0x80000000, 0xffffffff, 0x123456789abcdef0,
                                      UINT64_MAX, 1000000000, 10000000000000000000u};
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        COMPARE("x", (unsigned)values[i])
        COMPARE("X", (unsigned)values[i])
        COMPARE("llx", (unsigned long long)values[i])
        COMPARE("jx", (uintmax_t)values[i])
        COMPARE("zx", (size_t)values[i])
    }
    /* '#' has no meaning with %u and %d. */
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        char ours[64], theirs[64];
        static const char *const formats[] = {"%llu", "%30llu", "%-30llu|", "%030llu", "%.25llu",
                                              "%lld", "%30lld", "%-30lld|", "%030lld", "%.25lld"};
        for (size_t f = 0; f < 10; f++) {
            out_format(ours, sizeof(ours), formats[f], (unsigned long long)values[i]);
            snprintf(theirs, sizeof(theirs), formats[f], (unsigned long long)values[i]);
            same(formats[f], ours, theirs);
        }
        out_format(ours, sizeof(ours), "%d %u %ld", (int)values[i], (unsigned)values[i],
                   (long)values[i]);
        snprintf(theirs, sizeof(theirs), "%d %u %ld", (int)values[i], (unsigned)values[i],
                 (long)values[i]);
        same("%d %u %ld", ours, theirs);
    }
}

static void texts(void **state)
{
    char ours[64], theirs[64];
    (void)state;
    static const char *const formats[] = {"%s", "%7s|", "%-7s|", "%.2s", "%7.2s", "%-7.0s|"};
    for (size_t f = 0; f < 6; f++) {
        out_format(ours, sizeof(ours), formats[f], "abcd");
        snprintf(theirs, sizeof(theirs), formats[f], "abcd");
        same(formats[f], ours, theirs);
    }
    out_format(ours, sizeof(ours), "%*s|%-*s|%.*s|%c|%%", 5, "ab", 5, "cd", 1, "ef", 'x');
    assert_string_equal(ours, "   ab|cd   |e|x|%");
    const char *volatile none = NULL;
    out_format(ours, sizeof(ours), "%s", none);
    assert_string_equal(ours, "(null)");
    out_format(ours, sizeof(ours), "a %q b %", 1);
    assert_string_equal(ours, "a %q b %");
    out_format(ours, sizeof(ours), "%p", (void *)0x1234);
    assert_string_equal(ours, "0x1234");
}

static void buffers_never_overflow(void **state)
{
    char text[8];
    struct out_buffer buffer;
    (void)state;
    memset(text, 'z', sizeof(text));
    assert_int_equal(out_format(text, 4, "%s", "abcdef"), 6);
    assert_memory_equal(text, "abc\0zzzz", 8);
    assert_int_equal(out_format(text, 1, "%d", 5), 1);
    assert_int_equal(text[0], 0);
    out_buffer_init(&buffer, text, sizeof(text));
    for (int i = 0; i < 20; i++)
        out_text(&buffer.out, "xy");
    assert_int_equal(buffer.length, 40);
    assert_string_equal(text, "xyxyxyx");
}

static void string_copy_cuts_and_tells(void **state)
{
    char text[4];
    (void)state;
    assert_int_equal(string_copy(text, "ab", sizeof(text)), 2);
    assert_string_equal(text, "ab");
    assert_int_equal(string_copy(text, "abcd", sizeof(text)), 4);
    assert_string_equal(text, "abc");
    assert_int_equal(string_copy(text, "abcd", 1), 4);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts),
        cmocka_unit_test(buffers_never_overflow),
        cmocka_unit_test(string_copy_cuts_and_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
