/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Making a plan: what is common to all modes (stage, kept memory, the guest's file, hand-off), the
 * building blocks of the planners, and the choice of the mode.  Contracts: plan.h.
 */
#include "plan.h"

#include "bytes.h"
#include "native.h"
#include "plan_parts.h"

#define LOW_END  UINT64_C(0x1000) /* the BIOS's vectors and data are never handed out */
#define FOUR_GIB (UINT64_C(1) << 32)

enum refusal_id plan_add_region(struct plan *plan, const char *name, enum region_kind kind,
                                struct range machine, struct region **ret, struct refusal *why)
{
    if (plan->region_count == PLAN_REGION_MAX)
        return REFUSE(why, PLAN_TOO_MANY_REGIONS, .num = {PLAN_REGION_MAX}, .str = {name});
    struct region *region = &plan->region[plan->region_count++];
    memset(region, 0, sizeof(*region));
    region->name = name;
    region->kind = kind;
    region->machine = machine;
    if (ret)
        *ret = region;
    return REFUSE_NONE;
}

static enum refusal_id add_step(struct plan *plan, struct step step, struct refusal *why)
{
    if (step.size == 0)
        return REFUSE_NONE;
    if (plan->step_count == PLAN_STEP_MAX)
        return REFUSE(why, PLAN_TOO_MANY_STEPS, .num = {PLAN_STEP_MAX});
    plan->step[plan->step_count++] = step;
    return REFUSE_NONE;
}

enum refusal_id plan_add_copy(struct plan *plan, uint64_t to, uint64_t from, uint64_t size,
                              struct refusal *why)
{
    return add_step(plan, (struct step){STEP_COPY, to, from, size}, why);
}

enum refusal_id plan_add_zero(struct plan *plan, uint64_t to, uint64_t size, struct refusal *why)
{
    return add_step(plan, (struct step){STEP_ZERO, to, 0, size}, why);
}

const char *plan_name(struct plan *plan, const char *name, uint32_t number)
{
    size_t room = sizeof(plan->names) - plan->names_used;
    char *text = plan->names + plan->names_used;
    size_t length = room > 1 ? out_format(text, room, "%s %u", name, (unsigned)number) : room;
    if (length >= room)
        return name;
    plan->names_used += (uint32_t)length + 1;
    return text;
}

void plan_warn(struct plan *plan, const char *format, ...)
{
    if (plan->warning_count == PLAN_WARNING_MAX)
        return;
    struct out_buffer text;
    out_buffer_init(&text, plan->warning[plan->warning_count], sizeof(plan->warning[0]));
    plan->warning_count++;
    va_list args;
    va_start(args, format);
    out_vprintf(&text.out, format, args);
    va_end(args);
}

/* The first place in [low, high) that no region except those of the kinds in `ignore` overlaps.
 * Each pass bumps the candidate over what is in its way; a full round without a bump is success. */
static bool find_in(const struct plan *plan, struct range window, uint64_t size, uint64_t align,
                    unsigned ignore, bool from_top, uint64_t *ret)
{
    uint64_t at;
    if (range_size(window) < size)
        return false;
    if (from_top)
        at = align_down_u64(window.end - size, align);
    else if (!checked_align_up_u64(window.start, align, &at))
        return false;
    uint32_t quiet = 0, i = 0;
    while (at >= window.start && at <= window.end - size) {
        if (quiet == plan->region_count) {
            *ret = at;
            return true;
        }
        const struct region *r = &plan->region[i];
        i = i + 1 < plan->region_count ? i + 1 : 0;
        quiet++;
        if ((ignore >> r->kind & 1) || !range_overlaps(r->machine, (struct range){at, at + size}))
            continue;
        quiet = 0;
        if (from_top) {
            if (r->machine.start < window.start + size)
                return false;
            at = align_down_u64(r->machine.start - size, align);
        } else if (!checked_align_up_u64(r->machine.end, align, &at)) {
            return false;
        }
    }
    return false;
}

static struct range find_bounds(uint64_t min, uint64_t max)
{
    if (min < LOW_END)
        min = LOW_END;
    if (max == 0 || max > FOUR_GIB)
        max = FOUR_GIB;
    return (struct range){min, max > min ? max : min};
}

bool plan_find_over(const struct plan *plan, const struct boot_record *record, uint64_t size,
                    uint64_t align, uint64_t min, uint64_t max, unsigned ignore, bool from_top,
                    uint64_t *ret)
{
    const struct memory_map *map = &record->map;
    struct range bounds = find_bounds(min, max);
    for (uint32_t n = 0; n < map->count; n++) {
        const struct memory_entry *e = &map->entry[from_top ? map->count - 1 - n : n];
        if (e->type != MEMORY_RAM)
            continue;
        struct range window = range_intersect((struct range){e->start, e->end}, bounds);
        if (find_in(plan, window, size, align, ignore, from_top, ret))
            return true;
    }
    return false;
}

bool plan_find(const struct plan *plan, const struct boot_record *record, uint64_t size,
               uint64_t align, uint64_t min, uint64_t max, bool from_top, uint64_t *ret)
{
    return plan_find_over(plan, record, size, align, min, max, 0, from_top, ret);
}

bool plan_find_target(const struct plan *plan, const struct boot_record *record, uint64_t size,
                      uint64_t align, uint64_t min, uint64_t max, bool from_top, uint64_t *ret)
{
    return plan_find_over(plan, record, size, align, min, max, 0, from_top, ret) ||
           plan_find_over(plan, record, size, align, min, max, PLAN_WORK_KINDS, from_top, ret);
}

enum refusal_id plan_blob(struct plan *plan, uint32_t size, uint32_t align, void *ret_data,
                          uint64_t *ret_at, struct refusal *why)
{
    uint64_t start = ((uint64_t)plan->blob_used + align - 1) & ~((uint64_t)align - 1);
    if (start > plan->blob_size || size > plan->blob_size - start)
        return REFUSE(why, PLAN_BLOB_FULL, .num = {start + size, plan->blob_size});
    memset(plan->blob + plan->blob_used, 0, (size_t)(start + size - plan->blob_used));
    plan->blob_used = (uint32_t)start + size;
    if (ret_data) {
        void *data = plan->blob + start;
        memcpy(ret_data, &data, sizeof(data));
    }
    if (ret_at)
        *ret_at = plan->info + start;
    return REFUSE_NONE;
}

/* Counters and scalars only: clearing the arrays would cost more than the whole plan. */
static void reset(struct plan *plan, enum mode mode)
{
    plan->mode = mode;
    plan->protocol = mode_name(mode);
    plan->region_count = plan->step_count = plan->warning_count = plan->names_used = 0;
    memset(&plan->exit, 0, sizeof(plan->exit));
    struct pv_plan *pv = &plan->pv;
    memset(pv, 0, offsetof(struct pv_plan, run));
    memset(&pv->pt_pfn, 0, sizeof(*pv) - offsetof(struct pv_plan, pt_pfn));
    plan->handoff = plan->info = 0;
    plan->blob_used = 0;
}

static enum refusal_id add_source(struct plan *plan, const char *name, struct range range,
                                  struct refusal *why)
{
    if (range_is_empty(range))
        return REFUSE_NONE;
    return plan_add_region(plan, name, REGION_SOURCE, range, NULL, why);
}

/* What stands in memory before anything is planned. */
static enum refusal_id add_present(const struct plan_input *input, struct plan *plan,
                                   struct refusal *why)
{
    const struct boot_record *record = input->record;
    enum refusal_id id = plan_add_region(plan, "stage", REGION_STAGE, input->stage, NULL, why);
    if (id == REFUSE_NONE && !range_is_empty(input->stage_image))
        id = plan_add_region(plan, "stage image", REGION_STAGE, input->stage_image, NULL, why);
    for (uint32_t i = 0; i < record->keep_count && id == REFUSE_NONE; i++)
        if (!range_is_empty(record->keep[i].range))
            id = plan_add_region(plan, record->keep[i].name, REGION_KEEP, record->keep[i].range,
                                 NULL, why);
    struct range guest;
    if (id == REFUSE_NONE && record->module_count &&
        range_from_size(record->module[0].start.v, record->module[0].size, &guest))
        id = add_source(plan, "guest image as loaded", guest, why);
    for (unsigned i = 0; i < 2 && id == REFUSE_NONE; i++)
        id = add_source(plan, "guest image unpacked", input->image->unpacked[i], why);
    return id;
}

enum refusal_id parts_handoff(const struct plan_input *input, struct plan *plan, uint64_t max,
                              struct refusal *why)
{
    if (plan->handoff)
        return REFUSE_NONE;
    if (!plan_find(plan, input->record, HANDOFF_SIZE, PAGE_SIZE, 0, max, true, &plan->handoff))
        return REFUSE(why, PLAN_NO_ROOM,
                      .num = {HANDOFF_SIZE, PAGE_SIZE, LOW_END, max ? max : FOUR_GIB},
                      .str = {"the hand-off code"});
    return plan_add_region(plan, "hand-off", REGION_HANDOFF,
                           (struct range){plan->handoff, plan->handoff + HANDOFF_SIZE}, NULL, why);
}

enum refusal_id plan_make(const struct plan_input *input, enum mode mode, struct plan *ret,
                          struct refusal *why)
{
    reset(ret, mode);
    enum refusal_id id = add_present(input, ret, why);
    if (id == REFUSE_NONE) {
        if (mode == MODE_PV)
            id = plan_pv(input, ret, why);
        else if (mode == MODE_PVH)
            id = plan_pvh(input, ret, why);
        else
            id = plan_native(input, ret, why);
    }
    if (id == REFUSE_NONE)
        id = parts_handoff(input, ret, 0, why);
    if (id == REFUSE_NONE)
        id = plan_order(input, ret, why);
    if (id == REFUSE_NONE)
        id = plan_check(input, ret, why);
    return id;
}

static enum refusal_id offers_pvh(const struct plan_input *input, struct refusal *why)
{
    if (!input->image->has_elf || !input->info)
        return REFUSE(why, PVH_NO_ELF, .str = {input->image->container});
    return guest_info_check_pvh(&input->image->elf, input->info, why);
}

static enum refusal_id offers_pv(const struct plan_input *input, struct refusal *why)
{
    if (!input->image->has_elf || !input->info)
        return REFUSE(why, PLAN_NO_ELF, .str = {input->image->container});
    return guest_info_check_pv(&input->image->elf, input->info, why);
}

enum refusal_id plan_choose_mode(const struct plan_input *input, enum mode wanted, enum mode *ret,
                                 struct refusal *why)
{
    enum native_protocol protocol;
    enum refusal_id id = REFUSE_NONE;
    if (wanted != MODE_AUTO)
        *ret = wanted;
    else if (native_choose(input, true, &protocol, why) == REFUSE_NONE)
        *ret = MODE_NATIVE;
    else if (offers_pvh(input, why) == REFUSE_NONE)
        *ret = MODE_PVH;
    else if ((id = offers_pv(input, why)) == REFUSE_NONE)
        *ret = MODE_PV;
    return id;
}
