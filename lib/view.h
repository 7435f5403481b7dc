/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A bounded, read-only view of untrusted bytes, and the only ways to read from it.  Offsets are
 * bytes from the view's start.  Nothing here reads outside [data, data + size).
 */
#ifndef LIB_VIEW_H
#define LIB_VIEW_H

#include <stddef.h>

#include "checked.h"

struct view {
    const uint8_t *data;
    uint64_t size;
};

/* The part [offset, offset + size) of `v`; false (and *ret untouched) when it is not all inside. */
MUST_USE bool view_slice(struct view v, uint64_t offset, uint64_t size, struct view *ret);

/* Copies `size` bytes at `offset` to `to`; false when they are not all inside. */
MUST_USE bool view_read(struct view v, uint64_t offset, void *to, size_t size);

/* Little-endian reads, unaligned allowed; false when not inside. */
MUST_USE bool view_u8(struct view v, uint64_t offset, uint8_t *ret);
MUST_USE bool view_u16(struct view v, uint64_t offset, uint16_t *ret);
MUST_USE bool view_u32(struct view v, uint64_t offset, uint32_t *ret);
MUST_USE bool view_u64(struct view v, uint64_t offset, uint64_t *ret);

/* Length of the string at `offset`, up to a NUL, the end of the view or `limit`, whichever is
 * first; 0 when offset is outside.  Not counting the NUL. */
size_t view_string_length(struct view v, uint64_t offset, size_t limit);

#endif
