/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What must hold after each operation, whatever the guest did (fuzz_hypercalls.c lists it).
 */
#include "hypercalls.h"

#include "frame_pool.h"
#include "pagetable.h"

#define fail(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, "wrong: " __VA_ARGS__);                                                    \
        fputc('\n', stderr);                                                                       \
        abort();                                                                                   \
    } while (0)

#define WATCHED (FRAME_END - FRAME_GUEST)

/* Of each of the guest's frames that is a table: its level and its entries when last looked at. */
static uint8_t watched_level[WATCHED];
static uint64_t watched[WATCHED][512];
/* Mapped writable by the last operation: what it stored there afterwards was like the guest's own
 * stores, and nothing else may have been. */
static bool opened[WATCHED];
static uint8_t owner[FRAME_END];
bool faulted;

/* What the guest stores itself is its own affair. */
static void on_guest_write(uint64_t maddr, uint64_t size)
{
    uint64_t mfn = maddr >> PAGE_SHIFT;
    if (mfn >= FRAME_GUEST && mfn < FRAME_END)
        memcpy((uint8_t *)watched[mfn - FRAME_GUEST] + (maddr & PAGE_MASK), machine_at(maddr),
               size);
}

void __real_entry_stored(int level, uint64_t at, uint64_t entry);
void __wrap_entry_stored(int level, uint64_t at, uint64_t entry);

void __wrap_entry_stored(int level, uint64_t at, uint64_t entry)
{
    uint64_t mfn = (entry & PTE_ADDR) >> PAGE_SHIFT;
    if (level == 1 && (entry & PTE_P) && (entry & PTE_RW) && mfn >= FRAME_GUEST && mfn < FRAME_END)
        opened[mfn - FRAME_GUEST] = true;
    __real_entry_stored(level, at, entry);
}

static void check_entry(uint64_t mfn, uint8_t level_bits, uint32_t index, uint64_t old,
                        uint64_t new)
{
    int level = frame_level(level_bits);
    uint64_t target = (new &PTE_ADDR) >> PAGE_SHIFT;
    uint8_t state = target < layer.frame_count ? layer.frame[target] : 0;
    uint64_t at = mfn << PAGE_SHIFT | index * 8;
    bool slot = level == 4 && entry_is_ours(level, at);
    if (slot && (new ^ layer.slot[index - HOLE_SLOT]) & ~(PTE_A | PTE_D))
        fail("L4 entry %#lx is the hypervisor's and became %#lx", (long)at, (long)new);
    if (!(new &PTE_P) || entry_is_ours(level, at))
        return;
    if (level == 1) {
        bool m2p = target >= FRAME_M2P && target < FRAME_ARENA && !(new &PTE_RW);
        if (state & FRAME_LAYER && !(state & FRAME_SPECIAL) && !(m2p && layer.dom0))
            fail("L1 entry %#lx names the layer's frame %#lx", (long)at, (long)target);
        bool more = new &PTE_RW && (!(old & PTE_RW) || (old ^ new) & PTE_ADDR);
        if (state & FRAME_PINNED && more && !faulted)
            fail("L1 entry %#lx makes table %#lx writable", (long)at, (long)target);
        return;
    }
    /* It was a root for a while, within the operation: those entries stay behind. */
    if (index >= HOLE_SLOT && index < HOLE_SLOT + HOLE_SLOTS &&
        !((new ^ layer.slot[index - HOLE_SLOT]) & ~(PTE_A | PTE_D)))
        return;
    if (new &PTE_PS && level < 4)
        fail("L%d entry %#lx is a large page at %#lx", level, (long)at, (long)target);
    if (!frame_is_guest(target))
        fail("L%d entry %#lx names frame %#lx, not the guest's", level, (long)at, (long)target);
}

/* No references are counted: a page can become a table after a vcpu_info was registered in it. */
static bool holds_info(uint64_t mfn)
{
    for (uint32_t id = 0; id < layer.cpu_count; id++)
        if (pointer_maddr((const void *)layer.vcpu[id]->info) >> PAGE_SHIFT == mfn)
            return true;
    return false;
}

/* Looks at what the last operation changed in tables that were tables before it. */
static void check_tables(void)
{
    for (uint32_t i = 0; i < WATCHED; i++) {
        uint64_t mfn = FRAME_GUEST + i;
        const uint64_t *entries = machine_at(mfn << PAGE_SHIFT);
        uint8_t level = layer.frame[mfn] & FRAME_LEVEL;
        bool was = watched_level[i] == level && level != 0 && !opened[i];
        watched_level[i] = holds_info(mfn) ? 0 : level;
        if (!level || holds_info(mfn) || memcmp(watched[i], entries, PAGE_SIZE) == 0)
            continue;
        for (uint32_t n = 0; was && n < 512; n++)
            if ((watched[i][n] ^ entries[n]) & ~(PTE_A | PTE_D))
                check_entry(mfn, level, n, watched[i][n], entries[n]);
        memcpy(watched[i], entries, PAGE_SIZE);
    }
    memset(opened, 0, sizeof(opened));
}

