/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Filling the HANDOFF region; see handoff.h.  Exit registers become instructions, so that all of
 * them can be loaded although nothing but immediate values is left to load them from.
 * Source: Intel SDM volume 3, 3.4.5 (descriptors), 4.5 (4-level paging); volume 2 (MOV, JMP).
 */
#include "handoff.h"

#include <stddef.h>

#include "bytes.h"

/* boot/mover.asm has these numbers. */
_Static_assert(offsetof(struct handoff, flags) == 4, "mover.asm");
_Static_assert(offsetof(struct handoff, exit_kind) == 8, "mover.asm");
_Static_assert(offsetof(struct handoff, gdt32) == 16, "mover.asm");
_Static_assert(offsetof(struct handoff, gdt64) == 28, "mover.asm");
_Static_assert(offsetof(struct handoff, idt) == 40, "mover.asm");
_Static_assert(offsetof(struct handoff, log_uart) == 52, "mover.asm");
_Static_assert(offsetof(struct handoff, log_tsc) == 56, "mover.asm");
_Static_assert(offsetof(struct handoff, real_code) == 60, "mover.asm");
_Static_assert(offsetof(struct handoff, exit_code) == 160, "mover.asm");
_Static_assert(sizeof(struct handoff) == 672, "same layout in 32 and 64 bits");
_Static_assert(sizeof(struct handoff_step) == 16, "mover.asm");
_Static_assert(STEP_COPY == 0 && STEP_ZERO == 1, "mover.asm");
_Static_assert(EXIT_LONG == 1 && EXIT_RESIDENT64 == 2 && EXIT_REAL == 4, "mover.asm");
_Static_assert(PLAN_STEP_MAX * sizeof(struct handoff_step) <= HANDOFF_TABLES - HANDOFF_STEPS,
               "all steps fit");
_Static_assert(HANDOFF_TABLES + HANDOFF_TABLES_SIZE + 0x1000 <= HANDOFF_STACK_TOP, "stack room");

#define SEGMENT_CODE32 UINT64_C(0x00cf9b000000ffff) /* present, DPL 0, accessed, 32-bit, 4 GiB */
#define SEGMENT_DATA   UINT64_C(0x00cf93000000ffff)
#define SEGMENT_CODE64 UINT64_C(0x00af9b000000ffff)
#define SEGMENT_CODE16 UINT64_C(0x00009b000000ffff) /* 64 KiB */
#define SEGMENT_DATA16 UINT64_C(0x000093000000ffff)
#define SEGMENT_TSS    UINT64_C(0x0000890000000067) /* available 32-bit TSS, base 0, limit 0x67 */

#define PTE_PRESENT 1u
#define PTE_WRITE   2u
#define PTE_LARGE   0x80u

static struct handoff_pointer pointer_to(uint64_t at, uint32_t size)
{
    return (struct handoff_pointer){.limit = (uint16_t)(size - 1), .base = (uint32_t)at};
}

/* Instruction bytes, appended; the buffer is larger than all that is ever put there. */
struct code {
    uint8_t *at;
    uint32_t size;
};

static void emit(struct code *code, const void *bytes, uint32_t size)
{
    memcpy(code->at + code->size, bytes, size);
    code->size += size;
}

static void emit_byte(struct code *code, uint8_t byte)
{
    emit(code, &byte, 1);
}

#define REX_W        0x48 /* 64-bit operand */
#define OPERAND_SIZE 0x66 /* 32-bit operand in 16-bit code */

/* mov reg, value; registers by their number in the instruction; prefix 0 = none. */
static void emit_load(struct code *code, uint8_t prefix, uint8_t reg, uint64_t value)
{
    if (prefix)
        emit_byte(code, prefix);
    emit_byte(code, (uint8_t)(0xb8 + reg));
    emit(code, &value, prefix == REX_W ? 8 : 4);
}

/* `at`: machine address at which the instructions will run. */
static void emit_exit(struct code *code, uint64_t at, const struct exit_state *exit)
{
    bool is_64bit = exit->kind == EXIT_LONG || exit->kind == EXIT_RESIDENT64;
    bool is_real = exit->kind == EXIT_REAL;
    uint8_t prefix = is_64bit ? REX_W : is_real ? OPERAND_SIZE : 0;
    const uint64_t value[8] = {exit->ax, exit->cx, exit->dx, exit->bx,
                               exit->sp, exit->bp, exit->si, exit->di};

    if (is_real) {
        static const uint8_t set_segments[] = {
            0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, /* mov ds, ax; mov es, ax; mov fs, ax */
            0x8e, 0xe8, 0x8e, 0xd0,             /* mov gs, ax; mov ss, ax */
        };
        emit_load(code, OPERAND_SIZE, 0, (exit->ip - REAL_SETUP) >> 4);
        emit(code, set_segments, sizeof(set_segments));
    }
    for (uint8_t reg = 0; reg < 8; reg++)
        emit_load(code, prefix, reg, value[reg]);
    if (is_real) {
        uint32_t entry = (uint32_t)exit->ip << 12; /* ip / 16 : 0 */
        emit_byte(code, 0xea);                     /* jmp far */
        emit(code, &entry, sizeof(entry));
    } else if (is_64bit) {
        static const uint8_t jump_indirect[6] = {0xff, 0x25, 0, 0, 0, 0}; /* jmp [rip + 0] */
        emit(code, jump_indirect, sizeof(jump_indirect));
        emit(code, &exit->ip, 8);
    } else {
        emit_byte(code, 0xe9); /* jmp rel32 */
        uint32_t distance = (uint32_t)exit->ip - (uint32_t)(at + code->size + 4);
        emit(code, &distance, 4);
    }
}

