/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a report says of the time before it (recorded.c); record() itself is in layer.h.
 */
#ifndef RESIDENT_RECORDED_H
#define RESIDENT_RECORDED_H

#include "layer.h"

/* The hypercall that this vCPU makes ends with a negative errno: kept with the guest's RIP, unless
 * it is console_io. */
void record_failed(struct vcpu *v, uint64_t number, const struct hypercall_args *args, long result);
/* Before that, where the call is a list: which element was refused, and what that is: ptr, val of
 * mmu_update; cmd, arg1, arg2 of mmuext_op. */
void record_element(struct vcpu *v, uint64_t index, uint64_t a, uint64_t b, uint64_t c);

/* Prints the calls of this vCPU that failed, then its last 32 lines. */
void recorded_print(const struct vcpu *v);

/* report.c: " name+0x12", the guest's nearest symbol at or below the address; nothing without. */
void print_symbol(uint64_t address);

#endif
