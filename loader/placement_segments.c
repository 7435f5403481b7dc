/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Collecting and checking loadable segments.  Source: libelf-loader.c elf_parse_binary() for what
 * is loadable.  Segments without a size load nothing, so they are left out and cannot vote on the
 * address decision.
 */
#include "placement_segments.h"

static enum refusal_id check(const struct elf_view *elf, const struct elf_phdr *phdr,
                             uint32_t index, struct range *ret, struct refusal *why)
{
    uint64_t limit = elf->is_64bit ? UINT64_MAX : UINT64_C(1) << 32;
    struct view bytes;

    if (phdr->filesz > phdr->memsz)
        return REFUSE(why, ELF_SEGMENT_FILE_SIZE, .num = {index, phdr->filesz, phdr->memsz});
    if (!elf_view_segment(elf, phdr, &bytes))
        return REFUSE(why, ELF_SEGMENT_OUTSIDE_FILE,
                      .num = {index, phdr->filesz, phdr->offset, elf->file.size});
    if (!range_from_size(phdr->paddr, phdr->memsz, ret) || ret->end > limit)
        return REFUSE(why, ELF_SEGMENT_WRAPS, .num = {index, phdr->paddr, phdr->memsz, limit});
    return REFUSE_NONE;
}

static enum refusal_id check_overlap(const struct raw_segments *segments, struct refusal *why)
{
    for (uint32_t i = 0; i < segments->count; i++) {
        const struct raw_segment *a = &segments->segment[i];
        for (uint32_t j = 0; j < i; j++) {
            const struct raw_segment *b = &segments->segment[j];
            const struct raw_segment *low = a->paddr < b->paddr ? a : b;
            const struct raw_segment *high = low == a ? b : a;
            /* No wrap: check() has made sure that each end fits. */
            if (low->paddr + low->memory_size > high->paddr)
                return REFUSE(
                    why, ELF_SEGMENTS_OVERLAP,
                    .num = {low->index, high->index, low->paddr + low->memory_size, high->paddr});
        }
    }
    return REFUSE_NONE;
}

enum refusal_id raw_segments_collect(const struct elf_view *elf, struct raw_segments *ret,
                                     struct refusal *why)
{
    struct elf_phdr phdr;
    struct range range;

    ret->count = 0;
    for (uint32_t i = 0; elf_view_phdr(elf, i, &phdr); i++) {
        if (!elf_phdr_is_loadable(&phdr) || (!phdr.memsz && !phdr.filesz))
            continue;
        enum refusal_id id = check(elf, &phdr, i, &range, why);
        if (id)
            return id;
        if (ret->count == PLACEMENT_SEGMENT_MAX)
            return REFUSE(why, ELF_TOO_MANY_SEGMENTS, .num = {PLACEMENT_SEGMENT_MAX});
        if (!ret->count)
            ret->paddr = range;
        if (range.start < ret->paddr.start)
            ret->paddr.start = range.start;
        if (range.end > ret->paddr.end)
            ret->paddr.end = range.end;
        ret->segment[ret->count++] = (struct raw_segment){
            phdr.paddr, phdr.vaddr, phdr.offset, phdr.filesz, phdr.memsz, phdr.flags, i};
    }
    if (!ret->count)
        return REFUSE(why, ELF_NO_SEGMENT, .num = {elf->phdr_count});
    return check_overlap(ret, why);
}
