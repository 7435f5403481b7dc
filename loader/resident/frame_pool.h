/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Machine frames that the guest has given back, to be given out again: one flag in each frame's
 * state byte.  Pure over that byte array, whose
 * other bits may change meanwhile; the caller has a lock for the pool.
 */
#ifndef RESIDENT_FRAME_POOL_H
#define RESIDENT_FRAME_POOL_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_FREE 0x80u /* with the FRAME_… of layer.h: in the pool */

struct frame_pool {
    uint8_t *frame;  /* state bytes, index = MFN */
    uint64_t count;  /* frames in all */
    uint64_t free;   /* frames in the pool */
    uint64_t lowest; /* no free frame below this one */
};

/* Puts in a frame that is not in the pool. */
void frame_pool_put(struct frame_pool *pool, uint64_t mfn);
/* Takes one back that is in the pool. */
void frame_pool_take(struct frame_pool *pool, uint64_t mfn);

/* Takes 2^order contiguous frames, all below `limit` (a frame number): naturally aligned ones where
 * there are any, otherwise unaligned ones.  ~0 when there are none. */
uint64_t frame_pool_get(struct frame_pool *pool, uint32_t order, uint64_t limit);

#endif
