/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A machine for the planner's tests: 4 GiB of model memory (touched pages only cost), a boot
 * record, a guest whose bytes are noise, and the means to carry a plan out in the model and look at
 * the result as the guest would.
 */
#ifndef TESTS_UNIT_PLAN_FIXTURE_H
#define TESTS_UNIT_PLAN_FIXTURE_H

#include "apply.h"
#include "memory_map.h"
#include "plan.h"

#define NOISE_SIZE   0x400000u
#define FIXTURE_BLOB 0x10000u

struct fixture {
    struct boot_record record;
    struct options options;
    struct cpu_info cpu;
    struct guest_image image;
    struct guest_info info;
    struct placement placement;
    struct plan_input input;
    struct plan plan;
    struct refusal why;
    struct machine machine;
    uint32_t noise_at[RECORD_MODULE_MAX]; /* module n holds noise from this offset on */
};

/* The model: machine address 0 is memory[0]. */
extern uint8_t *fixture_memory;
extern const uint8_t *fixture_noise;

/* Empty machine: no map, no modules, stage at `stage` with its blob at the end of it. */
struct fixture *fixture_new(uint64_t stage, uint64_t stage_size);
void fixture_ram(struct fixture *f, uint64_t start, uint64_t end);

/* A module of noise at `start`; its contents are written when `write`. */
void fixture_module(struct fixture *f, uint64_t start, uint64_t size, uint32_t noise_at,
                    const char *string, bool write);

/* Module 0 as an opened ELF whose segments lie one behind the other in the file. */
void fixture_elf(struct fixture *f, bool is_64bit, uint64_t entry);
void fixture_segment(struct fixture *f, uint64_t physical, uint64_t file_offset, uint64_t file_size,
                     uint64_t memory_size);

/* Module 0 as a bzImage of the noise behind setup_size bytes. */
void fixture_bzimage(struct fixture *f, uint16_t version, uint64_t pref, uint32_t init_size,
                     bool relocatable);

/* Multiboot 1 header at `offset` of module 0, with address fields when `load` is given. */
void fixture_words(struct fixture *f, uint64_t offset, const uint32_t *words, unsigned count);

/* The mover's work. */
void fixture_run(struct fixture *f);

/* Reading the model after the run. */
uint32_t fixture_u32(uint64_t at);
uint64_t fixture_u64(uint64_t at);
const char *fixture_text(uint64_t at);

/* All bytes of [at, at + size) equal the module's noise from `offset` on. */
bool fixture_is_module(const struct fixture *f, unsigned module, uint64_t offset, uint64_t at,
                       uint64_t size);
bool fixture_is_zero(uint64_t at, uint64_t size);

/* The segments stand where they belong, moved by `shift`; NULL, or what is wrong. */
const char *fixture_check_segments(const struct fixture *f, uint64_t shift);

const struct region *fixture_region(const struct fixture *f, const char *name);

#endif
