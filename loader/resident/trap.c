/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Exceptions and interrupts: which the layer answers itself, which go to the guest's kernel.
 *
 * Source: the behaviour of xen/arch/x86/traps.c and pv/traps.c (do_page_fault,
 * do_general_protection, do_debug, pv_inject_event); Intel SDM vol. 3 chapter 6.
 */
#include "bounce.h"
#include "descriptors.h"
#include "emulate.h"
#include "entry.h"
#include "pagetable.h"
#include "smp.h"
#include "trap.h"
#include "vcpu_start.h"

#define PORT_NMI_STATUS      0x61
#define SHARED_NMI_REASON_32 2324 /* arch.nmi_reason in a 32-bit guest's shared_info */

static struct {
    irq_handler *handler;
    void *context;
} irq[256];

static const char *const trap_name[32] = {
    "#DE divide error",
    "#DB debug",
    "NMI",
    "#BP breakpoint",
    "#OF overflow",
    "#BR bound range",
    "#UD invalid opcode",
    "#NM device not available",
    "#DF double fault",
    "coprocessor segment overrun",
    "#TS invalid TSS",
    "#NP segment not present",
    "#SS stack fault",
    "#GP general protection",
    "#PF page fault",
    "vector 15",
    "#MF x87 error",
    "#AC alignment check",
    "#MC machine check",
    "#XM SIMD error",
    "#VE virtualization",
    "#CP control protection",
};

const char *trap_vector_name(uint64_t vector)
{
    if (vector == ENTRY_SYSCALL || vector == ENTRY_SYSCALL32)
        return "SYSCALL";
    if (vector >= 32)
        return "interrupt";
    return trap_name[vector] ? trap_name[vector] : "reserved exception";
}

static bool has_error_code(uint8_t vector)
{
    return vector < 32 && (UINT32_C(0x60227d00) >> vector & 1); /* 8 10-14 17 21 29 30 */
}

/* ---- interrupts --------------------------------------------------------------------------- */

void irq_set_handler(uint8_t vector, irq_handler *handler, void *context)
{
    irq[vector].context = context;
    irq[vector].handler = handler;
    idt_set_dpl(vector, 0);
}

uint8_t irq_vector_alloc(irq_handler *handler, void *context)
{
    for (uint8_t vector = VECTOR_LAST; vector >= VECTOR_FIRST; vector--) {
        bool taken = irq[vector].handler || vector == 0x80 || vector == 0x82;
        for (uint32_t i = 0; i < layer.cpu_count && !taken; i++)
            taken = layer.vcpu[i] && layer.vcpu[i]->trap[vector].address;
        if (!taken) {
            irq_set_handler(vector, handler, context);
            return vector;
        }
    }
    return 0;
}

void irq_vector_free(uint8_t vector)
{
    irq[vector].handler = NULL;
    trap_refresh_gate(vector);
}

static void interrupt(struct vcpu *v, uint8_t vector)
{
    record(v, RECORD_INTERRUPT, vector, 0, 0);
    irq[vector].handler(v, vector, irq[vector].context);
    if (vector == VECTOR_IPI)
        smp_flush_poll(v);
}

void trap_refresh_gate(uint8_t vector)
{
    uint8_t dpl = 0;
    if (vector == 0x82 && layer.compat)
        dpl = 1;
    else if (!irq[vector].handler)
        for (uint32_t i = 0; i < layer.cpu_count; i++)
            if (layer.vcpu[i] && layer.vcpu[i]->trap[vector].address) {
                uint8_t wanted = layer.vcpu[i]->trap[vector].flags & 3;
                /* Two and one are the kernel's own affair; it runs at level 1. */
                wanted = wanted == 3 ? 3 : wanted ? 1 : 0;
                dpl = wanted > dpl ? wanted : dpl;
            }
    /* #DB, NMI, #DF and #MC have their own stacks: not for software. */
    if (vector == 1 || vector == 2 || vector == 8 || vector == 18)
        dpl = 0;
    idt_set_dpl(vector, dpl);
}

/* ---- into the guest ------------------------------------------------------------------------ */

static void inject(struct vcpu *v, uint8_t vector, bool with_error, uint64_t error)
{
    const struct trap_entry *entry = &v->trap[vector];
    record(v, RECORD_TRAP, vector, v->frame->rip, error);
    bounce(v, &(struct bounce){.address = entry->address,
                               .cs = entry->cs,
                               .mask_events = (entry->flags & 4) != 0,
                               .has_error = with_error,
                               .error = error,
                               .what = trap_vector_name(vector)});
}

