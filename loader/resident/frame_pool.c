/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The pool of free machine frames.  See frame_pool.h.
 */
#include "frame_pool.h"

void frame_pool_put(struct frame_pool *pool, uint64_t mfn)
{
    __atomic_fetch_or(&pool->frame[mfn], FRAME_FREE, __ATOMIC_RELAXED);
    pool->free++;
    if (pool->free == 1 || mfn < pool->lowest)
        pool->lowest = mfn;
}

void frame_pool_take(struct frame_pool *pool, uint64_t mfn)
{
    __atomic_fetch_and(&pool->frame[mfn], (uint8_t)~FRAME_FREE, __ATOMIC_RELAXED);
    pool->free--;
}

/* First of `size` free frames in a row, starting at multiples of `step` (a power of two). */
static uint64_t search(const struct frame_pool *pool, uint64_t size, uint64_t step, uint64_t limit)
{
    uint64_t start = (pool->lowest + step - 1) & ~(step - 1);
    while (start < limit && size <= limit - start) {
        uint64_t used = start + size; /* the last frame of the row that is not free, else its end */
        while (used > start &&
               __atomic_load_n(&pool->frame[used - 1], __ATOMIC_RELAXED) & FRAME_FREE)
            used--;
        if (used == start)
            return start;
        start = (used + step - 1) & ~(step - 1);
    }
    return ~UINT64_C(0);
}

uint64_t frame_pool_get(struct frame_pool *pool, uint32_t order, uint64_t limit)
{
    uint64_t size = UINT64_C(1) << order;
    if (limit > pool->count)
        limit = pool->count;
    if (size > pool->free)
        return ~UINT64_C(0);
    uint64_t mfn = search(pool, size, size, limit);
    if (mfn == ~UINT64_C(0) && order != 0)
        mfn = search(pool, size, 1, limit);
    if (mfn == ~UINT64_C(0))
        return mfn;
    for (uint64_t i = 0; i < size; i++)
        frame_pool_take(pool, mfn + i);
    if (mfn == pool->lowest)
        pool->lowest = mfn + size;
    return mfn;
}
