/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ramdisk of a PV guest: all modules behind the guest, each on pages of its own (Linux takes
 * zeros between archives).  Frames that can stay where they are are only given PFNs, as Xen's dom0
 * builder does; the others are copied.  See pv_parts.h.
 */
#include "pv_parts.h"

#include "pv_memory.h"

#define FOUR_GIB (UINT64_C(1) << 32)

static bool overlaps_work(const struct plan *plan, struct range range)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (range_overlaps(plan->region[i].machine, range))
            return true;
    return false;
}

/* True when the frames of a ramdisk can be given to the guest as they are: whole free pages that
 * nothing else of the plan and no other module uses. */
static bool can_splice(const struct pv_work *work, uint32_t index, bool last)
{
    const struct boot_record *record = work->input->record;
    const struct boot_module *module = &record->module[index];
    uint64_t pages = (module->size + PAGE_MASK) >> PAGE_SHIFT;
    struct range range, other;

    if ((module->start.v & PAGE_MASK) || (!last && (module->size & PAGE_MASK)))
        return false;
    if (!range_from_size(module->start.v, pages << PAGE_SHIFT, &range) || range.end > FOUR_GIB ||
        !pv_memory_is_free(&work->plan->pv, range.start >> PAGE_SHIFT, pages) ||
        overlaps_work(work->plan, range))
        return false;
    for (uint32_t i = 0; i < record->module_count; i++)
        if (i != index &&
            (!range_from_size(record->module[i].start.v, record->module[i].size, &other) ||
             range_overlaps(other, range)))
            return false;
    return true;
}

enum refusal_id pv_take_ramdisks(struct pv_work *work, struct refusal *why)
{
    const struct boot_record *record = work->input->record;
    uint32_t last = record->module_count;
    enum refusal_id id = REFUSE_NONE;

    while (last > 1 && record->module[last - 1].size == 0)
        last--;
    for (uint32_t i = 1; i < last && !id; i++) {
        const struct boot_module *module = &record->module[i];
        struct pv_piece *piece = &work->piece[work->piece_count];

        if (module->size == 0)
            continue;
        if (module->size > FOUR_GIB || module->start.v > FOUR_GIB - module->size)
            return REFUSE(why, PV_MODULE_TOO_HIGH, .num = {i, module->start.v, module->size});
        work->piece_count++;
        piece->module = i;
        piece->size = module->size;
        piece->pages = (module->size + PAGE_MASK) >> PAGE_SHIFT;
        piece->at = module->start.v;
        piece->spliced = can_splice(work, i, i == last - 1);
        work->initrd_size = (work->initrd_pages << PAGE_SHIFT) + piece->size;
        work->initrd_pages += piece->pages;
        if (piece->spliced) {
            struct range range = {piece->at, piece->at + (piece->pages << PAGE_SHIFT)};

            id = plan_add_region(work->plan, plan_name(work->plan, "ramdisk", i), REGION_IN_PLACE,
                                 range, &piece->region, why);
        } else {
            struct range range = {module->start.v, module->start.v + module->size};

            id = plan_add_region(work->plan, plan_name(work->plan, "ramdisk as loaded", i),
                                 REGION_SOURCE, range, NULL, why);
        }
    }
    return id;
}

enum refusal_id pv_place_ramdisks(struct pv_work *work, struct refusal *why)
{
    enum refusal_id id = REFUSE_NONE;

    for (uint32_t i = 0; i < work->piece_count && !id; i++) {
        struct pv_piece *piece = &work->piece[i];
        uint64_t from = piece->at;
        uint64_t bytes = piece->pages << PAGE_SHIFT;

        if (piece->spliced)
            continue;
        id = pv_place(work, plan_name(work->plan, "ramdisk", piece->module), REGION_TARGET, bytes,
                      &piece->at, why);
        if (id)
            return id;
        piece->region = &work->plan->region[work->plan->region_count - 1];
        id = plan_add_copy(work->plan, piece->at, from, piece->size, why);
        if (!id)
            id = plan_add_zero(work->plan, piece->at + piece->size, bytes - piece->size, why);
    }
    return id;
}