static void check_frames(void)
{
    for (uint64_t mfn = 0; mfn < layer.frame_count; mfn++) {
        uint8_t state = layer.frame[mfn];
        if ((state ^ owner[mfn]) & (FRAME_RAM | FRAME_LAYER))
            fail("frame %#lx changed its owner: %#x, was %#x", (long)mfn, state, owner[mfn]);
        if (state & FRAME_LAYER && state & (FRAME_LEVEL | FRAME_PINNED | FRAME_FREE))
            fail("the layer's frame %#lx is used by the guest: %#x", (long)mfn, state);
    }
}

static void check_root(uint64_t root)
{
    const uint64_t *entries = machine_at(root);
    if (!frame_is_guest(root >> PAGE_SHIFT))
        fail("root %#lx is not the guest's", (long)root);
    if (layer.compat)
        return;
    /* Only tables that the guest did not overwrite itself carry our entries. */
    uint64_t mfn = root >> PAGE_SHIFT;
    if (mfn < FRAME_GUEST || (layer.frame[mfn] & FRAME_LEVEL) != 4)
        return;
    for (uint32_t i = 0; i < HOLE_SLOTS; i++)
        if ((entries[HOLE_SLOT + i] ^ layer.slot[i]) & ~(PTE_A | PTE_D) &&
            entries[HOLE_SLOT + i] != watched[mfn - FRAME_GUEST][HOLE_SLOT + i])
            fail("root %#lx lost the hypervisor's entry %u", (long)root, HOLE_SLOT + i);
}

static void check_vcpu(const struct vcpu *v)
{
    const struct frame *f = v->frame;
    if (!v->online)
        return;
    if ((f->cs & 3) == 0) /* an SS of another level is what the CPU itself refuses */
        fail("vCPU %u: CS %#lx of level 0", v->id, (long)f->cs);
    if (f->rflags & (FLAG_IOPL | FLAG_VM) || !(f->rflags & FLAG_IF))
        fail("vCPU %u: flags %#lx", v->id, (long)f->rflags);
    if (!machine_at(pointer_maddr((const void *)v->info)))
        fail("vCPU %u: vcpu_info at %p", v->id, (const void *)v->info);
    if (v->debugreg[7] & 0x2000)
        fail("vCPU %u: DR7 %#lx", v->id, (long)v->debugreg[7]);
    for (uint32_t i = 0; i < 14; i++)
        if (v->gdt_frame[i] != ~UINT64_C(0) && !frame_is_guest(v->gdt_frame[i]))
            fail("vCPU %u: GDT frame %#lx", v->id, (long)v->gdt_frame[i]);
    check_root(v->kernel_root);
    if (v->user_root)
        check_root(v->user_root);
    else if (!v->kernel_mode && !layer.compat)
        fail("vCPU %u: user space without a page table", v->id);
    uint64_t cr3 = machine_cpu[v->id].cr3;
    uint64_t root = layer.compat ? v->compat_root : v->kernel_mode ? v->kernel_root : v->user_root;
    if (cr3 != root && cr3 != layer.root)
        fail("vCPU %u: CR3 %#lx, root %#lx", v->id, (long)cr3, (long)root);
}

void check_all(void)
{
    check_frames();
    for (uint32_t id = 0; id < layer.cpu_count; id++)
        check_vcpu(layer.vcpu[id]);
    check_tables();
}

/* Calls whose answer may be more than 0. */
static bool may_be_positive(uint64_t number)
{
    return number == __HYPERVISOR_memory_op || number == __HYPERVISOR_get_debugreg ||
           number == __HYPERVISOR_xen_version || number == __HYPERVISOR_console_io ||
           number == __HYPERVISOR_vcpu_op || number == __HYPERVISOR_sched_op;
}

void check_answer(uint64_t number, int64_t answer)
{
    if (number == __HYPERVISOR_iret || number == __HYPERVISOR_multicall ||
        (number == __HYPERVISOR_get_debugreg && answer != -XEN_ENODEV))
        return;
    if (answer < -133 || (answer > 0 && !may_be_positive(number)))
        fail("hypercall %lu answers %ld", (long)number, (long)answer);
}

void check_start(void)
{
    memset(watched_level, 0, sizeof(watched_level));
    memcpy(owner, layer.frame, layer.frame_count);
    machine_on_guest_write = on_guest_write;
}

void check_memory(void)
{
    check_frames();
    check_tables();
}
