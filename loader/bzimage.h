/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The setup header of Linux's x86 boot protocol, 2.00 to 2.15 and later, read as hostile.
 */
#ifndef LOADER_BZIMAGE_H
#define LOADER_BZIMAGE_H

#include "guest_image.h"

/* Reads the header of `file`.  A file without one is no error: ret->present is then false.  Fields
 * that the version does not have get what the protocol says to assume.  Refuses sizes and addresses
 * that are impossible.  Everything in *ret that points into the file lies inside it. */
enum refusal_id bzimage_parse(struct view file, struct bzimage *ret, struct refusal *why);

/* The payload's compressed bytes and the size that they unpack to, which the kernel's build
 * appends: for gzip its own last four bytes, for all others four bytes more, which are not in
 * *ret_packed. Refuses when there is no payload (before 2.08, or empty). */
enum refusal_id bzimage_payload(struct view file, const struct bzimage *bz,
                                enum compressor *ret_compressor, struct view *ret_packed,
                                uint32_t *ret_size, struct refusal *why);

#endif
