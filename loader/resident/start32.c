/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the hand-over to the guest's first instruction, in the 32-bit layer; and what it does not
 * have: other CPUs, machine memory for devices above what its windows reach.
 *
 * Source: the state at entry is that of Xen's public headers and builders: xen-x86_32.h, xen.h.
 */
#include "start.h"
#include "context.h"
#include "descriptors.h"
#include "device_map.h"
#include "entry.h"
#include "memory.h"
#include "memory32.h"
#include "pagetable.h"
#include "smp.h"
#include "trap.h"
#include "voice.h"

_Static_assert(offsetof(struct handover, layer) == 48, "H_LAYER of entry32.asm");

static struct handover handover_copy;

_Noreturn void layer_start(const struct handover *handover, uint32_t load)
{
    (void)load; /* early_map() wrote it down */
    machine_copy(&handover_copy, (uintptr_t)handover, sizeof(handover_copy));
    layer.handover = &handover_copy;
    layer.compat = true;
    handover_check(1u << GUEST_PV32 | 1u << GUEST_PV32PAE);
    layer.dom0 = (handover_copy.flags & HANDOVER_DOM0) != 0;
    layer.tsc_at_entry = handover_copy.tsc_at_entry;

    memory_init(&handover_copy);
    idt_make();
    trap_refresh_gate(0x82);
    layer.shared_mfn = handover_copy.shared_info >> PAGE_SHIFT;
    layer.shared = maddr_keep(handover_copy.shared_info, PAGE_SIZE);

    struct vcpu *v = cpu_block_make(0);
    layer.vcpu[0] = v;
    layer.cpu_count = 1;
    v->online = 1;
    v->kernel_mode = 1;
    v->info = (volatile uint8_t *)layer.shared;
    cpu_load(v);
    seen_cr4(v);
    init_all();

    entry_state(v);
    uint64_t root = handover_copy.page_table_root >> PAGE_SHIFT;
    if (!frame_is_guest(root) || root_set(v, root))
        layer_panic(NULL, "the guest's page table at %#llx is not in its memory",
                    (unsigned long long)handover_copy.page_table_root);
    frame_set(root, FRAME_PINNED);
    fill_hypercall_page();
    io_privilege_set(v, 0);
    init_cpu(v);
    say(SAY_DEBUG, "layer: guest entry %#llx, stack %#llx, start_info %#llx",
        (unsigned long long)handover_copy.entry, (unsigned long long)handover_copy.stack_top,
        (unsigned long long)handover_copy.start_info);
    enter_guest();
}

volatile void *device_map(uint64_t at, uint64_t size)
{
    uint64_t end;
    if (!checked_add_u64(at, size, &end) || end > (layer_pae() ? PTE_ADDR : UINT64_C(1) << 32))
        return NULL;
    return maddr_keep(at, size);
}

/* ---- one CPU -------------------------------------------------------------------------------- */

void smp_find(void)
{
}

void smp_start(void)
{
}

void smp_stop_others(void)
{
    voice_report();
}

_Noreturn void smp_stop_here(struct vcpu *v)
{
    (void)v;
    for (;;)
        __asm__ volatile("cli; hlt");
}

void smp_flush_poll(struct vcpu *v)
{
    (void)v;
}

void flush_vcpus(struct vcpu *v, uint64_t mask, uint64_t gva)
{
    if (!(mask >> v->id & 1))
        return;
    if (gva == ~UINT64_C(0))
        flush_tlb_all();
    else
        cpu_invlpg(gva);
}

/* Only the first vCPU exists, and it has its context. */
bool context_read(struct vcpu *caller, struct start_context *ret, uint64_t gva)
{
    return guest_read(caller, &ret->context, gva, sizeof(ret->context));
}

long vcpu_load_context(struct vcpu *v, const struct start_context *start)
{
    (void)v;
    (void)start;
    return -XEN_EEXIST;
}
