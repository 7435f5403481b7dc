/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the UEFI application share: the firmware's tables, and one function per
 * concern. Only files below boot/efi/ include this; the rest of the project never sees an EFI type.
 */
#ifndef BOOT_EFI_APP_H
#define BOOT_EFI_APP_H

#include <efi.h>

#include "boot_record.h"
#include "config.h"
#include "options.h"
#include "refusal.h"

#define EFI_BELOW_4G UINT64_C(0xffffffff)

struct efi_app {
    EFI_HANDLE image;
    EFI_SYSTEM_TABLE *table;
    EFI_BOOT_SERVICES *services; /* NULL once boot services have been left */
    EFI_LOADED_IMAGE *loaded;
};

/* efi_memory.c: pages below 4 GiB of type EfiLoaderData; false when the firmware has none. */
bool efi_allocate(struct efi_app *app, uint64_t size, uint64_t *ret_at);
void efi_free(struct efi_app *app, uint64_t at, uint64_t size);
/* The largest free stretch below 4 GiB, less what the firmware may still need; false when there is
 * none. */
bool efi_allocate_largest(struct efi_app *app, uint64_t *ret_at, uint64_t *ret_size);

/* The current memory map in a buffer that is big enough to be read again after allocations. */
struct efi_map {
    uint8_t *data;
    UINTN capacity, size, key, entry_size;
    UINT32 entry_version;
};
bool efi_map_prepare(struct efi_app *app, struct efi_map *map);
EFI_STATUS efi_map_read(struct efi_app *app, struct efi_map *map);

/* efi_console.c: a struct out over ConOut; it adds the CR that firmware wants. */
void efi_console_init(struct efi_app *app, struct out *out);
/* True when one of the firmware's consoles is a serial port, so that writing to the UART ourselves
 * would print everything twice. */
bool efi_console_has_serial(struct efi_app *app);

/* efi_files.c: reads a whole file from the volume (or the network device) that the application came
 * from.  `path` is UTF-8, '/' or '\\'; a relative one starts in the application's own folder. */
enum refusal_id efi_file_read(struct efi_app *app, const char *path, uint64_t *ret_at,
                              uint64_t *ret_size, struct refusal *why);
/* As above, but a missing file is no refusal: *ret_size is 0. */
enum refusal_id efi_file_read_optional(struct efi_app *app, const char *path, uint64_t *ret_at,
                                       uint64_t *ret_size, struct refusal *why);

/* efi_sections.c: a section of the application itself, in the manner of a unified kernel image;
 * false when there is none of that name (at most 8 characters). */
bool efi_section(struct efi_app *app, const char *name, struct view *ret);

/* efi_choose.c: the load options, the configuration and the menu, down to one choice. */
struct efi_choice {
    char guest[512]; /* path; "" = embedded section .linux */
    char arguments[4096];
    char options[1024]; /* the stage's words */
    char ramdisk[CONFIG_RAMDISK_MAX][512];
    uint32_t ramdisk_count;
};
enum refusal_id efi_choose(struct efi_app *app, struct out *out, struct efi_choice *ret,
                           struct refusal *why);

/* efi_record.c: modules (files read, or embedded sections), RSDP, framebuffer, EFI tables.  The
 * memory map comes later, from efi_map_read(). */
enum refusal_id efi_record_fill(struct efi_app *app, const struct efi_choice *choice,
                                struct boot_record *ret, struct refusal *why);

/* Waits for a key or until `seconds` have passed; returns the character (CR for Enter), the scan
 * code
 * + 0x100 for a key without one, or 0 after the time. */
uint32_t efi_key(struct efi_app *app, uint32_t seconds);

#endif
