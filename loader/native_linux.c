/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Linux's boot protocol: a bzImage as it is (it unpacks itself) or a vmlinux, with boot_params and
 * ramdisk, entered at the 32-bit, the 64-bit or, under a BIOS, the 16-bit entry point.  Source:
 * Linux Documentation/arch/x86/boot.rst, protocols 2.00 to 2.15; its "Loading The Rest of The
 * Kernel" and "Sample Boot Configuration" for the 16-bit one.
 */
#include "native.h"

#include "bytes.h"
#include "linux_params.h"
#include "plan_parts.h"

#define FOUR_GIB        (UINT64_C(1) << 32)
#define LOADED_HIGH     1u
#define XLF_KERNEL_64   1u
#define XLF_ABOVE_4G    2u
#define ENTRY64_OFFSET  0x200u
#define HEADER_AT       0x1f1u
#define JUMP_OFFSET_AT  0x201u
#define ZIMAGE_ADDRESS  UINT64_C(0x10000)
#define BZIMAGE_ADDRESS UINT64_C(0x100000)
/* Protocols before 2.10 do not say how much memory unpacking takes. */
#define OLD_UNPACK_FACTOR 3u
/* Memory of the setup code.  Before 2.02 and for a zImage it must stand at 0x90000, below what the
 * BIOS keeps at the end of low memory. */
#define SETUP_LOW           0x10000u
#define SETUP_OLD           0x90000u
#define SETUP_SIZE_MAX      0x8200u /* 64 sectors and the boot sector */
#define HEAP_END            0xe000u
#define HEAP_END_OLD        0x9800u
#define OLD_INITRD_MAX      0x37ffffffu
#define OLD_CMDLINE_MAX     255u
#define VMLINUX_CMDLINE_MAX 2047u
#define VMLINUX_INITRD_MAX  0x7fffffffu
#define VMLINUX_PROTOCOL    0x020fu

static void set_exit(struct plan *plan, bool wide, uint64_t ip)
{
    plan->exit.kind = wide ? EXIT_LONG : EXIT_PROTECTED;
    plan->exit.ip = ip;
    plan->exit.linux_selectors = true;
}

/* Ramdisk, boot_params and registers, once the kernel stands. */
static enum refusal_id finish(struct linux_params *params, struct plan *plan, uint64_t initrd_end,
                              struct refusal *why)
{
    const struct plan_input *input = params->input;
    const struct module_rule rule = {"ramdisk", 1, initrd_end, true};
    enum refusal_id id =
        parts_ramdisk(input, plan, &rule, &params->ramdisk, &params->ramdisk_size, why);
    if (id == REFUSE_NONE)
        id = parts_info(input, plan, linux_params_size(params), why);
    if (id == REFUSE_NONE)
        id = linux_params_add(params, plan, &plan->exit.si, why);
    if (id == REFUSE_NONE)
        id = parts_info_done(plan, (struct range){0, 0}, 0, why);
    return id;
}

/* The same for the 16-bit entry: setup code, hand-off and stack in low memory. */
static enum refusal_id finish_real(struct linux_params *params, struct plan *plan,
                                   uint64_t initrd_end, struct refusal *why)
{
    const struct plan_input *input = params->input;
    const struct bzimage *bz = &input->image->bz;
    const struct module_rule rule = {"ramdisk", 1, initrd_end, true};
    uint32_t low_end = input->record->bios_memory;
    bool old = !(bz->loadflags & LOADED_HIGH) || bz->version < 0x0202;
    params->heap_end = old ? HEAP_END_OLD : HEAP_END;
    uint32_t size = params->heap_end + (uint32_t)strlen(parts_arguments(input->record)) + 1;
    uint32_t start = old ? SETUP_OLD : SETUP_LOW, end = old ? start + size : low_end;
    if (bz->setup_size > SETUP_SIZE_MAX)
        return REFUSE(why, LINUX_SETUP_SIZE, .num = {bz->setup_size, SETUP_SIZE_MAX});
    if (end > low_end ||
        !plan_find_target(plan, input->record, size, PAGE_SIZE, start, end, false, &plan->info))
        return REFUSE(why, PLAN_NO_ROOM, .num = {size, PAGE_SIZE, start, low_end},
                      .str = {"the setup code"});
    enum refusal_id id = plan_add_region(plan, "setup code", REGION_TARGET,
                                         (struct range){plan->info, plan->info + size}, NULL, why);
    if (id == REFUSE_NONE)
        id = parts_handoff(input, plan, low_end, why);
    if (id == REFUSE_NONE)
        id = parts_ramdisk(input, plan, &rule, &params->ramdisk, &params->ramdisk_size, why);
    if (input->options->memory_limit)
        plan_warn(plan, "mem= is not for a kernel that asks the BIOS itself how much there is");
    plan->exit.kind = EXIT_REAL;
    plan->exit.ip = plan->info + REAL_SETUP;
    plan->exit.sp = params->heap_end;
    return id == REFUSE_NONE ? linux_params_setup(params, plan, why) : id;
}

