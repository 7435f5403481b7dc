/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Model-specific registers as the guest's kernel sees them.  What is not listed gives #GP, which
 * kernels expect of the unknown (rdmsr_safe).
 *
 * Source: the behaviour of read_msr/write_msr in xen/arch/x86/pv/emul-priv-op.c and guest_rdmsr in
 * msr.c; numbers: Intel SDM vol. 4, AMD APM vol. 2 appendix A.
 */
#include "emulate.h"

#define MSR_APIC_BASE     0x1bu
#define MSR_UCODE_REV     0x8bu
#define MSR_PLATFORM_INFO 0xceu
#define MSR_MISC_ENABLES  0x140u
#define MSR_MISC_ENABLE   0x1a0u
#define MSR_PAT           0x277u
#define MSR_EFER          0xc0000080u
#define MSR_STAR          0xc0000081u
#define MSR_LSTAR         0xc0000082u
#define MSR_CSTAR         0xc0000083u
#define MSR_FMASK         0xc0000084u
#define MSR_FS_BASE       0xc0000100u
#define MSR_GS_BASE       0xc0000101u
#define MSR_KERNEL_GS     0xc0000102u
#define MSR_TSC_AUX       0xc0000103u

#define MSR_MCG_CAP    0x179u
#define MSR_MCG_STATUS 0x17au
#define MSR_MC0_CTL    0x400u
#define MSR_HWCR       0xc0010015u /* AMD */
#define MSR_DE_CFG     0xc0011029u /* AMD */

#define HWCR_TSC_FREQ_SEL UINT64_C(0x1000000)
#define DE_CFG_LFENCE     UINT64_C(2)
#define MC_BANKS          2 /* machine-check banks that a guest has, always empty */

#define EFER_SEEN 0xd01u /* SCE LME LMA NXE */

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

static bool is_amd(void)
{
    uint32_t leaf[4];
    cpu_cpuid(0, 0, leaf);
    return leaf[2] == 0x444d4163 || leaf[2] == 0x656e6975; /* "cAMD", "uine" of Hygon */
}

/* Machine checks end in the layer; a guest has banks in which nothing is ever found. */
static bool machine_check_msr(uint32_t msr, uint64_t *ret)
{
    *ret = 0;
    if (msr == MSR_MCG_CAP)
        *ret = MC_BANKS;
    else if (msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * MC_BANKS)
        *ret = (msr & 3) == 0 ? ~UINT64_C(0) : 0;
    else if (msr != MSR_MCG_STATUS)
        return false;
    return true;
}

bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *ret)
{
    if (layer.compat && msr >= MSR_STAR && msr <= MSR_KERNEL_GS)
        return false;
    switch (msr) {
    case MSR_FS_BASE:
        *ret = cpu_rdmsr(MSR_FS_BASE);
        return true;
    case MSR_GS_BASE: /* in the layer the guest's active base is the swapped one */
        *ret = cpu_rdmsr(MSR_KERNEL_GS);
        return true;
    case MSR_KERNEL_GS:
        *ret = v->gs_inactive;
        return true;
    case MSR_EFER:
        if (!cpu_rdmsr_safe(MSR_EFER, ret))
            return false;
        *ret &= EFER_SEEN;
        if (layer.compat)
            *ret &= 0x800u;
        return true;
    case MSR_PAT:
    case MSR_APIC_BASE:
    case MSR_TSC_AUX:
        return cpu_rdmsr_safe(msr, ret);
    case MSR_MISC_ENABLE: /* no branch trace or precise event sampling for a guest */
        if (!cpu_rdmsr_safe(msr, ret))
            return false;
        *ret |= UINT64_C(0x1800);
        *ret &= ~UINT64_C(0x80);
        return true;
    case MSR_UCODE_REV:
        return layer.dom0 && cpu_rdmsr_safe(msr, ret);
    case MSR_PLATFORM_INFO:
    case MSR_MISC_ENABLES:
        *ret = 0;
        return true;
    case MSR_HWCR:
        *ret = HWCR_TSC_FREQ_SEL;
        return is_amd();
    case MSR_DE_CFG:
        *ret = DE_CFG_LFENCE;
        return is_amd();
    default:
        if (machine_check_msr(msr, ret))
            return true;
        say(SAY_DEBUG, "guest reads MSR %#x at %#llx: #GP", msr, (unsigned long long)v->frame->rip);
        return false;
    }
}

bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value)
{
    uint64_t now;
    if (layer.compat && msr >= MSR_STAR && msr <= MSR_KERNEL_GS)
        return false;
    switch (msr) {
    case MSR_FS_BASE:
        if (!canonical(value))
            return false;
        cpu_wrmsr(MSR_FS_BASE, value);
        return true;
    case MSR_GS_BASE:
        if (!canonical(value))
            return false;
        cpu_wrmsr(MSR_KERNEL_GS, value);
        return true;
    case MSR_KERNEL_GS:
        if (!canonical(value))
            return false;
        v->gs_inactive = value;
        return true;
    case MSR_EFER: /* what is there may be written again */
        return guest_rdmsr(v, MSR_EFER, &now) && now == value;
    case MSR_TSC_AUX:
        return cpu_wrmsr_safe(msr, (uint32_t)value);
    case MSR_PAT: /* Xen keeps its own; the same value is no change */
    case MSR_MISC_ENABLE:
    case MSR_APIC_BASE:
        if (!guest_rdmsr(v, msr, &now))
            return false;
        if (now != value)
            say(SAY_DEBUG, "guest writes %#llx to MSR %#x: ignored", (unsigned long long)value,
                msr);
        return true;
    case MSR_STAR:
    case MSR_LSTAR:
    case MSR_CSTAR:
    case MSR_FMASK: /* ours; the guest registers callbacks */
        return false;
    case MSR_UCODE_REV: /* a probe before reading the revision */
        return true;
    default:
        if (machine_check_msr(msr, &now)) /* CTL may be written, the rest only with 0 */
            return (msr >= MSR_MC0_CTL && (msr & 3) == 0) || value == 0;
        say(SAY_DEBUG, "guest writes %#llx to MSR %#x at %#llx: #GP", (unsigned long long)value,
            msr, (unsigned long long)v->frame->rip);
        return false;
    }
}
