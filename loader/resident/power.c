/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The end: debug-exit port, ACPI soft off or reset, the older ways to reset, a halt.
 *
 * May be called from anywhere, also after a fault in the layer: takes no lock and allocates
 * nothing.  Source: ACPI 6.5 4.8.3.2 (PM1 control), 4.8.3.6 (reset register), 16.1.2.
 */
#include "power.h"

#include "acpi.h"
#include "layer.h"
#include "machine_reader.h"

static struct acpi_poweroff acpi;
static bool has_acpi;

void power_init(void)
{
    has_acpi = acpi_read_poweroff(&machine_reader, layer.handover->rsdp, &acpi);
    if (!has_acpi || !acpi.can_poweroff)
        say(SAY_DEBUG, "power: ACPI does not say how to switch off");
}

void power_off_by_values(uint16_t pm1a, uint16_t pm1b)
{
    acpi.value_a = (uint16_t)((pm1a & ACPI_PM1_SLEEP_MASK) | (acpi.value_a & 0x2000));
    acpi.value_b = (uint16_t)((pm1b & ACPI_PM1_SLEEP_MASK) | (acpi.value_b & 0x2000));
    acpi.can_poweroff = acpi.pm1a_control.address != 0 || acpi.can_poweroff;
}

static uint32_t read_register(const struct acpi_register *r)
{
    if (r->space == ACPI_SPACE_IO)
        return r->width == 8 ? port_read8((uint16_t)r->address) : port_read16((uint16_t)r->address);
    if (r->address >> 32)
        return 0;
    return r->width == 8 ? *(volatile uint8_t *)maddr_pointer(r->address)
                         : *(volatile uint16_t *)maddr_pointer(r->address);
}

static void write_register(const struct acpi_register *r, uint32_t value)
{
    if (r->address == 0)
        return;
    if (r->space == ACPI_SPACE_IO && r->width == 8)
        port_write8((uint16_t)r->address, (uint8_t)value);
    else if (r->space == ACPI_SPACE_IO)
        port_write16((uint16_t)r->address, (uint16_t)value);
    else if (r->space == ACPI_SPACE_MEMORY && !(r->address >> 32) && r->width == 8)
        *(volatile uint8_t *)maddr_pointer(r->address) = (uint8_t)value;
    else if (r->space == ACPI_SPACE_MEMORY && !(r->address >> 32))
        *(volatile uint16_t *)maddr_pointer(r->address) = (uint16_t)value;
}

/* Roughly, without a clock that may not be there yet. */
static void pause_ms(uint32_t ms)
{
    for (uint32_t i = 0; i < ms * 1000; i++)
        (void)port_read8(0x80);
}

static void try_poweroff(void)
{
    if (!has_acpi || !acpi.can_poweroff)
        return;
    if (acpi.hardware_reduced) {
        write_register(&acpi.sleep_control, acpi.value_a);
        pause_ms(500);
        return;
    }
    if (!(read_register(&acpi.pm1a_control) & 1) && acpi.smi_command != 0) {
        port_write8((uint16_t)acpi.smi_command, acpi.acpi_enable);
        for (int i = 0; i < 300 && !(read_register(&acpi.pm1a_control) & 1); i++)
            pause_ms(10);
    }
    uint32_t a = read_register(&acpi.pm1a_control) & ~ACPI_PM1_SLEEP_MASK;
    write_register(&acpi.pm1a_control, a | acpi.value_a);
    if (acpi.pm1b_control.address != 0) {
        uint32_t b = read_register(&acpi.pm1b_control) & ~ACPI_PM1_SLEEP_MASK;
        write_register(&acpi.pm1b_control, b | acpi.value_b);
    }
    pause_ms(500);
}

static void try_reboot(void)
{
    if (has_acpi && acpi.reset.address != 0) {
        write_register(&acpi.reset, acpi.reset_value);
        pause_ms(100);
    }
    port_write8(0xcf9, 0x02); /* reset control register: hard reset… */
    pause_ms(1);
    port_write8(0xcf9, 0x06); /* …now */
    pause_ms(100);
    for (int i = 0; i < 1000 && port_read8(0x64) & 2; i++)
        pause_ms(1);
    port_write8(0x64, 0xfe); /* keyboard controller: pulse the reset line */
    pause_ms(100);
    /* A fault without a handler. */
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) empty = {0, 0};
    __asm__ volatile("lidt %0; int3" : : "m"(empty));
}

_Noreturn void layer_end(enum end end, uint32_t code)
{
    hypercall_print_counts();
    uint16_t port = (uint16_t)layer.handover->debug_exit;
    if (port != 0 && !(end == END_REBOOT && code == 0)) /* a guest's own reboot goes on */
        port_write32(port, code);
    if (end == END_POWEROFF) {
        try_poweroff();
        say(SAY_ALWAYS, "the machine cannot be switched off by ACPI: halted");
    } else if (end == END_REBOOT) {
        try_reboot();
        say(SAY_ALWAYS, "the machine cannot be reset: halted");
    }
    for (;;)
        cpu_halt();
}
