/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Texts of the refusals, generated from refusal.def; see refusal.h.
 */
#include "refusal.h"

#include "bytes.h"

static const struct {
    enum refusal_id id;
    const char *name, *sentence, *advice;
} catalogue[] = {
#define REFUSAL(status, ident, sentence, advice) {REFUSE_##ident, #ident, sentence, advice},
#include "refusal.def"
#undef REFUSAL
    {REFUSE_NONE, "NONE", "nothing was refused", "Nothing needs to be done."},
};

#define CATALOGUE_COUNT (sizeof(catalogue) / sizeof(catalogue[0]))

static size_t find(enum refusal_id id)
{
    size_t i = 0;
    while (i < CATALOGUE_COUNT - 1 && catalogue[i].id != id)
        i++;
    return i;
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
    return catalogue[find(id)].name;
}

const char *refusal_advice(enum refusal_id id)
{
    return catalogue[find(id)].advice;
}

enum refusal_id refusal_by_index(size_t index)
{
    return index < CATALOGUE_COUNT ? catalogue[index].id : REFUSE_NONE;
}

void refusal_print(struct out *out, const struct refusal *why)
{
    size_t num = 0, str = 0;
    for (const char *c = catalogue[find(why->id)].sentence; *c; c++) {
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
