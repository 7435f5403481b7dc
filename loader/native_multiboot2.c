/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A guest with a Multiboot 2 header: loaded by its address tag or as ELF, moved where its
 * relocatable tag allows, entered in 32-bit protected mode with EAX 0x36D76289 and EBX at the
 * information.  Source: Multiboot 2 specification 2.0, sections 3.1, 3.2 and 3.5.
 */
#include "native.h"

#include "native_tags.h"
#include "plan_parts.h"

#define MB2_LOADER_MAGIC 0x36D76289u

/* What the header wants of the machine. */
static enum refusal_id check_wishes(const struct plan_input *input, struct plan *plan,
                                    const struct multiboot2_header *header, struct refusal *why)
{
    struct framebuffer screen;
    bool has = native_framebuffer(input, &screen);
    bool console_required = header->has_console_flags && (header->console_flags & 1);
    if (!has && (console_required || header->framebuffer_required))
        return REFUSE(why, MULTIBOOT_NO_VIDEO, .num = {header->width, header->height});
    if (has && header->has_framebuffer &&
        (screen.kind == FRAMEBUFFER_TEXT || (header->width && header->width != screen.width) ||
         (header->height && header->height != screen.height) ||
         (header->depth && header->depth != screen.bpp)))
        plan_warn(plan, "the guest would like graphics mode %ux%ux%u, it gets %s%ux%ux%u",
                  (unsigned)header->width, (unsigned)header->height, (unsigned)header->depth,
                  screen.kind == FRAMEBUFFER_TEXT ? "text " : "", (unsigned)screen.width,
                  (unsigned)screen.height, (unsigned)screen.bpp);
    return REFUSE_NONE;
}

/* How far the image [start, end) is moved.  Without a preference it stays where it is linked as
 * long as nothing else is there. */
static enum refusal_id choose_shift(const struct plan_input *input, struct plan *plan,
                                    const struct multiboot2_header *header, uint64_t start,
                                    uint64_t end, uint64_t *ret, struct refusal *why)
{
    uint64_t size = end - start, at;
    uint64_t align = header->align ? header->align : 1;
    uint64_t max = (uint64_t)header->max_addr + 1;
    *ret = 0;
    if (!header->has_relocatable)
        return REFUSE_NONE;
    if (header->preference != PREFER_HIGHEST && header->preference != PREFER_LOWEST &&
        start >= header->min_addr && end <= max && (start & (align - 1)) == 0 &&
        parts_is_free(input, start, size))
        return REFUSE_NONE;
    uint64_t min = header->min_addr;
    bool high = header->preference == PREFER_HIGHEST;
    /* Low memory is the firmware's and the hand-off's unless the guest leaves nothing else. */
    uint64_t polite = min < 0x100000 && max > 0x100000 ? 0x100000 : min;
    if (!parts_find_kernel(input, plan, size, align, polite, max, high, &at) &&
        !parts_find_kernel(input, plan, size, align, min, max, high, &at) &&
        !plan_find_over(plan, input->record, size, align, min, max, PLAN_WORK_KINDS, high, &at))
        return REFUSE(why, PLAN_NO_ROOM, .num = {size, align, min, max},
                      .str = {"the relocatable kernel"});
    *ret = at - start;
    return REFUSE_NONE;
}

static enum refusal_id place(const struct plan_input *input, struct plan *plan,
                             const struct multiboot2_header *header, uint64_t *ret_base,
                             struct refusal *why)
{
    const struct guest_image *image = input->image;
    struct multiboot_layout layout;
    uint64_t shift, entry = header->entry;
    struct range hull;
    enum refusal_id id = REFUSE_NONE;
    bool elf = image->has_elf && input->placement;
    if (header->has_addresses) {
        id = multiboot_layout(image->file, header->offset, &header->load, &layout, why);
        if (id != REFUSE_NONE)
            return id;
        if (!header->has_entry)
            return REFUSE(why, MULTIBOOT2_NO_ENTRY, .num = {layout.start});
        hull = (struct range){layout.start, layout.end};
    } else if (elf) {
        hull = input->placement->physical;
        if (!header->has_entry)
            entry = input->placement->entry_physical.v;
    } else {
        return REFUSE(why, MULTIBOOT_NOT_LOADABLE, .str = {"Multiboot 2"});
    }
    id = choose_shift(input, plan, header, hull.start, hull.end, &shift, why);
    if (id != REFUSE_NONE)
        return id;
    plan->exit.ip = entry + shift;
    *ret_base = hull.start + shift;
    if (header->has_addresses)
        return native_by_addresses(input, plan, &layout, shift, why);
    return parts_kernel(input, plan, shift, why);
}

enum refusal_id native_multiboot2(const struct plan_input *input, struct plan *plan,
                                  struct refusal *why)
{
    struct multiboot2_header header;
    struct tags tags = {.input = input, .plan = plan};
    uint64_t module_at[RECORD_MODULE_MAX];
    uint32_t offset;
    plan->protocol = "Multiboot 2";
    plan->exit.kind = EXIT_PROTECTED;
    plan->exit.ax = MB2_LOADER_MAGIC;
    if (!multiboot2_find(input->image->file, &offset))
        return REFUSE(why, NATIVE_NO_MULTIBOOT2, .str = {input->image->container});
    enum refusal_id id = multiboot2_parse(input->image->file, offset, &header, why);
    if (id == REFUSE_NONE)
        id = check_wishes(input, plan, &header, why);
    if (id == REFUSE_NONE)
        id = place(input, plan, &header, &tags.load_base, why);
    if (id != REFUSE_NONE)
        return id;
    struct module_rule rule = {"module", header.module_align ? PAGE_SIZE : 1, 0, false};
    tags.relocatable = header.has_relocatable;
    id = parts_modules(input, plan, &rule, module_at, why);
    if (id == REFUSE_NONE)
        id = native_sections(input, plan, &tags.sections, why);
    if (id == REFUSE_NONE)
        id = parts_info(input, plan, tags_size(&tags), why);
    tags.module_at = module_at;
    plan->exit.bx = plan->info;
    if (id == REFUSE_NONE)
        id = tags_write(&tags, why);
    return id;
}
