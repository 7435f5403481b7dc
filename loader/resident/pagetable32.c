/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Page tables of 32-bit guests under the 32-bit layer: two levels of 4-byte entries, or three of
 * 8-byte ones (PAE).  See pagetable.c for what is kept of them and why; here also:
 *
 *   A page directory, or the L2 of a PAE guest's last GiB, carries our entries for the hole.
 *   The CPU never sees a PAE guest's L3: its four entries are copied without the bits that are
 *   reserved in hardware, again at every change.
 *   Entries of L1 tables alone may be written directly, as on Xen.
 *
 * Source: Intel SDM vol. 3 4.3, 4.4.1; the behaviour of get_page_from_l1e, mod_l2_entry and
 * ptwr_emulate in Xen 3's arch/x86/mm.c.
 */
#include "pagetable.h"
#include "memory.h"
#include "memory32.h"

static uint64_t pdpt[4] __attribute__((aligned(32))); /* what CR3 points at for a PAE guest */

uint32_t entry_width(void)
{
    return layer_pae() ? 8 : 4;
}

bool frame_is_root(uint64_t mfn)
{
    const struct vcpu *v = cpu_vcpu();
    return v->kernel_root == mfn << PAGE_SHIFT;
}

int root_level(void)
{
    return layer_pae() ? 3 : 2;
}

uint64_t entry_read(uint64_t at)
{
    if (layer_pae())
        return *(const uint64_t *)maddr_pointer(at & ~UINT64_C(7));
    return *(const uint32_t *)maddr_pointer(at & ~UINT64_C(3));
}

void entry_write(uint64_t at, uint64_t value)
{
    if (layer_pae())
        *(volatile uint64_t *)maddr_pointer(at & ~UINT64_C(7)) = value;
    else
        *(volatile uint32_t *)maddr_pointer(at & ~UINT64_C(3)) = (uint32_t)value;
}

/* One CPU: the bits that are to be kept cannot change in between. */
void entry_write_keep(uint64_t at, uint64_t value)
{
    entry_write(at, value | (entry_read(at) & (PTE_A | PTE_D)));
}

static uint32_t entry_index(int level, uint64_t gva)
{
    if (!layer_pae())
        return (uint32_t)gva >> (level == 2 ? 22 : 12) & 1023;
    return level == 3 ? (uint32_t)gva >> 30 : (uint32_t)gva >> (level == 2 ? 21 : 12) & 511;
}

/* Both kinds of directory that hold our entries hold the last of them. */
bool entry_is_ours(int level, uint64_t at)
{
    uint64_t last = (at | PAGE_MASK) + 1 - entry_width();
    uint32_t slot = (uint32_t)(at & PAGE_MASK) / entry_width();
    if (level == 3)
        return slot >= 3;
    return level == 2 && slot >= (layer_pae() ? COMPAT_HOLE_SLOT : NON_PAE_HOLE_SLOT) &&
           entry_mfn(entry_read(last)) ==
               entry_mfn(entry_read(own.directory + PAGE_SIZE - entry_width()));
}

uint32_t walk_read(uint64_t cr3, uint64_t address, int *ret_level, uint64_t entry[WALK_MAX])
{
    uint64_t table = cr3 & (layer_pae() ? ~UINT64_C(31) : ~PAGE_MASK);
    uint32_t count = 0;
    *ret_level = root_level();
    for (int level = *ret_level; level > 0 && table >> PAGE_SHIFT < layer.frame_count; level--) {
        entry[count] = entry_read(table + entry_index(level, address) * entry_width());
        table = entry[count] & PTE_ADDR;
        if (!(entry[count++] & PTE_P))
            break;
    }
    return count;
}

/* The machine address of gva's entry of `level`, by guest tables only. */
static bool find(uint64_t root, uint64_t gva, int level, bool write, uint64_t *ret)
{
    uint64_t table = root;
    if (gva >= HOLE_START)
        return false;
    for (int at = root_level();; at--) {
        uint64_t place = (table & PTE_ADDR) + entry_index(at, gva) * entry_width();
        if (!frame_is_guest(table >> PAGE_SHIFT))
            return false;
        if (at == level) {
            *ret = place;
            return true;
        }
        table = entry_read(place);
        if (!(table & PTE_P) || (write && at < 3 && !(table & PTE_RW)))
            return false;
        table &= PTE_ADDR;
    }
}

bool leaf_find(uint64_t root, uint64_t gva, uint64_t *ret)
{
    return find(root, gva, 1, false, ret) && !table_conflicts(*ret >> PAGE_SHIFT, 1);
}

bool guest_translate(struct vcpu *v, uint64_t root, uint64_t gva, bool write, uint64_t *ret)
{
    uint64_t place, entry;
    (void)v;
    if (!find(root, gva, 1, write, &place))
        return false;
    entry = entry_read(place);
    if (!(entry & PTE_P) || (write && !(entry & PTE_RW)))
        return false;
    *ret = (entry & PTE_ADDR) | (gva & PAGE_MASK);
    return true;
}

