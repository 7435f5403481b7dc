/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * xen_version: what a PV guest of Xen 4.17 is told.
 *
 * Free text (extra version, compiler, change set) says who really answers; everything that guests
 * decide by is Xen's.  Also what guests call to have their pending events delivered: that happens
 * on the way out of any hypercall.  Source: Xen common/kernel.c: do_xen_version.
 */
#include "layer.h"

#define VERSION_MAJOR 4
#define VERSION_MINOR 17

static long put_text(struct vcpu *v, uint64_t arg, const char *text, uint64_t size)
{
    char buffer[1024] = {0};
    string_copy(buffer, text, size < sizeof(buffer) ? size : sizeof(buffer));
    return guest_write(v, arg, buffer, size) ? 0 : -XEN_EFAULT;
}

static long compile_info(struct vcpu *v, uint64_t arg)
{
    struct xen_compile_info info;
    memset(&info, 0, sizeof(info));
    string_copy(info.compiler, __VERSION__, sizeof(info.compiler));
    string_copy(info.compile_by, "paravane", sizeof(info.compile_by));
    string_copy(info.compile_domain, "paravane", sizeof(info.compile_domain));
    string_copy(info.compile_date, "paravane " PARAVANE_VERSION, sizeof(info.compile_date));
    return guest_write(v, arg, &info, sizeof(info)) ? 0 : -XEN_EFAULT;
}

static long platform_parameters(struct vcpu *v, uint64_t arg)
{
    uint64_t start = layer.compat ? layer.handover->hv_start_low : HOLE_START;
    return guest_write(v, arg, &start, layer.compat ? 4 : 8) ? 0 : -XEN_EFAULT;
}

static long get_features(struct vcpu *v, uint64_t arg)
{
    struct xen_feature_info info;
    if (!guest_read(v, &info, arg, sizeof(info)))
        return -XEN_EFAULT;
    if (info.submap_idx != 0)
        return -XEN_EINVAL;
    info.submap = 1u << XENFEAT_memory_op_vnode_supported |
                  1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                  1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_direct_mapped;
    if (vm_assist_has(VMASST_TYPE_pae_extended_cr3))
        info.submap |= 1u << XENFEAT_pae_pgdir_above_4gb;
    if (layer.dom0)
        info.submap |= 1u << XENFEAT_dom0;
    return guest_write(v, arg, &info, sizeof(info)) ? 0 : -XEN_EFAULT;
}

long hc_xen_version(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t arg = args->arg[1];
    switch ((uint32_t)args->arg[0]) {
    case XENVER_version:
        return VERSION_MAJOR << 16 | VERSION_MINOR;
    case XENVER_extraversion:
        return put_text(v, arg, ".0-paravane", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return compile_info(v, arg);
    case XENVER_capabilities:
        return put_text(v, arg, "xen-3.0-x86_64 xen-3.0-x86_32p ", sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return put_text(v, arg, "paravane " PARAVANE_VERSION, sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return platform_parameters(v, arg);
    case XENVER_get_features:
        return get_features(v, arg);
    case XENVER_pagesize:
        return arg != 0 ? -XEN_EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle: {
        static const xen_domain_handle_t none; /* dom0's, and a domU's without a toolstack */
        return guest_write(v, arg, none, sizeof(none)) ? 0 : -XEN_EFAULT;
    }
    case XENVER_commandline: /* Xen's own, and there is none */
        return put_text(v, arg, "", sizeof(xen_commandline_t));
    case XENVER_build_id:
        return -XEN_ENODATA;
    default:
        return -XEN_ENOSYS;
    }
}
