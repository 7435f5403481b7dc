/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Linux's boot_params, the zero page: filled completely from the boot record.  Sources: Linux
 * Documentation/arch/x86/boot.rst and zero-page.rst, include/uapi/linux/screen_info.h.
 */
#ifndef LOADER_LINUX_PARAMS_H
#define LOADER_LINUX_PARAMS_H

#include "plan.h"

#define LINUX_PARAMS_SIZE 4096u
#define LINUX_E820_MAX    128u /* entries in the zero page; more go into setup_data */

struct linux_params {
    const struct plan_input *input;
    struct view header;    /* the setup header's bytes from offset 0x1F1 on; empty for a vmlinux */
    uint16_t version;      /* boot protocol, 0x020F = 2.15 */
    uint64_t load_address; /* of the protected-mode kernel, machine */
    uint64_t init_size, pref_address; /* written for a vmlinux only */
    uint64_t ramdisk, ramdisk_size;   /* machine, bytes */
    uint32_t cmdline_max;             /* characters without the NUL */
    uint16_t heap_end; /* 16-bit entry: where the setup code's stack and heap end, from its start */
};

/* Upper bound of what linux_params_add() adds to the blob. */
uint32_t linux_params_size(const struct linux_params *params);

/* Adds zero page, command line and setup_data to the blob (plan->info must be placed).  *ret_at is
 * the zero page's machine address.  A command line that is too long is cut with a warning, entries
 * of the memory map that an old protocol cannot take are dropped with one. */
enum refusal_id linux_params_add(const struct linux_params *params, struct plan *plan,
                                 uint64_t *ret_at, struct refusal *why);

/* The same for the 16-bit entry: instead of the zero page the boot sector and setup code
 * themselves, with the loader's fields in them, and the command line behind their heap, at
 * plan->info. */
enum refusal_id linux_params_setup(const struct linux_params *params, struct plan *plan,
                                   struct refusal *why);

#endif
