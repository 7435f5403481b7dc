/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Address wrappers: one struct type per address space, so that mixing two spaces does not compile.
 *
 *   maddr_t    machine (bus) address on the PC that we boot on, bytes
 *   gpaddr_t   guest pseudo-physical address, bytes (PV: PFN * 4096; native and PVH: equals
 * maddr_t) gvaddr_t   guest virtual address, bytes
 *
 * Raw p_paddr and e_entry values of an ELF file are plain uint64_t until placement.c decides what
 * they are.  Frame numbers (PFN, MFN) are the addresses shifted right by PAGE_SHIFT.
 */
#ifndef LIB_ADDR_H
#define LIB_ADDR_H

#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  UINT64_C(4096)
#define PAGE_MASK  (PAGE_SIZE - 1)

typedef struct {
    uint64_t v;
} maddr_t;

typedef struct {
    uint64_t v;
} gpaddr_t;

typedef struct {
    uint64_t v;
} gvaddr_t;

static inline maddr_t maddr(uint64_t v)
{
    return (maddr_t){v};
}

static inline gpaddr_t gpaddr(uint64_t v)
{
    return (gpaddr_t){v};
}

static inline gvaddr_t gvaddr(uint64_t v)
{
    return (gvaddr_t){v};
}

#endif
