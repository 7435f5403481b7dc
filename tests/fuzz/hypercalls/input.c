/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The fuzzer's bytes as what hypercalls are about: numbers near the limits, frames of every owner,
 * page-table entries, addresses.  What is missing reads as zero.
 */
#include "hypercalls.h"

#include "memory.h"

static const uint8_t *input;
static size_t input_left;

void input_start(const uint8_t *data, size_t size)
{
    input = data;
    input_left = size;
}

bool input_ended(void)
{
    return input_left == 0;
}

uint64_t take(size_t bytes)
{
    uint64_t value = 0;
    size_t size = bytes < input_left ? bytes : input_left;
    memcpy(&value, input, size);
    input += size;
    input_left -= size;
    return value;
}

uint64_t a_number(size_t bytes)
{
    static const uint64_t interesting[32] = {
        ~UINT64_C(0), 0x10,       0x7ff0,     0x7ff1,    0x1000,  0xfff,     0xffff,
        0x7fffffff,   0x80000000, 0xffffffff, 256,       255,     512,       511,
        128,          1024,       4096,       8192,      7168,    65536,     0xfee00,
        0xe033,       0xe02b,     0xe019,     0xe021,    1000000, 100000000, 1u << 30,
        1ull << 40,   1ull << 62, 1ull << 63, 0xf5800000};
    uint8_t kind = (uint8_t)take(1);
    if (kind < 0xc0)
        return kind & 63;
    return kind < 0xe0 ? interesting[kind & 31] : take(bytes);
}

uint64_t a_frame(void)
{
    uint8_t kind = (uint8_t)take(1), i = (uint8_t)take(1);
    switch (kind & 15) {
    default:
        return FRAME_GUEST + i % GUEST_PAGES;
    case 5:
    case 6:
    case 7:
        return FRAME_GUEST + i % GUEST_TABLES;
    case 8:
        return FRAME_LOW + i % (FRAME_LOW_END - FRAME_LOW);
    case 9:
        return FRAME_ARENA + i;
    case 10:
        return FRAME_IMAGE + i % (FRAME_ARENA - FRAME_IMAGE);
    case 11:
        return FRAME_SHARED + i % 3;
    case 12: /* what the layer took last: grant frames */
        return (layer.arena_next >> PAGE_SHIFT) - 1 - i % 8;
    case 13:
        return i & 1 ? DEVICE_MEMORY >> PAGE_SHIFT : 0xfee00;
    case 14:
        return layer.frame_count + i;
    case 15:
        return take(8);
    }
}

uint64_t an_entry(void)
{
    uint8_t flags = (uint8_t)take(1);
    uint64_t entry = (a_frame() << PAGE_SHIFT & PTE_ADDR) | (flags & 0x7e);
    if (!(flags & 1))
        entry |= PTE_P;
    if ((flags & 0xc0) == 0xc0)
        entry |= PTE_PS;
    return flags & 0x80 ? entry ^ take(1) << 56 : entry;
}

uint64_t an_address(void)
{
    uint8_t kind = (uint8_t)take(1), i = (uint8_t)take(1);
    uint64_t page = guest_base() + i % GUEST_MAPPED * PAGE_SIZE;
    switch (kind & 15) {
    default:
        return page + (kind >> 4) * 64;
    case 10:
        return page + PAGE_SIZE - 1 - (kind >> 4);
    case 11:
        return layer.compat ? COMPAT_HOLE + i * 8 : HOLE_START + i * PAGE_SIZE;
    case 12:
        return page + GUEST_MAPPED * PAGE_SIZE;
    case 13:
        return i;
    case 14:
        return ~UINT64_C(0) - i;
    case 15:
        return take(8);
    }
}

uint64_t a_place(void)
{
    static const uint16_t slot[8] = {0, 3, 256, 271, 272, 510, 511, COMPAT_HOLE_SLOT};
    uint8_t i = (uint8_t)take(1);
    uint64_t index = i < 0x80 ? i : i < 0xf8 ? slot[i & 7] : take(2) & 511;
    return a_frame() << PAGE_SHIFT | index * 8;
}

uint64_t a_descriptor(void)
{
    uint64_t number = a_number(8);
    return number & 1 ? UINT64_C(0x00cf9b000000ffff) | (number & 3) << 45 : take(8);
}
