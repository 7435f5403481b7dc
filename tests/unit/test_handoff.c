/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The HANDOFF region: steps, descriptors, identity map and the instructions that enter the guest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "handoff.h"

#define AT 0x12340000u

static struct plan plan;
static struct cpu_info cpu;
static uint8_t region[HANDOFF_SIZE];
static const uint8_t mover[] = {0x90, 0x90, 0x90, 0x90,
                                0x34, 0x12, 0,    0}; /* ends in its fault entry */

static struct handoff *build_at(uint64_t at, enum exit_kind kind, uint64_t ip)
{
    memset(region, 0xcc, sizeof(region));
    memset(&plan, 0, sizeof(plan));
    plan.handoff = at;
    plan.step_count = 2;
    plan.step[0] = (struct step){STEP_COPY, 0x100000, 0xfff00000, 0x80000};
    plan.step[1] = (struct step){STEP_ZERO, 0x200000, 77, 0x1000};
    plan.exit = (struct exit_state){.kind = kind,
                                    .ip = ip,
                                    .ax = 1,
                                    .bx = 2,
                                    .cx = 3,
                                    .dx = 4,
                                    .si = 5,
                                    .di = 6,
                                    .bp = 7,
                                    .sp = 8};
    apply_handoff(&plan, &cpu, mover, sizeof(mover), 0x3f8, true, region);
    return (struct handoff *)(void *)region;
}

static struct handoff *build(enum exit_kind kind)
{
    return build_at(AT, kind, 0xfedcba98);
}

static void steps_are_packed(void **state)
{
    (void)state;
    const struct handoff *handoff = build(EXIT_PROTECTED);
    const struct handoff_step *step = (const struct handoff_step *)(void *)(region + HANDOFF_STEPS);
    assert_int_equal(handoff->step_count, 2);
    assert_int_equal(step[0].kind, STEP_COPY);
    assert_int_equal(step[0].from, 0xfff00000);
    assert_int_equal(step[0].size, 0x80000);
    assert_int_equal(step[1].kind, STEP_ZERO);
    assert_int_equal(step[1].to, 0x200000);
    assert_memory_equal(region + HANDOFF_CODE, mover, sizeof(mover));
}

static void flags_follow_the_cpu(void **state)
{
    (void)state;
    cpu = (struct cpu_info){0};
    assert_int_equal(build(EXIT_PROTECTED)->flags, 0); /* a 486: no CR4, no EFER */
    assert_int_equal(build(EXIT_PROTECTED)->log_tsc, 0);
    cpu.has_cpuid = cpu.tsc = true;
    assert_int_equal(build(EXIT_PROTECTED)->flags, HANDOFF_CR4);
    assert_int_equal(build(EXIT_PROTECTED)->log_tsc, 1);
    cpu.long_mode = cpu.sse2 = true;
    assert_int_equal(build(EXIT_LONG)->flags, HANDOFF_CR4 | HANDOFF_EFER | HANDOFF_SSE2);
}

static void gates_and_tables_point_into_the_region(void **state)
{
    (void)state;
    const struct handoff *handoff = build(EXIT_LONG);
    assert_int_equal(handoff->gdt32.base, AT + offsetof(struct handoff, segment32));
    assert_int_equal(handoff->gdt32.limit, sizeof(handoff->segment32) - 1);
    assert_int_equal(handoff->gdt64.base, AT + offsetof(struct handoff, segment64));
    /* AT + HANDOFF_CODE + 0x1234, CS 0x10, 32-bit interrupt gate */
    assert_true(handoff->gate[2] == UINT64_C(0x12348e0000102234));
    const uint64_t *tables = (const uint64_t *)(void *)(region + HANDOFF_TABLES);
    assert_true(tables[0] == AT + HANDOFF_TABLES + 0x1003);
    assert_true(tables[512 + 3] == AT + HANDOFF_TABLES + 0x5003);
    assert_true(tables[512 + 4] == 0);
    for (uint64_t i = 0; i < 2048; i++)
        assert_true(tables[1024 + i] == (i << 21 | 0x83));
}

static void protected_mode_gets_its_registers(void **state)
{
    static const uint8_t order[] = {1, 3, 4, 2, 8, 7, 5, 6}; /* AX CX DX BX SP BP SI DI */
    (void)state;
    const uint8_t *code = build(EXIT_PROTECTED)->exit_code;
    for (uint8_t i = 0; i < 8; i++, code += 5) {
        uint32_t value;
        memcpy(&value, code + 1, 4);
        assert_int_equal(code[0], 0xb8 + i);
        assert_int_equal(value, order[i]);
    }
    int32_t distance;
    memcpy(&distance, code + 1, 4);
    assert_int_equal(code[0], 0xe9);
    uint32_t next = AT + (uint32_t)(code + 5 - region);
    assert_int_equal(next + (uint32_t)distance, 0xfedcba98);
}

static void real_mode_gets_its_segments(void **state)
{
    static const uint8_t segments[] = {0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe0, 0x8e, 0xe8, 0x8e, 0xd0};
    static const uint8_t order[] = {1, 3, 4, 2, 8, 7, 5, 6}; /* AX CX DX BX SP BP SI DI */
    (void)state;
    const struct handoff *handoff = build_at(0x8f000, EXIT_REAL, 0x10200);
    assert_int_equal(handoff->real_code,
                     UINT32_C(0x8f00) << 16 | offsetof(struct handoff, exit_code));
    assert_true(handoff->segment32[6] == UINT64_C(0x00009b08f000ffff));
    assert_true(handoff->segment32[7] == UINT64_C(0x00009308f000ffff));
    assert_int_equal(handoff->gdt32.limit, 63);
    const uint8_t *code = handoff->exit_code;
    uint32_t value;
    assert_int_equal(code[0], 0x66);
    assert_int_equal(code[1], 0xb8);
    memcpy(&value, code + 2, 4);
    assert_int_equal(value, 0x1000);
    assert_memory_equal(code + 6, segments, sizeof(segments));
    code += 6 + sizeof(segments);
    for (uint8_t i = 0; i < 8; i++, code += 6) {
        memcpy(&value, code + 2, 4);
        assert_int_equal(code[0], 0x66);
        assert_int_equal(code[1], 0xb8 + i);
        assert_int_equal(value, order[i]);
    }
    assert_int_equal(code[0], 0xea);
    memcpy(&value, code + 1, 4);
    assert_int_equal(value, 0x1020 << 16);
}

static void long_mode_gets_its_registers(void **state)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    (void)state;
    const uint8_t *code = build(EXIT_RESIDENT64)->exit_code;
    assert_int_equal(code[0], 0x48);
    assert_int_equal(code[1], 0xb8);
    assert_int_equal(code[2], 1);
    code += 8 * 10;
    uint64_t ip;
    assert_memory_equal(code, jump, sizeof(jump));
    memcpy(&ip, code + 6, 8);
    assert_true(ip == 0xfedcba98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_packed),
        cmocka_unit_test(flags_follow_the_cpu),
        cmocka_unit_test(gates_and_tables_point_into_the_region),
        cmocka_unit_test(protected_mode_gets_its_registers),
        cmocka_unit_test(long_mode_gets_its_registers),
        cmocka_unit_test(real_mode_gets_its_segments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
