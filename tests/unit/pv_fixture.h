/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A machine and a PV guest for tests of the PV planner and builders: 4 GiB of modelled memory below
 * which everything is reached, a stage at 1 MiB, a kernel file in a module.
 */
#ifndef TESTS_UNIT_PV_FIXTURE_H
#define TESTS_UNIT_PV_FIXTURE_H

#include "apply.h"
#include "plan.h"

#define FIXTURE_STAGE      UINT64_C(0x100000)
#define FIXTURE_STAGE_SIZE UINT64_C(0x200000)
#define FIXTURE_BLOB_SIZE  (256 * 1024)

struct pv_fixture {
    struct boot_record record;
    struct options options;
    struct cpu_info cpu;
    struct guest_image image;
    struct guest_info info;
    struct placement placement;
    struct resident_header resident64, resident32;
    struct plan_input input;
    struct refusal why;
    uint8_t *memory; /* 4 GiB, of which only what is touched exists */
    struct machine machine;
    struct plan plan; /* the last member */
};

/* A 64-bit guest like Debian's (INIT_P2M, MOD_START_PFN, kernel at 16 MiB of `kernel_size` bytes)
 * in a PC of `ram` bytes, split by the PCI hole at 3 GiB, with its file as the first module. */
void pv_fixture_init(struct pv_fixture *f, uint64_t ram, uint64_t kernel_size);

/* The same without the modelled memory's bytes: for plans that are not carried out. */
void pv_fixture_init_bare(struct pv_fixture *f, uint64_t ram, uint64_t kernel_size);

/* Makes it a 32-bit guest at 0xC0000000. */
void pv_fixture_32bit(struct pv_fixture *f, enum pae_mode pae);

/* Adds a module at `start`; its bytes become `fill` (0: are left alone). */
void pv_fixture_module(struct pv_fixture *f, uint64_t start, uint64_t size, const char *string,
                       uint8_t fill);

/* plan_make(), and when that succeeds builders and steps on the modelled memory. */
enum refusal_id pv_fixture_plan(struct pv_fixture *f);
void pv_fixture_apply(struct pv_fixture *f);

/* The frame that `virtual` maps to in the built tables, with the leaf's flags (physical bits
 * cleared); false when not mapped.  */
bool pv_fixture_walk(struct pv_fixture *f, uint64_t virtual, uint64_t *ret_mfn,
                     uint64_t *ret_flags);

uint64_t pv_fixture_read(struct pv_fixture *f, uint64_t at, unsigned size);

#endif
