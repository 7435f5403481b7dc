/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * platform_op of a dom0 guest: setting the clock, sleep by ACPI, which CPUs there are, and where a
 * UEFI firmware left its tables, which is how Linux finds ACPI there.
 *
 * The rest concerns Xen's own drivers (frequency, idle states, microcode, MTRR) and the firmware's
 * runtime services, and is answered -ENOSYS: the guest is told that nobody does it.  Source:
 * public/platform.h; Xen arch/x86/platform_hypercall.c, common/efi/runtime.c.
 */
#include "timer.h"

#include "machine_reader.h"
#include "power.h"

/* The head of every call; the union behind it starts at 8 in both widths. */
struct platform_head {
    uint32_t command, interface_version;
};

#define ARGUMENT 8

static long set_time(struct vcpu *v, uint64_t arg, bool wide)
{
    struct xenpf_settime64 op = {0};
    struct xenpf_settime32 narrow;
    /* Both layouts have their 64-bit fields at multiples of 8: same for 32-bit guests. */
    if (wide) {
        if (!guest_read(v, &op, arg, sizeof(op)))
            return -XEN_EFAULT;
        if (op.mbz != 0)
            return -XEN_EINVAL;
    } else {
        if (!guest_read(v, &narrow, arg, sizeof(narrow)))
            return -XEN_EFAULT;
        op.secs = narrow.secs;
        op.nsecs = narrow.nsecs;
        op.system_time = narrow.system_time;
    }
    uint32_t ns = op.nsecs;
    for (; ns >= 1000000000; ns -= 1000000000) /* at most four times */
        op.secs++;
    time_set_wall_clock(op.secs, ns, op.system_time);
    return 0;
}

static long enter_sleep(struct vcpu *v, uint64_t arg)
{
    struct xenpf_enter_acpi_sleep op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (op.sleep_state != 5)
        return -XEN_EOPNOTSUPP; /* S1 to S4 need a layer that wakes up again */
    say(SAY_INFO, "the guest powers off by ACPI");
    power_off_by_values(op.val_a, op.val_b);
    layer_end(END_POWEROFF, END_CODE_GOOD);
}

static long get_cpuinfo(struct vcpu *v, uint64_t arg)
{
    struct xenpf_pcpuinfo op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    op.max_present = layer.cpu_count - 1;
    if (op.xen_cpuid >= layer.cpu_count || layer.vcpu[op.xen_cpuid] == NULL) {
        op.flags = XEN_PCPU_FLAGS_INVALID;
    } else {
        const struct vcpu *cpu = layer.vcpu[op.xen_cpuid];
        op.flags = cpu->online ? XEN_PCPU_FLAGS_ONLINE : 0;
        op.apic_id = cpu->apic_id;
        op.acpi_id = cpu->id;
    }
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* EFI_SYSTEM_TABLE of a 64-bit firmware, UEFI 2.10 section 4.3. */
#define EFI_REVISION      8
#define EFI_CONFIG_COUNT  104
#define EFI_CONFIG_TABLES 112

static long firmware_info(struct vcpu *v, uint64_t arg)
{
    struct xenpf_firmware_info op;
    uint64_t table = layer.handover->efi_system_table, count;
    if (!guest_read(v, &op, arg, offsetof(struct xenpf_firmware_info, u)))
        return -XEN_EFAULT;
    if (op.type != XEN_FW_EFI_INFO)
        return op.type <= XEN_FW_KBD_SHIFT_FLAGS ? -XEN_ENOSYS : -XEN_EINVAL;
    if (!table)
        return -XEN_ENOSYS;
    /* Only what is answered is written: the rest of the union is the guest's own. */
    size_t size = offsetof(struct xenpf_firmware_info, u);
    switch (op.index) {
    case XEN_FW_EFI_VERSION:
        size += sizeof(op.u.efi_info.version);
        if (!reader_u32(&machine_reader, table + EFI_REVISION, &op.u.efi_info.version))
            return -XEN_EOPNOTSUPP;
        break;
    case XEN_FW_EFI_CONFIG_TABLE:
        size += offsetof(union xenpf_efi_info, cfg.nent) + sizeof(op.u.efi_info.cfg.nent);
        if (!reader_u64(&machine_reader, table + EFI_CONFIG_COUNT, &count) ||
            !reader_u64(&machine_reader, table + EFI_CONFIG_TABLES, &op.u.efi_info.cfg.addr))
            return -XEN_EOPNOTSUPP;
        op.u.efi_info.cfg.nent = (uint32_t)count;
        break;
    case XEN_FW_EFI_VENDOR:
    case XEN_FW_EFI_MEM_INFO:
    case XEN_FW_EFI_RT_VERSION:
    case XEN_FW_EFI_PCI_ROM:
    case XEN_FW_EFI_APPLE_PROPERTIES:
        return -XEN_EOPNOTSUPP; /* as a Xen that leaves the runtime services alone (efi=no-rs) */
    default:
        return -XEN_EINVAL;
    }
    return guest_write(v, arg, &op, size) ? 0 : -XEN_EFAULT;
}

long hc_platform_op(struct vcpu *v, const struct hypercall_args *args)
{
    struct platform_head head;
    uint64_t arg = args->arg[0];
    if (!guest_read(v, &head, arg, sizeof(head)))
        return -XEN_EFAULT;
    if (head.interface_version != XENPF_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (!layer.dom0)
        return -XEN_EPERM;
    switch (head.command) {
    case XENPF_settime32:
        return set_time(v, arg + ARGUMENT, false);
    case XENPF_settime64:
        return set_time(v, arg + ARGUMENT, true);
    case XENPF_enter_acpi_sleep:
        return enter_sleep(v, arg + ARGUMENT);
    case XENPF_firmware_info:
        return firmware_info(v, arg + ARGUMENT);
    case XENPF_get_cpuinfo:
        return get_cpuinfo(v, arg + ARGUMENT);
    default:
        return -XEN_ENOSYS;
    }
}

/* Performance counters of the guest: off, as in a Xen that was not told vpmu=. */
long hc_xenpmu_op(struct vcpu *v, const struct hypercall_args *args)
{
    (void)v;
    (void)args;
    return -XEN_EOPNOTSUPP;
}
