/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What only the 32-bit layer's memory has.
 */
#ifndef RESIDENT_MEMORY32_H
#define RESIDENT_MEMORY32_H

#include <stdint.h>

#define NON_PAE_HOLE_SLOT 1008 /* of a page directory: FC000000 */

/* Machine addresses of our own tables, all in the arena. */
struct own_tables {
    uint32_t arena;     /* its first page */
    uint32_t top;       /* PAE: the four L3 entries; else 0 */
    uint32_t directory; /* the page directory, or the L2 of the last GiB */
    uint32_t tables;    /* L1s for OWN_BASE to the end, one behind the other */
    uint32_t m2p;       /* L1s of the m2p */
};

extern struct own_tables own;

/* size bytes of machine memory. */
void machine_copy(void *to, uint64_t from, uint64_t size);

#endif
