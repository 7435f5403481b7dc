/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The 32-bit layer's address space: its own page tables, of 4-byte or (PAE guests) 8-byte entries,
 * and the two ways to machine memory: pages on loan and pages for ever.
 *
 * A hole of 64 MiB has no room for a map of all memory.  maddr_pointer() puts a page into the next
 * slot of a ring, unless one of the younger half of the slots holds it already.
 *
 * Source: Intel SDM vol. 3 4.3, 4.4; Xen's public arch-x86/xen-x86_32.h for the m2p's place.
 */
#include "memory.h"
#include "memory32.h"

#define SLOTS     1024u
#define OWN_PAGES ((uint32_t)(HOLE_END - OWN_BASE) >> PAGE_SHIFT)
#define WRITABLE  (PTE_P | PTE_RW | PTE_A | PTE_D)
#define UNCACHED  (PTE_PCD | PTE_PWT)

struct own_tables own;

uint32_t m2p_size(void)
{
    return layer_pae() ? 16u << 20 : 4u << 20;
}

/* ---- tables --------------------------------------------------------------------------------- */

static void *arena_pointer(uint32_t at)
{
    return (void *)(uintptr_t)(ARENA_BASE + (at - own.arena));
}

static void put_entry(void *table, uint32_t index, uint64_t entry)
{
    if (layer_pae())
        ((volatile uint64_t *)table)[index] = entry;
    else
        ((volatile uint32_t *)table)[index] = (uint32_t)entry;
}

bool hole_map(uint64_t address, uint64_t entry)
{
    put_entry(arena_pointer(own.tables), (uint32_t)(address - OWN_BASE) >> PAGE_SHIFT, entry);
    cpu_invlpg(address);
    return true;
}

/* The tables with our entries: the page directory, or a PAE guest's L2 of the last GiB. */
void hole_install(uint64_t directory)
{
    uint8_t *to = maddr_pointer(directory);
    const uint8_t *from = arena_pointer(own.directory);
    uint32_t width = layer_pae() ? 8 : 4;
    uint32_t first = layer_pae() ? COMPAT_HOLE_SLOT : NON_PAE_HOLE_SLOT;
    memcpy(to + first * width, from + first * width, PAGE_SIZE - first * width);
}

/* ---- machine memory ------------------------------------------------------------------------- */

static uint64_t caching(uint64_t mfn)
{
    return mfn < layer.frame_count && frame_state(mfn) & FRAME_RAM ? 0 : UNCACHED;
}

static uint32_t slot_frame[SLOTS]; /* + 1, 0 = empty */
static uint16_t slot_of[SLOTS];    /* by the low bits of the frame number: a guess */
static uint32_t slot_next;

void *maddr_pointer(uint64_t address)
{
    uint32_t frame = (uint32_t)(address >> PAGE_SHIFT), offset = address & PAGE_MASK;
    if (address >= own.arena && address < layer.arena_end)
        return arena_pointer((uint32_t)address);
    uint32_t slot = slot_of[frame % SLOTS];
    if (slot_frame[slot] != frame + 1 || (slot_next - 1 - slot) % SLOTS >= WINDOW_LOAN) {
        slot = slot_next++ % SLOTS;
        slot_frame[slot] = frame + 1;
        slot_of[frame % SLOTS] = (uint16_t)slot;
        hole_map(WINDOW_BASE + slot * PAGE_SIZE,
                 (address & ~PAGE_MASK) | caching(frame) | WRITABLE);
    }
    return (void *)(uintptr_t)(WINDOW_BASE + slot * PAGE_SIZE + offset);
}

void *maddr_keep(uint64_t address, uint64_t size)
{
    static uint32_t next = KEEP_BASE;
    uint32_t offset = address & PAGE_MASK;
    uint64_t pages = (offset + size + PAGE_MASK) >> PAGE_SHIFT;
    if (pages > (KEEP_END - next) >> PAGE_SHIFT)
        return NULL;
    uint32_t at = next;
    for (uint64_t frame = address >> PAGE_SHIFT; pages; pages--, frame++, next += PAGE_SIZE)
        hole_map(next, frame << PAGE_SHIFT | caching(frame) | WRITABLE);
    return (void *)(uintptr_t)(at + offset);
}

