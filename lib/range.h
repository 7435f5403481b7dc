/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one range type: half-open [start, end), any address space, bytes.  A range is made only by
 * range_from_size() and range_from_bounds(), which refuse to wrap or to run backwards.
 */
#ifndef LIB_RANGE_H
#define LIB_RANGE_H

#include "checked.h"

struct range {
    uint64_t start;
    uint64_t end;
};

/* [start, start + size); false when the end does not fit in 64 bits.  size 0 is an empty range. */
MUST_USE bool range_from_size(uint64_t start, uint64_t size, struct range *ret);

/* [start, end); false when end < start. */
MUST_USE bool range_from_bounds(uint64_t start, uint64_t end, struct range *ret);

static inline uint64_t range_size(struct range r)
{
    return r.end - r.start;
}

static inline bool range_is_empty(struct range r)
{
    return r.start == r.end;
}

/* True when the two share at least one byte; an empty range shares none. */
bool range_overlaps(struct range a, struct range b);

/* True when every byte of `inner` is in `outer`; an empty inner is contained anywhere. */
bool range_contains(struct range outer, struct range inner);

/* The common part; empty (start == end) when there is none. */
struct range range_intersect(struct range a, struct range b);

#endif
