/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A guest with a Multiboot 1 header: loaded by its address fields or as ELF, entered in 32-bit
 * protected mode with EAX 0x2BADB002 and EBX at the information structure.  An ELF64 file is
 * entered in protected mode too, as GRUB does.  Source: Multiboot Specification 0.6.96, 3.1 to 3.3.
 */
#include "native.h"

#include "plan_parts.h"

#include <multiboot.h>

enum refusal_id native_by_addresses(const struct plan_input *input, struct plan *plan,
                                    const struct multiboot_layout *layout, uint64_t shift,
                                    struct refusal *why)
{
    uint64_t start = layout->start + shift;
    uint64_t size = layout->end - layout->start;
    enum refusal_id id = parts_fixed(input, plan, "kernel", start, size, why);
    if (id == REFUSE_NONE)
        id = plan_add_copy(plan, start, input->image->file_at.v + layout->file_offset,
                           layout->file_size, why);
    if (id == REFUSE_NONE)
        id = plan_add_zero(plan, start + layout->file_size, size - layout->file_size, why);
    return id;
}

/* Video information is asked for: there must be some to give; another mode than the wished one is
 * allowed (3.1.3: the loader may choose) and said. */
static enum refusal_id check_video(const struct plan_input *input, struct plan *plan,
                                   const struct multiboot1_header *header, struct refusal *why)
{
    struct framebuffer screen;
    if (!header->has_video)
        return REFUSE_NONE;
    if (!native_framebuffer(input, &screen))
        return REFUSE(why, MULTIBOOT_NO_VIDEO, .num = {header->width, header->height});
    bool text = screen.kind == FRAMEBUFFER_TEXT;
    if (text != (header->mode_type == 1) || (header->width && header->width != screen.width) ||
        (header->height && header->height != screen.height) ||
        (!text && header->depth && header->depth != screen.bpp))
        plan_warn(plan, "the guest would like %s mode %ux%u, it gets %s mode %ux%u",
                  header->mode_type == 1 ? "text" : "graphics", (unsigned)header->width,
                  (unsigned)header->height, text ? "text" : "graphics", (unsigned)screen.width,
                  (unsigned)screen.height);
    return REFUSE_NONE;
}

enum refusal_id native_multiboot1(const struct plan_input *input, struct plan *plan,
                                  struct refusal *why)
{
    struct multiboot1_header header;
    struct view file = input->image->file;
    plan->protocol = "Multiboot 1";
    plan->exit.kind = EXIT_PROTECTED;
    if (!multiboot1_find(file, &header))
        return REFUSE(why, NATIVE_NO_MULTIBOOT1, .str = {input->image->container});
    enum refusal_id id = multiboot1_check(file, &header, why);
    if (id == REFUSE_NONE)
        id = check_video(input, plan, &header, why);
    if (id != REFUSE_NONE)
        return id;
    if (header.has_addresses) {
        struct multiboot_layout layout;
        id = multiboot_layout(file, header.offset, &header.load, &layout, why);
        if (id == REFUSE_NONE)
            id = native_by_addresses(input, plan, &layout, 0, why);
        plan->exit.ip = header.entry_addr;
    } else if (input->image->has_elf && input->placement) {
        id = parts_kernel(input, plan, 0, why);
        plan->exit.ip = input->placement->entry_physical.v;
    } else {
        return REFUSE(why, MULTIBOOT_NOT_LOADABLE, .str = {"Multiboot 1"});
    }
    if (id != REFUSE_NONE)
        return id;
    return native_mbi_finish(input, plan, header.flags & MULTIBOOT_PAGE_ALIGN, why);
}