static void write_steps(const struct plan *plan, uint8_t *region)
{
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->step[i];
        struct handoff_step packed = {
            (uint32_t)step->kind,
            (uint32_t)step->to,
            step->kind == STEP_COPY ? (uint32_t)step->from : 0,
            (uint32_t)step->size,
        };
        memcpy(region + HANDOFF_STEPS + i * sizeof(packed), &packed, sizeof(packed));
    }
}

/* PML4, PDPT, four page directories of 2 MiB pages: the first 4 GiB as they are. */
static void write_tables(uint64_t at, uint8_t *tables)
{
    uint64_t entry = (at + 0x1000) | PTE_PRESENT | PTE_WRITE;
    uint32_t *large = (uint32_t *)(void *)(tables + 0x2000);

    memset(tables, 0, 0x2000);
    memcpy(tables, &entry, sizeof(entry));
    for (uint32_t i = 0; i < 4; i++) {
        entry = (at + 0x2000 + i * 0x1000) | PTE_PRESENT | PTE_WRITE;
        memcpy(tables + 0x1000 + i * sizeof(entry), &entry, sizeof(entry));
    }
    for (uint32_t i = 0; i < 4 * 512; i++) {
        large[2 * i] = i << 21 | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
        large[2 * i + 1] = 0;
    }
}

void apply_handoff(const struct plan *plan, const struct cpu_info *cpu, const void *mover,
                   uint32_t mover_size, uint32_t log_uart, bool log_tsc, uint8_t *region)
{
    uint64_t at = plan->handoff;
    struct handoff handoff = {
        .step_count = plan->step_count,
        .flags = (cpu->has_cpuid ? HANDOFF_CR4 : 0) |
                 (cpu->long_mode || cpu->nx ? HANDOFF_EFER : 0) | (cpu->sse2 ? HANDOFF_SSE2 : 0),
        .exit_kind = plan->exit.kind,
        .self = (uint32_t)at,
        .gdt32 = pointer_to(at + offsetof(struct handoff, segment32), sizeof(handoff.segment32)),
        .gdt64 = pointer_to(at + offsetof(struct handoff, segment64), sizeof(handoff.segment64)),
        .idt = pointer_to(at + offsetof(struct handoff, gate), sizeof(handoff.gate)),
        .log_uart = log_uart,
        .log_tsc = log_tsc && cpu->tsc,
        .segment32 = {0, 0, SEGMENT_CODE32, SEGMENT_DATA, SEGMENT_TSS, SEGMENT_CODE64},
        .real_code = (uint32_t)(at << 12 | offsetof(struct handoff, exit_code)),
        .segment64 = {0, 0, SEGMENT_CODE64, SEGMENT_DATA},
    };
    uint32_t fault;

    if (plan->exit.kind == EXIT_REAL) { /* the region is below 1 MiB: a base of 24 bits */
        handoff.segment32[6] = SEGMENT_CODE16 | at << 16;
        handoff.segment32[7] = SEGMENT_DATA16 | at << 16;
    }
    memcpy(&fault, (const uint8_t *)mover + mover_size - sizeof(fault), sizeof(fault));
    fault += (uint32_t)at + HANDOFF_CODE;
    for (uint32_t i = 0; i < 32; i++) /* present, DPL 0, 32-bit interrupt gate, CS 0x10 */
        handoff.gate[i] = (fault & 0xffff) | UINT64_C(0x10) << 16 | UINT64_C(0x8e00) << 32 |
                          (uint64_t)(fault >> 16) << 48;
    struct code code = {handoff.exit_code, 0};
    emit_exit(&code, at + offsetof(struct handoff, exit_code), &plan->exit);

    memcpy(region, &handoff, sizeof(handoff));
    memcpy(region + HANDOFF_CODE, mover, mover_size);
    write_steps(plan, region);
    if (plan->exit.kind == EXIT_LONG || plan->exit.kind == EXIT_RESIDENT64)
        write_tables(at + HANDOFF_TABLES, region + HANDOFF_TABLES);
}
