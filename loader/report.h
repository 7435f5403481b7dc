/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The log, one function for each part in the order of printing.  Stage, UEFI application and host
 * tool print through these, so that they cannot differ.  Every line begins with "paravane: ";
 * log=quiet leaves only the refusal.
 */
#ifndef LOADER_REPORT_H
#define LOADER_REPORT_H

#include "boot_record.h"
#include "guest_image.h"
#include "guest_info.h"
#include "options.h"
#include "placement.h"
#include "plan.h"
#include "refusal.h"

#define REPORT_PREFIX "paravane: "

struct report {
    struct out *out;
    enum log_level log;
};

/* One line of one's own with log=debug, newline added. */
void report_debug(const struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As people know it: "Multiboot 1"; "unknown" for WAY_NONE. */
const char *way_in_name(enum way_in way);

/* Version, way in, the words of the command line that were not understood. */
void report_start(const struct report *report, const struct boot_record *record,
                  const struct options *options);
void report_memory(const struct report *report, const struct boot_record *record);
void report_modules(const struct report *report, const struct boot_record *record);

/* Class, container, what its notes say, complaints about them.  info NULL: the image has no ELF. */
void report_guest(const struct report *report, const struct guest_image *image,
                  const struct guest_info *info);
void report_decision(const struct report *report, const struct placement *placement);

/* The mode and why it was taken: asked for, or the first that the image offers. */
void report_mode(const struct report *report, const struct options *options,
                 const struct plan *plan);

/* The memory arrangement and the plan's warnings. */
void report_plan(const struct report *report, const struct plan_input *input,
                 const struct plan *plan);

/* "paravane: entering pvh at 0x1000850"; pv: the guest's virtual entry. */
void report_entering(const struct report *report, const struct plan *plan);

/* "paravane: refused: IDENTIFIER: sentence", whatever log= says. */
void report_refusal(struct out *out, const struct refusal *why);

#endif
