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

void *layer_pages_aligned(uint64_t count, uint64_t align)
{
    uint64_t at = (layer.arena_next + align - 1) & ~(align - 1);
    uint64_t end;
    if (count > layer.arena_end >> PAGE_SHIFT || !checked_add_u64(at, count << PAGE_SHIFT, &end) ||
        end > layer.arena_end)
        return NULL;
    layer.arena_next = end;
    return memset(maddr_pointer(at), 0, count << PAGE_SHIFT);
}

void *layer_pages(uint64_t count)
{
    return layer_pages_aligned(count, PAGE_SIZE);
}

static void *pages_or_end(uint64_t count, const char *what)
{
    void *pages = layer_pages(count);
    if (!pages)
        layer_panic(NULL, "the arena of %#llx bytes has no room for %s",
                    (unsigned long long)layer.handover->arena_size, what);
    return pages;
}

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
        to[COMPAT_HOLE_SLOT + i] = from ? *from & ~PTE_RW : 0;
    }
}

void hole_install(uint64_t root)
{
    memcpy((uint64_t *)maddr_pointer(root) + HOLE_SLOT, layer.slot, sizeof(layer.slot));
}

static void *copy_from_stage(uint64_t from, uint64_t size, const char *what)
{
    void *to = pages_or_end((size + PAGE_MASK) >> PAGE_SHIFT, what);
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

static void mark_frames(uint64_t start, uint64_t size, uint8_t state)
{
    uint64_t first = start >> PAGE_SHIFT, end = (start + size + PAGE_MASK) >> PAGE_SHIFT;
    for (uint64_t mfn = first; mfn < end && mfn < layer.frame_count; mfn++)
        layer.frame[mfn] |= state;
}

static void make_frames(void)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < layer.handover->map_count; i++)
        if (memory_map(i)->type == 1 && memory_map(i)->end > end)
            end = memory_map(i)->end;
    layer.frame_count = end >> PAGE_SHIFT;
    if (layer.frame_count > (DIRECT_END - DIRECT_BASE) >> PAGE_SHIFT)
        layer.frame_count = (DIRECT_END - DIRECT_BASE) >> PAGE_SHIFT;
    layer.frame =
        pages_or_end((layer.frame_count + PAGE_MASK) >> PAGE_SHIFT, "the state of all frames");
    for (uint32_t i = 0; i < layer.handover->map_count; i++) {
        const struct handover_memory *entry = memory_map(i);
        uint64_t first = (entry->start + PAGE_MASK) >> PAGE_SHIFT, last = entry->end >> PAGE_SHIFT;
        if (last > layer.frame_count)
            last = layer.frame_count;
        if (entry->type == 1 && first < last)
            memset(layer.frame + first, FRAME_RAM, last - first);
    }
    const struct handover *handover = layer.handover;
    mark_frames(handover->layer, handover->layer_size, FRAME_LAYER);
    mark_frames(handover->arena, handover->arena_size, FRAME_LAYER);
    mark_frames(handover->m2p, handover->m2p_size, FRAME_LAYER);
    mark_frames(handover->shared_info, 1, FRAME_SPECIAL);
}

/* Frames that one m2p page describes, and whether any RAM entry touches that block. */
static uint64_t m2p_block(void)
{
    return layer.compat ? 1024 : 512;
}

/* Gives every block with RAM its page, ascending, all entries invalid. */
static void map_m2p(void)
{
    uint64_t block = m2p_block() << PAGE_SHIFT, used = 0, next = 0;
    uint64_t reach = layer.compat ? UINT64_C(1) << 34 : UINT64_C(1) << 47;
    memset(maddr_pointer(layer.handover->m2p), 0xff, layer.handover->m2p_size);
    for (uint32_t i = 0; i < layer.handover->map_count; i++) {
        const struct handover_memory *entry = memory_map(i);
        if (entry->type != 1 || entry->start >= entry->end)
            continue;
        uint64_t at = entry->start & ~(block - 1);
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

static void fill_m2p(void)
{
    for (uint32_t i = 0; i < layer.run_count; i++) {
        uint64_t mfn = layer.run[i].mfn, pfn = layer.run[i].pfn, count = layer.run[i].count;
        if (mfn >= layer.frame_count)
            continue;
        if (count > layer.frame_count - mfn)
            count = layer.frame_count - mfn;
        if (layer.compat) {
            uint32_t *to = (uint32_t *)M2P_WRITE_BASE + mfn;
            for (uint64_t n = 0; n < count; n++)
                to[n] = (uint32_t)(pfn + n);
        } else {
            uint64_t *to = (uint64_t *)M2P_WRITE_BASE + mfn;
            for (uint64_t n = 0; n < count; n++)
                to[n] = pfn + n;
        }
    }
}

uint64_t m2p_get(uint64_t mfn)
{
    if (mfn >= layer.frame_count || !(layer.frame[mfn] & FRAME_RAM))
        return ~UINT64_C(0);
    if (layer.compat) {
        uint32_t pfn = ((const uint32_t *)M2P_WRITE_BASE)[mfn];
        return pfn == ~UINT32_C(0) ? ~UINT64_C(0) : pfn;
    }
    return ((const uint64_t *)M2P_WRITE_BASE)[mfn];
}

bool m2p_set(uint64_t mfn, uint64_t pfn)
{
    if (!frame_is_guest(mfn))
        return false;
    if (layer.compat)
        ((uint32_t *)M2P_WRITE_BASE)[mfn] = (uint32_t)pfn;
    else
        ((uint64_t *)M2P_WRITE_BASE)[mfn] = pfn;
    return true;
}

uint64_t p2m_start(uint64_t pfn)
{
    uint32_t low = 0, high = layer.run_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct handover_run *run = &layer.run[middle];
        if (pfn < run->pfn)
            high = middle;
        else if (pfn - run->pfn >= run->count)
            low = middle + 1;
        else
            return run->mfn + (pfn - run->pfn);
    }
    return ~UINT64_C(0);
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
    make_frames();
    map_m2p();
    fill_m2p();

    uint64_t *l4 = maddr_pointer(layer.root);
    l4[0] = 0;
    cpu_set_cr3(layer.root);
}
