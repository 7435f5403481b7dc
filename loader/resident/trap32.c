/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between the frame that the CPU and entry32.asm make on the layer's stack and struct frame, in
 * which all handlers see the guest; and the work that is due before the guest goes on.
 *
 * The kernel runs in ring 1, so every entry from the guest switches to the layer's stack and has
 * SS:ESP.  Kernel and user space are told apart by the ring: kernels also use the CPU's own iret.
 */
#include "bounce.h"
#include "descriptors.h"
#include "entry.h"
#include "start.h"
#include "trap.h"

struct hardware_frame {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, esp_unused, ebx, edx, ecx, eax; /* pusha */
    uint32_t vector, error;
    uint32_t eip, cs, eflags;
    uint32_t esp, ss; /* only from the guest */
};

static uint16_t guest_segment[4]; /* DS, ES, FS, GS */

static struct hardware_frame *guest_hardware(void)
{
    return (struct hardware_frame *)(uintptr_t)cpu_vcpu()->stack_top - 1;
}

const uint16_t *guest_segments(void)
{
    return guest_segment;
}

/* Ring 1 and ring 3 share one root; ports are always emulated (io_ports.c). */
void enter_kernel(struct vcpu *v)
{
    v->kernel_mode = 1;
}

void enter_user(struct vcpu *v)
{
    v->kernel_mode = 0;
}

static void widen_registers(struct frame *f, const struct hardware_frame *hw)
{
    f->rax = hw->eax;
    f->rbx = hw->ebx;
    f->rcx = hw->ecx;
    f->rdx = hw->edx;
    f->rsi = hw->esi;
    f->rdi = hw->edi;
    f->rbp = hw->ebp;
    f->vector = hw->vector;
    f->error = hw->error;
    f->rip = hw->eip;
    f->cs = hw->cs & 0xffff;
    f->rflags = hw->eflags;
}

static void from_guest(struct frame *f, const struct hardware_frame *hw)
{
    widen_registers(f, hw);
    f->rsp = hw->esp;
    f->ss = hw->ss & 0xffff;
    guest_segment[0] = hw->ds & 0xffff;
    guest_segment[1] = hw->es & 0xffff;
    guest_segment[2] = hw->fs & 0xffff;
    guest_segment[3] = hw->gs & 0xffff;
}

/* What is pending is delivered, then the guest's state becomes a frame to return by. */
static struct hardware_frame *to_guest(struct vcpu *v)
{
    struct hardware_frame *hw = guest_hardware();
    const struct frame *f = v->frame;
    if (v->work || event_deliverable(v))
        exit_work();
    *hw = (struct hardware_frame){
        .ds = guest_segment[0],
        .es = guest_segment[1],
        .fs = guest_segment[2],
        .gs = guest_segment[3],
        .eax = (uint32_t)f->rax,
        .ebx = (uint32_t)f->rbx,
        .ecx = (uint32_t)f->rcx,
        .edx = (uint32_t)f->rdx,
        .esi = (uint32_t)f->rsi,
        .edi = (uint32_t)f->rdi,
        .ebp = (uint32_t)f->rbp,
        .eip = (uint32_t)f->rip,
        .cs = (uint32_t)f->cs,
        .eflags = (uint32_t)f->rflags,
        .esp = (uint32_t)f->rsp,
        .ss = (uint32_t)f->ss,
    };
    return hw;
}

/* A selector or the state that the guest asked for cannot be loaded.  v->frame is still whole. */
static struct hardware_frame *return_failed(struct vcpu *v, const struct hardware_frame *hw)
{
    struct frame nested = *v->frame;
    nested.vector = hw->vector;
    nested.error = hw->error;
    iret_failed(&nested);
    memset(guest_segment, 0, sizeof(guest_segment));
    return to_guest(v);
}

static void layer_trap(struct hardware_frame *hw)
{
    struct frame f = {0};
    widen_registers(&f, hw);
    f.rsp = (uintptr_t)&hw->esp;
    f.ss = SEL_LAYER_SS;
    if (hw->vector == 18)
        trap_fatal(&f);
    else if (hw->vector == 1 || hw->vector == 2)
        ist_from_layer(&f);
    else
        trap_from_layer(&f);
    hw->eip = (uint32_t)f.rip;
    hw->eflags = (uint32_t)f.rflags;
}

struct hardware_frame *trap_enter(struct hardware_frame *hw)
{
    struct vcpu *v = cpu_vcpu();
    if (!(hw->cs & 3)) {
        if (hw->eip >= (uintptr_t)restore_start && hw->eip < (uintptr_t)restore_end &&
            hw->vector != 1 && hw->vector != 2 && hw->vector < 32)
            return return_failed(v, hw);
        layer_trap(hw);
        return hw;
    }
    from_guest(v->frame, hw);
    if (hw->vector == 18)
        trap_fatal(v->frame);
    trap_from_guest(v->frame);
    return to_guest(v);
}

_Noreturn void enter_guest(void)
{
    for (int i = 0; i < 4; i++)
        guest_segment[i] = SEL_KERNEL32DS;
    leave_layer(to_guest(cpu_vcpu()));
}