uint64_t pointer_maddr(const void *pointer)
{
    return (uintptr_t)pointer - ARENA_BASE + own.arena;
}

void machine_copy(void *to, uint64_t from, uint64_t size)
{
    for (uint64_t done = 0, part; done < size; done += part) {
        part = PAGE_SIZE - ((from + done) & PAGE_MASK);
        part = part < size - done ? part : size - done;
        memcpy((uint8_t *)to + done, maddr_pointer(from + done), (size_t)part);
    }
}

/* ---- before paging -------------------------------------------------------------------------- */

/* Until paging is on, machine memory is seen through segments with a base: see entry32.asm. */
static void *early_pointer(uint32_t at)
{
    return (void *)(uintptr_t)(at + LAYER_BASE - (uint32_t)layer.load);
}

static uint32_t early_pages(uint32_t count)
{
    uint32_t at = (uint32_t)layer.arena_next;
    memset(early_pointer(at), 0, count * PAGE_SIZE);
    layer.arena_next += count * PAGE_SIZE;
    return at;
}

static void early_entry(uint32_t table, uint32_t index, uint64_t entry)
{
    put_entry(early_pointer(table), index, entry);
}

/* `count` tables, one behind the other, into a directory from `index` on. */
static void early_link(uint32_t directory, uint32_t index, uint32_t tables, uint32_t count,
                       uint64_t flags)
{
    for (uint32_t i = 0; i < count; i++)
        early_entry(directory, index + i, (tables + i * PAGE_SIZE) | flags);
}

/* The image where it is, for the step into paging: up to two tables. */
static void early_identity(uint32_t load, uint32_t size)
{
    uint32_t shift = layer_pae() ? 21 : 22, entries = layer_pae() ? 512 : 1024;
    uint32_t table = early_pages(2), block = load >> shift;
    for (uint32_t at = load; at < load + size; at += PAGE_SIZE)
        early_entry(table, (at >> PAGE_SHIFT) - block * entries, at | WRITABLE);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t directory = own.directory, index = block + i;
        if (layer_pae()) {
            uint32_t gigabyte = index >> 9;
            uint64_t *top = early_pointer(own.top);
            if (!(top[gigabyte] & PTE_P))
                top[gigabyte] = early_pages(1) | PTE_P;
            directory = (uint32_t)top[gigabyte] & ~(uint32_t)PAGE_MASK;
            index &= 511;
        }
        early_entry(directory, index, (table + i * PAGE_SIZE) | PTE_P | PTE_RW);
    }
}

