/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A plain ELF without any header: loaded at its physical addresses and entered at its physical
 * entry, ELF32 in protected mode, ELF64 in long mode with an identity map.  Multiboot 1 registers
 * and information all the same, so that such a kernel can find its memory and modules.
 */
#include "native.h"

#include "plan_parts.h"

enum refusal_id native_elf(const struct plan_input *input, struct plan *plan, struct refusal *why)
{
    const struct placement *placement = input->placement;
    bool wide = input->image->elf.is_64bit;
    plan->protocol = wide ? "plain ELF64" : "plain ELF32";
    if (!placement->entry_physical_inside)
        return REFUSE(why, ELF_ENTRY_OUTSIDE,
                      .num = {placement->entry_physical.v, placement->physical.start,
                              placement->physical.end});
    if (wide && !input->cpu->long_mode)
        return REFUSE(why, NATIVE_NEEDS_LONG_MODE, .str = {input->cpu->vendor});
    plan->exit.kind = wide ? EXIT_LONG : EXIT_PROTECTED;
    plan->exit.ip = placement->entry_physical.v;
    enum refusal_id id = parts_kernel(input, plan, 0, why);
    if (id == REFUSE_NONE)
        id = native_mbi_finish(input, plan, true, why);
    return id;
}
