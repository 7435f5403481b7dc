/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's page tables.  They are used as the guest wrote them; the layer keeps only one byte
 * per frame: which level of table it is.  That serves two ends: the write faults that kernels cause
 * on their own read-only tables, and refusing to write into the hypervisor's slots of a root.
 *
 * Marks are made when a tree is pinned or becomes a root and when an entry is linked by hypercall;
 * they go when the frame is unpinned or mapped writable, as a guest must do before it uses the
 * frame for something else.
 *
 * Source: Intel SDM vol. 3 4.5; the behaviour of get_page_from_l1e, mod_l1_entry and ptwr_emulate
 * in xen/arch/x86/mm.c and pv/ro-page-fault.c.
 */
#include "pagetable.h"
#include "memory.h"
#include "spinlock.h"

/* An entry that another CPU may be storing, or setting bits in. */
static inline uint64_t load(const uint64_t *entry)
{
    return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

uint64_t entry_read(uint64_t at)
{
    return __atomic_load_n((const uint64_t *)maddr_pointer(at & ~UINT64_C(7)), __ATOMIC_RELAXED);
}

void entry_write(uint64_t at, uint64_t value)
{
    __atomic_store_n((uint64_t *)maddr_pointer(at & ~UINT64_C(7)), value, __ATOMIC_RELAXED);
}

/* Other CPUs set the bits that are to be kept, at any moment. */
void entry_write_keep(uint64_t at, uint64_t value)
{
    uint64_t *entry = maddr_pointer(at & ~UINT64_C(7));
    uint64_t old = __atomic_load_n(entry, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(entry, &old, value | (old & (PTE_A | PTE_D)), true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

bool entry_is_ours(int level, uint64_t at)
{
    uint64_t slot = (at & PAGE_MASK) >> 3;
    if (level == 2 && (frame_state(at >> PAGE_SHIFT) & FRAME_LEVEL) == FRAME_TOP)
        return slot >= COMPAT_HOLE_SLOT;
    if (level == 3 && layer.compat)
        return slot >= 3;
    return level == 4 && slot >= HOLE_SLOT && slot < HOLE_SLOT + HOLE_SLOTS;
}

uint32_t entry_width(void)
{
    return 8;
}

bool frame_is_root(uint64_t mfn)
{
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        const struct vcpu *v = layer.vcpu[i];
        if (v && (__atomic_load_n(&v->kernel_root, __ATOMIC_SEQ_CST) == mfn << PAGE_SHIFT ||
                  __atomic_load_n(&v->user_root, __ATOMIC_SEQ_CST) == mfn << PAGE_SHIFT))
            return true;
    }
    return false;
}

int root_level(void)
{
    return layer.compat ? 3 : 4;
}

uint32_t walk_read(uint64_t cr3, uint64_t address, int *ret_level, uint64_t entry[WALK_MAX])
{
    *ret_level = 4;
    uint64_t table = cr3 & PTE_ADDR;
    uint32_t count = 0;
    for (int level = 4; level > 0 && table >> PAGE_SHIFT < layer.frame_count; level--) {
        uint64_t value = entry_read(table + ((address >> (3 + 9 * level)) & 511) * 8);
        entry[count++] = value;
        if (!(value & PTE_P) || (level < 4 && (value & PTE_PS)))
            break;
        table = value & PTE_ADDR;
    }
    return count;
}

static uint64_t *leaf_entry(uint64_t root, uint64_t gva)
{
    uint64_t table = root >> PAGE_SHIFT;
    for (int level = layer.compat ? 3 : 4; level > 1; level--) {
        const uint64_t *entries = frame_pointer(table);
        if (!entries)
            return NULL;
        uint64_t entry = load(&entries[(gva >> (3 + 9 * level)) & 511]);
        if (!(entry & PTE_P) || (level < 4 && (entry & PTE_PS)))
            return NULL;
        table = entry_mfn(entry);
    }
    uint64_t *entries = frame_pointer(table);
    return entries ? &entries[(gva >> PAGE_SHIFT) & 511] : NULL;
}

bool leaf_find(uint64_t root, uint64_t gva, uint64_t *ret)
{
    if ((uint64_t)((int64_t)(gva << 16) >> 16) != gva)
        return false;
    const uint64_t *leaf = leaf_entry(root, gva);
    if (!leaf)
        return false;
    *ret = pointer_maddr(leaf);
    return !table_conflicts(*ret >> PAGE_SHIFT, 1);
}

bool guest_translate(struct vcpu *v, uint64_t root, uint64_t gva, bool write, uint64_t *ret)
{
    (void)v;
    uint64_t table = root;
    for (int level = root_level(); level > 0; level--) {
        uint64_t *entries = frame_pointer((table & PTE_ADDR) >> PAGE_SHIFT);
        if (!entries)
            return false;
        uint64_t entry = load(&entries[(gva >> (3 + 9 * level)) & 511]);
        if (!(entry & PTE_P) || (write && !(entry & PTE_RW) && !(layer.compat && level == 3)))
            return false;
        if (level == 1 || ((level == 2 || level == 3) && (entry & PTE_PS))) {
            uint64_t offset = (UINT64_C(1) << (3 + 9 * level)) - 1;
            *ret = (entry & PTE_ADDR & ~offset) | (gva & offset);
            return true;
        }
        table = entry;
    }
    return false;
}

static bool any_present(const uint64_t entry[8])
{
    uint64_t all = 0;
    for (int i = 0; i < 8; i++)
        all |= load(&entry[i]);
    return all & PTE_P;
}

/* `again`: look below tables that are marked already (a stale mark must not hide new tables). */
static void mark(uint64_t mfn, int level, bool again)
{
    const uint64_t *entries = frame_pointer(mfn);
    if (!entries)
        return;
    /* Linear page tables name a table of a higher level, whose own rules are the stricter ones; one
     * that is in use at a lower level is written by that one's. */
    if (table_conflicts(mfn, level))
        return;
    bool known = frame_level(frame_state(mfn)) == level;
    if (!known)
        frame_set_level(mfn, (uint8_t)level);
    if (level == 1 || (known && !again))
        return;
    uint32_t count = layer.compat && level == 3 ? 4 : 512;
    for (uint32_t i = 0; i < count; i++) {
        /* Most of a table is empty: eight entries at once. */
        while (i % 8 == 0 && i + 8 <= count && !any_present(entries + i))
            i += 8;
        if (i == count)
            break;
        uint64_t entry = load(&entries[i]);
        if (!(entry & PTE_P))
            continue;
        if (level == 4 && i >= HOLE_SLOT && i < HOLE_SLOT + HOLE_SLOTS)
            continue;
        if (level < 4 && (entry & PTE_PS))
            continue;
        if (level == 2 && frame_is_guest(entry_mfn(entry))) {
            if (!(frame_state(entry_mfn(entry)) & FRAME_LEVEL))
                frame_set_level(entry_mfn(entry), 1);
        } else {
            /* The kernel's half is shared by all roots and linked by hypercall. */
            mark(entry_mfn(entry), level - 1, again && !(level == 4 && i >= HOLE_SLOT));
        }
    }
}

void table_mark(uint64_t mfn, int level)
{
    mark(mfn, level, true);
    if (frame_level(frame_state(mfn)) != level) /* it leads to itself, and nothing to it yet */
        frame_set_level(mfn, (uint8_t)level);
}

/* Not RAM: the devices of a dom0, but for what the layer must have to itself (the window of local
 * APICs and MSIs) and what the CPU has no address lines for. */
long device_check(uint64_t mfn)
{
    uint32_t leaf[4];
    if (!layer.dom0 || (mfn >= 0xfee00 && mfn <= 0xfeeff))
        return -XEN_EPERM;
    cpu_cpuid(0x80000008, 0, leaf); /* every CPU with long mode has it */
    return mfn >> ((leaf[0] & 0xff) - PAGE_SHIFT) ? -XEN_EPERM : 0;
}

static struct spinlock copy_lock; /* of compat_l3: either the old entries are in it or the new */

static void compat_root_copy(struct vcpu *v)
{
    spin_lock(&copy_lock);
    const uint64_t *l3 = maddr_pointer(v->kernel_root);
    for (int i = 0; i < 4; i++)
        v->compat_l3[i] = l3[i] & PTE_P ? (l3[i] & PTE_ADDR) | PTE_P | PTE_RW | PTE_US | PTE_A : 0;
    spin_unlock(&copy_lock);
}

/* An entry of a 32-bit guest's root was written: what the CPUs use are copies.  Their TLBs are the
 * guest's to flush. */
static void top_changed(uint64_t mfn)
{
    struct vcpu *self = cpu_vcpu();
    if (root_prepare(mfn) != 0)
        return;
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        struct vcpu *v = layer.vcpu[i];
        if (v && v != self &&
            __atomic_load_n(&v->kernel_root, __ATOMIC_SEQ_CST) == mfn << PAGE_SHIFT)
            compat_root_copy(v);
    }
    if (self->kernel_root == mfn << PAGE_SHIFT)
        root_load(self);
}

void entry_stored(int level, uint64_t at, uint64_t entry)
{
    if (layer.compat && level == 3)
        top_changed(at >> PAGE_SHIFT);
    if (!(entry & PTE_P))
        return;
    uint64_t mfn = entry_mfn(entry);
    if (level > 1) {
        if (level == 4 || !(entry & PTE_PS))
            mark(mfn, level - 1, false);
    } else if (entry & PTE_RW && mfn < layer.frame_count && frame_state(mfn) & FRAME_LEVEL) {
        frame_clear(mfn, FRAME_LEVEL);
    }
}

bool page_table_write_allowed(struct vcpu *v, uint64_t error, uint64_t address)
{
    if ((error & 0x1f) != 3) /* a write, page present, supervisor, no reserved bit */
        return false;
    uint64_t *leaf = leaf_entry(v->kernel_root, address);
    uint64_t entry = leaf ? load(leaf) : 0;
    if (!(entry & PTE_P) || (entry & PTE_RW))
        return false;
    /* A user page that the kernel writes to is copy-on-write, never a table; the initial tables
     * have the user bit everywhere, though, and so have kernels that leave it to the hypervisor. */
    if ((entry & PTE_US) && address < HOLE_END && v->user_root)
        return false;
    uint64_t mfn = entry_mfn(entry);
    if (!frame_is_guest(mfn) || !(frame_state(mfn) & FRAME_LEVEL))
        return false;
    if (layer.compat && (frame_state(mfn) & FRAME_LEVEL) == 3)
        return false; /* the CPU uses a copy */
    __atomic_fetch_or(leaf, PTE_RW, __ATOMIC_RELAXED);
    cpu_invlpg(address);
    return true;
}

/* 32-bit guests: the last GiB holds the hypervisor's hole, so it must have a table. */
static long compat_prepare(uint64_t mfn)
{
    const uint64_t *l3 = frame_pointer(mfn);
    if (!l3 || !(l3[3] & PTE_P) || table_conflicts(mfn, 3))
        return -XEN_EINVAL;
    for (int i = 0; i < 4; i++)
        if (top_link_check(l3[i]) || ((l3[i] & PTE_P) && entry_mfn(l3[i]) == mfn))
            return -XEN_EINVAL;
    uint64_t last = entry_mfn(l3[3]);
    if (frame_level(frame_state(mfn)) != 3 || (frame_state(last) & FRAME_LEVEL) != FRAME_TOP) {
        table_mark(mfn, 3);
        frame_set_level(last, FRAME_TOP);
    }
    compat_hole_install(l3[3] & PTE_ADDR);
    return 0;
}

/* A frame that was no root so far: the guest's, and full of entries for tables of the guest. */
static bool may_become_root(uint64_t mfn)
{
    const uint64_t *entries = frame_pointer(mfn);
    if (m2p_get(mfn) == ~UINT64_C(0))
        return false;
    for (uint32_t i = 0; i < 512; i++) {
        if (i % 8 == 0 && !any_present(entries + i)) {
            i += 7;
            continue;
        }
        uint64_t entry = load(&entries[i]);
        if ((entry & PTE_P) && (i < HOLE_SLOT || i >= HOLE_SLOT + HOLE_SLOTS) &&
            table_link_check(mfn, 4, entry))
            return false;
    }
    return true;
}

long root_prepare(uint64_t mfn)
{
    if (!frame_is_guest(mfn))
        return -XEN_EINVAL;
    if (layer.compat)
        return compat_prepare(mfn);
    if ((frame_state(mfn) & FRAME_LEVEL) != 4) {
        if (table_conflicts(mfn, 4) || !may_become_root(mfn))
            return -XEN_EINVAL;
        table_mark(mfn, 4);
    }
    hole_install(mfn << PAGE_SHIFT);
    return 0;
}

void root_load(struct vcpu *v)
{
    if (layer.compat) {
        compat_root_copy(v);
        cpu_set_cr3(v->compat_root);
    } else {
        cpu_set_cr3(v->kernel_root);
    }
}

long root_set(struct vcpu *v, uint64_t mfn)
{
    long rc = root_prepare(mfn);
    if (rc)
        return rc;
    v->kernel_root = mfn << PAGE_SHIFT;
    if (v->kernel_mode)
        root_load(v);
    return 0;
}

long user_root_set(struct vcpu *v, uint64_t mfn)
{
    if (mfn == 0) {
        v->user_root = 0;
        return 0;
    }
    long rc = root_prepare(mfn);
    if (rc)
        return rc;
    v->user_root = mfn << PAGE_SHIFT;
    return 0;
}

void flush_tlb_all(void)
{
    cpu_set_cr3(cpu_cr3());
}
