/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the PV planner share: the work in progress, and one function per part.
 * Only plan_pv.c and the pv_….c files that do its work include this.
 */
#ifndef LOADER_PV_PARTS_H
#define LOADER_PV_PARTS_H

#include "plan.h"
#include "pv_layout.h"

/* One ramdisk module on its pages. */
struct pv_piece {
    uint32_t module;       /* index in record->module */
    uint64_t at;           /* machine address: where it stands at entry */
    uint64_t size, pages;  /* bytes; frames */
    bool spliced;          /* not copied */
    struct region *region; /* of the plan */
};

struct pv_work {
    const struct plan_input *input;
    struct plan *plan;
    bool dom0;
    enum guest_class class;
    bool layer64; /* the 64-bit layer serves it */
    const struct resident_header *header;
    uint64_t image_at;   /* machine address of the embedded layer image */
    uint64_t hole_start; /* 32-bit guests */
    uint32_t cpu_count;  /* what the arena is made for */

    uint64_t layer, arena, arena_size; /* machine */
    uint64_t dma_reserve;              /* bytes of the arena */
    uint64_t symbols, symbols_size, strings, strings_size;

    struct pv_piece piece[RECORD_MODULE_MAX];
    uint32_t piece_count;
    uint64_t initrd_pages, initrd_size;

    uint64_t kernel_end;   /* pseudo-physical, bytes; symbol block included */
    uint64_t symbol_block; /* pseudo-physical, 0 = none */
    uint64_t nr_pages;
    struct pv_layout layout;
};

/* A free stretch for `name` that overlaps neither stage nor sources, as a region of the plan: from
 * the top of RAM below 4 GiB, a TARGET from 1 MiB up (plan_pv.c). */
enum refusal_id pv_place(struct pv_work *work, const char *name, enum region_kind kind,
                         uint64_t size, uint64_t *ret, struct refusal *why);

/* Finds the ramdisk's pieces, of which those that can stay become regions and the others sources;
 * needs the free frames (pv_memory_collect()) (pv_ramdisk.c). */
enum refusal_id pv_take_ramdisks(struct pv_work *work, struct refusal *why);
/* Places and copies the pieces that cannot stay; once all sources are known. */
enum refusal_id pv_place_ramdisks(struct pv_work *work, struct refusal *why);

/* A TARGET region of `size` bytes at a pseudo-physical address of the layout whose frames are
 * contiguous (pv_contents.c). */
enum refusal_id pv_add_region(struct pv_work *work, const char *name, uint64_t physical,
                              uint64_t size, uint64_t *ret_at, struct refusal *why);

/* Regions and steps of the initial region: kernel segments, zero fill, rings, stack, page tables,
 * p2m (pv_contents.c).  Needs the p2m runs. */
enum refusal_id pv_add_contents(struct pv_work *work, struct refusal *why);

/* The guest's .symtab and .strtab for the layer's reports, copied aside when they are there, not
 * larger than 8 MiB and there is room (pv_symbols.c). */
enum refusal_id pv_place_symbols(struct pv_work *work, struct refusal *why);

/* BSD_SYMTAB: puts a symbol block behind the kernel: kernel_end and symbol_block are set.  Nothing
 * when the guest does not ask for it or has no symbols (pv_symbols.c). */
void pv_reserve_symbol_block(struct pv_work *work);
/* Its region, bytes and steps; the plan's blob then holds its header. */
enum refusal_id pv_add_symbol_block(struct pv_work *work, struct refusal *why);
#define PV_SYMBOL_HEADER_SIZE 260 /* in both widths, as libelf has it */

/* Most bytes that pv_add_handover() will use of the blob; before frames are assigned. */
uint64_t pv_handover_size(const struct pv_work *work);

/* start_info and the hand-over record with its tables, composed in the blob; steps that copy them
 * into place (pv_handover.c). */
enum refusal_id pv_add_handover(struct pv_work *work, struct refusal *why);

#endif
