/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The first C of the layer, run at the image's machine address under the stage's identity map:
 * makes the layer's own page tables far enough that everything else can run at its linked address.
 *
 * Nothing here may use an absolute address (no pointers in initialised data, no tables of strings):
 * code and data are reached RIP-relative at the wrong place.
 */
#include "memory.h"

#define SLOT(address) (((address) >> 39) & 511)

static uint64_t *early_page(void)
{
    uint64_t *page = (uint64_t *)layer.arena_next;
    layer.arena_next += PAGE_SIZE;
    memset(page, 0, PAGE_SIZE);
    return page;
}

/* Write-back where a 2 MiB block holds RAM, uncached elsewhere: devices. */
static uint64_t block_caching(const struct handover *handover, uint64_t start)
{
    const struct handover_memory *map = (const struct handover_memory *)handover->map;
    for (uint32_t i = 0; i < handover->map_count; i++)
        if (map[i].type == 1 && map[i].start < start + SIZE_2M && map[i].end > start)
            return 0;
    return PTE_PCD | PTE_PWT;
}

uint64_t early_map(const struct handover *handover, uint64_t load)
{
    layer.arena_next = (handover->arena + PAGE_MASK) & ~PAGE_MASK;
    layer.arena_end = handover->arena + handover->arena_size;
    layer.load = load;

    uint64_t *l4 = early_page();
    uint64_t *image_l3 = early_page(), *image_l2 = early_page(), *image_l1 = early_page();
    l4[SLOT(LAYER_BASE)] = (uint64_t)image_l3 | PTE_P | PTE_RW;
    image_l3[0] = (uint64_t)image_l2 | PTE_P | PTE_RW;
    image_l2[0] = (uint64_t)image_l1 | PTE_P | PTE_RW;
    for (uint64_t at = 0; at < handover->layer_size && at < SIZE_2M; at += PAGE_SIZE)
        image_l1[at >> PAGE_SHIFT] = (load + at) | PTE_P | PTE_RW | PTE_A | PTE_D;

    uint64_t *direct_l3 = early_page();
    l4[SLOT(DIRECT_BASE)] = (uint64_t)direct_l3 | PTE_P | PTE_RW;
    for (uint64_t gigabyte = 0; gigabyte < 4; gigabyte++) {
        uint64_t *l2 = early_page();
        direct_l3[gigabyte] = (uint64_t)l2 | PTE_P | PTE_RW;
        for (uint64_t i = 0; i < 512; i++) {
            uint64_t start = (gigabyte << 30) + i * SIZE_2M;
            l2[i] =
                start | block_caching(handover, start) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PS;
        }
    }

    /* The stage's identity map carries us over the jump. */
    l4[0] = *(const uint64_t *)(cpu_cr3() & PTE_ADDR);
    layer.root = (uint64_t)l4;
    return layer.root;
}
