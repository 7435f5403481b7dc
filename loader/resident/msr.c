/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Model-specific registers as the guest's kernel sees them.  What is not listed gives #GP, which
 * kernels expect of the unknown (rdmsr_safe).
 *
 * Source: the behaviour of read_msr/write_msr in xen/arch/x86/pv/emul-priv-op.c and guest_rdmsr in
 * msr.c; numbers: Intel SDM vol. 4, AMD APM vol. 2 appendix A.
 */
#include "emulate.h"
#include "msr.h"

#define MSR_TSC           0x10u
#define MSR_PLATFORM_ID   0x17u
#define MSR_FEATURES      0x3au
#define MSR_UCODE_REV     0x8bu
#define MSR_PLATFORM_INFO 0xceu
#define MSR_MISC_ENABLES  0x140u
#define MSR_MISC_ENABLE   0x1a0u
#define MSR_PERF_CAPS     0x345u
#define MSR_XEN_PAGE      0x40000000u /* hypercall page: to be written, by HVM guests */
#define MSR_TSC_AUX       0xc0000103u

#define MSR_MCG_STATUS 0x17au
#define MSR_MCG_CTL    0x17bu
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

bool cpu_is_amd(void)
{
    uint32_t leaf[4];
    cpu_cpuid(0, 0, leaf);
    return leaf[2] == 0x444d4163 || leaf[2] == 0x656e6975; /* "cAMD", "uine" of Hygon */
}

/* RDTSCP or RDPID, which read MSR_TSC_AUX. */
static bool has_tsc_aux(const struct vcpu *v)
{
    uint32_t leaf[4], extended[4];
    guest_cpuid(v, 7, 0, leaf);
    guest_cpuid(v, 0x80000001, 0, extended);
    return leaf[2] >> 22 & 1 || extended[3] >> 27 & 1;
}

/* Performance counters, clocks, P-states, thermal control, north bridge: not for a guest, which as
 * on Xen reads 0 or may not read, and whose writes are lost or refused. */
#define READ_0     1u
#define WRITE_LOST 2u
#define ON_INTEL   4u
#define ON_AMD     8u
#define DOM0       16u /* a dom0's to read */

static bool unused_msr(uint32_t msr, uint32_t what)
{
    static const struct {
        uint32_t first, count, flags;
    } range[] = {
        {0xc1, 8, READ_0 | WRITE_LOST | ON_INTEL},                /* counters */
        {0x186, 8, READ_0 | WRITE_LOST | ON_INTEL},               /* their events */
        {0x198, 1, READ_0 | ON_INTEL},                            /* PERF_STATUS */
        {0x199, 1, READ_0 | WRITE_LOST | ON_INTEL},               /* PERF_CTL */
        {0x19a, 1, WRITE_LOST | ON_INTEL},                        /* CLOCK_MODULATION */
        {0x19c, 1, READ_0 | ON_INTEL},                            /* THERM_STATUS */
        {0x1b0, 1, WRITE_LOST | ON_INTEL},                        /* ENERGY_PERF_BIAS */
        {0x10a, 1, READ_0 | ON_INTEL | DOM0},                     /* ARCH_CAPABILITIES */
        {0x38d, 3, READ_0 | WRITE_LOST | ON_INTEL},               /* fixed counters */
        {0x390, 1, READ_0 | ON_INTEL | DOM0},                     /* GLOBAL_OVF_CTRL */
        {0xc0010000, 8, READ_0 | WRITE_LOST | ON_AMD},            /* events, counters */
        {0xc0010010, 1, READ_0 | ON_AMD},                         /* SYSCFG */
        {0xc001001f, 1, READ_0 | WRITE_LOST | ON_AMD | ON_INTEL}, /* NB_CFG */
        {0xc001001a, 1, READ_0 | ON_AMD | DOM0},                  /* TOP_MEM */
        {0xc001001d, 1, READ_0 | ON_AMD | DOM0},                  /* TOP_MEM2 */
        {0xc0010061, 1, READ_0 | ON_AMD | DOM0},                  /* PSTATE_LIMIT */
        {0xc0010063, 1, READ_0 | ON_AMD | DOM0},                  /* PSTATE_STATUS */
        {0xc0010112, 1, READ_0 | ON_AMD | DOM0},                  /* SMM_ADDR */
        {0xc0010200, 12, READ_0 | WRITE_LOST | ON_AMD | DOM0},    /* counters of family 15h */
        {0xc0010062, 1, READ_0 | WRITE_LOST | ON_AMD},            /* PERF_CTL */
        {0xc0010064, 1, READ_0 | WRITE_LOST | ON_AMD},            /* P-state 0 */
    };
    what |= cpu_is_amd() ? ON_AMD : ON_INTEL;
    for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
        if (msr - range[i].first < range[i].count && (range[i].flags & what) == what)
            return layer.dom0 || !(range[i].flags & DOM0);
    return false;
}

