/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the hand-over to the guest's first instruction.
 *
 * Source: the state at entry is that of Xen's public headers and builders: xen-x86_64.h, xen.h.
 */
#include "bounce.h"
#include "descriptors.h"
#include "emulate.h"
#include "entry.h"
#include "memory.h"
#include "pagetable.h"
#include "start.h"
#include "trap.h"
#include "voice.h"

#define XFEATURE_X87 1
#define MSR_GS_BASE  0xc0000101u

static void init_all(void)
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

static void fill_hypercall_page(void)
{
    static const uint8_t call64[] = {
        0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
        0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3}; /* push rcx, r11; mov eax; syscall; pop; ret */
    static const uint8_t iret64[] = {0x51, 0x41, 0x53, 0x50, 0xb8, 0, 0, 0, 0, 0x0f, 0x05};
    static const uint8_t call32[] = {0xb8, 0, 0, 0, 0, 0xcd, 0x82, 0xc3};
    static const uint8_t iret32[] = {0x50, 0xb8, 0, 0, 0, 0, 0xcd, 0x82};
    if (!layer.handover->hypercall_page)
        return;
    uint8_t *page = maddr_pointer(layer.handover->hypercall_page);
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

static void entry_state(struct vcpu *v)
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
    v->xcr0 = XFEATURE_X87;
    v->info[1] = 1;
}

/* 32-bit guests start with flat data segments; 64-bit ones with null selectors, as cpu_load() left
 * it. */
static void load_data_segments(struct vcpu *v)
{
    uint16_t flat = SEL_KERNEL32DS;
    if (!layer.compat)
        return;
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs" : : "r"(flat));
    load_gs_fixup(flat);
    cpu_wrmsr(MSR_GS_BASE, (uint64_t)v);
}

/* CR4 as a guest reads it first: what of the machine's is visible and its own choices. */
static void seen_cr4(struct vcpu *v)
{
    uint64_t real;
    __asm__ volatile("mov %%cr4, %0" : "=r"(real));
    v->cr4 = real & ~UINT64_C(0x50008);
    v->cr4 |= real & UINT64_C(0x10000);
}

_Noreturn void layer_start(const struct handover *handover, uint64_t load)
{
    handover = maddr_pointer((uint64_t)handover);
    layer.load = load;
    layer.handover = handover;
    if (handover->magic == HANDOVER_MAGIC)
        voice_init();
    if (handover->magic != HANDOVER_MAGIC || handover->version != HANDOVER_VERSION ||
        handover->size != sizeof(struct handover))
        layer_panic(NULL, "hand-over record version %u of %u bytes, expected %u of %u",
                    handover->version, handover->size, HANDOVER_VERSION,
                    (uint32_t)sizeof(struct handover));
    layer.guest_class = handover->guest_class;
    layer.compat = handover->guest_class != GUEST_PV64;
    layer.dom0 = (handover->flags & HANDOVER_DOM0) != 0;
    layer.tsc_at_entry = handover->tsc_at_entry;
    if (handover->guest_class != GUEST_PV64 && handover->guest_class != GUEST_PV32PAE)
        layer_panic(NULL, "guest class %u is not served by this layer", handover->guest_class);

    memory_init(handover);
    idt_make();
    trap_refresh_gate(0x82);
    layer.shared_mfn = layer.handover->shared_info >> PAGE_SHIFT;
    layer.shared = maddr_pointer(layer.handover->shared_info);

    struct vcpu *v = cpu_block_make(0);
    if (!v)
        layer_panic(NULL, "the arena has no room for the first CPU");
    layer.vcpu[0] = v;
    layer.cpu_count = 1;
    v->online = 1;
    v->kernel_mode = 1;
    v->info = (volatile uint8_t *)layer.shared;
    cpu_load(v);
    seen_cr4(v);
    init_all();

    memcpy(layer.slot, (const uint64_t *)maddr_pointer(layer.root) + HOLE_SLOT, sizeof(layer.slot));
    entry_state(v);
    uint64_t root = layer.handover->page_table_root >> PAGE_SHIFT;
    if (layer.compat)
        hole_install(v->compat_root);
    if (!frame_is_guest(root) || root_set(v, root))
        layer_panic(NULL, "the guest's page table at %#llx is not in its memory",
                    (unsigned long long)layer.handover->page_table_root);
    layer.frame[root] |= FRAME_PINNED;
    fill_hypercall_page();
    io_privilege_set(v, 0);
    init_cpu(v);
    load_data_segments(v);
    say(SAY_DEBUG, "layer: guest entry %#llx, stack %#llx, start_info %#llx",
        (unsigned long long)layer.handover->entry, (unsigned long long)layer.handover->stack_top,
        (unsigned long long)layer.handover->start_info);
    enter_guest();
}

void layer_wait_for_interrupt(struct vcpu *v)
{
    (void)v;
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}
