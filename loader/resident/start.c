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
#include "msr.h"
#include "pagetable.h"
#include "start.h"
#include "trap.h"

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

_Noreturn void layer_start(const struct handover *handover, uint64_t load)
{
    handover = maddr_pointer((uint64_t)handover);
    layer.load = load;
    layer.handover = handover;
    handover_check(1u << GUEST_PV64 | 1u << GUEST_PV32PAE);
    layer.guest_class = handover->guest_class;
    layer.compat = handover->guest_class != GUEST_PV64;
    layer.dom0 = (handover->flags & HANDOVER_DOM0) != 0;
    layer.tsc_at_entry = handover->tsc_at_entry;

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
    v->online = v->started = 1;
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
    frame_set(root, FRAME_PINNED);
    fill_hypercall_page();
    io_privilege_set(v, 0);
    init_cpu(v);
    load_data_segments(v);
    say(SAY_DEBUG, "layer: guest entry %#llx, stack %#llx, start_info %#llx",
        (unsigned long long)layer.handover->entry, (unsigned long long)layer.handover->stack_top,
        (unsigned long long)layer.handover->start_info);
    enter_guest();
}
