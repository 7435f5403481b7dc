/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Model-specific registers as the guest's kernel sees them.  What is not listed gives #GP, which
 * kernels expect of the unknown (rdmsr_safe).
 *
 * Source: the behaviour of read_msr/write_msr in xen/arch/x86/pv/emul-priv-op.c and guest_rdmsr in
 * msr.c; numbers: Intel SDM vol. 4, AMD APM vol. 2 appendix A.
 */
#include "emulate.h"

#define MSR_TSC             0x10u
#define MSR_APIC_BASE       0x1bu
#define MSR_FEATURE_CONTROL 0x3au
#define MSR_UCODE_REV       0x8bu
#define MSR_PLATFORM_INFO   0xceu
#define MSR_MISC_ENABLES    0x140u
#define MSR_MISC_ENABLE     0x1a0u
#define MSR_PAT             0x277u
#define MSR_EFER            0xc0000080u
#define MSR_STAR            0xc0000081u
#define MSR_LSTAR           0xc0000082u
#define MSR_CSTAR           0xc0000083u
#define MSR_FMASK           0xc0000084u
#define MSR_FS_BASE         0xc0000100u
#define MSR_GS_BASE         0xc0000101u
#define MSR_KERNEL_GS       0xc0000102u
#define MSR_TSC_AUX         0xc0000103u

#define MSR_MCG_CAP    0x179u
#define MSR_MCG_STATUS 0x17au
#define MSR_MC0_CTL    0x400u
#define MSR_DE_CFG     0xc0011029u /* AMD */

#define DE_CFG_LFENCE UINT64_C(2)
#define MC_BANKS      2 /* machine-check banks that a guest has, always empty */

#define EFER_SEEN 0xd01u /* SCE LME LMA NXE */

static bool canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 16) >> 16) == address;
}

bool cpu_is_amd(void)
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

/* What reads as 0 though the guest has none of it: performance counters that are off, memory types
 * and limits, power states, temperatures.  Kernels read these without a guard.  Writes that Xen
 * ignores are marked. */
enum msr_owner { OF_ANY, OF_AMD, OF_INTEL };

static const struct {
    uint32_t first, last;
    enum msr_owner owner;
    bool writable;
} zero_msr[] = {
    {0x17, 0x17, OF_INTEL, false},           /* PLATFORM_ID */
    {0xc1, 0xc4, OF_INTEL, true},            /* PMC */
    {0x10a, 0x10a, OF_INTEL, false},         /* ARCH_CAPABILITIES */
    {0x186, 0x189, OF_INTEL, true},          /* PERFEVTSEL */
    {0x198, 0x198, OF_INTEL, false},         /* PERF_STATUS */
    {0x199, 0x199, OF_INTEL, true},          /* PERF_CTL */
    {0x19c, 0x19c, OF_INTEL, false},         /* THERM_STATUS */
    {0x345, 0x345, OF_ANY, false},           /* PERF_CAPABILITIES */
    {0x38d, 0x38d, OF_INTEL, false},         /* FIXED_CTR_CTRL */
    {0x390, 0x390, OF_INTEL, false},         /* GLOBAL_OVF_CTRL */
    {0x40000000, 0x40000000, OF_ANY, false}, /* Xen's own: the hypercall page */
    {0xc0010000, 0xc0010007, OF_AMD, true},  /* PERFEVTSEL, PERFCTR */
    {0xc0010010, 0xc0010010, OF_AMD, false}, /* SYSCFG */
    {0xc0010015, 0xc0010015, OF_AMD, true},  /* HWCR */
    {0xc001001a, 0xc001001a, OF_AMD, false}, /* TOP_MEM */
    {0xc001001d, 0xc001001d, OF_AMD, false}, /* TOP_MEM2 */
    {0xc001001f, 0xc001001f, OF_ANY, true},  /* NB_CFG */
    {0xc0010061, 0xc0010061, OF_AMD, false}, /* PSTATE_LIMIT */
    {0xc0010062, 0xc0010062, OF_AMD, true},  /* PSTATE_CONTROL */
    {0xc0010063, 0xc0010064, OF_AMD, false}, /* PSTATE_STATUS, the first one */
    {0xc0010112, 0xc0010112, OF_AMD, false}, /* SMM_ADDR */
    {0xc0010200, 0xc001020b, OF_AMD, true},  /* the counters of family 15h */
};

static bool reads_as_zero(uint32_t msr, bool write)
{
    for (size_t i = 0; i < sizeof(zero_msr) / sizeof(zero_msr[0]); i++)
        if (msr >= zero_msr[i].first && msr <= zero_msr[i].last)
            return (zero_msr[i].owner == OF_ANY ||
                    (layer.dom0 && (zero_msr[i].owner == OF_AMD) == cpu_is_amd())) &&
                   (!write || zero_msr[i].writable);
    return false;
}

static bool has_tsc_aux(const struct vcpu *v)
{
    uint32_t extended[4], leaf7[4];
    guest_cpuid(v, 0x80000001, 0, extended);
    guest_cpuid(v, 7, 0, leaf7);
    return extended[3] >> 27 & 1 || leaf7[2] >> 22 & 1;
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
    case MSR_TSC:
        *ret = cpu_tsc();
        return true;
    case MSR_PAT:
    case MSR_APIC_BASE:
        return cpu_rdmsr_safe(msr, ret);
    case MSR_TSC_AUX:
        return has_tsc_aux(v) && cpu_rdmsr_safe(msr, ret);
    case MSR_MISC_ENABLE: /* no branch trace or precise event sampling for a guest */
        if (!cpu_rdmsr_safe(msr, ret))
            return false;
        *ret |= UINT64_C(0x801800);
        *ret &= ~UINT64_C(0x80);
        return true;
    case MSR_UCODE_REV:
        return layer.dom0 && cpu_rdmsr_safe(msr, ret);
    case MSR_FEATURE_CONTROL: /* locked, nothing on */
        *ret = 1;
        return layer.dom0 && !cpu_is_amd();
    case MSR_PLATFORM_INFO:
    case MSR_MISC_ENABLES:
        *ret = 0;
        return true;
    case MSR_DE_CFG:
        *ret = DE_CFG_LFENCE;
        return cpu_is_amd();
    default:
        *ret = 0;
        if (reads_as_zero(msr, false) || machine_check_msr(msr, ret))
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
        return has_tsc_aux(v) && value >> 32 == 0 && cpu_wrmsr_safe(msr, value);
    case MSR_MISC_ENABLE:
        if (!guest_rdmsr(v, msr, &now))
            return false;
        if (now != value)
            say(SAY_DEBUG, "guest writes %#llx to MSR %#x: ignored", (unsigned long long)value,
                msr);
        return true;
    case MSR_PAT: /* Xen's, in its hands even when it is the same value */
    case MSR_APIC_BASE:
    case MSR_STAR:
    case MSR_LSTAR:
    case MSR_CSTAR:
    case MSR_FMASK: /* the guest registers callbacks */
        return false;
    case MSR_UCODE_REV: /* on Intel's, a probe before reading the revision */
        return !cpu_is_amd() && value == 0;
    case MSR_MISC_ENABLES:
        return value == 0;
    case MSR_DE_CFG:
        return cpu_is_amd();
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
        return true;
    default:
        if (reads_as_zero(msr, true))
            return true;
        if (machine_check_msr(msr, &now)) /* CTL may be written, the rest only with 0 */
            return (msr & 3) == 0 || value == 0;
        say(SAY_DEBUG, "guest writes %#llx to MSR %#x at %#llx: #GP", (unsigned long long)value,
            msr, (unsigned long long)v->frame->rip);
        return false;
    }
}
