/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mode=native: which traditional protocol the guest gets.  The order of preference is Multiboot 2,
 * Multiboot 1, Linux, plain ELF: a header is a wish, a bare ELF is not.
 */
#include "plan.h"

#include "bytes.h"
#include "native.h"

/* The image is a vmlinux with a way in of its own beside Xen's: its notes say GUEST_OS=linux, and
 * either PHYS32_ENTRY or an ENTRY other than e_entry. */
static bool is_vmlinux(const struct plan_input *input)
{
    const struct guest_info *info = input->info;
    if (!input->image->has_elf || !info || !input->placement)
        return false;
    if (strncmp(info->guest_os, "linux", 5) != 0 || !input->placement->entry_physical_inside)
        return false;
    uint64_t native = input->placement->entry_physical.v + input->placement->base;
    return info->phys32_entry.given || (info->entry.given && info->entry.value != native);
}

static bool has_xen_door(const struct plan_input *input)
{
    return input->info && (input->info->source != INFO_NONE);
}

enum refusal_id native_choose(const struct plan_input *input, bool automatic,
                              enum native_protocol *ret, struct refusal *why)
{
    const struct guest_image *image = input->image;
    enum native_protocol wanted = input->options->native;
    struct multiboot1_header mb1;
    uint32_t mb2;
    bool any = wanted == NATIVE_ANY;
    bool elf = image->has_elf && input->placement;
    /* A bzImage is Linux's own container: no search through it unless it was asked for. */
    bool search = !image->bz.present;
    if ((wanted == NATIVE_MULTIBOOT2 || (any && search)) && multiboot2_find(image->file, &mb2)) {
        *ret = NATIVE_MULTIBOOT2;
        return REFUSE_NONE;
    }
    if (wanted == NATIVE_MULTIBOOT2)
        return REFUSE(why, NATIVE_NO_MULTIBOOT2, .str = {image->container});
    if ((wanted == NATIVE_MULTIBOOT1 || (any && search)) && multiboot1_find(image->file, &mb1)) {
        *ret = NATIVE_MULTIBOOT1;
        return REFUSE_NONE;
    }
    if (wanted == NATIVE_MULTIBOOT1)
        return REFUSE(why, NATIVE_NO_MULTIBOOT1, .str = {image->container});
    bool forced_linux = wanted == NATIVE_LINUX && elf && input->info &&
                        strncmp(input->info->guest_os, "linux", 5) == 0;
    bool any_linux = any || wanted == NATIVE_LINUX;
    if ((image->bz.present && (any_linux || wanted == NATIVE_LINUX16)) ||
        (any_linux && is_vmlinux(input)) || forced_linux) {
        *ret = NATIVE_LINUX;
        return REFUSE_NONE;
    }
    if (wanted == NATIVE_LINUX || wanted == NATIVE_LINUX16)
        return REFUSE(why, NATIVE_NO_LINUX, .str = {image->container});
    if (!elf)
        return REFUSE(why, NATIVE_NO_PROTOCOL, .str = {image->container});
    /* Linux's inner ELF is of no use without boot_params, whatever it was asked for as. */
    if (wanted == NATIVE_ELF && is_vmlinux(input)) {
        *ret = NATIVE_LINUX;
        return REFUSE_NONE;
    }
    if (automatic && any && has_xen_door(input))
        return REFUSE(why, NATIVE_ONLY_XEN, .str = {input->info->guest_os});
    *ret = NATIVE_ELF;
    return REFUSE_NONE;
}

enum refusal_id plan_native(const struct plan_input *input, struct plan *ret, struct refusal *why)
{
    enum native_protocol protocol;
    enum refusal_id id = native_choose(input, false, &protocol, why);
    if (id != REFUSE_NONE)
        return id;
    /* Entered in 32-bit mode as GRUB does, but its code will want long mode at once. */
    if ((protocol == NATIVE_MULTIBOOT1 || protocol == NATIVE_MULTIBOOT2) && input->image->has_elf &&
        input->image->elf.is_64bit && !input->cpu->long_mode)
        return REFUSE(why, NATIVE_NEEDS_LONG_MODE, .str = {input->cpu->vendor});
    switch (protocol) {
    case NATIVE_MULTIBOOT1:
        return native_multiboot1(input, ret, why);
    case NATIVE_MULTIBOOT2:
        return native_multiboot2(input, ret, why);
    case NATIVE_LINUX:
        return native_linux(input, ret, why);
    case NATIVE_ELF:
    case NATIVE_ANY:
    case NATIVE_LINUX16:
        break;
    }
    return native_elf(input, ret, why);
}
