/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * First fit with joining of free neighbours; see arena.h.  The blocks tile the stretch without
 * gaps, each behind a header with its size, so a walk needs no links.
 */
#include "arena.h"

struct header {
    size_t size; /* of the block behind this header, a multiple of ARENA_ALIGN */
    size_t used;
} __attribute__((aligned(ARENA_ALIGN)));

_Static_assert(sizeof(struct header) == ARENA_ALIGN, "a header keeps its block aligned");

static struct header *next_of(const struct header *h)
{
    return (struct header *)((uintptr_t)(h + 1) + h->size);
}

/* Joins the free blocks that follow `h`. */
static void join(const struct arena *arena, struct header *h)
{
    for (;;) {
        struct header *next = next_of(h);
        if ((uint8_t *)next >= arena->end || next->used)
            return;
        h->size += sizeof(*next) + next->size;
    }
}

void arena_init(struct arena *arena, void *data, size_t size)
{
    uintptr_t lead = -(uintptr_t)data & (ARENA_ALIGN - 1);
    *arena = (struct arena){0};
    if (size < lead + 2 * sizeof(struct header))
        return;
    size_t usable = (size - lead) & ~(size_t)(ARENA_ALIGN - 1);
    arena->start = (uint8_t *)data + lead;
    arena->end = arena->start + usable;
    *(struct header *)arena->start = (struct header){.size = usable - sizeof(struct header)};
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t want = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (want < size || !arena->start) {
        arena->failed = size;
        return NULL;
    }
    struct header *h = (struct header *)arena->start;
    for (; (uint8_t *)h < arena->end; h = next_of(h)) {
        if (h->used)
            continue;
        join(arena, h);
        if (h->size < want)
            continue;
        if (h->size - want >= 2 * sizeof(*h)) {
            size_t rest = h->size - want - sizeof(*h);
            h->size = want;
            *next_of(h) = (struct header){.size = rest};
        }
        h->used = 1;
        return h + 1;
    }
    arena->failed = size;
    return NULL;
}

void arena_free(struct arena *arena, void *block)
{
    (void)arena;
    if (block)
        ((struct header *)block)[-1].used = 0;
}

size_t arena_largest(const struct arena *arena)
{
    size_t largest = 0;
    if (!arena->start)
        return 0;
    for (struct header *h = (struct header *)arena->start; (uint8_t *)h < arena->end;
         h = next_of(h)) {
        if (h->used)
            continue;
        join(arena, h);
        if (h->size > largest)
            largest = h->size;
    }
    return largest;
}
