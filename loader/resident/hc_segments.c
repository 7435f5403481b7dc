/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls on segmentation: set_gdt, update_descriptor, set_segment_base, stack_switch.
 *
 * Source: Xen's public xen.h; results as xen/arch/x86/pv/descriptor-tables.c and misc-hypercalls.c
 * give them; descriptor bits: Intel SDM vol. 3 3.4.5.
 */
#include "descriptors.h"
#include "entry.h"
#include "memory.h"
#include "msr.h"
#include "pagetable.h"

#define DESC_S   (UINT64_C(1) << 44)
#define DESC_P   (UINT64_C(1) << 47)
#define DESC_DPL (UINT64_C(3) << 45)

/* What a guest may have in a descriptor table: nothing, or code and data of its own levels.  Level
 * 0 becomes what a kernel has on Xen: 3 for 64-bit guests, 1 for 32-bit ones.  Gates and other
 * system descriptors are refused. */
static bool descriptor_fix(uint64_t *descriptor)
{
    uint64_t least = layer.compat ? 1 : 3;
    if (!(*descriptor & DESC_P))
        return true;
    if (!(*descriptor & DESC_S))
        return false;
    if ((*descriptor & DESC_DPL) >> 45 < least)
        *descriptor = (*descriptor & ~DESC_DPL) | least << 45;
    /* 32-bit guests have no 64-bit code. */
    return !layer.compat || !(*descriptor & UINT64_C(1) << 53) ||
           !(*descriptor & UINT64_C(1) << 43);
}

bool may_hold_descriptors(uint64_t mfn)
{
    return frame_is_guest(mfn) && !table_in_use(mfn) && frame_has_pfn(mfn);
}

bool descriptor_page_fix(uint64_t *descriptors)
{
    for (uint32_t i = 0; i < 512; i++)
        if (!descriptor_fix(&descriptors[i]))
            return false;
    return true;
}

long hc_set_gdt(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t mfn[14] = {0};
    uint32_t entries = (uint32_t)args->arg[1];
    if (args->arg[1] > GDT_ENTRIES_MAX)
        return -XEN_EINVAL;
    uint32_t pages = (entries + 511) / 512, width = layer.compat ? 4 : 8;
    for (uint32_t i = 0; i < pages; i++) {
        if (!guest_read(v, &mfn[i], args->arg[0] + i * width, width))
            return -XEN_EFAULT;
        if (!may_hold_descriptors(mfn[i]))
            return -XEN_EINVAL;
    }
    for (uint32_t i = 0; i < pages; i++)
        if (!descriptor_page_fix(maddr_pointer(mfn[i] << PAGE_SHIFT)))
            return -XEN_EINVAL;
    for (uint32_t i = 0; i < 14; i++)
        gdt_window_set(v, i, i < pages ? mfn[i] : ~UINT64_C(0));
    v->gdt_entries = entries;
    return 0;
}

long hc_update_descriptor(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t at = args->arg[0], descriptor = args->arg[1];
    (void)v;
    if (layer.compat) {
        at = args->arg[0] | args->arg[1] << 32;
        descriptor = args->arg[2] | args->arg[3] << 32;
    }
    if ((at & 7) || !may_hold_descriptors(at >> PAGE_SHIFT) || !descriptor_fix(&descriptor))
        return -XEN_EINVAL;
    *(volatile uint64_t *)maddr_pointer(at) = descriptor;
    return 0;
}

#ifdef __x86_64__
static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

/* Loads the selector register GS for user space: its base becomes the inactive one. */
static void load_user_gs(struct vcpu *v, uint16_t selector)
{
    if (!load_gs_fixup(selector))
        load_gs_fixup(0);
    v->gs_inactive = cpu_rdmsr(MSR_GS_BASE);
    cpu_wrmsr(MSR_GS_BASE, (uint64_t)v);
}

long hc_set_segment_base(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t base = args->arg[1];
    if (layer.compat)
        return -XEN_ENOSYS;
    if (args->arg[0] != SEGBASE_GS_USER_SEL && !canonical(base))
        return -XEN_EINVAL;
    switch (args->arg[0]) {
    case SEGBASE_FS:
        cpu_wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        v->gs_inactive = base;
        return 0;
    case SEGBASE_GS_KERNEL:
        cpu_wrmsr(MSR_KERNEL_GS, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        load_user_gs(v, (uint16_t)base);
        return 0;
    default:
        return -XEN_EINVAL;
    }
}
#else
/* For 64-bit guests only. */
long hc_set_segment_base(struct vcpu *v, const struct hypercall_args *args)
{
    (void)v;
    (void)args;
    return -XEN_ENOSYS;
}
#endif

long hc_stack_switch(struct vcpu *v, const struct hypercall_args *args)
{
    v->kernel_ss = args->arg[0] & 0xffff;
    v->kernel_sp = args->arg[1];
    return 0;
}
