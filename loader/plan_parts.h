/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the planners of native and pvh share: the kernel's segments, the modules and the information
 * block.  All addresses are machine addresses in bytes, below 4 GiB.  plan_parts.c does the work.
 */
#ifndef LOADER_PLAN_PARTS_H
#define LOADER_PLAN_PARTS_H

#include "memory_map.h"
#include "plan.h"

/* What steps may overwrite once it has been read. */
#define PLAN_WORK_KINDS ((1u << REGION_STAGE) | (1u << REGION_SOURCE))

/* plan_find() that may land on regions of the kinds whose bit is set in `ignore` (plan.c). */
MUST_USE bool plan_find_over(const struct plan *plan, const struct boot_record *record,
                             uint64_t size, uint64_t align, uint64_t min, uint64_t max,
                             unsigned ignore, bool from_top, uint64_t *ret);

/* The segments of input->placement, each moved by `shift` (modulo 2^64): a TARGET region, a copy of
 * its file bytes, zeros behind.  Refuses what is not RAM below 4 GiB. */
enum refusal_id parts_kernel(const struct plan_input *input, struct plan *plan, uint64_t shift,
                             struct refusal *why);

/* A TARGET that must stand at `start`.  Refuses when that is not RAM below 4 GiB or is kept. */
enum refusal_id parts_fixed(const struct plan_input *input, struct plan *plan, const char *name,
                            uint64_t start, uint64_t size, struct refusal *why);

/* True when [start, start + size) is RAM below 4 GiB, holds nothing that is kept and no module but
 * the guest's. */
bool parts_is_free(const struct plan_input *input, uint64_t start, uint64_t size);

/* Whole RAM outside of everything that parts_is_free() excludes, at the lowest place in [min, max)
 * (max 0 = 4 GiB); from_top prefers the highest.  The guest's file and the stage may be there. */
MUST_USE bool parts_find_kernel(const struct plan_input *input, struct plan *plan, uint64_t size,
                                uint64_t align, uint64_t min, uint64_t max, bool from_top,
                                uint64_t *ret);

/* Where modules may stand. */
struct module_rule {
    const char *name; /* of the regions: "module" gives "module 1", "module 2" … */
    uint64_t align;   /* power of two, bytes */
    uint64_t max;     /* ends at or below, 0 = 4 GiB */
    bool from_top;    /* where one goes that cannot stay */
};

/* Every module after the guest: left where it is when that suits the rule and nothing else must
 * stand there, copied elsewhere if not.  ret_at[n] is the place of record->module[n + 1]. */
enum refusal_id parts_modules(const struct plan_input *input, struct plan *plan,
                              const struct module_rule *rule, uint64_t ret_at[RECORD_MODULE_MAX],
                              struct refusal *why);

/* All modules after the guest as one run of bytes, each padded with zeros to four: in place when
 * there is only one and it may stay.  *ret_size 0 = none. */
enum refusal_id parts_ramdisk(const struct plan_input *input, struct plan *plan,
                              const struct module_rule *rule, uint64_t *ret_at, uint64_t *ret_size,
                              struct refusal *why);

/* Chooses plan->info for at most `size` bytes of blob; parts_info_done() cuts the region to what
 * was used and adds the copy.  The bytes [hole.start, hole.end) of the blob, when there are any,
 * are copied from machine address `hole_from` instead, which record->keep must cover. */
enum refusal_id parts_info(const struct plan_input *input, struct plan *plan, uint32_t size,
                           struct refusal *why);
enum refusal_id parts_info_done(struct plan *plan, struct range hole, uint64_t hole_from,
                                struct refusal *why);

/* Places the HANDOFF region now, below `max` (0 = 4 GiB), for planners that must tell the guest
 * where it is or leave through real mode; plan_make() does it at the end otherwise (plan.c). */
enum refusal_id parts_handoff(const struct plan_input *input, struct plan *plan, uint64_t max,
                              struct refusal *why);

/* A NUL-terminated string into the blob. */
enum refusal_id parts_string(struct plan *plan, const char *text, uint64_t *ret_at,
                             struct refusal *why);

/* The guest's own words: the first module's string without the file name in front. */
const char *parts_arguments(const struct boot_record *record);

/* Bytes that all strings of the record's modules take, NULs included. */
uint32_t parts_strings_size(const struct boot_record *record);

#endif