/* What the kernel occupies from its first byte to the end of unpacking: one that is not relocatable
 * is loaded where such kernels always were, and moves itself to its preferred address. */
static uint64_t run_size(const struct bzimage *bz)
{
    uint64_t pref = bz->pref_address;
    if (bz->version >= 0x020a)
        return bz->init_size +
               (!bz->relocatable && pref > BZIMAGE_ADDRESS ? pref - BZIMAGE_ADDRESS : 0);
    return (((uint64_t)bz->kernel_size + PAGE_MASK) & ~PAGE_MASK) * OLD_UNPACK_FACTOR;
}

/* Where the protected-mode kernel goes.  A relocatable one gives way to ramdisks: moving it costs
 * nothing, moving them a copy.  It must not go below its preferred address, whither it would
 * move itself. */
static enum refusal_id choose_place(const struct plan_input *input, struct plan *plan,
                                    uint64_t size, uint64_t *ret, struct refusal *why)
{
    const struct bzimage *bz = &input->image->bz;
    uint64_t align = bz->kernel_alignment, wanted = BZIMAGE_ADDRESS;
    *ret = bz->loadflags & LOADED_HIGH ? BZIMAGE_ADDRESS : ZIMAGE_ADDRESS;
    if (bz->version < 0x0205 || !bz->relocatable)
        return REFUSE_NONE;
    if (bz->version >= 0x020a)
        wanted = bz->pref_address;
    *ret = wanted;
    if (align == 0 || align & (align - 1) || wanted >= FOUR_GIB)
        return REFUSE(why, LINUX_ALIGNMENT, .num = {align, wanted});
    if ((wanted & (align - 1)) == 0 && parts_is_free(input, wanted, size))
        return REFUSE_NONE;
    if (!parts_find_kernel(input, plan, size, align, wanted, 0, false, ret) &&
        !plan_find_over(plan, input->record, size, align, wanted, 0, PLAN_WORK_KINDS, false, ret))
        return REFUSE(why, PLAN_NO_ROOM, .num = {size, align, wanted, FOUR_GIB},
                      .str = {"the kernel"});
    return REFUSE_NONE;
}

static enum refusal_id read_header(const struct plan_input *input, struct view *ret,
                                   struct refusal *why)
{
    struct view file = input->image->file;
    uint8_t jump;
    if (!view_u8(file, JUMP_OFFSET_AT, &jump) ||
        !view_slice(file, HEADER_AT, JUMP_OFFSET_AT + 1 + (uint64_t)jump - HEADER_AT, ret))
        return REFUSE(why, LINUX_HEADER_CUT, .num = {JUMP_OFFSET_AT + 1, file.size});
    return REFUSE_NONE;
}

/* The 64-bit entry is taken where the 32-bit one would not do: 64-bit firmware tables to be used,
 * or a ramdisk that may stay above initrd_addr_max. */
static bool take_64bit_entry(const struct plan_input *input)
{
    const struct bzimage *bz = &input->image->bz;
    const struct boot_record *record = input->record;
    if (!(bz->xloadflags & XLF_KERNEL_64) || bz->version < 0x020c || !input->cpu->long_mode ||
        bz->kernel_size <= ENTRY64_OFFSET)
        return false;
    if (record->efi.present && record->efi.is_64bit)
        return true;
    for (uint32_t i = 1; i < record->module_count && (bz->xloadflags & XLF_ABOVE_4G); i++)
        if (record->module[i].start.v + record->module[i].size > bz->initrd_addr_max)
            return true;
    return false;
}

/* A zImage's code runs where its setup code moves it to; iPXE's .lkrn has the form of a kernel, yet
 * nothing but its 16-bit part can be entered. */
static bool only_real_mode(const struct bzimage *bz)
{
    return !(bz->loadflags & LOADED_HIGH) || bz->code32_start == 0;
}

