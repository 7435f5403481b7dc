/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * paravane.conf and the UEFI load options, parsed: which guest, with what.  Pure; the text is
 * hostile and is read only inside its view.  Grammar (README, "paravane.conf"):
 *
 *   # comment             a line of its own
 *   key=value             before the first entry: timeout, default, options
 *   [name]                begins an entry: title, guest, arguments, ramdisk (repeatable), mode,
 * options
 *
 * Blanks around names, keys and values are dropped; lines end in LF or CR LF; a UTF-8 byte order
 * mark is skipped.  Unknown keys and malformed lines become complaints and are otherwise ignored.
 */
#ifndef LOADER_CONFIG_H
#define LOADER_CONFIG_H

#include <stdbool.h>

#include "view.h"

#define CONFIG_ENTRY_MAX     32
#define CONFIG_RAMDISK_MAX   16
#define CONFIG_COMPLAINT_MAX 8

/* A piece of the configuration's own text, not NUL-terminated; empty when not given. */
struct config_text {
    const char *start;
    uint32_t length;
};

struct config_entry {
    struct config_text name, title, guest, arguments, mode, options;
    struct config_text ramdisk[CONFIG_RAMDISK_MAX];
    uint32_t ramdisk_count;
};

struct config {
    bool has_timeout;
    uint32_t timeout; /* seconds before the default entry starts */
    struct config_text default_entry, options;
    uint32_t entry_count;
    struct config_entry entry[CONFIG_ENTRY_MAX];
    uint32_t complaint_count; /* all of them; the first few are kept */
    char complaint[CONFIG_COMPLAINT_MAX][96];
};

/* Parses a whole file.  Never fails: what is not understood is in ret->complaint.  The texts point
 * into `text`, which must stay. */
void config_parse(struct view text, struct config *ret);

/* Parses load options: words separated by blanks.  guest=PATH, ramdisk=PATH (repeatable),
 * entry=NAME; everything after a word `--` is the guest's arguments; all other words are the
 * stage's own options and are copied to `words` (NUL-terminated, cut at size - 1).  A first word
 * ending in ".efi" (any case) is the application's own name and is dropped.  Returns false when the
 * words were cut. */
bool config_parse_load_options(struct view text, struct config_entry *ret,
                               struct config_text *ret_entry_name, char *words, uint32_t size);

/* The entry called `name` (exact), or NULL. */
const struct config_entry *config_find(const struct config *config, struct config_text name);

/* Copies the text to a NUL-terminated buffer of `size` bytes (> 0); false when it was cut. */
bool config_copy(struct config_text text, char *to, uint32_t size);

#endif
