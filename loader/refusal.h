/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Refusals: every reason not to boot has an identifier, a host-tool exit status, one sentence that
 * says what was found and what was expected, and advice.  All of them stand in refusal.def.
 *
 * A function that can refuse returns enum refusal_id (REFUSE_NONE = go on) and fills *why; results
 * come back through ret_… and are untouched on refusal.  One place per program prints it.
 */
#ifndef LOADER_REFUSAL_H
#define LOADER_REFUSAL_H

#include <stddef.h>
#include <stdint.h>

#include "out.h"

enum refusal_id {
    REFUSE_NONE = 0,
#define REFUSAL(status, ident, sentence, advice) REFUSE_##ident = status,
#include "refusal.def"
#undef REFUSAL
};

#define REFUSAL_NUM_MAX  4
#define REFUSAL_STR_MAX  3
#define REFUSAL_STR_SIZE 64

/* What was found and expected.  Strings are copied (they often come from the image) and cleaned of
 * unprintable characters; longer ones are cut. */
struct refusal {
    enum refusal_id id;
    uint64_t num[REFUSAL_NUM_MAX];
    char str[REFUSAL_STR_MAX][REFUSAL_STR_SIZE];
};

struct refusal_detail {
    uint64_t num[REFUSAL_NUM_MAX];
    const char *str[REFUSAL_STR_MAX];
};

/* Fills *why and returns id: `return REFUSE(why, ELF_PHDR_PAST_END, .num = {end, size});` */
#define REFUSE(why, ident, ...)                                                                    \
    refusal_fill((why), REFUSE_##ident, &(struct refusal_detail){__VA_ARGS__})
enum refusal_id refusal_fill(struct refusal *why, enum refusal_id id,
                             const struct refusal_detail *detail);

/* "ELF_PHDR_PAST_END"; "NONE" for REFUSE_NONE. */
const char *refusal_name(enum refusal_id id);

/* What the user can do about it, a sentence. */
const char *refusal_advice(enum refusal_id id);

/* Prints the sentence with its numbers and strings filled in, no newline.  In the template %x takes
 * the next number as 0x-hex, %u as decimal, %s the next string. */
void refusal_print(struct out *out, const struct refusal *why);

/* The identifiers in the order of refusal.def: index from 0 until REFUSE_NONE comes back. */
enum refusal_id refusal_by_index(size_t index);

#endif
