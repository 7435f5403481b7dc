/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A window of single pages in the upper half of the image's L4 slot, filled once per page.
 */
#include "device_map.h"

#include "memory.h"
#include "spinlock.h"

#define WINDOW_PAGES 256
#define BELOW_4G     (UINT64_C(1) << 32)

static struct spinlock lock;
static uint64_t page[WINDOW_PAGES];
static uint32_t page_count;

volatile void *device_map(uint64_t at, uint64_t size)
{
    uint64_t frame = at & ~PAGE_MASK, end;
    if (!checked_add_u64(at, size, &end) || end > PTE_ADDR || end > frame + PAGE_SIZE)
        return NULL;
    if (end <= BELOW_4G)
        return maddr_pointer(at);
    spin_lock(&lock);
    uint32_t i = 0;
    while (i < page_count && page[i] != frame)
        i++;
    bool found = i < page_count;
    if (!found && i < WINDOW_PAGES &&
        hole_map(DEVICE_BASE + i * PAGE_SIZE,
                 frame | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_PCD | PTE_PWT | PTE_NX)) {
        page[page_count++] = frame;
        found = true;
    }
    spin_unlock(&lock);
    return found ? (volatile uint8_t *)(DEVICE_BASE + i * PAGE_SIZE) + (at & PAGE_MASK) : NULL;
}
