/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A dom0's interrupts: a line of the IO-APIC as kernels before setup_gsi asked for it, by
 * apic_write; where the machine has QEMU's device "edu", its level-triggered line and its MSI, up
 * to the events that they become. The line is what PCI's register says, or the word edu-gsi=. With
 * the word line-held nothing may come before its eoi; Xen waits a millisecond for one, no more.
 * With `eoi-unmasks` the page that says which of them need an end is that of old.
 * Results are printed for compare-xen. Source: public/physdev.h, event_channel.h; QEMU
 * docs/specs/edu.
 */
#include "pv.h"

#include <xen/event_channel.h>
#include <xen/physdev.h>
#include <xen/sched.h>

#define GSI          21u
#define IOAPIC       0xfec00000u
#define EDGE         14u         /* ISA, an edge */
#define EDU          0x11e81234u /* device and vendor */
#define EDU_STATUS   (0x24 / 4)
#define EDU_RAISE    (0x60 / 4)
#define EDU_ACK      (0x64 / 4)
#define MAPPED_IO    (PTE_OWN | 0x10u) /* not cached */
#define PATIENCE_NS  UINT64_C(10000000000)
#define QUIET_NS     UINT64_C(25000000) /* QEMU delays a line that storms by 10 ms */
#define BITS_OF_LONG (8 * sizeof(long))

static char shared_page[4096] __attribute__((aligned(4096)));
static char eoi_page[4096] __attribute__((aligned(4096)));
static char window[4096] __attribute__((aligned(4096)));

static void tell(const char *name, long result)
{
    tell_result("interrupt", name, result);
}

static long physdev(unsigned operation, void *op)
{
    return call(__HYPERVISOR_physdev_op, operation, (uintptr_t)op, 0, 0);
}

static long bind_pirq(unsigned pirq, evtchn_port_t *ret_port)
{
    struct evtchn_bind_pirq op = {.pirq = pirq};
    long result = call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_pirq, (uintptr_t)&op, 0, 0);
    *ret_port = op.port;
    return result;
}

static long close_port(evtchn_port_t port)
{
    struct evtchn_close op = {.port = port};
    return call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (uintptr_t)&op, 0, 0);
}

/* ---- ends ----------------------------------------------------------------------------------- */

static bool needs_eoi(unsigned pirq)
{
    return ((volatile unsigned char *)eoi_page)[pirq / 8] >> (pirq % 8) & 1;
}

static void eoi_map(void)
{
    uint64_t old;
    bool unmasks = option((const char *)start_info->cmd_line, "eoi-unmasks", &old);
    unsigned wanted = unmasks ? PHYSDEVOP_pirq_eoi_gmfn_v1 : PHYSDEVOP_pirq_eoi_gmfn_v2;
    struct physdev_pirq_eoi_gmfn op = {.gmfn = 0xfffffff0};
    tell("EOI page that is none", physdev(wanted, &op));
    op.gmfn = frame_of((const void *)start_info->pt_base);
    tell("EOI page in the root", physdev(wanted, &op));
    op.gmfn = frame_of(eoi_page);
    for (unsigned i = 0; i < sizeof(eoi_page); i++)
        eoi_page[i] = (char)0xff;
    tell("EOI page", physdev(wanted, &op));
    tell("EOI page again", physdev(PHYSDEVOP_pirq_eoi_gmfn_v2, &op));
    tell("EOI page of old again", physdev(PHYSDEVOP_pirq_eoi_gmfn_v1, &op));
}

/* An edge needs none.  Its end unmasks its event channel, or does not: by the page's kind. */
static void edge(void)
{
    struct physdev_map_pirq map = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = EDGE, .pirq = EDGE};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = EDGE};
    struct physdev_eoi eoi = {.irq = EDGE};
    volatile unsigned long *mask = ((shared_info_t *)shared_page)->evtchn_mask;
    evtchn_port_t port;
    tell("edge mapped", physdev(PHYSDEVOP_map_pirq, &map));
    tell("edge bound", bind_pirq(EDGE, &port));
    tell("edge needs an end", needs_eoi(EDGE));
    mask[port / BITS_OF_LONG] |= 1ul << port % BITS_OF_LONG;
    tell("end of an edge", physdev(PHYSDEVOP_eoi, &eoi));
    tell("edge masked then", mask[port / BITS_OF_LONG] >> port % BITS_OF_LONG & 1);
    tell("edge closed", close_port(port));
    tell("end of one that is closed", physdev(PHYSDEVOP_eoi, &eoi));
    tell("edge unmapped", physdev(PHYSDEVOP_unmap_pirq, &unmap));
    tell("end of one that is unmapped", physdev(PHYSDEVOP_eoi, &eoi));
}