void inject_trap(struct vcpu *v, uint8_t vector, uint64_t error)
{
    inject(v, vector, has_error_code(vector), error);
}

void inject_page_fault(struct vcpu *v, uint64_t error, uint64_t address)
{
    uint32_t cr2 = (uint32_t)address;
    error = v->kernel_mode ? error & ~UINT64_C(4) : error | 4;
    if (layer.compat)
        memcpy((void *)(v->info + VCPU_INFO_CR2_32), &cr2, sizeof(cr2));
    else
        memcpy((void *)(v->info + offsetof(struct vcpu_info, arch.cr2)), &address, sizeof(address));
    inject(v, 14, true, error);
}

/* ---- what the layer looks at first ----------------------------------------------------------- */

static void page_fault(struct vcpu *v, struct frame *f)
{
    uint64_t address = cpu_cr2();
    if (v->kernel_mode && page_table_write_allowed(v, f->error, address))
        return;
    inject_page_fault(v, f->error, address);
}

/* Another CPU reports a crash and wants silence. */
static void stop_if_asked(struct vcpu *v)
{
    if (__atomic_load_n(&v->work, __ATOMIC_ACQUIRE) & WORK_STOP)
        smp_stop_here(v);
}

uint32_t *nmi_reason(void)
{
    size_t at = layer.compat ? SHARED_NMI_REASON_32 : offsetof(struct shared_info, arch.nmi_reason);
    return (uint32_t *)((uint8_t *)layer.shared + at);
}

/* Only the first CPU has external ones.  What port 0x61 says is cleared by the guest. */
static void nmi_from_machine(struct vcpu *v)
{
    stop_if_asked(v);
    if (v->id == 0) {
        uint8_t status = port_read8(PORT_NMI_STATUS);
        uint32_t reason = (status & 0x80 ? (uint32_t)XEN_NMIREASON_pci_serr : 0) |
                          (status & 0x40 ? (uint32_t)XEN_NMIREASON_io_error : 0);
        __atomic_fetch_or(nmi_reason(), reason ? reason : (uint32_t)XEN_NMIREASON_unknown,
                          __ATOMIC_SEQ_CST);
    }
    work_set(v, WORK_NMI);
}

static void debug_exception(struct vcpu *v)
{
    uint64_t status = cpu_dr6();
    cpu_set_dr6(DR6_IDLE);
    v->debugreg[6] = (v->debugreg[6] & ~UINT64_C(15)) | (status & (DR6_CAUSES | 15));
    v->debugreg[6] |= DR6_IDLE & ~UINT64_C(15);
    inject_trap(v, 1, 0);
}

static void device_not_available(struct vcpu *v)
{
    cpu_clts();
    if (!v->task_switched)
        return;
    v->task_switched = 0;
    inject_trap(v, 7, 0);
}

static void general_protection(struct vcpu *v, struct frame *f)
{
    switch (emulate_privileged(v, f)) {
    case EMULATE_DONE:
        return;
    case EMULATE_SOFT_INTERRUPT:
        inject(v, (uint8_t)f->error, false, 0);
        return;
    case EMULATE_NOT_OURS:
        break;
    }
    inject_trap(v, 13, f->error);
}

/* A kernel that went to CPL 3 by its own iretq (Mini-OS) is still a kernel: it goes on at CPL 1.
 * True when the fault was only the wrong privilege and the instruction is to be tried again. */
static bool kernel_back_to_level_1(struct frame *f)
{
    if (layer.compat || (f->cs & 3) != 3)
        return false;
    f->cs = SEL_KERNEL64CS;
    f->ss = SEL_KERNEL64SS;
    return f->vector == 13 || f->vector == 14;
}

