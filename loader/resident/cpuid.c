/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * CPUID as a PV guest sees it: features that need privilege 0, large pages or other things that we
 * do not give are hidden, Xen's own leaves are there.  Only the prefixed CPUID of PV kernels comes
 * here (and any CPUID where the processor can make it fault).
 *
 * Source: Xen's public arch-x86/cpuid.h and cpufeatureset.h (features of class A reach PV guests).
 */
#include "emulate.h"

#define XEN_LEAF  UINT32_C(0x40000000)
#define BASIC_MAX 0xdu /* the last of the basic leaves that Xen tells of */

#define XEN_VERSION_SAID UINT32_C(0x00040011) /* 4.17, as hc_xen_version says */

#define BIT(n) (UINT32_C(1) << (n))

/* Leaf 1 EDX, which AMD repeats in 0x80000001: VME PSE MCE PGE MTRR MCA PSE36, ACPI, SS?, TM. */
#define HIDE_1D                                                                                    \
    (BIT(1) | BIT(3) | BIT(13) | BIT(12) | BIT(17) | BIT(21) | BIT(22) | BIT(29) | BIT(31))
/* Leaf 1 ECX: DTES64 MONITOR DS-CPL VMX SMX EST TM2 CNXT-ID SDBG xTPR PDCM PCID DCA x2APIC
 * TSC-deadline. */
#define HIDE_1C                                                                                    \
    (BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(10) | BIT(11) | BIT(14) |  \
     BIT(15) | BIT(17) | BIT(18) | BIT(21) | BIT(24))
/* 0x80000001 EDX: PSE PGE MTRR PSE36 MCE MCA as above, 1 GiB pages. */
#define HIDE_E1D (BIT(1) | BIT(3) | BIT(12) | BIT(13) | BIT(17) | BIT(26))
/* 0x80000001 ECX: SVM ExtApic SKINIT OSVW IBS LWP NODEID TOPOEXT perf counters MWAITX. */
#define HIDE_E1C                                                                                   \
    (BIT(2) | BIT(3) | BIT(9) | BIT(10) | BIT(12) | BIT(15) | BIT(19) | BIT(22) | BIT(23) |        \
     BIT(24) | BIT(27) | BIT(28) | BIT(29))
/* Leaf 7 EBX: TSC_ADJUST SGX SMEP INVPCID PQM MPX PQE SMAP PT. */
#define HIDE_7B                                                                                    \
    (BIT(1) | BIT(2) | BIT(7) | BIT(10) | BIT(12) | BIT(14) | BIT(15) | BIT(20) | BIT(25))
/* Leaf 7 ECX kept: AVX512_VBMI(2) GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ RDPID, CLDEMOTE
 * MOVDIRx */
#define KEEP_7C                                                                                    \
    (BIT(0) | BIT(1) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) |          \
     BIT(22) | BIT(25) | BIT(27) | BIT(28))
/* Leaf 7 EDX kept: AVX512_4VNNIW 4FMAPS, FSRM, VP2INTERSECT, SERIALIZE. */
#define KEEP_7D (BIT(2) | BIT(3) | BIT(4) | BIT(8) | BIT(14))

static void time_leaf(const struct vcpu *v, uint32_t subleaf, uint32_t ret[4])
{
    struct vcpu_time_info time;
    switch (subleaf) {
    case 0: /* native TSC, never emulated */
        ret[0] = BIT(1);
        ret[1] = 2; /* TSC_MODE_NEVER_EMULATE */
        ret[2] = layer.tsc_khz;
        break;
    case 1:
        memcpy(&time, (const void *)(v->info + 32), sizeof(time));
        ret[2] = time.tsc_to_system_mul;
        ret[3] = (uint32_t)time.tsc_shift;
        break;
    case 2:
        ret[0] = layer.tsc_khz;
        break;
    default:
        break;
    }
}

