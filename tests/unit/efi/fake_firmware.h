/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A UEFI firmware in the test's own process: boot services, one volume with a few files, a text
 * console that is remembered, 256 MiB of memory below 4 GiB at addresses that are pointers too.
 * A test sets what it wants of struct fake, calls fake_start() and looks at status and console.
 * What each service does and refuses: UEFI 2.10 sections 7 (memory, ExitBootServices), 12, 13.
 */
#ifndef TESTS_UNIT_EFI_FAKE_FIRMWARE_H
#define TESTS_UNIT_EFI_FAKE_FIRMWARE_H

#include <efi.h>
#include <stdbool.h>

#include "refusal.h"

#define FAKE_FILE_MAX 8
#define FAKE_BASE     UINT64_C(0x10000000)
#define FAKE_SIZE     UINT64_C(0x10000000)

struct fake_file {
    const char *path; /* in 7-bit text, from the root, with backslashes */
    const void *data;
    uint64_t size;
    bool folder;
    EFI_STATUS open, info; /* what Open and GetInfo give instead of success */
    uint64_t read_limit;   /* bytes after which reading fails; 0 = never */
};

struct fake {
    struct fake_file file[FAKE_FILE_MAX];
    bool no_volume, no_open_volume, network;
    const void *load_options;
    uint32_t load_options_size;
    uint64_t image_base; /* what the firmware says of the image; 0 = below 4 GiB */
    const void *image;   /* a PE image's headers and sections, when there is one */
    uint64_t image_size;
    const char *keys; /* what is typed at the menu */

    uint64_t largest_allocation; /* AllocatePages refuses more bytes; 0 = no limit */
    bool no_memory_map;          /* GetMemoryMap fails */
    bool stale_key;              /* ExitBootServices never takes the key */
    uint32_t stale_times;        /* … does not take it that often, the map having changed */
    bool take_all;               /* … and at the first time the firmware has taken all memory */
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode; /* NULL = no GOP */
    const char *secure_boot, *setup_mode; /* the variables' bytes; NULL = there is none */

    /* what came out */
    char console[32768];
    bool left;      /* boot services were left and our own page tables were switched to */
    uint32_t exits; /* calls of ExitBootServices */
    const void *workspace;
    uint64_t canary_base; /* FAKE_CANARY_BASE again whenever the application has come back */
};
#define FAKE_CANARY_BASE 0x5ca1ab1e

extern struct fake fake;

/* Everything empty; memory is free and clean. */
void fake_reset(void);
void fake_file_text(unsigned index, const char *path, const char *text);

/* Runs efi_main() until it comes back, or until it has left boot services (fake.left). */
EFI_STATUS fake_start(void);

/* Runs it and asserts that this refusal was printed and went back to the firmware with a status. */
void fake_refuses(enum refusal_id id);

#endif
