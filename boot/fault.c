/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The report of an exception inside the stage: which one, all registers, the bytes at EIP, the
 * nearest symbol below it, the stack's return addresses.  Reads only inside the stage, so that it
 * cannot fault itself; a fault while reporting ends at once.
 */
#include "fault.h"

#include "bytes.h"
#include "stage.h"

#define STACK_WORDS 64
#define STACK_SHOWN 8

static const char *const vector_name[] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "no FPU",
    "double fault",
    "coprocessor overrun",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 error",
    "alignment check",
    "machine check",
    "SIMD error",
};

static bool inside_stage(uint32_t at, uint32_t size)
{
    struct range all = stage_range();
    return at >= all.start && size <= all.end - all.start && at <= all.end - size;
}

static void print_address(struct out *out, uint32_t at)
{
    uint32_t offset = 0;
    const char *name = stage_symbol(at, &offset);

    out_printf(out, "0x%x", at);
    if (name)
        out_printf(out, " %s+0x%x", name, offset);
}

static void print_stack(struct out *out, uint32_t esp)
{
    uint32_t shown = 0;

    for (uint32_t i = 0; i < STACK_WORDS; i++) {
        uint32_t at = esp + 4 * i;
        if (!inside_stage(at, 4))
            break;
        uint32_t word = *(const uint32_t *)(uintptr_t)at;
        if (!stage_is_code(word) || shown++ == STACK_SHOWN)
            continue;
        out_text(out, STAGE_PREFIX "fault: on the stack ");
        print_address(out, word);
        out_text(out, "\n");
    }
}

void fault_report(const struct fault_frame *frame)
{
    static bool reporting;
    struct out *out = stage_out();
    const char *name = "unknown exception";

    if (reporting)
        stage_end(stage_options()->on_refusal, "Report this, with the lines above.");
    reporting = true;
    if (frame->vector < sizeof(vector_name) / sizeof(vector_name[0]))
        name = vector_name[frame->vector];
    out_printf(out, "\n" STAGE_PREFIX "fault: %s (vector %u, error 0x%x), while: %s\n", name,
               frame->vector, frame->error, stage_phase());
    out_text(out, STAGE_PREFIX "fault: at ");
    print_address(out, frame->eip);
    out_text(out, "\n");
    out_printf(out, STAGE_PREFIX "fault: eax %08x ebx %08x ecx %08x edx %08x\n", frame->eax,
               frame->ebx, frame->ecx, frame->edx);
    out_printf(out, STAGE_PREFIX "fault: esi %08x edi %08x ebp %08x esp %08x\n", frame->esi,
               frame->edi, frame->ebp, frame->esp_at_pushad + 20);
    out_printf(out, STAGE_PREFIX "fault: cs %04x eflags %08x cr0 %08x cr2 %08x (paging off)\n",
               frame->cs, frame->eflags, frame->cr0, frame->cr2);
    out_text(out, STAGE_PREFIX "fault: bytes");
    for (uint32_t i = 0; i < 16 && inside_stage(frame->eip + i, 1); i++)
        out_printf(out, " %02x", *(const uint8_t *)(uintptr_t)(frame->eip + i));
    out_text(out, inside_stage(frame->eip, 1) ? "\n" : " not inside the stage\n");
    print_stack(out, frame->esp_at_pushad + 20);
    stage_end(stage_options()->on_refusal, "Report this, with the lines above.");
}