static void old_line(void)
{
    struct physdev_irq irq = {.irq = GSI};
    struct physdev_apic apic = {.apic_physbase = IOAPIC, .reg = 0x10 + 2 * GSI};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = GSI};
    evtchn_port_t port;
    tell("alloc_irq_vector", physdev(PHYSDEVOP_alloc_irq_vector, &irq));
    tell("line bound too early", bind_pirq(GSI, &port));
    apic.value = irq.vector | 1u << 13 | 1u << 15; /* low, level, not masked */
    tell("apic_write", physdev(PHYSDEVOP_apic_write, &apic));
    tell("line bound", bind_pirq(GSI, &port));
    tell("line needs an end", needs_eoi(GSI));
    tell("line closed", close_port(port));
    tell("line unmapped", physdev(PHYSDEVOP_unmap_pirq, &unmap));
}

/* ---- PCI ------------------------------------------------------------------------------------ */

static void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static uint32_t config(unsigned devfn, unsigned reg)
{
    out32(0xcf8, 0x80000000u | devfn << 8 | reg);
    return in32(0xcfc);
}

static void set_config(unsigned devfn, unsigned reg, uint32_t value)
{
    out32(0xcf8, 0x80000000u | devfn << 8 | reg);
    out32(0xcfc, value);
}

/* The register of its MSI capability. */
static unsigned msi_of(unsigned devfn)
{
    unsigned at = config(devfn, 0x34) & 0xfc;
    while (at != 0 && (config(devfn, at) & 0xff) != 5)
        at = config(devfn, at) >> 8 & 0xfc;
    return at;
}

static bool pending(evtchn_port_t port)
{
    const shared_info_t *shared = (const shared_info_t *)shared_page;
    return ((const volatile unsigned long *)shared->evtchn_pending)[port / BITS_OF_LONG] >>
               (port % BITS_OF_LONG) &
           1;
}

static void clear(evtchn_port_t port)
{
    vcpu_info_t *info = &((shared_info_t *)shared_page)->vcpu_info[0];
    ((shared_info_t *)shared_page)->evtchn_pending[port / BITS_OF_LONG] = 0;
    info->evtchn_pending_sel = 0;
    info->evtchn_upcall_pending = 0;
}

/* Whether the event comes within so many ns; it is then taken. */
static bool comes(evtchn_port_t port, uint64_t ns)
{
    const vcpu_info_t *info = &((shared_info_t *)shared_page)->vcpu_info[0];
    const uint64_t until = time_by(&info->time) + ns;
    while (!pending(port) && time_by(&info->time) < until)
        call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    bool ret = pending(port);
    clear(port);
    return ret;
}

static void must_come(evtchn_port_t port, const char *what)
{
    check_true(what, comes(port, PATIENCE_NS));
}

static void must_not_come(evtchn_port_t port, const char *what)
{
    check_true(what, !comes(port, QUIET_NS));
}

static void done_with(unsigned pirq)
{
    struct physdev_eoi eoi = {.irq = pirq};
    check_equal("eoi", (uint64_t)physdev(PHYSDEVOP_eoi, &eoi), 0);
}

/* ---- edu's line: level-triggered, so that it stays asserted until the device is told ----------
 */