uint32_t early_map(const struct handover *handover, uint32_t load)
{
    layer.load = load;
    handover = early_pointer((uintptr_t)handover);
    layer.guest_class = handover->guest_class;
    layer.arena_next = (handover->arena + PAGE_MASK) & ~PAGE_MASK;
    layer.arena_end = handover->arena + handover->arena_size;
    own.arena = (uint32_t)layer.arena_next;
    if (layer.arena_end > own.arena + (ARENA_END - ARENA_BASE))
        layer.arena_end = own.arena + (ARENA_END - ARENA_BASE);

    uint32_t per_table = layer_pae() ? 9 : 10, count = OWN_PAGES >> per_table;
    own.top = layer_pae() ? early_pages(1) : 0;
    own.directory = early_pages(1);
    own.tables = early_pages(count);
    if (layer_pae()) {
        ((uint64_t *)early_pointer(own.top))[3] = own.directory | PTE_P;
        own.m2p = early_pages(8);
        early_link(own.directory, COMPAT_HOLE_SLOT, own.m2p, 8, PTE_P | PTE_A);
        early_link(own.directory, COMPAT_HOLE_SLOT + 8, own.m2p, 8, PTE_P | PTE_RW | PTE_A);
        early_link(own.directory, 512 - count, own.tables, count, PTE_P | PTE_RW | PTE_A);
        cpu_set_cr4(cpu_cr4() | 0x20);
    } else {
        own.m2p = own.tables; /* the first table, and the second one's place shows it again */
        early_link(own.directory, 1024 - count, own.tables, count, PTE_P | PTE_RW | PTE_A);
        early_link(own.directory, NON_PAE_HOLE_SLOT, own.m2p, 1, PTE_P | PTE_A);
        early_link(own.directory, NON_PAE_HOLE_SLOT + 1, own.m2p, 1, PTE_P | PTE_RW | PTE_A);
    }
    for (uint32_t at = 0; at < handover->layer_size; at += PAGE_SIZE)
        early_entry(own.tables, (LAYER_BASE - OWN_BASE + at) >> PAGE_SHIFT, (load + at) | WRITABLE);
    for (uint32_t at = own.arena; at < layer.arena_end; at += PAGE_SIZE)
        early_entry(own.tables, (ARENA_BASE - OWN_BASE + at - own.arena) >> PAGE_SHIFT,
                    at | WRITABLE);
    early_identity(load, (uint32_t)handover->layer_size);
    layer.root = layer_pae() ? own.top : own.directory;
    return (uint32_t)layer.root;
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Gives every block of the m2p its page (handover.h), ascending, all entries invalid. */
static void map_m2p(void)
{
    const struct handover_memory *map =
        (const struct handover_memory *)(uintptr_t)layer.handover->map;
    uint64_t block = UINT64_C(1024) << PAGE_SHIFT, used = 0, next = 0;
    uint64_t reach = (uint64_t)FRAMES_MAX << PAGE_SHIFT;
    for (uint32_t i = 0; i < layer.handover->map_count; i++) {
        if (map[i].type != 1 || map[i].start >= map[i].end)
            continue;
        uint64_t at = map[i].start & ~((M2P_EXTENT_SIZE >> PAGE_SHIFT) * block - 1);
        for (at = at < next ? next : at; at < map[i].end && at < reach; at += block) {
            uint32_t index = (uint32_t)(at >> (PAGE_SHIFT + 10));
            if (used + PAGE_SIZE > layer.handover->m2p_size)
                layer_panic(NULL, "the m2p area of %#llx bytes is too small",
                            (unsigned long long)layer.handover->m2p_size);
            memset(maddr_pointer(layer.handover->m2p + used), 0xff, PAGE_SIZE);
            put_entry(arena_pointer(own.m2p), index, (layer.handover->m2p + used) | WRITABLE);
            used += PAGE_SIZE;
            next = at + block;
        }
    }
}

static uint64_t copy_from_stage(uint64_t from, uint64_t size, const char *what)
{
    void *to = layer_pages_or_end((size + PAGE_MASK) >> PAGE_SHIFT, what);
    machine_copy(to, from, size);
    return (uintptr_t)to;
}

void memory_init(const struct handover *handover)
{
    /* The record was copied already (start32.c); its arrays may lie in memory of the guest. */
    struct handover *copy = (struct handover *)(uintptr_t)handover;
    copy->map = copy_from_stage(copy->map, copy->map_count * sizeof(struct handover_memory),
                                "the memory map");
    copy->runs = copy_from_stage(copy->runs, copy->run_count * sizeof(struct handover_run),
                                 "the runs of the p2m");
    layer.run = (const struct handover_run *)(uintptr_t)copy->runs;
    layer.run_count = copy->run_count;
    layer.nr_pages = copy->nr_pages;

    frames_make();
    map_m2p();
    m2p_fill();

    /* The identity map of the image goes. */
    uint32_t width = layer_pae() ? 8 : 4;
    if (layer_pae())
        memset(arena_pointer(own.top), 0, 3 * 8);
    memset(arena_pointer(own.directory), 0,
           (layer_pae() ? COMPAT_HOLE_SLOT : NON_PAE_HOLE_SLOT) * width);
    cpu_set_cr3(layer.root);
}
