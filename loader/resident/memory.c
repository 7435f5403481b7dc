/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's own memory after early.c: direct map of all RAM, state byte of every machine frame,
 * m2p table (read-only for the guest at Xen's address, writable for us), copies of what the stage
 * handed over.  The arena only grows; nothing is freed.
 *
 * Source: Xen's public arch-x86/xen-x86_64.h for the m2p's place; handover.h for its pages.
 */
#include "memory.h"

#define SLOT(address, level) (((address) >> (3 + 9 * (level))) & 511)

/* The table that `table`[index] points at, made when missing. */
static uint64_t *next_table(uint64_t *table, uint64_t index)
{
    if (!(table[index] & PTE_P)) {
        uint64_t *page = layer_pages(1);
        if (!page)
            return NULL;
        table[index] = pointer_maddr(page) | PTE_P | PTE_RW;
    }
    return maddr_pointer(table[index] & PTE_ADDR);
}

/* The entry of `address` at `level` (1 or 2) in our own tables, made when missing. */
static uint64_t *hole_entry(uint64_t address, int level)
{
    uint64_t *table = maddr_pointer(layer.root);
    for (int at = 4; at > level; at--) {
        table = next_table(table, SLOT(address, at));
        if (!table)
            return NULL;
    }
    return &table[SLOT(address, level)];
}

bool hole_map(uint64_t address, uint64_t entry)
{
    uint64_t *leaf = hole_entry(address, 1);
    if (!leaf)
        return false;
    *leaf = entry;
    cpu_invlpg(address);
    return true;
}

/* The m2p in the last L2 of a 32-bit guest, read-only; what else it has above is not its own. */
void compat_hole_install(uint64_t l2)
{
    uint64_t *to = maddr_pointer(l2);
    for (uint32_t i = 0; i < COMPAT_M2P_SIZE / SIZE_2M; i++) {
        const uint64_t *from = hole_entry(M2P_WRITE_BASE + i * SIZE_2M, 2);
        uint64_t entry = from ? *from & ~(PTE_RW | PTE_A | PTE_D) : 0;
        if (i == 0 && (to[COMPAT_HOLE_SLOT] & ~(PTE_A | PTE_D)) == entry)
            return; /* a root that is loaded again */
        to[COMPAT_HOLE_SLOT + i] = entry;
    }
}

void hole_install(uint64_t root)
{
    memcpy((uint64_t *)maddr_pointer(root) + HOLE_SLOT, layer.slot, sizeof(layer.slot));
}

static void *copy_from_stage(uint64_t from, uint64_t size, const char *what)
{
    void *to = layer_pages_or_end((size + PAGE_MASK) >> PAGE_SHIFT, what);
    return memcpy(to, maddr_pointer(from), size);
}

static const struct handover_memory *memory_map(uint32_t index)
{
    return (const struct handover_memory *)layer.handover->map + index;
}

static void map_ram_above_4g(void)
{
    for (uint32_t i = 0; i < layer.handover->map_count; i++) {
        const struct handover_memory *entry = memory_map(i);
        if (entry->type != 1)
            continue;
        uint64_t start = entry->start & ~(SIZE_2M - 1);
        for (uint64_t at = start < 4 * SIZE_1G ? 4 * SIZE_1G : start;
             at < entry->end && at < DIRECT_END - DIRECT_BASE; at += SIZE_2M) {
            uint64_t *leaf = hole_entry(DIRECT_BASE + at, 2);
            if (!leaf)
                layer_panic(NULL, "the arena has no room for the direct map");
            *leaf = at | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS;
        }
    }
}

/* Frames that one m2p page describes, and whether any RAM entry touches that block. */
static uint64_t m2p_block(void)
{
    return layer.compat ? 1024 : 512;
}

/* Gives every block of the m2p its page (handover.h), ascending, all entries invalid. */
static void map_m2p(void)
{
    uint64_t block = m2p_block() << PAGE_SHIFT, used = 0, next = 0;
    uint64_t reach = layer.compat ? UINT64_C(1) << 34 : UINT64_C(1) << 47;
    memset(maddr_pointer(layer.handover->m2p), 0xff, layer.handover->m2p_size);
    for (uint32_t i = 0; i < layer.handover->map_count; i++) {
        const struct handover_memory *entry = memory_map(i);
        if (entry->type != 1 || entry->start >= entry->end)
            continue;
        uint64_t at = entry->start & ~((M2P_EXTENT_SIZE >> PAGE_SHIFT) * block - 1);
        for (at = at < next ? next : at; at < entry->end && at < reach; at += block) {
            if (used + PAGE_SIZE > layer.handover->m2p_size)
                layer_panic(NULL, "the m2p area of %#llx bytes is too small",
                            (unsigned long long)layer.handover->m2p_size);
            uint64_t offset = at / block * PAGE_SIZE;
            uint64_t *leaf = hole_entry(M2P_WRITE_BASE + offset, 1);
            if (!leaf)
                layer_panic(NULL, "the arena has no room for the m2p's tables");
            *leaf = (layer.handover->m2p + used) | PTE_P | PTE_RW | PTE_A | PTE_D;
            used += PAGE_SIZE;
            next = at + block;
        }
    }
    uint64_t *l4 = maddr_pointer(layer.root);
    l4[SLOT(M2P_BASE, 4)] = l4[SLOT(M2P_WRITE_BASE, 4)] & ~PTE_RW;
}

void memory_init(const struct handover *handover)
{
    /* The record, its arrays and the tables under us may lie in memory that becomes the guest's. */
    static struct handover copy;
    copy = *handover;
    layer.handover = &copy;
    copy.map = (uint64_t)copy_from_stage(copy.map, copy.map_count * sizeof(struct handover_memory),
                                         "the memory map");
    copy.runs = (uint64_t)copy_from_stage(copy.runs, copy.run_count * sizeof(struct handover_run),
                                          "the runs of the p2m");
    layer.run = (const struct handover_run *)copy.runs;
    layer.run_count = copy.run_count;
    layer.nr_pages = copy.nr_pages;

    map_ram_above_4g();
    frames_make();
    map_m2p();
    m2p_fill();

    uint64_t *l4 = maddr_pointer(layer.root);
    l4[0] = 0;
    cpu_set_cr3(layer.root);
}
