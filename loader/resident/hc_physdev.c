/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * physdev_op: the devices of a dom0 guest, and the I/O permissions of any guest's user space.
 *
 * Arguments in, pirq.c and ioapic.c, answers out.  Source: public/physdev.h; Xen
 * arch/x86/physdev.c: do_physdev_op, drivers/pci/physdev.c.
 */
#include "descriptors.h"
#include "event.h"
#include "ioapic.h"
#include "pci_config.h"
#include "pirq.h"

#define FIELD_OF(type, from, size, member) FIELD(from, size, struct physdev_##type, member)

/* Only these differ between the widths: a long, or a 64-bit field whose alignment does. */
LAYOUT(apic_layout, 12, struct physdev_apic, FIELD_OF(apic, 0, 4, apic_physbase),
       FIELD_OF(apic, 4, 4, reg), FIELD_OF(apic, 8, 4, value));
LAYOUT(map_layout, 36, struct physdev_map_pirq, FIELD_OF(map_pirq, 0, 2, domid),
       FIELD_OF(map_pirq, 4, 4, type), FIELD_OF(map_pirq, 8, 4, index),
       FIELD_OF(map_pirq, 12, 4, pirq), FIELD_OF(map_pirq, 16, 4, bus),
       FIELD_OF(map_pirq, 20, 4, devfn), FIELD_OF(map_pirq, 24, 4, entry_nr),
       FIELD_OF(map_pirq, 28, 8, table_base));
LAYOUT(iobitmap_layout, 8, struct physdev_set_iobitmap, FIELD_OF(set_iobitmap, 0, 4, bitmap),
       FIELD_OF(set_iobitmap, 4, 4, nr_ports));

static uint16_t make_bdf(uint32_t bus, uint32_t devfn)
{
    return (uint16_t)((bus & 0xff) << 8 | (devfn & 0xff));
}

static long eoi(struct vcpu *v, uint64_t arg)
{
    struct physdev_eoi op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    uint32_t port;
    long status = pirq_eoi(op.irq, &port);
    if (port != 0) {
        struct evtchn_effect effect;
        struct evtchn_table *table = event_begin(&effect);
        (void)evtchn_unmask(table, port, &effect);
        event_end(v, &effect);
    }
    return status;
}

static long eoi_map(struct vcpu *v, uint64_t arg, bool unmasks)
{
    struct physdev_pirq_eoi_gmfn op;
    memset(&op, 0, sizeof(op));
    if (!guest_read(v, &op.gmfn, arg, layer.compat ? 4 : 8)) /* a long, little-endian */
        return -XEN_EFAULT;
    return pirq_eoi_map_set(op.gmfn, unmasks);
}

static long eoi_map_v1(struct vcpu *v, uint64_t arg)
{
    return eoi_map(v, arg, true);
}

static long eoi_map_v2(struct vcpu *v, uint64_t arg)
{
    return eoi_map(v, arg, false);
}

static long irq_status_query(struct vcpu *v, uint64_t arg)
{
    struct physdev_irq_status_query op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (!pirq_is_valid(op.irq))
        return -XEN_EINVAL;
    op.flags = XENIRQSTAT_needs_eoi;
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long map_pirq(struct vcpu *v, uint64_t arg)
{
    struct physdev_map_pirq op;
    long status;
    if (!guest_read_struct(v, &op, arg, 0, &map_layout))
        return -XEN_EFAULT;
    if (op.domid != DOMID_SELF && op.domid != (layer.dom0 ? 0 : GUEST_DOMAIN))
        return -XEN_ESRCH;
    if (!layer.dom0)
        return -XEN_EPERM;
    uint32_t segment = op.type == MAP_PIRQ_TYPE_MSI_SEG || op.type == MAP_PIRQ_TYPE_MULTI_MSI
                           ? (uint32_t)op.bus >> 16
                           : 0;
    switch (op.type) {
    case MAP_PIRQ_TYPE_GSI:
        status = pirq_map_gsi(op.index, &op.pirq);
        break;
    case MAP_PIRQ_TYPE_MULTI_MSI:
        if (op.table_base != 0)
            return -XEN_EINVAL;
        if (op.entry_nr <= 0 || op.entry_nr > 32)
            status = -XEN_EDOM;
        else if (op.entry_nr != 1)
            status = -XEN_EOPNOTSUPP; /* as Xen without interrupt remapping */
        else if (segment != 0)
            status = -XEN_ENODEV;
        else
            status = pirq_map_msi(make_bdf((uint32_t)op.bus, (uint32_t)op.devfn), false, 0,
                                  &op.pirq, &op.index);
        break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
        status = segment != 0
                     ? -XEN_ENODEV
                     : pirq_map_msi(make_bdf((uint32_t)op.bus, (uint32_t)op.devfn),
                                    op.table_base != 0, (uint32_t)op.entry_nr, &op.pirq, &op.index);
        break;
    default:
        status = -XEN_EINVAL;
        break;
    }
    return guest_write_struct(v, arg, 0, &op, &map_layout) ? status : -XEN_EFAULT;
}

static long unmap_pirq(struct vcpu *v, uint64_t arg)
{
    struct physdev_unmap_pirq op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.domid != DOMID_SELF && op.domid != (layer.dom0 ? 0 : GUEST_DOMAIN))
        return -XEN_ESRCH;
    return layer.dom0 ? pirq_unmap(op.pirq) : -XEN_EPERM;
}

