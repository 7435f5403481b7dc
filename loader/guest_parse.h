/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between the files that make up guest_info_read(): the search order (guest_info.c), one note
 * (guest_notes.c), the legacy string (guest_legacy.c), feature names (guest_features.c).
 */
#ifndef LOADER_GUEST_PARSE_H
#define LOADER_GUEST_PARSE_H

#include "guest_info.h"

/* Notes of one image together: libelf's ELF_MAX_TOTAL_NOTE_COUNT. */
#define GUEST_NOTE_MAX 65536

/* Adds a line to info->complaint; the first ones are kept, all are counted. */
void guest_complain(struct guest_info *info, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Copies text up to a NUL, the end of `bytes` or the room in `to`, unprintable bytes as '?'.
 * Complains under `what` when it had to be cut. */
void guest_text(struct guest_info *info, const char *what, struct view bytes, char *to,
                size_t size);

/* Walks the notes in [offset, offset + size) of the file, which must lie inside: a segment or
 * section of alignment `align`.  *total counts all notes of the image so far. */
enum refusal_id guest_notes_read(struct view file, uint64_t offset, uint64_t size, uint64_t align,
                                 struct guest_info *info, uint32_t *total, struct refusal *why);

/* Reads the contents of a __xen_guest section. */
void guest_legacy_read(struct view section, struct guest_info *info);

/* Reads a list of feature names, "a|!b".  The first name that is required and unknown stops the
 * reading, is copied to `unknown` (REFUSAL_STR_SIZE bytes) and gives false. */
MUST_USE bool guest_features_read(const char *list, size_t size, struct guest_info *info,
                                  char *unknown);

/* "writable_page_tables"; NULL for a bit that has no name in libelf's table. */
const char *guest_feature_name(unsigned bit);

#endif