static void xen_leaf(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
    memset(ret, 0, 4 * sizeof(ret[0]));
    switch (leaf - XEN_LEAF) {
    case 0:
        ret[0] = XEN_LEAF + 5;
        ret[1] = 0x566e6558; /* "XenVMMXenVMM" */
        ret[2] = 0x65584d4d;
        ret[3] = 0x4d4d566e;
        break;
    case 1:
        ret[0] = XEN_VERSION_SAID;
        break;
    case 2:
        ret[0] = 1;
        ret[1] = XEN_LEAF;
        ret[2] = 1; /* MMU_PT_UPDATE_PRESERVE_AD */
        break;
    case 3:
        time_leaf(v, subleaf, ret);
        break;
    case 5: /* bits of a machine address of RAM */
        ret[1] = 64 - (uint32_t)__builtin_clzll(layer.frame_count - 1) + PAGE_SHIFT;
        break;
    default:
        break;
    }
}

static void hide_features_1(const struct vcpu *v, uint32_t ret[4])
{
    ret[1] = (ret[1] & 0x00ffffff) | (v->id * 2) << 24; /* APIC id as Xen numbers them */
    ret[2] &= ~HIDE_1C;
    ret[2] |= BIT(31); /* hypervisor present */
    ret[2] &= ~BIT(27);
    /* A kernel sees what the CPU has switched on, before it says so itself, as Xen tells it. */
    if (ret[2] & BIT(26) && (v->kernel_mode ? cpu_cr4() : v->cr4) & UINT64_C(0x40000))
        ret[2] |= BIT(27);
    ret[3] &= ~HIDE_1D;
    if (cpu_is_amd()) /* Xen has SYSENTER for guests of Intel's kind alone */
        ret[3] &= ~BIT(11);
}

void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
    if (leaf >= XEN_LEAF && leaf < XEN_LEAF + 0x100) {
        xen_leaf(v, leaf, subleaf, ret);
        return;
    }
    if (leaf > BASIC_MAX && leaf < XEN_LEAF) {
        memset(ret, 0, 4 * sizeof(ret[0]));
        return;
    }
    uint32_t base[4];
    cpu_cpuid(leaf, subleaf, ret);
    switch (leaf) {
    case 0:
        ret[0] = ret[0] > BASIC_MAX ? BASIC_MAX : ret[0];
        break;
    case 1:
        hide_features_1(v, ret);
        break;
    case 3:   /* processor serial number */
    case 5:   /* MONITOR/MWAIT */
    case 6:   /* thermal and power control */
    case 9:   /* direct cache access */
    case 0xa: /* performance counters */
        memset(ret, 0, 4 * sizeof(ret[0]));
        break;
    case 7:
        if (subleaf == 0) {
            ret[1] &= ~HIDE_7B;
            ret[2] &= KEEP_7C;
            ret[3] &= KEEP_7D;
        } else {
            ret[0] &= BIT(4) | BIT(5) | BIT(10) | BIT(11) | BIT(12); /* AVX-VNNI …, fast strings */
            ret[1] = ret[2] = ret[3] = 0;
        }
        break;
    case 0xd:
        cpu_cpuid(1, 0, base);
        if (!(base[2] & BIT(26))) /* no XSAVE */
            memset(ret, 0, 4 * sizeof(ret[0]));
        if (subleaf == 1) { /* no supervisor states; a size where there is a compacted form */
            ret[0] &= ~BIT(3);
            ret[1] = ret[0] & BIT(1) ? ret[1] : 0;
            ret[2] = ret[3] = 0;
        }
        break;
    case 0x80000000: /* Intel has these fields empty */
        if (!cpu_is_amd())
            ret[1] = ret[2] = ret[3] = 0;
        break;
    case 0x80000001:
        if (!cpu_is_amd())
            ret[0] = ret[1] = 0;
        ret[2] &= ~HIDE_E1C;
        ret[3] &= ~HIDE_E1D;
        if (layer.compat)
            ret[3] &= ~BIT(29);
        break;
    case 0x80000008: /* 48-bit linear addresses */
        ret[0] = (ret[0] & ~UINT32_C(0xff00)) | 48u << 8;
        break;
    case 0x8000000a: /* SVM */
    case 0x8000001b: /* instruction-based sampling */
    case 0x8000001f: /* memory encryption */
        memset(ret, 0, 4 * sizeof(ret[0]));
        break;
    default:
        break;
    }
}