static long apic_read(struct vcpu *v, uint64_t arg)
{
    struct physdev_apic op;
    if (!guest_read_struct(v, &op, arg, 0, &apic_layout))
        return -XEN_EFAULT;
    if (!ioapic_read_register(op.apic_physbase, op.reg, &op.value))
        return -XEN_EINVAL;
    return guest_write_struct(v, arg, 0, &op, &apic_layout) ? 0 : -XEN_EFAULT;
}

/* What kernels before setup_gsi and map_pirq did: write the low word of a redirection entry, whose
 * vector field is the PIRQ that they want the line to have. */
static long apic_write(struct vcpu *v, uint64_t arg)
{
    struct physdev_apic op;
    uint32_t value;
    if (!guest_read_struct(v, &op, arg, 0, &apic_layout))
        return -XEN_EFAULT;
    if (!ioapic_read_register(op.apic_physbase, 0, &value))
        return -XEN_EINVAL;
    if (op.reg < 0x10 || op.reg & 1)
        return 0; /* no half of an entry that the guest has a say in */
    uint32_t gsi = ioapic_register_gsi(op.apic_physbase, op.reg);
    if (gsi == ~0u || (op.value >> 8 & 7) > 1)
        return -XEN_EINVAL;
    uint32_t irq = ioapic_gsi_to_irq(gsi);
    bool masked = op.value >> 16 & 1;
    int pirq = irq >= 256 ? (int)irq : (int)(op.value & 0xff);
    long status = pirq_setup_gsi((int)irq, op.value >> 15 & 1, op.value >> 13 & 1);
    if (status != 0)
        return status == -XEN_EEXIST ? 0 : status;
    return masked ? 0 : pirq_map_gsi((int)irq, &pirq);
}

static long alloc_irq_vector(struct vcpu *v, uint64_t arg)
{
    struct physdev_irq op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    op.vector = op.irq; /* the real vector is ours: the guest only hands it back in apic_write */
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long set_iopl(struct vcpu *v, uint64_t arg)
{
    struct physdev_set_iopl op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.iopl > 3)
        return -XEN_EINVAL;
    io_privilege_set(v, (uint8_t)op.iopl);
    return 0;
}

static long set_iobitmap(struct vcpu *v, uint64_t arg)
{
    struct physdev_set_iobitmap op;
    if (!guest_read_struct(v, &op, arg, 0, &iobitmap_layout))
        return -XEN_EFAULT;
    /* Xen reads the bitmap where it lies at each access; here it is copied into the TSS.  Guests
     * (Linux) make the call again when they change it. */
    return io_bitmap_set(v, (uintptr_t)op.bitmap.p, op.nr_ports);
}

static long setup_gsi(struct vcpu *v, uint64_t arg)
{
    struct physdev_setup_gsi op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return pirq_setup_gsi(op.gsi, op.triggering, op.polarity);
}

static long get_free_pirq(struct vcpu *v, uint64_t arg)
{
    struct physdev_get_free_pirq op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    int pirq = pirq_get_free(op.type == MAP_PIRQ_TYPE_GSI);
    if (pirq < 0)
        return pirq;
    op.pirq = (uint32_t)pirq;
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* The device is the guest's already; only say whether it is there. */
static long pci_device(struct vcpu *v, uint64_t arg)
{
    struct physdev_pci_device op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.seg != 0)
        return 0;
    return pci_read16(make_bdf(op.bus, op.devfn), 0) == 0xffff ? -XEN_ENODEV : 0;
}

