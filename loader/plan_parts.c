/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Kernel segments, modules and the information block, as native and pvh lay them out alike.
 * Contracts: plan_parts.h.  Order of use: kernel first (it cannot give way), then the modules that
 * may stay, then those that must move, then what can go anywhere.
 */
#include "plan_parts.h"

#include "bytes.h"

#define FOUR_GIB (UINT64_C(1) << 32)
#define INFO_LOW UINT64_C(0x10000) /* information stands low, above the BIOS's own data */

#define SOLID_KINDS                                                                                \
    ((1u << REGION_TARGET) | (1u << REGION_IN_PLACE) | (1u << REGION_LAYER) |                      \
     (1u << REGION_HANDOFF) | (1u << REGION_KEEP))

static const struct region *solid_overlap(const struct plan *plan, struct range range)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if ((SOLID_KINDS >> plan->region[i].kind & 1) &&
            range_overlaps(plan->region[i].machine, range))
            return &plan->region[i];
    return NULL;
}

enum refusal_id parts_fixed(const struct plan_input *input, struct plan *plan, const char *name,
                            uint64_t start, uint64_t size, struct refusal *why)
{
    struct range range;
    if (!range_from_size(start, size, &range) || range.end > FOUR_GIB)
        return REFUSE(why, PLAN_ABOVE_4GIB, .num = {start, size}, .str = {name});
    if (!memory_map_is_ram(&input->record->map, range))
        return REFUSE(why, PLAN_TARGET_NOT_RAM, .num = {range.start, range.end}, .str = {name});
    const struct region *other = solid_overlap(plan, range);
    if (other)
        return REFUSE(why, PLAN_TARGET_TAKEN,
                      .num = {range.start, range.end, other->machine.start, other->machine.end},
                      .str = {name, other->name});
    return plan_add_region(plan, name, REGION_TARGET, range, NULL, why);
}

enum refusal_id parts_kernel(const struct plan_input *input, struct plan *plan, uint64_t shift,
                             struct refusal *why)
{
    const struct placement *placement = input->placement;
    enum refusal_id id = REFUSE_NONE;
    for (uint32_t i = 0; i < placement->segment_count && id == REFUSE_NONE; i++) {
        const struct placed_segment *s = &placement->segment[i];
        uint64_t to = s->physical.v + shift;
        id = parts_fixed(input, plan, plan_name(plan, "kernel segment", s->index), to,
                         s->memory_size, why);
        if (id == REFUSE_NONE)
            id =
                plan_add_copy(plan, to, input->image->elf_at.v + s->file_offset, s->file_size, why);
        if (id == REFUSE_NONE)
            id = plan_add_zero(plan, to + s->file_size, s->memory_size - s->file_size, why);
    }
    return id;
}

static bool module_range(const struct boot_module *module, struct range *ret)
{
    return range_from_size(module->start.v, module->size, ret);
}

bool parts_is_free(const struct plan_input *input, uint64_t start, uint64_t size)
{
    const struct boot_record *record = input->record;
    struct range range, other;
    if (!range_from_size(start, size, &range) || range.end > FOUR_GIB ||
        !memory_map_is_ram(&record->map, range))
        return false;
    for (uint32_t i = 0; i < record->keep_count; i++)
        if (range_overlaps(record->keep[i].range, range))
            return false;
    for (uint32_t i = 1; i < record->module_count; i++)
        if (!module_range(&record->module[i], &other) || range_overlaps(other, range))
            return false;
    return true;
}

bool parts_find_kernel(const struct plan_input *input, struct plan *plan, uint64_t size,
                       uint64_t align, uint64_t min, uint64_t max, bool from_top, uint64_t *ret)
{
    const struct boot_record *record = input->record;
    uint32_t count = plan->region_count;
    struct refusal ignored;
    struct range range;
    bool found = true;
    for (uint32_t i = 1; i < record->module_count && found; i++)
        if (module_range(&record->module[i], &range) && !range_is_empty(range))
            found =
                plan_add_region(plan, "module", REGION_KEEP, range, NULL, &ignored) == REFUSE_NONE;
    found = found &&
            plan_find_over(plan, record, size, align, min, max, PLAN_WORK_KINDS, from_top, ret);
    plan->region_count = count;
    return found;
}

/* Above 1 MiB and on a page of its own where there is room for that: copies are faster, and guests
 * free whole pages.  In a tight machine as the rule allows. */
