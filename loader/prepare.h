/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything between the boot record and apply, in one call: open the guest, read what it says,
 * decide its addresses, choose the mode, make the plan, print each step.  Stage, UEFI application
 * and host tool run this same function.  Nothing but unpack memory and the blob is written.
 */
#ifndef LOADER_PREPARE_H
#define LOADER_PREPARE_H

#include "report.h"

struct prepare {
    struct report report;
    struct unpack_memory *memory; /* free, overlaps no module, not the stage */

    /* Storage, large: the caller's.  plan->blob, blob_at and blob_size are set by the caller. */
    struct guest_image *image;
    struct guest_info *info;
    struct placement *placement;
    struct plan *plan;

    /* The record's map: cut by mem= once the mode is known.  Not for pv, whose planner gives the
     * guest that much and needs the rest for the layer.  NULL = leave it alone. */
    struct memory_map *map;

    /* record, options, cpu, stage, resident…, wall_clock are the caller's; image, info and
     * placement are filled in here. */
    struct plan_input input;

    /* Called when a phase ends ("open", "decide", "plan", between them "print"; some more than
     * once), for timing.  May be NULL. */
    void (*phase)(struct prepare *prepare, const char *name);
};

/* Prints all lines of the log up to, not including, "entering".  A refusal is returned and not
 * printed: the caller does that with report_refusal(), once. */
enum refusal_id prepare_boot(struct prepare *prepare, struct refusal *why);

#endif
