/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compressed fixtures, made by the host's own encoders, each in memory of its exact size, so that
 * ASan sees each read outside.
 */
#ifndef TESTS_UNIT_PACKER_H
#define TESTS_UNIT_PACKER_H

#include "unpack.h"

#define PACK_STATE_SIZE 1u /* have the container state the unpacked size where it need not */

/* `size` bytes that look like code: some runs, some noise; the same each time.  free() them. */
uint8_t *packer_plain(size_t size);

/* One stream of `compressor` that holds `plain`; free((void *)result.data). */
struct view pack(enum compressor compressor, struct view plain, unsigned flags);

/* `a` with `b` behind it, both freed by the caller. */
struct view packer_join(struct view a, struct view b);

/* A bzImage around `payload`, protocol 2.15, 5 sectors in front of the protected-mode kernel;
 * `appended` is the length that the kernel's build puts behind the payload, not for gzip. */
struct view packer_bzimage(struct view payload, bool has_length, uint32_t length);

/* Writes a little-endian number of `bytes` at `offset` of a fixture. */
void packer_poke(struct view fixture, size_t offset, uint64_t value, unsigned bytes);

#endif
