/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mca: a dom0 guest's machine-check log asks which CPUs there are and for errors kept for it.  The
 * layer keeps none (a machine check ends in a report), so there is never data.
 *
 * Source: public/arch-x86/xen-mca.h; Xen arch/x86/cpu/mcheck/mce.c: do_mca.
 */
#include "layer.h"
#include "msr.h"

#include <xen/arch-x86/xen-mca.h>

#define CPUID_MCA    (1u << 14)
#define MC_INJECT_V2 6 /* XEN_MC_inject_v2: the header shows it to tools only */
#define FETCH_AT     8 /* the union behind cmd and interface_version, either width */
#define VENDOR_INTEL 1
#define VENDOR_AMD   2

#define HEAD_SIZE   (offsetof(struct mcinfo_logical_cpu, mc_nmsrvals) + 4)
#define VALUES_AT   offsetof(struct mcinfo_logical_cpu, mc_msrvalues)
#define VALUES_SIZE sizeof(((struct mcinfo_logical_cpu *)0)->mc_msrvalues)

/* The 64-bit values at the end follow without padding in 32-bit guests. */
static bool write_cpu(struct vcpu *v, uint64_t list, uint32_t index,
                      const struct mcinfo_logical_cpu *cpu)
{
    uint64_t at;
    if (!layer.compat)
        return checked_add_u64(list, index * sizeof(*cpu), &at) &&
               guest_write(v, at, cpu, sizeof(*cpu));
    return checked_add_u64(list, index * (HEAD_SIZE + VALUES_SIZE), &at) &&
           guest_write(v, at, cpu, HEAD_SIZE) &&
           guest_write(v, at + HEAD_SIZE, (const uint8_t *)cpu + VALUES_AT, VALUES_SIZE);
}

static void describe(const struct vcpu *v, struct mcinfo_logical_cpu *ret)
{
    uint32_t id[4];
    memset(ret, 0, sizeof(*ret));
    ret->mc_cpunr = v->id;
    ret->mc_coreid = (uint16_t)v->id;
    ret->mc_apicid = v->apic_id;
    ret->mc_ncores = layer.cpu_count;
    ret->mc_ncores_active = layer.cpu_count;
    ret->mc_nthreads = 1;
    /* All CPUs are taken to be alike: asked is the one that runs this. */
    cpu_cpuid(0, 0, id);
    ret->mc_cpuid_level = (int32_t)id[0];
    memcpy(ret->mc_vendorid, &id[1], 4);
    memcpy(ret->mc_vendorid + 4, &id[3], 4);
    memcpy(ret->mc_vendorid + 8, &id[2], 4);
    ret->mc_vendor = memcmp(ret->mc_vendorid, "GenuineIntel", 12) == 0   ? VENDOR_INTEL
                     : memcmp(ret->mc_vendorid, "AuthenticAMD", 12) == 0 ? VENDOR_AMD
                                                                         : 0;
    cpu_cpuid(1, 0, id);
    uint32_t family = id[0] >> 8 & 15, model = id[0] >> 4 & 15;
    if (family == 15)
        family += id[0] >> 20 & 255;
    if (family == 6 || family >= 15)
        model |= id[0] >> 12 & 0xf0;
    ret->mc_family = family;
    ret->mc_model = model;
    ret->mc_step = id[0] & 15;
    ret->mc_cpu_caps[0] = id[3];
    ret->mc_cpu_caps[4] = id[2];
    ret->mc_cache_alignment = (id[1] >> 8 & 255) * 8;
    uint64_t value;
    if (id[3] & CPUID_MCA && cpu_rdmsr_safe(MSR_MCG_CAP, &value)) {
        ret->mc_nmsrvals = 1;
        ret->mc_msrvalues[0].reg = MSR_MCG_CAP;
        ret->mc_msrvalues[0].value = value;
    }
    cpu_cpuid(0x80000000, 0, id);
    for (uint32_t leaf = 0x80000002; id[0] >= 0x80000004 && leaf <= 0x80000004; leaf++) {
        uint32_t text[4];
        cpu_cpuid(leaf, 0, text);
        memcpy(ret->mc_brandid + (leaf - 0x80000002) * sizeof(text), text, sizeof(text));
    }
}

static long fetch(struct vcpu *v, uint64_t arg)
{
    struct xen_mc_fetch op;
    if (!guest_read(v, &op, arg, layer.compat ? 20 : sizeof(op)))
        return -XEN_EFAULT;
    uint32_t which = op.flags & (XEN_MC_NONURGENT | XEN_MC_URGENT);
    if (which != XEN_MC_NONURGENT && which != XEN_MC_URGENT)
        return -XEN_EINVAL;
    if (op.flags & XEN_MC_ACK)
        return 0;
    uint64_t data = 0;
    memcpy(&data, (const uint8_t *)&op + offsetof(struct xen_mc_fetch, data), layer.compat ? 4 : 8);
    if (data == 0)
        return -XEN_EINVAL;
    op.flags = XEN_MC_OK | XEN_MC_NODATA;
    op.fetch_id = 0;
    return guest_write(v, arg, &op, offsetof(struct xen_mc_fetch, data)) ? 0 : -XEN_EFAULT;
}

static long physcpuinfo(struct vcpu *v, uint64_t arg)
{
    struct xen_mc_physcpuinfo op;
    uint64_t list = 0;
    if (!guest_read(v, &op, arg, offsetof(struct xen_mc_physcpuinfo, info)) ||
        !guest_read(v, &list, arg + offsetof(struct xen_mc_physcpuinfo, info),
                    layer.compat ? 4 : 8))
        return -XEN_EFAULT;
    uint32_t online = 0;
    for (uint32_t i = 0; i < layer.cpu_count; i++)
        online += layer.vcpu[i] != NULL;
    if (list != 0) {
        if (op.ncpus == 0 || op.ncpus > INT32_MAX)
            return -XEN_EINVAL;
        online = op.ncpus < online ? op.ncpus : online;
        uint32_t done = 0;
        for (uint32_t i = 0; i < layer.cpu_count && done < online; i++) {
            struct mcinfo_logical_cpu cpu;
            if (layer.vcpu[i] == NULL)
                continue;
            describe(layer.vcpu[i], &cpu);
            if (!write_cpu(v, list, done, &cpu))
                return -XEN_EFAULT;
            done++;
        }
    }
    op.ncpus = online;
    return guest_write(v, arg, &op, offsetof(struct xen_mc_physcpuinfo, info)) ? 0 : -XEN_EFAULT;
}

long hc_mca(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t head[2]; /* cmd, interface_version */
    uint64_t arg = args->arg[0];
    if (!layer.dom0)
        return -XEN_EPERM;
    if (!guest_read(v, head, arg, sizeof(head)))
        return -XEN_EFAULT;
    if (head[1] != XEN_MCA_INTERFACE_VERSION)
        return -XEN_EACCES;
    switch (head[0]) {
    case XEN_MC_fetch:
        return fetch(v, arg + FETCH_AT);
    case XEN_MC_notifydomain:
        return -XEN_EINVAL;
    case XEN_MC_physcpuinfo:
        return physcpuinfo(v, arg + FETCH_AT);
    case XEN_MC_msrinject:
    case XEN_MC_mceinject:
    case MC_INJECT_V2:
        return -XEN_ENODEV; /* as where there are no banks to write to */
    default:
        return -XEN_EINVAL;
    }
}