void trap_from_guest(struct frame *f)
{
    struct vcpu *v = cpu_vcpu();
    uint8_t vector = (uint8_t)f->vector;

    f->rflags |= FLAG_IF;
    if (layer.compat)
        v->kernel_mode = (f->cs & 3) != 3; /* 32-bit kernels use the CPU's own iret, too */
    if (v->kernel_mode && !layer.compat) {
        if (kernel_back_to_level_1(f))
            return;
        f->ss = SEL_KERNEL64SS;
    }
    if (vector >= 32) {
        if (vector == 0x82 && layer.compat && v->kernel_mode)
            hypercall_entry(f);
        else if (irq[vector].handler)
            interrupt(v, vector);
        else if (v->trap[vector].address)
            inject(v, vector, false, 0);
        /* else: an interrupt that nobody asked for */
        return;
    }
    switch (vector) {
    case 1:
        debug_exception(v);
        break;
    case 2:
        nmi_from_machine(v);
        break;
    case 6:
        if (!emulate_forced_cpuid(v, f))
            inject_trap(v, 6, 0);
        break;
    case 7:
        device_not_available(v);
        break;
    case 13:
        general_protection(v, f);
        break;
    case 14:
        page_fault(v, f);
        break;
    default:
        inject_trap(v, vector, f->error);
        break;
    }
}

/* ---- from the layer itself ------------------------------------------------------------------- */

void trap_from_layer(struct frame *f)
{
    if (f->vector < 32) {
        for (const struct fixup *fixup = fixup_start; fixup < fixup_end; fixup++)
            if (fixup->fault == f->rip) {
                f->rip = fixup->resume;
                return;
            }
        layer_panic(f, "%s in the layer", trap_vector_name(f->vector));
    }
    if (irq[f->vector & 0xff].handler)
        interrupt(cpu_vcpu(), (uint8_t)f->vector);
}

void ist_from_layer(struct frame *f)
{
    struct vcpu *v = vcpu_of_stack(f);
    if (f->vector == 2) {
        nmi_from_machine(v);
        return;
    }
    uint64_t status = cpu_dr6();
    if (status & 15) {
        v->debugreg[6] = DR6_IDLE | (status & 15);
        work_set(v, WORK_STEP);
    }
    cpu_set_dr6(DR6_IDLE);
    f->rflags &= ~FLAG_TF;
}

void trap_fatal(struct frame *f)
{
    struct vcpu *v = cpu_vcpu();
    bool is_guests = (f->cs & 3) != 0;
    if (is_guests) { /* it came on a stack of its own */
        *v->frame = *f;
        if (layer.compat)
            v->kernel_mode = (f->cs & 3) != 3;
    }
    if (f->vector == 18)
        machine_check(is_guests ? NULL : f);
    layer_panic(f, "#DF double fault");
}

/* ---- system calls --------------------------------------------------------------------------- */

void syscall_from_user(struct frame *f)
{
    struct vcpu *v = cpu_vcpu();
    const struct callback *callback = &v->syscall;
    f->rflags |= FLAG_IF;
    if (layer.compat) { /* flat user selectors of 32-bit guests */
        v->kernel_mode = 0;
        f->cs = 0xe02b;
        f->ss = 0xe033;
    }
    if (f->vector == ENTRY_SYSCALL32)
        callback = &v->syscall32;
    if (v->kernel_mode || !callback->address || (f->vector == ENTRY_SYSCALL && layer.compat)) {
        f->rip -= 2;
        inject_trap(v, 6, 0);
        return;
    }
    bounce_callback(v, callback, "a system call");
}

/* ---- before the guest goes on ---------------------------------------------------------------- */

/* What others left for this vCPU to do, and steps and NMIs that wait. */
static __attribute__((noinline)) void do_work(struct vcpu *v)
{
    stop_if_asked(v);
    if (v->work & WORK_DOWN)
        vcpu_stay_down(v);
    if (v->work & WORK_FLUSH) {
        work_clear(v, WORK_FLUSH);
        flush_tlb_all();
    }
    if (v->work & WORK_STEP) {
        work_clear(v, WORK_STEP);
        inject_trap(v, 1, 0);
    }
    if (v->work & WORK_NMI && !v->in_nmi) {
        work_clear(v, WORK_NMI);
        if (v->trap[2].address) {
            v->in_nmi = 1;
            inject_trap(v, 2, 0);
            v->info[1] = 1;
        }
    }
}

void exit_work(void)
{
    struct vcpu *v = cpu_vcpu();
    if (__atomic_load_n(&v->work, __ATOMIC_RELAXED))
        do_work(v);
    if (event_deliverable(v)) {
        struct callback callback = v->event;
        callback.mask_events = true;
        record(v, RECORD_EVENT, 0, v->frame->rip, 0);
        bounce_callback(v, &callback, "an event");
    }
}
