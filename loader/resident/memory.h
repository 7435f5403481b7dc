/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's own memory: page tables of the hole, arena, frame states, m2p.
 */
#ifndef RESIDENT_MEMORY_H
#define RESIDENT_MEMORY_H

#include "layer.h"

#define SIZE_2M (UINT64_C(2) << 20)
#define SIZE_1G (UINT64_C(1) << 30)

/* early.c; returns CR3. handover and load are machine addresses, identity-mapped. */
#ifdef __x86_64__
uint64_t early_map(const struct handover *handover, uint64_t load);
#else
uint32_t early_map(const struct handover *handover, uint32_t load);
#endif

/* Copies what the stage handed over, extends the direct map to all RAM, fills frame states and m2p,
 * removes the identity map. */
void memory_init(const struct handover *handover);

/* count pages, first aligned to `align` bytes (a power of two >= 4096); NULL when used up. */
void *layer_pages_aligned(uint64_t count, uint64_t align);

/* The same, or the end with a report that names what there is no room for. */
void *layer_pages_or_end(uint64_t count, const char *what);

/* frames.c: the states of all frames from the map, the entries of the m2p from the runs of the p2m.
 */
void frames_make(void);
void m2p_fill(void);

/* Maps one 4 KiB page of our hole outside the direct map (GDT windows); flags without PTE_P remove
 * it.  False when the arena is used up. */
bool hole_map(uint64_t address, uint64_t entry);

/* Writes our 16 entries into a guest's L4 at machine address root. */
void hole_install(uint64_t root);

/* Writes the m2p's entries into the L2 of a 32-bit guest's last GiB. */
#define COMPAT_HOLE_SLOT ((COMPAT_HOLE >> 21) & 511)
void compat_hole_install(uint64_t l2);

#endif
