/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The Multiboot 2 boot information: every tag that the boot record can fill, whether the header
 * asked for it or not (a loader may always give more).
 */
#ifndef LOADER_NATIVE_TAGS_H
#define LOADER_NATIVE_TAGS_H

#include "native.h"

struct tags {
    const struct plan_input *input;
    struct plan *plan;
    struct native_sections sections;
    const uint64_t *module_at; /* module n + 1 stands at module_at[n] */
    bool relocatable;
    uint64_t load_base; /* given to relocatable guests */
};

/* Upper bound in bytes. */
uint32_t tags_size(const struct tags *tags);

/* Writes the information at plan->info, which must be placed, and adds the copies. */
enum refusal_id tags_write(const struct tags *tags, struct refusal *why);

#endif
