/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A first-fit allocator over one stretch of memory, for the decompression libraries: a handful of
 * blocks, freed in any order.  It keeps its headers inside the stretch and knows nothing else.
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN 16 /* bytes; every block starts at a multiple of it */

struct arena {
    uint8_t *start; /* NULL when the stretch was too small for anything */
    uint8_t *end;
    size_t failed; /* size of the last request that did not fit, 0 = none */
};

/* Takes [data, data + size), which need not be aligned or cleared and must outlive the arena. */
void arena_init(struct arena *arena, void *data, size_t size);

/* NULL when it does not fit; contents undefined. */
void *arena_alloc(struct arena *arena, size_t size);

/* `block` comes from arena_alloc() of the same arena, or is NULL. */
void arena_free(struct arena *arena, void *block);

/* The most that one arena_alloc() could give now. */
size_t arena_largest(const struct arena *arena);

#endif
