/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The model's memory: what is where, walks of the guest's page tables as the CPU makes them for the
 * layer at level 0, and the states that can be put back.  See machine.h.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "entry.h"
#include "machine.h"
#include "model.h"

#define PHYSICAL_BITS 40

uint8_t *machine_memory;
uint64_t machine_m2p[FRAME_END];
uint8_t machine_window[2 * WINDOW_CPUS * WINDOW_SIZE] __attribute__((aligned(4096)));
uint8_t machine_device[0x100000] __attribute__((aligned(4096)));
void (*machine_on_guest_write)(uint64_t maddr, uint64_t size);

/* What there is, in frames. */
static const struct {
    uint64_t first, end;
    bool saved;
} there[] = {
    {FRAME_LOW, FRAME_LOW_END, true},
    {FRAME_ACPI, FRAME_ACPI + 1, false},
    {FRAME_ARENA, FRAME_GUEST, true}, /* as far as it is used */
    {FRAME_GUEST, FRAME_END, true},
    {DEVICE_MEMORY >> PAGE_SHIFT, (DEVICE_MEMORY >> PAGE_SHIFT) + 1, true},
    {IOAPIC_MEMORY >> PAGE_SHIFT, (IOAPIC_MEMORY >> PAGE_SHIFT) + 1, true},
};
#define THERE (sizeof(there) / sizeof(there[0]))

static void protect(uint64_t first, uint64_t end, int protection)
{
    if (mprotect(machine_memory + (first << PAGE_SHIFT), (end - first) << PAGE_SHIFT, protection))
        abort();
}

void model_memory_make(void)
{
    if (!machine_memory) {
        machine_memory =
            mmap(NULL, MACHINE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (machine_memory == MAP_FAILED)
            abort();
        for (size_t i = 0; i < THERE; i++)
            protect(there[i].first, there[i].end, PROT_READ | PROT_WRITE);
    }
    for (size_t i = 0; i < THERE; i++)
        memset(machine_memory + (there[i].first << PAGE_SHIFT), 0,
               (there[i].end - there[i].first) << PAGE_SHIFT);
    memset(machine_m2p, 0xff, sizeof(machine_m2p));
}

/* The m2p's own frames are written once, at the start. */
void model_m2p_frames(bool open)
{
    protect(FRAME_M2P, FRAME_ARENA, open ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void *machine_at(uint64_t maddr)
{
    for (size_t i = 0; i < THERE; i++)
        if (maddr >> PAGE_SHIFT >= there[i].first && maddr >> PAGE_SHIFT < there[i].end)
            return machine_memory + maddr;
    return NULL;
}

/* ---- walks ----------------------------------------------------------------------------------- */

static bool reserved_bits(uint64_t entry, int level)
{
    uint64_t reserved = PTE_ADDR & ~((UINT64_C(1) << PHYSICAL_BITS) - 1);
    if (level == 4)
        reserved |= PTE_PS;
    else if (level > 1 && entry & PTE_PS)
        reserved |= ((UINT64_C(1) << (3 + 9 * level)) - 1) & ~UINT64_C(0x1fff);
    return entry & reserved;
}

/* CR0.WP on, SMAP off, level 0: permissions are those of writing alone. */
bool machine_walk(uint64_t gva, bool write, uint64_t *ret_maddr)
{
    uint64_t table = cpu_cr3() & PTE_ADDR, *path[5] = {NULL};
    if ((uint64_t)((int64_t)(gva << 16) >> 16) != gva)
        return false;
    for (int level = 4; level > 0; level--) {
        uint64_t *entries = machine_at(table);
        if (!entries)
            return false;
        path[level] = &entries[gva >> (3 + 9 * level) & 511];
        uint64_t entry = __atomic_load_n(path[level], __ATOMIC_RELAXED);
        if (!(entry & PTE_P) || (write && !(entry & PTE_RW)) || reserved_bits(entry, level))
            return false;
        bool leaf = level == 1 || (level < 4 && entry & PTE_PS);
        table = entry & PTE_ADDR;
        if (!leaf)
            continue;
        uint64_t offset = (UINT64_C(1) << (3 + 9 * level)) - 1;
        *ret_maddr = (table & ~offset) | (gva & offset);
        /* The layer's own memory cannot be what the guest means; see machine.h. */
        uint8_t state = *ret_maddr >> PAGE_SHIFT < layer.frame_count
                            ? frame_state(*ret_maddr >> PAGE_SHIFT)
                            : 0;
        if (!machine_at(*ret_maddr) || (state & FRAME_LAYER && !(state & FRAME_SPECIAL)))
            return false;
        for (int at = 4; at >= level; at--)
            __atomic_fetch_or(path[at], PTE_A | (write && at == level ? PTE_D : 0),
                              __ATOMIC_RELAXED);
        return true;
    }
    return false;
}

static uint64_t in_page(uint64_t gva, uint64_t size)
{
    uint64_t rest = PAGE_SIZE - (gva & PAGE_MASK);
    return size < rest ? size : rest;
}

uint64_t copy_from_guest(void *to, uintptr_t gva, uint64_t size)
{
    uint8_t *at = to;
    for (uint64_t part; size > 0; size -= part, gva += part, at += part) {
        uint64_t maddr;
        part = in_page(gva, size);
        if (!machine_walk(gva, false, &maddr))
            return 1;
        memcpy(at, machine_memory + maddr, part);
    }
    return 0;
}

uint64_t copy_to_guest(uintptr_t gva, const void *from, uint64_t size)
{
    const uint8_t *at = from;
    for (uint64_t part; size > 0; size -= part, gva += part, at += part) {
        uint64_t maddr;
        part = in_page(gva, size);
        if (!machine_walk(gva, true, &maddr))
            return 1;
        memcpy(machine_memory + maddr, at, part);
        if (machine_on_guest_write)
            machine_on_guest_write(maddr, part);
    }
    return 0;
}

/* ---- states --------------------------------------------------------------------------------- */

/* The layer's variables, gathered by seam.h; none where the compiler cannot. */
extern uint8_t start_bss[] __asm__("__start_layer_bss") __attribute__((weak));
extern uint8_t end_bss[] __asm__("__stop_layer_bss") __attribute__((weak));
extern uint8_t start_data[] __asm__("__start_layer_data") __attribute__((weak));
extern uint8_t end_data[] __asm__("__stop_layer_data") __attribute__((weak));

static uint8_t *state[MACHINE_STATES + 1];

/* Not memcpy: between the variables are the address sanitizer's red zones. */
static void copy(uint8_t *to, const uint8_t *from, uint64_t size)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size)::"memory");
}

