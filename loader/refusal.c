/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Texts of the refusals, generated from refusal.def; see refusal.h.
 */
#include "refusal.h"

#include "bytes.h"

/* The identifiers' numbers, and in the same order name, sentence and advice, each NUL-terminated: a
 * table of pointers would be as large as a sixth of the texts, and would have to be relocated. */
static const uint16_t ids[] = {
#define REFUSAL(status, ident, sentence, advice) REFUSE_##ident,
#include "refusal.def"
#undef REFUSAL
};
static const char texts[] =
#define REFUSAL(status, ident, sentence, advice) #ident "\0" sentence "\0" advice "\0"
#include "refusal.def"
#undef REFUSAL
    "NONE\0nothing was refused\0Nothing needs to be done.";

#define ID_COUNT (sizeof(ids) / sizeof(ids[0]))

enum part { PART_NAME, PART_SENTENCE, PART_ADVICE, PART_COUNT };

/* An unknown id, and REFUSE_NONE, is the entry behind the last. */
static const char *find(enum refusal_id id, enum part part)
{
    const char *text = texts;
    size_t skip = 0;
    while (skip < ID_COUNT && ids[skip] != (uint16_t)id)
        skip++;
    for (skip = skip * PART_COUNT + part; skip; skip--)
        text += strlen(text) + 1;
    return text;
}

enum refusal_id refusal_fill(struct refusal *why, enum refusal_id id,
                             const struct refusal_detail *detail)
{
    memset(why, 0, sizeof(*why));
    why->id = id;
    memcpy(why->num, detail->num, sizeof(why->num));
    for (size_t i = 0; i < REFUSAL_STR_MAX; i++) {
        if (!detail->str[i])
            continue;
        string_copy(why->str[i], detail->str[i], REFUSAL_STR_SIZE);
        for (char *c = why->str[i]; *c; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
    }
    return id;
}

const char *refusal_name(enum refusal_id id)
{
    return find(id, PART_NAME);
}

const char *refusal_advice(enum refusal_id id)
{
    return find(id, PART_ADVICE);
}

enum refusal_id refusal_by_index(size_t index)
{
    return index < ID_COUNT ? (enum refusal_id)ids[index] : REFUSE_NONE;
}

void refusal_print(struct out *out, const struct refusal *why)
{
    size_t num = 0, str = 0;
    for (const char *c = find(why->id, PART_SENTENCE); *c; c++) {
        if (c[0] == '%' && c[1] == 'x' && num < REFUSAL_NUM_MAX) {
            out_printf(out, "0x%llx", (unsigned long long)why->num[num++]);
            c++;
        } else if (c[0] == '%' && c[1] == 'u' && num < REFUSAL_NUM_MAX) {
            out_printf(out, "%llu", (unsigned long long)why->num[num++]);
            c++;
        } else if (c[0] == '%' && c[1] == 's' && str < REFUSAL_STR_MAX) {
            out_text(out, why->str[str++]);
            c++;
        } else {
            out->put(out, c, 1);
        }
    }
}
