/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * VCPUOP_initialise: the state with which a vCPU of the guest starts.  It is only written down
 * here; the CPU loads it when it is switched on (vcpu_begin).
 *
 * Source: Xen's public arch-x86/xen.h struct vcpu_guest_context; the behaviour of
 * arch_set_info_guest (xen/arch/x86/domain.c).
 */
#include "context.h"
#include "bounce.h"
#include "descriptors.h"
#include "emulate.h"
#include "entry.h"
#include "memory.h"
#include "msr.h"
#include "pagetable.h"
#include "trap.h"

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static void load_registers(struct vcpu *v, const struct cpu_user_regs *from)
{
    struct frame *f = v->frame;
    *f = (struct frame){
        .r15 = from->r15,
        .r14 = from->r14,
        .r13 = from->r13,
        .r12 = from->r12,
        .rbp = from->rbp,
        .rbx = from->rbx,
        .r11 = from->r11,
        .r10 = from->r10,
        .r9 = from->r9,
        .r8 = from->r8,
        .rax = from->rax,
        .rcx = from->rcx,
        .rdx = from->rdx,
        .rsi = from->rsi,
        .rdi = from->rdi,
        .rip = from->rip,
        .rflags = (from->rflags & ~(FLAG_IOPL | FLAG_VM | FLAG_NT)) | FLAG_IF | 2,
        .rsp = from->rsp,
        .cs = layer.compat ? (from->cs & ~3u) | 1 : SEL_KERNEL64CS,
        .ss = layer.compat ? (from->ss & ~3u) | 1 : SEL_KERNEL64SS,
    };
}

static long load_tables_of(struct vcpu *v, const struct vcpu_guest_context *from)
{
    uint64_t pages = (from->gdt_ents + 511) / 512;
    if (from->gdt_ents > GDT_ENTRIES_MAX || from->ldt_ents > 8192 || (from->ldt_base & PAGE_MASK))
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < 256; i++)
        if (!canonical(from->trap_ctxt[i].address))
            return -XEN_EINVAL;
    for (uint64_t i = 0; i < pages; i++)
        if (!may_hold_descriptors(from->gdt_frames[i]) ||
            !descriptor_page_fix(maddr_pointer(from->gdt_frames[i] << PAGE_SHIFT)))
            return -XEN_EINVAL;
    for (uint32_t i = 0; i < 14; i++)
        gdt_window_set(v, i, i < pages ? from->gdt_frames[i] : ~UINT64_C(0));
    v->gdt_entries = (uint32_t)from->gdt_ents;
    v->ldt_base = from->ldt_base;
    v->ldt_entries = (uint32_t)from->ldt_ents;
    for (uint32_t i = 0; i < 256; i++) {
        const struct trap_info *entry = &from->trap_ctxt[i];
        v->trap[i] = (struct trap_entry){.address = entry->address,
                                         .cs = entry->cs,
                                         .flags = entry->flags,
                                         .present = entry->address != 0};
        trap_refresh_gate((uint8_t)i);
    }
    return 0;
}

/* CR3 of a 64-bit guest holds the frame number shifted; of a 32-bit one it is rotated. */
static uint64_t root_mfn(uint64_t cr3)
{
    if (layer.compat)
        return (uint32_t)cr3 >> 12 | ((uint32_t)cr3 & 0xfff) << 20;
    return cr3 >> PAGE_SHIFT;
}

