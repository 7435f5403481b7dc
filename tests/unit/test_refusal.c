/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The catalogue of refusals as a whole: each has a status of its own, a sentence of its own that
 * says what was expected, advice, and no more numbers and strings than can be carried.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "refusal.h"

static const char *const sentences[] = {
#define REFUSAL(status, ident, sentence, advice) sentence,
#include "refusal.def"
#undef REFUSAL
};

#define COUNT (sizeof(sentences) / sizeof(sentences[0]))

static void every_refusal_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        enum refusal_id id = refusal_by_index(i);
        const char *name = refusal_name(id), *advice = refusal_advice(id);
        if (id <= 0 || id > 255)
            fail_msg("%s: status %d", name, id);
        if (strlen(sentences[i]) < 20 || sentences[i][strlen(sentences[i]) - 1] == '.')
            fail_msg("%s: '%s' is no sentence to follow a colon", name, sentences[i]);
        if (strlen(advice) < 10 || advice[strlen(advice) - 1] != '.')
            fail_msg("%s: advice '%s'", name, advice);
        for (size_t j = 0; j < i; j++)
            if (refusal_by_index(j) == id || !strcmp(sentences[i], sentences[j]) ||
                !strcmp(name, refusal_name(refusal_by_index(j))))
                fail_msg("%s and %s are not different", name, refusal_name(refusal_by_index(j)));
    }
    assert_int_equal(refusal_by_index(COUNT), REFUSE_NONE);
    assert_int_equal(refusal_by_index(COUNT + 100), REFUSE_NONE);
    assert_string_equal(refusal_name(REFUSE_NONE), "NONE");
}

static void placeholders_are_few_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        const char *name = refusal_name(refusal_by_index(i));
        size_t num = 0, str = 0;
        for (const char *c = strchr(sentences[i], '%'); c; c = strchr(c + 1, '%')) {
            if (c[1] == 'x' || c[1] == 'u')
                num++;
            else if (c[1] == 's')
                str++;
            else
                fail_msg("%s: conversion %%%c", name, c[1]);
        }
        if (num > REFUSAL_NUM_MAX || str > REFUSAL_STR_MAX)
            fail_msg("%s: %zu numbers, %zu strings", name, num, str);
    }
}

static void sentences_are_filled_in(void **state)
{
    struct refusal why;
    char text[512];
    struct out_buffer buffer;
    (void)state;

    assert_int_equal(REFUSE(&why, ELF_SEGMENT_OUTSIDE_FILE, .num = {3, 0x20, 0x1000, 0x1010}),
                     REFUSE_ELF_SEGMENT_OUTSIDE_FILE);
    out_buffer_init(&buffer, text, sizeof(text));
    refusal_print(&buffer.out, &why);
    assert_string_equal(text,
                        "segment 3 has 0x20 bytes at 0x1000 of the file, which has only 0x1010");

    assert_int_equal(REFUSE(&why, GUEST_LOADER, .str = {"a\nb\x80", NULL}), REFUSE_GUEST_LOADER);
    out_buffer_init(&buffer, text, sizeof(text));
    refusal_print(&buffer.out, &why);
    assert_non_null(strstr(text, "LOADER is 'a?b?' and GUEST_OS is ''"));

    char big[200];
    memset(big, 'x', sizeof(big));
    big[199] = 0;
    (void)REFUSE(&why, GUEST_XEN_VERSION, .str = {big});
    assert_int_equal(strlen(why.str[0]), REFUSAL_STR_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_is_complete),
        cmocka_unit_test(placeholders_are_few_enough),
        cmocka_unit_test(sentences_are_filled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