/* Moves `size` bytes between *state and `live`, forward; with no *state only counts. */
static void move(uint8_t **at, uint64_t *total, void *live, uint64_t size, bool save)
{
    *total += size;
    if (!*at)
        return;
    if (save)
        copy(*at, live, size);
    else
        copy(live, *at, size);
    *at += size;
}

static uint64_t move_variables(uint8_t *at, bool save)
{
    uint64_t total = 0;
    move(&at, &total, start_bss, (uint64_t)(end_bss - start_bss), save);
    move(&at, &total, start_data, (uint64_t)(end_data - start_data), save);
    return total;
}

static uint64_t move_all(uint8_t *at, bool save)
{
    uint64_t total = move_variables(at, save);
    if (at)
        at += total;
    for (size_t i = 0; i < THERE; i++) {
        uint64_t start = there[i].first << PAGE_SHIFT, end = there[i].end << PAGE_SHIFT;
        if (there[i].first == FRAME_ARENA)
            end = layer.arena_next; /* the variables came first */
        if (there[i].saved)
            move(&at, &total, machine_memory + start, end - start, save);
    }
    move(&at, &total, machine_m2p, sizeof(machine_m2p), save);
    move(&at, &total, machine_cpu, sizeof(machine_cpu), save);
    move(&at, &total, &model, sizeof(model), save);
    return total;
}

void machine_save(uint32_t place)
{
    if (!state[place])
        state[place] = malloc(move_all(NULL, true));
    if (!state[place])
        abort();
    move_all(state[place], true);
}

void machine_restore(uint32_t place)
{
    move_all(state[place], false);
}

/* The variables as the program starts with them. */
void model_variables_anew(void)
{
    uint8_t **first = &state[MACHINE_STATES];
    if (!*first) {
        *first = malloc(move_variables(NULL, true) + 1);
        if (!*first)
            abort();
        move_variables(*first, true);
    }
    move_variables(*first, false);
}
