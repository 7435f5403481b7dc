/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The loadable segments of a file with their raw addresses, before anybody has said what those are.
 */
#ifndef LOADER_PLACEMENT_SEGMENTS_H
#define LOADER_PLACEMENT_SEGMENTS_H

#include "placement.h"

struct raw_segment {
    uint64_t paddr, vaddr, offset, file_size, memory_size; /* as in the program header */
    uint32_t flags, index;
};

struct raw_segments {
    uint32_t count;
    struct raw_segment segment[PLACEMENT_SEGMENT_MAX]; /* loadable, with a size, file order */
    struct range paddr;                                /* their hull, raw */
};

/* Refuses segments that lie outside the file, are larger in the file than in memory, wrap, overlap,
 * or are none or too many. */
enum refusal_id raw_segments_collect(const struct elf_view *elf, struct raw_segments *ret,
                                     struct refusal *why);

#endif
