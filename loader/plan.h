/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The plan: everything that will be written and where, every reservation and the registers at
 * entry, complete and checked before one byte of guest memory changes.
 *
 * plan_make() is pure: const inputs, results into *ret and into the caller's blob buffer, no
 * hardware, no printing; same input, same plan.  plan_check() proves the result without trusting
 * the planner. apply (apply.h) then has nothing left to decide.
 *
 * All region, step and exit addresses are machine addresses below 4 GiB, except memory that is only
 * given to the guest (p2m runs), which may lie anywhere.
 */
#ifndef LOADER_PLAN_H
#define LOADER_PLAN_H

#include "boot_record.h"
#include "cpu.h"
#include "guest_image.h"
#include "guest_info.h"
#include "handover.h"
#include "options.h"
#include "placement.h"
#include "refusal.h"

#define PLAN_REGION_MAX  1024
#define PLAN_STEP_MAX    1024
#define PLAN_WARNING_MAX 8
#define PLAN_RUN_MAX     2048

/* What a region is, which says what may lie where (plan_check.c enforces it):
 *   a TARGET, IN_PLACE, LAYER or HANDOFF region overlaps no other of these four;
 *   HANDOFF and LAYER also overlap no SOURCE and not the STAGE;
 *   a TARGET may overlap STAGE and SOURCE: the mover runs from HANDOFF and the step order keeps
 *   every source until it has been read. */
enum region_kind {
    REGION_STAGE,    /* the running stage: code, data, bss, stack, blob buffer */
    REGION_SOURCE,   /* read by some step; the guest's memory afterwards */
    REGION_TARGET,   /* written by steps or builders; holds something at entry */
    REGION_IN_PLACE, /* already holds what the guest gets (a ramdisk that is not moved) */
    REGION_LAYER,    /* resident layer, its arena, m2p: kept from the guest for ever */
    REGION_HANDOFF,  /* mover, step list, GDT, temporary tables: needed until the first instruction
                      */
    REGION_KEEP,     /* firmware data in RAM that must survive (record->keep); steps may read it */
};

struct region {
    const char *name; /* "kernel segment 1", "ramdisk", "p2m": static text or in plan->names */
    enum region_kind kind;
    struct range machine;
    bool has_physical, has_virtual;
    gpaddr_t physical; /* PV: where the guest sees it, pseudo-physical */
    gvaddr_t virtual;  /* PV: where it is mapped */
};

/* Steps run in order, each with memmove semantics for itself. */
enum step_kind { STEP_COPY, STEP_ZERO };

struct step {
    enum step_kind kind;
    uint64_t to;   /* machine */
    uint64_t from; /* machine; STEP_ZERO: unused */
    uint64_t size; /* bytes */
};

enum exit_kind {
    EXIT_PROTECTED,  /* 32-bit protected mode, flat, paging off */
    EXIT_LONG,       /* 64-bit mode, identity map of the first 4 GiB at least */
    EXIT_RESIDENT64, /* long mode as above, RDI = machine address of struct handover */
    EXIT_RESIDENT32, /* protected mode as above, EAX = machine address of struct handover */
    EXIT_REAL,       /* real mode: CS:IP = ip / 16 : 0, all other segments REAL_SETUP bytes lower */
};

#define REAL_SETUP 0x200 /* Linux's boot sector, which stands before its 16-bit entry */

/* Registers at entry; what is not named is 0.  IF, DF, TF clear. */
struct exit_state {
    enum exit_kind kind;
    uint64_t ip;
    uint64_t ax, bx, cx, dx, si, di, bp, sp;
    bool linux_selectors; /* CS 0x10 and DS 0x18 as Linux's boot protocol wants them */
};

/* A run of the p2m: PFNs [pfn, pfn + count) are machine frames [mfn, mfn + count). */
struct p2m_run {
    uint64_t pfn, mfn, count;
};

/* PV only: what the builders need (plan_pv.c fills it, pv_build.c carries it out). */
struct pv_plan {
    enum guest_class class;
    bool hardware_pae;       /* the guest's PAE root is the CPU's own: PDPTEs hold P only */
    uint64_t v_start, v_end; /* guest virtual, the initial mapping */
    uint64_t nr_pages;
    uint32_t run_count;
    struct p2m_run run[PLAN_RUN_MAX]; /* ascending PFN, dense from 0 to nr_pages */
    uint64_t pt_pfn, pt_count;        /* page-table pages: first PFN and count */
    uint64_t p2m_pfn, p2m_pages;      /* frames of the p2m list itself */
    uint64_t p2m_virtual;
    bool p2m_apart;                          /* INIT_P2M: the list is outside the region… */
    uint64_t p2m_table_pfn, p2m_table_count; /* …and has these tables of its own, else 0 */
    uint64_t start_info_pfn, stack_pfn;
    uint64_t initrd_pfn, initrd_size;
    uint64_t shared_info;               /* machine address, outside the p2m */
    uint64_t console_pfn, xenstore_pfn; /* domU role, 0 = none */
    uint64_t m2p, m2p_size;             /* machine; only blocks with RAM, see handover.h */
    uint64_t entry, stack_top;          /* guest virtual */
    uint64_t handover;                  /* machine address of struct handover */
};

