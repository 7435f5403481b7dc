/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What entry64.asm gives to C, and what it calls.
 */
#ifndef RESIDENT_ENTRY_H
#define RESIDENT_ENTRY_H

#include "layer.h"

/* With fault fix-up: 0 when all was copied (the first two), false when the CPU faulted. */
uint64_t copy_from_guest(void *to, uintptr_t gva, uint64_t size);
uint64_t copy_to_guest(uintptr_t gva, const void *from, uint64_t size);
bool rdmsr_fixup(uint32_t msr, uint64_t *ret);
bool wrmsr_fixup(uint32_t msr, uint64_t value);
bool xsetbv_fixup(uint32_t index, uint64_t value);
bool load_gs_fixup(uint16_t selector);
/* DS, ES, FS in this order; what the CPU refuses is left as it is. */
bool load_segments_fixup(const uint16_t selector[3]);

/* Loads GDTR and IDTR from the 10-byte operands and reloads CS and SS. */
void load_tables(const void *gdtr, const void *idtr);

extern const uint8_t vector_stubs[]; /* 256 stubs of VECTOR_STUB_SIZE bytes */
#define VECTOR_STUB_SIZE 16
void syscall_entry(void);
void syscall32_entry(void);
_Noreturn void enter_guest(void);

struct fixup { /* [fixup_start, fixup_end) */
    uint64_t fault, resume;
};
extern const struct fixup fixup_start[], fixup_end[];

#ifndef __x86_64__
struct hardware_frame;
extern uint8_t layer_stack_top[];
extern const uint8_t restore_start[], restore_end[]; /* the code that loads the guest's state */
_Noreturn void leave_layer(struct hardware_frame *frame);
void double_fault(void);
/* Called from entry32.asm. */
struct hardware_frame *trap_enter(struct hardware_frame *frame);
void trap_double_fault(void);
#endif

/* Called from entry64.asm; the frame is v->frame where it says "guest". */
#ifdef __x86_64__
_Noreturn void layer_start(const struct handover *handover, uint64_t load);
#else
_Noreturn void layer_start(const struct handover *handover, uint32_t load);
#endif
void trap_from_guest(struct frame *frame);
void trap_from_layer(struct frame *frame);
void ist_from_layer(struct frame *frame);
_Noreturn void trap_fatal(struct frame *frame);
void iret_failed(const struct frame *nested);
void hypercall_entry(struct frame *frame);
void syscall_from_user(struct frame *frame);
void exit_work(void);

#endif