/* `again`: look below tables that are marked already (a stale mark must not hide new tables). */
static void mark(uint64_t mfn, int level, bool again)
{
    if (!frame_is_guest(mfn))
        return;
    if (table_conflicts(mfn, level))
        return; /* see pagetable.c */
    bool known = (frame_state(mfn) & FRAME_LEVEL) == (uint32_t)level;
    frame_set_level(mfn, (uint8_t)level);
    if (level == 1 || (known && !again))
        return;
    uint32_t count = level == 3 ? 4 : layer_pae() ? 512 : NON_PAE_HOLE_SLOT;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (mfn << PAGE_SHIFT) + i * entry_width();
        uint64_t entry = entry_read(at);
        if (!(entry & PTE_P) || (level == 2 && entry_is_ours(2, at)))
            continue;
        mark(entry_mfn(entry), level - 1, again);
    }
}

void table_mark(uint64_t mfn, int level)
{
    mark(mfn, level, true);
    if ((frame_state(mfn) & FRAME_LEVEL) != (uint32_t)level)
        frame_set_level(mfn, (uint8_t)level);
}

/* Not RAM: all of it is a dom0's. */
long device_check(uint64_t mfn)
{
    (void)mfn;
    return layer.dom0 ? 0 : -XEN_EPERM;
}

void entry_stored(int level, uint64_t at, uint64_t entry)
{
    struct vcpu *v = cpu_vcpu();
    uint64_t mfn = entry_mfn(entry);
    if (entry & PTE_P) {
        if (level > 1)
            mark(mfn, level - 1, false);
        else if (entry & PTE_RW && mfn < layer.frame_count)
            frame_clear(mfn, FRAME_LEVEL);
    }
    if (level == 3 && v->kernel_root == (at & ~PAGE_MASK) && root_prepare(at >> PAGE_SHIFT) == 0)
        root_load(v);
}

bool page_table_write_allowed(struct vcpu *v, uint64_t error, uint64_t address)
{
    uint64_t place;
    if ((error & 0x1f) != 3 || !leaf_find(v->kernel_root, address, &place))
        return false; /* a write, page present, supervisor, no reserved bit */
    uint64_t leaf = entry_read(place), mfn = entry_mfn(leaf);
    if ((leaf & (PTE_P | PTE_RW)) != PTE_P || !frame_is_guest(mfn) ||
        (frame_state(mfn) & FRAME_LEVEL) != 1)
        return false;
    entry_write(place, leaf | PTE_RW);
    cpu_invlpg(address);
    return true;
}

/* A frame that was no root so far: the guest's, and full of entries for tables of the guest. */
static bool may_become_root(uint64_t mfn)
{
    uint32_t count = layer_pae() ? 4 : NON_PAE_HOLE_SLOT;
    if (m2p_get(mfn) == ~UINT64_C(0))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t entry = entry_read((mfn << PAGE_SHIFT) + i * entry_width());
        if (top_link_check(entry) || table_link_check(mfn, root_level(), entry) ||
            ((entry & PTE_P) && layer_pae() && entry_mfn(entry) == mfn))
            return false;
    }
    return true;
}

long root_prepare(uint64_t mfn)
{
    if (!frame_is_guest(mfn))
        return -XEN_EINVAL;
    if ((frame_state(mfn) & FRAME_LEVEL) != (uint32_t)root_level()) {
        if (table_conflicts(mfn, root_level()) || !may_become_root(mfn))
            return -XEN_EINVAL;
        table_mark(mfn, root_level());
    }
    if (!layer_pae()) {
        hole_install(mfn << PAGE_SHIFT);
        return 0;
    }
    /* The last GiB holds the hypervisor's hole, so it must have a table. */
    uint64_t last = entry_read((mfn << PAGE_SHIFT) + 3 * 8);
    if (!(last & PTE_P) || !frame_is_guest(entry_mfn(last)))
        return -XEN_EINVAL;
    hole_install(last & PTE_ADDR);
    return 0;
}

void root_load(struct vcpu *v)
{
    if (!layer_pae()) {
        cpu_set_cr3(v->kernel_root);
        return;
    }
    const uint64_t *l3 = maddr_pointer(v->kernel_root);
    for (int i = 0; i < 4; i++)
        pdpt[i] = l3[i] & PTE_P ? (l3[i] & PTE_ADDR) | PTE_P : 0;
    cpu_set_cr3(layer.load + (uintptr_t)pdpt - LAYER_BASE);
}

long root_set(struct vcpu *v, uint64_t mfn)
{
    long rc = root_prepare(mfn);
    if (rc)
        return rc;
    v->kernel_root = mfn << PAGE_SHIFT;
    root_load(v);
    return 0;
}

/* 32-bit guests have one root for their kernel and their user space. */
long user_root_set(struct vcpu *v, uint64_t mfn)
{
    (void)v;
    (void)mfn;
    return -XEN_EOPNOTSUPP;
}

void flush_tlb_all(void)
{
    cpu_set_cr3(cpu_cr3());
}