static bool find_module_place(const struct plan_input *input, const struct plan *plan,
                              uint64_t size, const struct module_rule *rule, uint64_t *ret_at)
{
    const uint64_t align[] = {rule->align < PAGE_SIZE ? PAGE_SIZE : rule->align, rule->align};
    for (unsigned i = 0; i < 2; i++)
        if (plan_find_target(plan, input->record, size, align[i], UINT64_C(0x100000), rule->max,
                             rule->from_top, ret_at))
            return true;
    return plan_find_target(plan, input->record, size, rule->align, 0, rule->max, rule->from_top,
                            ret_at);
}

static enum refusal_id find_target(const struct plan_input *input, struct plan *plan,
                                   const char *name, uint64_t size, const struct module_rule *rule,
                                   uint64_t *ret_at, struct refusal *why)
{
    if (!find_module_place(input, plan, size, rule, ret_at))
        return REFUSE(why, PLAN_NO_ROOM,
                      .num = {size, rule->align, 0, rule->max ? rule->max : FOUR_GIB},
                      .str = {name});
    return plan_add_region(plan, name, REGION_TARGET, (struct range){*ret_at, *ret_at + size}, NULL,
                           why);
}

/* The module may stay where it is. */
static bool suits(const struct plan_input *input, const struct plan *plan,
                  const struct module_rule *rule, struct range range)
{
    return (range.start & (rule->align - 1)) == 0 &&
           range.end <= (rule->max ? rule->max : FOUR_GIB) &&
           !range_overlaps(range, input->stage) && !range_overlaps(range, input->stage_image) &&
           memory_map_is_ram(&input->record->map, range) && !solid_overlap(plan, range);
}

enum refusal_id parts_modules(const struct plan_input *input, struct plan *plan,
                              const struct module_rule *rule, uint64_t ret_at[RECORD_MODULE_MAX],
                              struct refusal *why)
{
    const struct boot_record *record = input->record;
    uint8_t moves[RECORD_MODULE_MAX] = {0};
    enum refusal_id id = REFUSE_NONE;
    for (uint32_t i = 1; i < record->module_count && id == REFUSE_NONE; i++) {
        const struct boot_module *module = &record->module[i];
        struct range range;
        ret_at[i - 1] = module->start.v;
        if (module->size == 0) {
            ret_at[i - 1] = align_down_u64(module->start.v & 0xffffffff, rule->align);
            continue;
        }
        if (!module_range(module, &range) || range.end > FOUR_GIB)
            return REFUSE(why, PLAN_ABOVE_4GIB, .num = {module->start.v, module->size},
                          .str = {"a module"});
        moves[i] = !suits(input, plan, rule, range);
        id = plan_add_region(plan, plan_name(plan, moves[i] ? "as loaded, module" : rule->name, i),
                             moves[i] ? REGION_SOURCE : REGION_IN_PLACE, range, NULL, why);
    }
    for (uint32_t i = 1; i < record->module_count && id == REFUSE_NONE; i++) {
        if (!moves[i])
            continue;
        const struct boot_module *module = &record->module[i];
        id = find_target(input, plan, plan_name(plan, rule->name, i), module->size, rule,
                         &ret_at[i - 1], why);
        if (id == REFUSE_NONE)
            id = plan_add_copy(plan, ret_at[i - 1], module->start.v, module->size, why);
    }
    return id;
}

static uint64_t padded(uint64_t size)
{
    return (size + 3) & ~UINT64_C(3);
}

/* Copies every module after the guest to one place, padding in between. */
static enum refusal_id join(const struct plan_input *input, struct plan *plan,
                            const struct module_rule *rule, uint64_t total, uint64_t *ret_at,
                            struct refusal *why)
{
    const struct boot_record *record = input->record;
    enum refusal_id id = REFUSE_NONE;
    for (uint32_t i = 1; i < record->module_count && id == REFUSE_NONE; i++) {
        struct range range;
        if (module_range(&record->module[i], &range) && !range_is_empty(range))
            id = plan_add_region(plan, plan_name(plan, "as loaded, module", i), REGION_SOURCE,
                                 range, NULL, why);
    }
    if (id == REFUSE_NONE)
        id = find_target(input, plan, rule->name, total, rule, ret_at, why);
    uint64_t end = *ret_at;
    for (uint32_t i = 1; i < record->module_count && id == REFUSE_NONE; i++) {
        const struct boot_module *module = &record->module[i];
        if (module->size == 0)
            continue;
        uint64_t at = *ret_at + padded(end - *ret_at);
        id = plan_add_zero(plan, end, at - end, why);
        if (id == REFUSE_NONE)
            id = plan_add_copy(plan, at, module->start.v, module->size, why);
        end = at + module->size;
    }
    return id;
}