static bool tsc_is_invariant(void)
{
    uint32_t leaf[4];
    cpu_cpuid(0x80000000, 0, leaf);
    if (leaf[0] < 0x80000007)
        return false;
    cpu_cpuid(0x80000007, 0, leaf);
    return leaf[3] >> 8 & 1;
}

/* Machine checks end in the layer; a guest has banks in which nothing is ever found. */
static bool machine_check_msr(uint32_t msr, uint64_t *ret)
{
    *ret = 0;
    if (msr == MSR_MCG_CAP)
        *ret = MC_BANKS;
    else if (msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * MC_BANKS)
        *ret = (msr & 3) == 0 ? ~UINT64_C(0) : 0;
    else if (msr != MSR_MCG_STATUS && msr != MSR_MCG_CTL)
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
    case MSR_TSC:
        *ret = cpu_tsc();
        return true;
    case MSR_PAT:
    case MSR_APIC_BASE:
        return cpu_rdmsr_safe(msr, ret);
    case MSR_TSC_AUX:
        return has_tsc_aux(v) && cpu_rdmsr_safe(msr, ret);
    case MSR_MISC_ENABLE: /* no branch trace, precise event sampling, xTPR for a guest */
        if (!cpu_rdmsr_safe(msr, ret))
            return false;
        *ret |= UINT64_C(0x801800);
        *ret &= ~UINT64_C(0x80);
        return true;
    case MSR_UCODE_REV:
        return layer.dom0 && cpu_rdmsr_safe(msr, ret);
    case MSR_PLATFORM_ID: /* what a microcode driver asks for */
        return layer.dom0 && !cpu_is_amd() && cpu_rdmsr_safe(msr, ret);
    case MSR_FEATURES: /* locked, nothing on */
        *ret = 1;
        return !cpu_is_amd();
    case MSR_PLATFORM_INFO:
    case MSR_MISC_ENABLES:
    case MSR_PERF_CAPS:
    case MSR_XEN_PAGE:
        *ret = 0;
        return true;
    case MSR_HWCR:
        *ret = tsc_is_invariant() ? HWCR_TSC_FREQ_SEL : 0;
        return cpu_is_amd();
    case MSR_DE_CFG:
        *ret = DE_CFG_LFENCE;
        return cpu_is_amd();
    default:
        if (machine_check_msr(msr, ret))
            return true;
        if (unused_msr(msr, READ_0)) {
            *ret = 0;
            return true;
        }
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
    case MSR_MISC_ENABLES:
        return value == 0;
    case MSR_HWCR:
    case MSR_DE_CFG:
        return cpu_is_amd(); /* lost */
    case MSR_MISC_ENABLE:    /* Xen keeps its own; the same value is no change */
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
    case MSR_PAT:   /* as Xen has it, for all */
    case MSR_APIC_BASE:
        return false;
    case MSR_MCG_STATUS:
        return true;
    case MSR_UCODE_REV: /* Intel's: a probe before reading the revision */
        return !cpu_is_amd() && value == 0;
    default:
        if (machine_check_msr(msr, &now)) /* CTL may be written, the rest only with 0 */
            return (msr >= MSR_MC0_CTL && (msr & 3) == 0) || value == 0 || msr == MSR_MCG_CAP;
        if (unused_msr(msr, WRITE_LOST))
            return true;
        say(SAY_DEBUG, "guest writes %#llx to MSR %#x at %#llx: #GP", (unsigned long long)value,
            msr, (unsigned long long)v->frame->rip);
        return false;
    }
}
