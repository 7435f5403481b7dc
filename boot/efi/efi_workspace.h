/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The application's own memory: one block below 4 GiB with everything that the plan and the last
 * moments need, since the firmware may have loaded the image itself anywhere.
 */
#ifndef BOOT_EFI_WORKSPACE_H
#define BOOT_EFI_WORKSPACE_H

#include "console.h"
#include "efi_app.h"
#include "prepare.h"

#define WORKSPACE_BLOB_SIZE  0x80000
#define WORKSPACE_STACK_SIZE 0x10000
#define WORKSPACE_TABLES                                                                           \
    68 /* pages: PML4, PDPT and up to 64 GiB, and one for the rest of a start */

struct workspace {
    uint8_t tables[WORKSPACE_TABLES][4096]; /* page-aligned, as is the block */
    uint8_t stack[WORKSPACE_STACK_SIZE];
    uint8_t blob[WORKSPACE_BLOB_SIZE];
    uint64_t canary[8], canary_base_before;
    struct efi_choice choice;
    struct options options;
    struct boot_record record;
    struct cpu_info cpu;
    struct guest_image image;
    struct guest_info info;
    struct placement placement;
    struct plan plan;
    struct prepare prepare;
    struct unpack_memory memory;
    struct efi_map map;
    struct out *firmware;
    struct console console; /* used beside the firmware's console, and after boot services */
    bool use_console, left;
    struct out out; /* both */
    uint64_t size;  /* of the whole block, the layers' images behind this struct included */
};

/* Allocates the workspace below 4 GiB, fills in the CPU and the layers' images, which are copied
 * behind it, and puts this program's stack protector canary there.  Refuses: no memory. */
enum refusal_id workspace_make(struct efi_app *app, struct out *firmware, struct workspace **ret,
                               struct refusal *why);

/* The CPU's state as the firmware had it; before every return to it. */
void workspace_give_back(const struct workspace *space);

/* Switches on the serial consoles that the options name, unless the firmware's console writes to a
 * serial port already. */
void workspace_consoles(struct efi_app *app, struct workspace *space, struct out *firmware);

/* From the record to the printed plan; space->record must have its modules. */
enum refusal_id workspace_prepare(struct efi_app *app, struct workspace *space,
                                  struct refusal *why);

/* The memory map of this moment into the record. */
enum refusal_id workspace_read_map(struct efi_app *app, struct workspace *space,
                                   struct refusal *why);

#endif