enum refusal_id parts_ramdisk(const struct plan_input *input, struct plan *plan,
                              const struct module_rule *rule, uint64_t *ret_at, uint64_t *ret_size,
                              struct refusal *why)
{
    const struct boot_record *record = input->record;
    uint64_t total = 0;
    uint32_t used = 0, only = 0;
    for (uint32_t i = 1; i < record->module_count; i++) {
        const struct boot_module *module = &record->module[i];
        struct range range;
        if (!module_range(module, &range) || range.end > FOUR_GIB)
            return REFUSE(why, PLAN_ABOVE_4GIB, .num = {module->start.v, module->size},
                          .str = {"a module"});
        if (module->size) {
            total = padded(total) + module->size;
            used++;
            only = i;
        }
    }
    *ret_at = 0;
    *ret_size = 0;
    if (used == 0)
        return REFUSE_NONE;
    enum refusal_id id;
    struct range range;
    if (used == 1 && module_range(&record->module[only], &range) &&
        suits(input, plan, rule, range)) {
        *ret_at = range.start;
        *ret_size = range_size(range);
        return plan_add_region(plan, rule->name, REGION_IN_PLACE, range, NULL, why);
    }
    id = join(input, plan, rule, total, ret_at, why);
    if (id == REFUSE_NONE)
        *ret_size = total;
    return id;
}

enum refusal_id parts_info(const struct plan_input *input, struct plan *plan, uint32_t size,
                           struct refusal *why)
{
    uint64_t bytes = (size + PAGE_MASK) & ~PAGE_MASK;
    if (!plan_find_target(plan, input->record, bytes, PAGE_SIZE, INFO_LOW, 0, false, &plan->info))
        return REFUSE(why, PLAN_NO_ROOM, .num = {bytes, PAGE_SIZE, INFO_LOW, FOUR_GIB},
                      .str = {"the guest's boot information"});
    return plan_add_region(plan, "boot information", REGION_TARGET,
                           (struct range){plan->info, plan->info + bytes}, NULL, why);
}

enum refusal_id parts_info_done(struct plan *plan, struct range hole, uint64_t hole_from,
                                struct refusal *why)
{
    for (uint32_t i = 0; i < plan->region_count; i++) {
        struct region *r = &plan->region[i];
        if (r->kind != REGION_TARGET || r->machine.start != plan->info)
            continue;
        if (plan->blob_used > range_size(r->machine))
            return REFUSE(why, PLAN_BLOB_FULL, .num = {plan->blob_used, range_size(r->machine)});
        r->machine.end = r->machine.start + plan->blob_used;
    }
    if (range_is_empty(hole))
        return plan_add_copy(plan, plan->info, plan->blob_at, plan->blob_used, why);
    enum refusal_id id = plan_add_copy(plan, plan->info, plan->blob_at, hole.start, why);
    if (id == REFUSE_NONE)
        id = plan_add_copy(plan, plan->info + hole.start, hole_from, range_size(hole), why);
    if (id == REFUSE_NONE)
        id = plan_add_copy(plan, plan->info + hole.end, plan->blob_at + hole.end,
                           plan->blob_used - hole.end, why);
    return id;
}

enum refusal_id parts_string(struct plan *plan, const char *text, uint64_t *ret_at,
                             struct refusal *why)
{
    size_t size = strlen(text) + 1;
    char *to;
    enum refusal_id id = plan_blob(plan, (uint32_t)size, 1, &to, ret_at, why);
    if (id == REFUSE_NONE)
        memcpy(to, text, size);
    return id;
}

const char *parts_arguments(const struct boot_record *record)
{
    const char *text = record->module_count ? record->module[0].string : "";
    while (*text == ' ')
        text++;
    while (*text && *text != ' ')
        text++;
    while (*text == ' ')
        text++;
    return text;
}

uint32_t parts_strings_size(const struct boot_record *record)
{
    size_t size = 0;
    for (uint32_t i = 0; i < record->module_count; i++)
        size += strlen(record->module[i].string) + 1;
    return (uint32_t)size;
}
