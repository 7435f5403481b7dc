/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TLB flushes on other CPUs.
 */
#include "pagetable.h"

void flush_vcpus(struct vcpu *v, uint64_t mask, uint64_t gva)
{
    if (mask >> v->id & 1) {
        if (gva == ~UINT64_C(0))
            flush_tlb_all();
        else
            cpu_invlpg(gva);
    }
}
