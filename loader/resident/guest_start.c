/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state in which a guest starts, and the order in which the parts of the layer do; for both
 * layers.
 *
 * Source: the state at entry is that of Xen's public headers and builders: xen-x86_64.h,
 * xen-x86_32.h, xen.h.
 */
#include "descriptors.h"
#include "start.h"
#include "trap.h"

void init_all(void)
{
#define INIT(function) function();
#include "init.def"
#undef INIT
}

void init_cpu(struct vcpu *v)
{
#define INIT_CPU(function) function(v);
#include "init_cpu.def"
#undef INIT_CPU
    (void)v;
}

void fill_hypercall_page(void)
{
    static const uint8_t call64[] = {
        0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
        0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3}; /* push rcx, r11; mov eax; syscall; pop; ret */
    static const uint8_t iret64[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05};
    static const uint8_t call32[] = {0xb8, 0, 0, 0, 0, 0xcd, 0x82, 0xc3};
    static const uint8_t iret32[] = {0x50, 0xb8, 0, 0, 0, 0, 0xcd, 0x82};
    if (!layer.handover->hypercall_page)
        return;
    uint8_t *page = maddr_keep(layer.handover->hypercall_page, PAGE_SIZE);
    if (!page)
        return;
    memset(page, 0xcc, PAGE_SIZE);
    for (uint32_t number = 0; number < 128; number++) {
        bool is_iret = number == __HYPERVISOR_iret;
        const uint8_t *code =
            layer.compat ? (is_iret ? iret32 : call32) : (is_iret ? iret64 : call64);
        uint32_t size = layer.compat ? (is_iret ? sizeof(iret32) : sizeof(call32))
                                     : (is_iret ? sizeof(iret64) : sizeof(call64));
        uint8_t *slot = page + number * 32;
        memcpy(slot, code, size);
        for (uint32_t i = 0; i < size; i++)
            if (code[i] == 0xb8) {
                memcpy(slot + i + 1, &number, sizeof(number));
                break;
            }
    }
}

void entry_state(struct vcpu *v)
{
    const struct handover *handover = layer.handover;
    struct frame *f = v->frame;
    memset(f, 0, sizeof(*f));
    f->rip = handover->entry;
    f->rsp = handover->stack_top;
    f->rsi = handover->start_info;
    f->rflags = FLAG_IF | 2;
    f->cs = layer.compat ? SEL_KERNEL32CS : SEL_KERNEL64CS;
    f->ss = layer.compat ? SEL_KERNEL32DS : SEL_KERNEL64SS;
    v->kernel_sp = handover->stack_top;
    v->kernel_ss = f->ss;
    v->kernel_mode = 1;
    v->hypercall_now = ~UINT64_C(0);
    v->debugreg[6] = DR6_IDLE;
    v->debugreg[7] = 0x400;
    v->xcr0 = XCR0_AT_START;
    v->info[1] = 1;
}

/* CR4 as a guest reads it first: what of the machine's is visible and its own choices. */
void seen_cr4(struct vcpu *v)
{
    uint64_t real = cpu_cr4();
    v->cr4 = real & ~UINT64_C(0x50008);
}

void layer_wait_for_interrupt(struct vcpu *v)
{
    (void)v;
    cpu_wait();
}