static void name_protocol(struct plan *plan, uint16_t version, unsigned bits)
{
    char *text = plan->names + plan->names_used;
    size_t room = sizeof(plan->names) - plan->names_used;
    size_t length = out_format(text, room, "Linux boot protocol %u.%02u, %u-bit entry",
                               version >> 8, version & 0xffu, bits);
    plan->names_used += (uint32_t)length + 1;
    plan->protocol = text;
}

static enum refusal_id plan_bzimage(const struct plan_input *input, struct plan *plan,
                                    struct refusal *why)
{
    const struct bzimage *bz = &input->image->bz;
    struct linux_params params = {.input = input, .version = bz->version};
    uint64_t size = run_size(bz);
    bool real = input->options->native == NATIVE_LINUX16 || only_real_mode(bz);
    bool wide = !real && take_64bit_entry(input);
    name_protocol(plan, bz->version, real ? 16 : wide ? 64 : 32);
    if (real && !input->record->bios_memory)
        return REFUSE(why, LINUX_NO_BIOS, .num = {bz->code32_start});
    if ((bz->xloadflags & XLF_KERNEL_64) && bz->version >= 0x020c && !input->cpu->long_mode)
        return REFUSE(why, NATIVE_NEEDS_LONG_MODE, .str = {input->cpu->vendor});
    enum refusal_id id = read_header(input, &params.header, why);
    if (id == REFUSE_NONE)
        id = choose_place(input, plan, size, &params.load_address, why);
    if (id != REFUSE_NONE)
        return id;
    if (size < bz->kernel_size || bz->kernel_size == 0)
        return REFUSE(why, LINUX_INIT_SIZE, .num = {size, params.load_address, bz->kernel_size});
    if (!(bz->loadflags & LOADED_HIGH)) { /* it unpacks to where others are loaded */
        id = parts_fixed(input, plan, "room to unpack", BZIMAGE_ADDRESS, size, why);
        if (id != REFUSE_NONE)
            return id;
        size = bz->kernel_size;
    }
    id = parts_fixed(input, plan, "kernel with room to unpack", params.load_address, size, why);
    if (id == REFUSE_NONE)
        id = plan_add_copy(plan, params.load_address, input->image->file_at.v + bz->setup_size,
                           bz->kernel_size, why);
    if (id != REFUSE_NONE)
        return id;
    params.cmdline_max = bz->version >= 0x0206 ? bz->cmdline_size : OLD_CMDLINE_MAX;
    uint64_t initrd_end = bz->version >= 0x0203 && bz->initrd_addr_max
                              ? (uint64_t)bz->initrd_addr_max + 1
                              : (uint64_t)OLD_INITRD_MAX + 1;
    if (wide && (bz->xloadflags & XLF_ABOVE_4G))
        initrd_end = FOUR_GIB;
    if (real)
        return finish_real(&params, plan, initrd_end, why);
    set_exit(plan, wide, params.load_address + (wide ? ENTRY64_OFFSET : 0));
    return finish(&params, plan, initrd_end, why);
}

static enum refusal_id plan_vmlinux(const struct plan_input *input, struct plan *plan,
                                    struct refusal *why)
{
    const struct placement *placement = input->placement;
    bool wide = input->image->elf.is_64bit;
    struct range hull = placement->physical;
    plan->protocol = wide ? "Linux vmlinux, 64-bit entry" : "Linux vmlinux, 32-bit entry";
    if (!placement->entry_physical_inside)
        return REFUSE(why, ELF_ENTRY_OUTSIDE,
                      .num = {placement->entry_physical.v, hull.start, hull.end});
    if (wide && !input->cpu->long_mode)
        return REFUSE(why, NATIVE_NEEDS_LONG_MODE, .str = {input->cpu->vendor});
    set_exit(plan, wide, placement->entry_physical.v);
    struct linux_params params = {
        .input = input,
        .version = VMLINUX_PROTOCOL,
        .load_address = hull.start,
        .init_size = range_size(hull),
        .pref_address = hull.start,
        .cmdline_max = VMLINUX_CMDLINE_MAX,
    };
    enum refusal_id id = parts_kernel(input, plan, 0, why);
    if (id != REFUSE_NONE)
        return id;
    return finish(&params, plan, (wide ? VMLINUX_INITRD_MAX : OLD_INITRD_MAX) + UINT64_C(1), why);
}

enum refusal_id native_linux(const struct plan_input *input, struct plan *plan, struct refusal *why)
{
    /* mode=native,elf of a bzImage: its vmlinux, unpacked by the stage. */
    bool packed = input->image->bz.present && input->options->native != NATIVE_ELF;
    return packed ? plan_bzimage(input, plan, why) : plan_vmlinux(input, plan, why);
}
