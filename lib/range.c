/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Half-open ranges; see range.h for the contract.
 */
#include "range.h"

bool range_from_size(uint64_t start, uint64_t size, struct range *ret)
{
    uint64_t end;
    if (!checked_add_u64(start, size, &end))
        return false;
    *ret = (struct range){start, end};
    return true;
}

bool range_from_bounds(uint64_t start, uint64_t end, struct range *ret)
{
    if (end < start)
        return false;
    *ret = (struct range){start, end};
    return true;
}

bool range_overlaps(struct range a, struct range b)
{
    return a.start < b.end && b.start < a.end && !range_is_empty(a) && !range_is_empty(b);
}

bool range_contains(struct range outer, struct range inner)
{
    return range_is_empty(inner) || (inner.start >= outer.start && inner.end <= outer.end);
}

struct range range_intersect(struct range a, struct range b)
{
    uint64_t start = a.start > b.start ? a.start : b.start;
    uint64_t end = a.end < b.end ? a.end : b.end;
    if (end < start)
        end = start;
    return (struct range){start, end};
}
