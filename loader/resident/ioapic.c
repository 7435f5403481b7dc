/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * IO-APIC registers and routing.  See ioapic.h.  Sources: Intel 82093AA data sheet (index and data
 * registers, redirection entries); ACPI 6.5 5.2.12.5 (MADT interrupt source overrides).
 */
#include "ioapic.h"

#include "acpi.h"
#include "lapic.h"
#include "machine_reader.h"
#include "pit.h"
#include "spinlock.h"

#define IOAPIC_VERSION  1
#define IOAPIC_REDIRECT 0x10
#define IOAPIC_SIZE     0x20
#define REDIRECT_MASKED (1u << 16)
#define REDIRECT_LEVEL  (1u << 15)
#define REDIRECT_LOW    (1u << 13)
#define PIN_MAX         240

struct chip {
    uint64_t address;
    volatile uint32_t *index, *data;
    uint32_t gsi_base, pins;
};

static struct spinlock lock;
static struct acpi_madt madt;
static struct chip chip[ACPI_IOAPIC_MAX];
static uint32_t chip_count, gsi_count;

static uint32_t read_register(const struct chip *c, uint32_t reg)
{
    *c->index = reg;
    return *c->data;
}

static void write_register(const struct chip *c, uint32_t reg, uint32_t value)
{
    *c->index = reg;
    *c->data = value;
}

static struct chip *find(uint32_t gsi, uint32_t *ret_reg)
{
    for (uint32_t i = 0; i < chip_count; i++) {
        if (gsi >= chip[i].gsi_base && gsi - chip[i].gsi_base < chip[i].pins) {
            *ret_reg = IOAPIC_REDIRECT + 2 * (gsi - chip[i].gsi_base);
            return &chip[i];
        }
    }
    return NULL;
}

uint32_t ioapic_gsi_count(void)
{
    return gsi_count;
}

uint32_t ioapic_irq_to_gsi(uint32_t irq)
{
    for (uint32_t i = 0; irq < 16 && i < madt.override_count; i++) {
        if (madt.override[i].source == irq)
            return madt.override[i].gsi;
    }
    return irq;
}

uint32_t ioapic_gsi_to_irq(uint32_t gsi)
{
    for (uint32_t i = 0; i < madt.override_count; i++) {
        if (madt.override[i].gsi == gsi)
            return madt.override[i].source;
    }
    return gsi;
}

bool ioapic_configure(uint32_t gsi, bool level, bool active_low)
{
    uint32_t reg;
    struct chip *c = find(gsi, &reg);
    if (c == NULL)
        return false;
    spin_lock(&lock);
    uint32_t low = read_register(c, reg) & 0xff;
    low |= REDIRECT_MASKED | (level ? REDIRECT_LEVEL : 0) | (active_low ? REDIRECT_LOW : 0);
    write_register(c, reg, low);
    spin_unlock(&lock);
    return true;
}

bool ioapic_is_level(uint32_t gsi)
{
    uint32_t reg;
    const struct chip *c = find(gsi, &reg);
    if (c == NULL)
        return false;
    spin_lock(&lock);
    uint32_t low = read_register(c, reg);
    spin_unlock(&lock);
    return low & REDIRECT_LEVEL;
}

bool ioapic_route(uint32_t gsi, uint8_t vector, uint32_t apic_id)
{
    uint32_t reg;
    const struct chip *c = find(gsi, &reg);
    if (c == NULL)
        return false;
    spin_lock(&lock);
    uint32_t low = read_register(c, reg) & (REDIRECT_LEVEL | REDIRECT_LOW);
    write_register(c, reg, low | REDIRECT_MASKED | vector);
    write_register(c, reg + 1, apic_id << 24);
    spin_unlock(&lock);
    return true;
}

void ioapic_mask(uint32_t gsi, bool masked)
{
    uint32_t reg;
    const struct chip *c = find(gsi, &reg);
    if (c == NULL)
        return;
    spin_lock(&lock);
    uint32_t low = read_register(c, reg) & ~REDIRECT_MASKED;
    write_register(c, reg, low | (masked ? REDIRECT_MASKED : 0));
    spin_unlock(&lock);
}

static const struct chip *find_address(uint64_t address)
{
    for (uint32_t i = 0; i < chip_count; i++) {
        if (chip[i].address == address)
            return &chip[i];
    }
    return NULL;
}

bool ioapic_read_register(uint64_t address, uint32_t reg, uint32_t *ret)
{
    const struct chip *c = find_address(address);
    if (c == NULL)
        return false;
    spin_lock(&lock);
    *ret = read_register(c, reg & 0xff);
    spin_unlock(&lock);
    return true;
}

uint32_t ioapic_register_gsi(uint64_t address, uint32_t reg)
{
    const struct chip *c = find_address(address);
    if (c == NULL || reg < IOAPIC_REDIRECT || (reg - IOAPIC_REDIRECT) / 2 >= c->pins)
        return ~0u;
    return c->gsi_base + (reg - IOAPIC_REDIRECT) / 2;
}

/* MPS INTI flags: polarity in bits 1:0, trigger in 3:2; 0 = as the ISA bus has it (high, edge). */
static void apply_override(const struct acpi_override *o)
{
    bool low = (o->flags & 3) == 3;
    bool level = (o->flags >> 2 & 3) == 3;
    (void)ioapic_configure(o->gsi, level, low);
}

void ioapic_init(void)
{
    pic_init();
    if (!layer.dom0)
        return; /* a domU guest has no devices: all lines stay off */
    if (!lapic_present() || !acpi_read_madt(&machine_reader, layer.handover->rsdp, &madt)) {
        say(SAY_INFO, "interrupts: no ACPI MADT or no local APIC, devices get no interrupts");
        return;
    }
    for (uint32_t i = 0; i < madt.ioapic_count && chip_count < ACPI_IOAPIC_MAX; i++) {
        struct chip *c = &chip[chip_count];
        c->address = madt.ioapic[i].address;
        if (c->address == 0 || c->address >> 32)
            continue;
        c->index = maddr_keep(c->address, IOAPIC_SIZE);
        c->data = c->index + 4;
        c->gsi_base = madt.ioapic[i].gsi_base;
        uint32_t version = read_register(c, IOAPIC_VERSION);
        c->pins = (version >> 16 & 0xff) + 1;
        if (version == UINT32_MAX || c->pins > PIN_MAX || c->gsi_base > 1024)
            continue;
        chip_count++;
        if (c->gsi_base + c->pins > gsi_count)
            gsi_count = c->gsi_base + c->pins;
        for (uint32_t pin = 0; pin < c->pins; pin++) {
            /* ISA lines: edge, high.  PCI lines are level, low until setup_gsi says otherwise. */
            bool isa = c->gsi_base + pin < 16;
            write_register(c, IOAPIC_REDIRECT + 2 * pin,
                           REDIRECT_MASKED | (isa ? 0 : REDIRECT_LEVEL | REDIRECT_LOW));
            write_register(c, IOAPIC_REDIRECT + 2 * pin + 1, 0);
        }
    }
    for (uint32_t i = 0; i < madt.override_count; i++)
        apply_override(&madt.override[i]);
    say(SAY_DEBUG, "interrupts: %u IO-APIC, %u GSIs", chip_count, gsi_count);
}
