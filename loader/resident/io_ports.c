/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which I/O ports the guest may use: the maps of the TSS (descriptors.h).
 * Source: Intel SDM vol. 1 19.5; Xen's public physdev.h.
 */
#include "descriptors.h"

void io_privilege_set(struct vcpu *v, uint8_t iopl)
{
    v->iopl = iopl & 3;
    /* 32-bit kernels change rings by their own iret, behind our back: their ports are emulated. */
    if (layer.compat) {
        v->kernel_iomap = v->user_iomap = v->tss->iomap_base = IOMAP_NONE;
        return;
    }
    v->kernel_iomap = layer.dom0 && (v->iopl || iopl_is_architectural()) ? IOMAP_ALL : IOMAP_NONE;
    v->user_iomap = IOMAP_NONE;
    if (layer.dom0 && v->iopl == 3)
        v->user_iomap = IOMAP_ALL;
    else if (layer.dom0 && v->io_ports)
        v->user_iomap = IOMAP_USER;
    v->tss->iomap_base = v->kernel_mode ? v->kernel_iomap : v->user_iomap;
}

long io_bitmap_set(struct vcpu *v, uint64_t gva, uint32_t nr_ports)
{
    if (nr_ports > 65536)
        return -XEN_EINVAL;
    memset(v->tss->map.user, 0xff, sizeof(v->tss->map.user));
    v->io_ports = 0;
    uint32_t bytes = (nr_ports + 7) / 8;
    bool copied = guest_read(v, v->tss->map.user, gva, bytes);
    if (copied)
        v->io_ports = nr_ports;
    else
        memset(v->tss->map.user, 0xff, sizeof(v->tss->map.user));
    io_privilege_set(v, v->iopl);
    return copied ? 0 : -XEN_EFAULT;
}