long vcpu_load_context(struct vcpu *v, const struct start_context *start)
{
    const struct vcpu_guest_context *context = &start->context;
    uint64_t root = root_mfn(context->ctrlreg[3]);
    if (!canonical(context->user_regs.rip) || !canonical(context->event_callback_eip) ||
        !canonical(context->failsafe_callback_eip) || !canonical(context->syscall_callback_eip) ||
        !canonical(context->fs_base) || !canonical(context->gs_base_kernel) ||
        !canonical(context->gs_base_user) || !frame_is_guest(root))
        return -XEN_EINVAL;
    long rc = load_tables_of(v, context);
    if (rc)
        return rc;
    rc = root_prepare(root);
    if (rc)
        return rc;
    v->kernel_root = root << PAGE_SHIFT;
    v->user_root = 0;
    if (layer.compat)
        hole_install(v->compat_root);
    if (!layer.compat && context->ctrlreg[1]) {
        rc = user_root_set(v, context->ctrlreg[1] >> PAGE_SHIFT);
        if (rc)
            return rc;
    }
    load_registers(v, &context->user_regs);
    v->kernel_ss = context->kernel_ss;
    v->kernel_sp = context->kernel_sp;
    v->kernel_mode = 1;
    v->hypercall_now = ~UINT64_C(0);
    v->event = (struct callback){.address = context->event_callback_eip, .cs = start->event_cs};
    v->failsafe =
        (struct callback){.address = context->failsafe_callback_eip,
                          .cs = start->failsafe_cs,
                          .mask_events = (context->flags & VGCF_failsafe_disables_events) != 0};
    v->syscall =
        (struct callback){.address = context->syscall_callback_eip,
                          .mask_events = (context->flags & VGCF_syscall_disables_events) != 0};
    const struct cpu_user_regs *regs = &context->user_regs;
    const uint16_t segment[4] = {regs->ds, regs->es, regs->fs, regs->gs};
    memcpy(v->start_segment, segment, sizeof(segment));
    v->start_fs_base = context->fs_base;
    v->start_gs_base = context->gs_base_kernel;
    v->gs_inactive = context->gs_base_user;
    v->cr4 = layer.vcpu[0]->cr4 & ~UINT64_C(0x5000c); /* as a guest's first CPU starts */
    v->xcr0 = XCR0_AT_START;
    memcpy(v->debugreg, context->debugreg, sizeof(v->debugreg));
    io_privilege_set(v, (uint8_t)((context->user_regs.rflags & FLAG_IOPL) >> 12));
    return 0;
}

/* Breakpoints that the context asks for; those that a guest may not have are left out. */
static void load_debug_registers(struct vcpu *v)
{
    uint64_t asked[8];
    memcpy(asked, v->debugreg, sizeof(asked));
    memset(v->debugreg, 0, sizeof(v->debugreg));
    v->debugreg[6] = DR6_IDLE;
    v->debugreg[7] = 0x400;
    for (uint32_t reg = 0; reg < 8; reg++)
        if (reg != 4 && reg != 5)
            (void)debugreg_write(v, reg, asked[reg]);
}

/* The guest's own bases stand where the layer's entries look for them. */
static bool load_data_segments(struct vcpu *v)
{
    bool fine = load_segments_fixup(v->start_segment);
    bool fs_has_base = (v->start_segment[2] & ~3) != 0,
         gs_has_base = (v->start_segment[3] & ~3) != 0;
    fine = load_gs_fixup(v->start_segment[3]) && fine;
    if (!fs_has_base)
        cpu_wrmsr(MSR_FS_BASE, v->start_fs_base);
    uint64_t gs_base = cpu_rdmsr(MSR_GS_BASE);
    cpu_wrmsr(MSR_GS_BASE, (uint64_t)v);
    if (gs_has_base && layer.compat)
        v->start_gs_base = gs_base;
    else if (gs_has_base)
        v->gs_inactive = gs_base; /* the selector is user space's */
    cpu_wrmsr(MSR_KERNEL_GS, v->start_gs_base);
    return fine;
}

void vcpu_begin(struct vcpu *v)
{
    root_load(v);
    ldt_load(v, v->ldt_base, v->ldt_entries);
    load_debug_registers(v);
    if (load_data_segments(v))
        return;
    bounce(v, &(struct bounce){.address = v->failsafe.address,
                               .cs = v->failsafe.cs,
                               .mask_events = v->failsafe.mask_events,
                               .segment = v->start_segment,
                               .what = "a data segment that cannot be loaded"});
}
