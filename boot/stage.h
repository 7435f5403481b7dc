/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of boot/ share: the one running stage, its consoles and its end.  32-bit flat
 * protected mode without paging: a machine address below 4 GiB is a pointer.
 */
#ifndef BOOT_STAGE_H
#define BOOT_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "boot_record.h"
#include "cpu.h"
#include "options.h"
#include "out.h"
#include "range.h"
#include "reader.h"

#define STAGE_PREFIX "paravane: "

/* The first C function (boot/entry.asm calls it): information as the way in's protocol has it. */
void stage_main(uint32_t way, uint32_t information) __attribute__((noreturn));

/* The consoles, default ones until the options are known. */
struct out *stage_out(void);

/* All of the stage in memory, zeroed data and stack included; its code. */
struct range stage_range(void);
bool stage_is_code(uint32_t at);

/* The function that an address is in and how far, NULL when it is none of ours (boot/symbol.c). */
const char *stage_symbol(uint32_t at, uint32_t *ret_offset);

/* What the stage is doing, for reports. */
const char *stage_phase(void);

/* Machine memory below 4 GiB. */
extern const struct reader stage_reader;

/* Fills *ret from CPUID (boot/cpu_check.c). */
void cpu_read(struct cpu_info *ret);

/* Time stamp counter, 0 on a CPU without. */
uint64_t cpu_ticks(void);

/* Prints what happens now, and the advice ("" = none) on the same line; writes debug-exit=, then
 * halts, resets or powers off (boot/end.c).  stage_options() knows what the user wants. */
void stage_end(enum on_refusal how, const char *advice) __attribute__((noreturn));
const struct options *stage_options(void);
const struct boot_record *stage_record(void);

#endif