static void level(unsigned gsi)
{
    struct physdev_map_pirq line = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = (int)gsi, .pirq = (int)gsi};
    struct physdev_setup_gsi setup = {.gsi = (int)gsi, .triggering = 1, .polarity = 1};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = (int)gsi};
    volatile uint32_t *edu = (volatile uint32_t *)window;
    evtchn_port_t port;
    uint64_t unused;
    bool held = option((const char *)start_info->cmd_line, "line-held", &unused);
    if (gsi >= 16) /* ISA's are set up by ACPI */
        tell("setup_gsi of edu's line", physdev(PHYSDEVOP_setup_gsi, &setup));
    tell("map_pirq of edu's line", physdev(PHYSDEVOP_map_pirq, &line));
    tell("edu's line bound", bind_pirq(gsi, &port));
    clear(port);
    must_not_come(port, "nothing before the device raises its line");

    edu[EDU_RAISE] = 1;
    must_come(port, "the line became an event");
    if (held)
        must_not_come(port, "the line is masked until its eoi");
    done_with(gsi);
    must_come(port, "a line that is still asserted comes again after the eoi");
    edu[EDU_ACK] = 1;
    done_with(gsi);
    clear(port);
    must_not_come(port, "nothing after the last eoi");

    edu[EDU_RAISE] = 2;
    must_come(port, "the line once more");
    edu[EDU_ACK] = 2;
    edu[EDU_RAISE] = 4;
    if (held)
        must_not_come(port, "asserted anew, but masked");
    done_with(gsi);
    must_come(port, "what was asserted before the eoi comes after it");
    edu[EDU_ACK] = 4;
    done_with(gsi);
    clear(port);

    edu[EDU_RAISE] = 8;
    must_come(port, "the line before it is closed");
    tell("edu's line closed", close_port(port));
    edu[EDU_ACK] = 8;
    tell("edu's line bound again", bind_pirq(gsi, &port));
    clear(port);
    edu[EDU_RAISE] = 16;
    must_come(port, "a line closed without its eoi works when bound again");
    edu[EDU_ACK] = 16;
    done_with(gsi);
    tell("edu's line closed again", close_port(port));
    clear(port);
    struct physdev_apic entry = {.apic_physbase = IOAPIC, .reg = 0x10 + 2 * gsi};
    check_equal("apic_read", (uint64_t)physdev(PHYSDEVOP_apic_read, &entry), 0);
    check_equal("masked when closed", entry.value >> 16 & 1, 1);
    edu[EDU_RAISE] = 32;
    must_not_come(port, "a closed line");
    edu[EDU_ACK] = 32;
    tell("edu's line unmapped", physdev(PHYSDEVOP_unmap_pirq, &unmap));
    tell("edu's line mapped again", physdev(PHYSDEVOP_map_pirq, &line));
}

/* ---- its MSI -------------------------------------------------------------------------------- */

static void message(unsigned devfn)
{
    struct physdev_map_pirq msi = {.domid = DOMID_SELF,
                                   .type = MAP_PIRQ_TYPE_MSI,
                                   .index = -1,
                                   .pirq = -1,
                                   .devfn = (int)devfn};
    volatile uint32_t *edu = (volatile uint32_t *)window;
    evtchn_port_t port;
    unsigned capability = msi_of(devfn);
    tell("map_pirq of MSI", physdev(PHYSDEVOP_map_pirq, &msi));
    tell("MSI bound", bind_pirq((unsigned)msi.pirq, &port));
    tell("MSI needs an end", needs_eoi((unsigned)msi.pirq));
    set_config(devfn, capability, config(devfn, capability) | 1u << 16); /* as kernels do */
    for (unsigned i = 1; i < 3; i++) {
        edu[EDU_RAISE] = i;
        must_come(port, "the MSI became an event");
        check_equal("the device's status", edu[EDU_STATUS], i);
        edu[EDU_ACK] = i;
        done_with((unsigned)msi.pirq);
    }
    tell("MSI closed", close_port(port));
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = msi.pirq};
    tell("MSI unmapped", physdev(PHYSDEVOP_unmap_pirq, &unmap));
}

static void edu_found(unsigned devfn)
{
    struct physdev_pci_device_add add = {.devfn = (uint8_t)devfn};
    uint32_t bar = config(devfn, 0x10) & ~15u;
    uint64_t gsi = config(devfn, 0x3c) & 0xff;
    (void)option((const char *)start_info->cmd_line, "edu-gsi", &gsi);
    tell("pci_device_add", physdev(PHYSDEVOP_pci_device_add, &add));
    set_config(devfn, 4, 6); /* memory, bus master */
    check_equal("registers mapped",
                (uint64_t)map_flags(window, (pte_t)bar | MAPPED_IO, UVMF_INVLPG), 0);
    level((unsigned)gsi);
    message(devfn);
    check_equal("our own page back", (uint64_t)map(window, own(window, PTE_OWN)), 0);
}

void pv_interrupts_check(void)
{
    if (!(start_info->flags & SIF_INITDOMAIN))
        return;
    check_equal("shared_info mapped",
                (uint64_t)map(shared_page, (pte_t)start_info->shared_info | PTE_OWN), 0);
    ((shared_info_t *)shared_page)->vcpu_info[0].evtchn_upcall_mask = 1;
    eoi_map();
    edge();
    old_line();
    for (unsigned devfn = 0; devfn < 256; devfn += 8)
        if (config(devfn, 0) == EDU)
            edu_found(devfn);
    check_equal("shared_info unmapped", (uint64_t)map(shared_page, own(shared_page, PTE_OWN)), 0);
}