struct plan {
    enum mode mode;
    const char *protocol; /* "Multiboot 1", "Linux boot protocol 2.15, 64-bit", "PVH", "pv64"… */
    uint32_t region_count;
    struct region region[PLAN_REGION_MAX];
    uint32_t step_count;
    struct step step[PLAN_STEP_MAX];
    struct exit_state exit;
    struct pv_plan pv;
    uint64_t handoff; /* machine address of the HANDOFF region (HANDOFF_SIZE bytes) */
    uint32_t warning_count;
    char warning[PLAN_WARNING_MAX][128];

    /* Bytes that the guest gets (information structures, strings), composed here, copied by a step.
     */
    uint8_t *blob;    /* as this program reaches it, aligned to 16 */
    uint64_t blob_at; /* machine address of blob[0] */
    uint32_t blob_size, blob_used;
    uint64_t info; /* machine address at which the blob's bytes will stand */

    uint32_t names_used;
    char names[PLAN_REGION_MAX * 24];
};

struct plan_input {
    const struct boot_record *record;
    const struct options *options;
    const struct cpu_info *cpu;
    const struct guest_image *image;
    const struct guest_info *info;     /* NULL when the image has no ELF */
    const struct placement *placement; /* NULL when the image has no ELF */
    struct range stage;                /* machine: the stage with all its buffers */
    struct range stage_image; /* more of the stage that is needed until the mover runs: the UEFI
                                 image; empty for the ELF stage */
    const struct resident_header *resident64; /* NULL when not built in */
    uint64_t resident64_at;                   /* machine address of the embedded image */
    const struct resident_header *resident32;
    uint64_t resident32_at;
    uint64_t wall_clock;   /* UNIX seconds now, 0 = the layer reads the RTC itself */
    uint64_t tsc_at_entry; /* TSC when the stage began, 0 = not known */
};

#define HANDOFF_SIZE 65536

/* Makes, orders and checks the plan for `mode` (not MODE_AUTO).  plan->blob… must be set by the
 * caller before. */
enum refusal_id plan_make(const struct plan_input *input, enum mode mode, struct plan *ret,
                          struct refusal *why);

/* MODE_AUTO -> the first of native, pvh, pv that the image offers; others unchanged.  Refuses when
 * none is offered, with the reason of the last looked at. */
enum refusal_id plan_choose_mode(const struct plan_input *input, enum mode wanted, enum mode *ret,
                                 struct refusal *why);

/* One planner per mode; each adds regions and steps in any order. */
enum refusal_id plan_native(const struct plan_input *input, struct plan *ret, struct refusal *why);
enum refusal_id plan_pvh(const struct plan_input *input, struct plan *ret, struct refusal *why);
enum refusal_id plan_pv(const struct plan_input *input, struct plan *ret, struct refusal *why);

/* Building blocks (plan.c). */
enum refusal_id plan_add_region(struct plan *plan, const char *name, enum region_kind kind,
                                struct range machine, struct region **ret, struct refusal *why);
enum refusal_id plan_add_copy(struct plan *plan, uint64_t to, uint64_t from, uint64_t size,
                              struct refusal *why);
enum refusal_id plan_add_zero(struct plan *plan, uint64_t to, uint64_t size, struct refusal *why);
/* "name 3" in plan->names. */
const char *plan_name(struct plan *plan, const char *name, uint32_t number);
void plan_warn(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Free RAM of `size` bytes, aligned, inside [min, max) (max 0 = 4 GiB), that overlaps no region of
 * the plan; from_top prefers the highest place.  False when there is none. */
MUST_USE bool plan_find(const struct plan *plan, const struct boot_record *record, uint64_t size,
                        uint64_t align, uint64_t min, uint64_t max, bool from_top, uint64_t *ret);

/* The same for a TARGET that steps write: when no RAM is free, one on top of STAGE or SOURCE
 * regions will do, the step order keeps them until they have been read. */
MUST_USE bool plan_find_target(const struct plan *plan, const struct boot_record *record,
                               uint64_t size, uint64_t align, uint64_t min, uint64_t max,
                               bool from_top, uint64_t *ret);

/* Appends zeroed bytes to the blob: ret_data to fill them, *ret_at where the guest will see them
 * (plan->info + offset).  Refuses when the blob buffer is full. */
enum refusal_id plan_blob(struct plan *plan, uint32_t size, uint32_t align, void *ret_data,
                          uint64_t *ret_at, struct refusal *why);

/* Orders the steps so that no step destroys what a later one reads; moves a source aside when there
 * is a cycle. */
enum refusal_id plan_order(const struct plan_input *input, struct plan *plan, struct refusal *why);

/* The independent check: invariants above, all RAM, below 4 GiB, sources survive, exit inside. */
enum refusal_id plan_check(const struct plan_input *input, const struct plan *plan,
                           struct refusal *why);

/* The memory arrangement, one line a region in ascending order, each line beginning with `prefix`;
 * the steps and the exit registers too with log=debug or `plan`.  Warnings are not printed. */
void plan_print(struct out *out, const char *prefix, const struct plan_input *input,
                const struct plan *plan);

#endif
