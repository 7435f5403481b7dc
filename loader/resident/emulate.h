/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Emulation of the instructions that need privilege level 0.
 */
#ifndef RESIDENT_EMULATE_H
#define RESIDENT_EMULATE_H

#include "layer.h"

enum emulation {
    EMULATE_NOT_OURS,       /* reflect the fault, f->error corrected where QEMU has it wrong */
    EMULATE_DONE,           /* f->rip is behind the instruction, or a trap was injected */
    EMULATE_SOFT_INTERRUPT, /* INT n that the guest's table allows: f->error = n, rip behind it */
};

/* On #GP from the guest. */
enum emulation emulate_privileged(struct vcpu *v, struct frame *f);

/* On #UD: ud2; 'x' 'e' 'n'; cpuid.  False when it is something else. */
bool emulate_forced_cpuid(struct vcpu *v, struct frame *f);

/* CPUID as the guest sees it (cpuid.c). */
void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t ret[4]);

/* MSRs as the guest sees them (msr.c); false = #GP. */
bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *ret);
bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);

bool cpu_is_amd(void);

/* Debug registers (hc_misc.c): -XEN_E… */
long debugreg_write(struct vcpu *v, uint32_t reg, uint64_t value);
bool debugreg_read(struct vcpu *v, uint32_t reg, uint64_t *ret);

#endif