static long manage_pci(struct vcpu *v, uint64_t arg)
{
    struct physdev_manage_pci op;
    return guest_read(v, &op, arg, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long manage_pci_ext(struct vcpu *v, uint64_t arg)
{
    struct physdev_manage_pci_ext op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return op.is_extfn > 1 || op.is_virtfn > 1 ? -XEN_EINVAL : 0;
}

static long pci_device_add(struct vcpu *v, uint64_t arg)
{
    struct physdev_pci_device_add op;
    if (!guest_read(v, &op, arg, offsetof(struct physdev_pci_device_add, optarr)))
        return -XEN_EFAULT;
    uint32_t pxm;
    if (op.flags & XEN_PCI_DEV_PXM &&
        !guest_read(v, &pxm, arg + offsetof(struct physdev_pci_device_add, optarr), sizeof(pxm)))
        return -XEN_EFAULT;
    return 0;
}

static long pci_device_remove(struct vcpu *v, uint64_t arg)
{
    struct physdev_pci_device op;
    return guest_read(v, &op, arg, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long mmcfg_reserved(struct vcpu *v, uint64_t arg)
{
    struct physdev_pci_mmcfg_reserved op;
    return guest_read(v, &op, arg, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long restore(uint16_t bdf)
{
    if (pci_read16(bdf, 0) == 0xffff)
        return -XEN_ENODEV;
    pirq_restore(bdf);
    return 0;
}

static long restore_msi(struct vcpu *v, uint64_t arg)
{
    struct physdev_restore_msi op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return restore(make_bdf(op.bus, op.devfn));
}

static long restore_msi_ext(struct vcpu *v, uint64_t arg)
{
    struct physdev_pci_device op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    return op.seg != 0 ? -XEN_ENODEV : restore(make_bdf(op.bus, op.devfn));
}

/* A debug port controller is about to be reset, or was: Xen answers for the one it uses itself,
 * and nothing for others. */
static long dbgp_op(struct vcpu *v, uint64_t arg)
{
    struct physdev_dbgp_op op;
    return guest_read(v, &op, arg, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* Once a word for "go on with this line"; eoi does it since. */
static long unmask_notify(struct vcpu *v, uint64_t arg)
{
    (void)v;
    (void)arg;
    return 0;
}

typedef long physdev_handler(struct vcpu *v, uint64_t arg);

static const struct {
    uint8_t command;
    bool dom0_only; /* -EPERM for others */
    physdev_handler *handler;
} operation[] = {
    {PHYSDEVOP_IRQ_UNMASK_NOTIFY, false, unmask_notify},
    {PHYSDEVOP_irq_status_query, false, irq_status_query},
    {PHYSDEVOP_set_iopl, false, set_iopl},
    {PHYSDEVOP_set_iobitmap, false, set_iobitmap},
    {PHYSDEVOP_apic_read, true, apic_read},
    {PHYSDEVOP_apic_write, true, apic_write},
    {PHYSDEVOP_alloc_irq_vector, true, alloc_irq_vector},
    {PHYSDEVOP_eoi, false, eoi},
    {PHYSDEVOP_pirq_eoi_gmfn_v1, false, eoi_map_v1},
    {PHYSDEVOP_pirq_eoi_gmfn_v2, false, eoi_map_v2},
    {PHYSDEVOP_map_pirq, false, map_pirq},
    {PHYSDEVOP_unmap_pirq, false, unmap_pirq},
    {PHYSDEVOP_manage_pci_add, true, manage_pci},
    {PHYSDEVOP_manage_pci_remove, true, manage_pci},
    {PHYSDEVOP_restore_msi, true, restore_msi},
    {PHYSDEVOP_manage_pci_add_ext, true, manage_pci_ext},
    {PHYSDEVOP_setup_gsi, true, setup_gsi},
    {PHYSDEVOP_get_free_pirq, false, get_free_pirq},
    {PHYSDEVOP_pci_mmcfg_reserved, true, mmcfg_reserved},
    {PHYSDEVOP_pci_device_add, true, pci_device_add},
    {PHYSDEVOP_pci_device_remove, true, pci_device_remove},
    {PHYSDEVOP_restore_msi_ext, true, restore_msi_ext},
    {PHYSDEVOP_dbgp_op, true, dbgp_op},
    {PHYSDEVOP_prepare_msix, true, pci_device},
    {PHYSDEVOP_release_msix, true, pci_device},
};

static long dispatch(struct vcpu *v, uint32_t command, uint64_t arg)
{
    for (size_t i = 0; i < sizeof(operation) / sizeof(operation[0]); i++) {
        if (operation[i].command != command)
            continue;
        return operation[i].dom0_only && !layer.dom0 ? -XEN_EPERM : operation[i].handler(v, arg);
    }
    return -XEN_ENOSYS;
}

long hc_physdev_op(struct vcpu *v, const struct hypercall_args *args)
{
    return dispatch(v, (uint32_t)args->arg[0], args->arg[1]);
}

/* Before 2006: { u32 cmd; union }, the union at the alignment of a long. */
long hc_physdev_op_compat(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t command;
    if (!guest_read(v, &command, args->arg[0], sizeof(command)))
        return -XEN_EFAULT;
    switch (command) {
    case PHYSDEVOP_irq_status_query:
    case PHYSDEVOP_set_iopl:
    case PHYSDEVOP_set_iobitmap:
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_apic_write:
    case PHYSDEVOP_alloc_irq_vector:
        return dispatch(v, command, args->arg[0] + (layer.compat ? 4 : 8));
    default:
        return -XEN_ENOSYS;
    }
}
