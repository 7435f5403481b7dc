/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Exceptions inside the stage: reported in full, then the same end as a refusal.
 */
#ifndef BOOT_FAULT_H
#define BOOT_FAULT_H

#include <stdint.h>

/* What boot/fault_stubs.asm leaves on the stack, lowest address first. */
struct fault_frame {
    uint32_t cr0, cr2;
    uint32_t edi, esi, ebp, esp_at_pushad, ebx, edx, ecx, eax;
    uint32_t vector, error;
    uint32_t eip, cs, eflags; /* the stage runs in one ring: no ESP and SS */
};

/* Called by the stubs only.  Prints the report and ends as on-refusal= says. */
void fault_report(const struct fault_frame *frame) __attribute__((noreturn));

#endif
