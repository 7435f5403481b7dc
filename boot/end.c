/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The end of a stage that does not boot: says what happens now, then does it.  Ways to power off
 * and to reset are tried in order, the best known first; when none works, the CPU halts.
 * Sources: ACPI 6.5, 4.8.3.2 and 7.5 (PM1 control), 4.8.3.6 (reset), PIIX4 and ICH9 data sheets.
 */
#include "acpi.h"
#include "port.h"
#include "stage.h"

#define KEYBOARD_COMMAND 0x64
#define KEYBOARD_RESET   0xfe
#define RESET_CONTROL    0xcf9
#define POST_CODE        0x80
#define SCI_ENABLED      1u
#define WAIT_ACPI        3000000u /* port reads of about 1 us */

/* Ports at which emulators power off, for machines without ACPI tables. */
static const struct {
    uint16_t port, value;
} emulator_poweroff[] = {
    {0x604, 0x2000},  /* QEMU's PIIX4 and ICH9 power management as its firmware places it */
    {0xb004, 0x2000}, /* Bochs, and QEMU before version 2 */
    {0x4004, 0x3400}, /* VirtualBox */
};

static void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static uint32_t register_read(const struct acpi_register *reg)
{
    if (reg->space == ACPI_SPACE_IO)
        return reg->width == 8 ? port_read8((uint16_t)reg->address)
                               : port_read16((uint16_t)reg->address);
    if (reg->address >> 32)
        return 0;
    return reg->width == 8 ? *(volatile uint8_t *)(uintptr_t)reg->address
                           : *(volatile uint16_t *)(uintptr_t)reg->address;
}

static void register_write(const struct acpi_register *reg, uint32_t value)
{
    if (!reg->address || reg->address >> 32)
        return;
    if (reg->space == ACPI_SPACE_IO && reg->width == 8)
        port_write8((uint16_t)reg->address, (uint8_t)value);
    else if (reg->space == ACPI_SPACE_IO)
        port_write16((uint16_t)reg->address, (uint16_t)value);
    else if (reg->width == 8)
        *(volatile uint8_t *)(uintptr_t)reg->address = (uint8_t)value;
    else
        *(volatile uint16_t *)(uintptr_t)reg->address = (uint16_t)value;
}

static void sleep_write(const struct acpi_register *reg, uint16_t value)
{
    if (reg->address)
        register_write(reg, (register_read(reg) & ~ACPI_PM1_SLEEP_MASK) | value);
}

static void acpi_power_off(const struct acpi_poweroff *acpi)
{
    if (!acpi->can_poweroff)
        return;
    if (acpi->hardware_reduced) {
        register_write(&acpi->sleep_control, acpi->value_a);
        return;
    }
    if (!(register_read(&acpi->pm1a_control) & SCI_ENABLED) && acpi->smi_command) {
        port_write8((uint16_t)acpi->smi_command, acpi->acpi_enable);
        for (uint32_t i = 0; i < WAIT_ACPI; i++)
            if (register_read(&acpi->pm1a_control) & SCI_ENABLED)
                break;
    }
    sleep_write(&acpi->pm1a_control, acpi->value_a);
    sleep_write(&acpi->pm1b_control, acpi->value_b);
}

static void power_off(void)
{
    struct acpi_poweroff acpi;

    if (acpi_read_poweroff(&stage_reader, stage_record()->rsdp, &acpi)) {
        acpi_power_off(&acpi);
        return;
    }
    for (uint32_t i = 0; i < sizeof(emulator_poweroff) / sizeof(emulator_poweroff[0]); i++)
        port_write16(emulator_poweroff[i].port, emulator_poweroff[i].value);
}

static void reset(void)
{
    struct acpi_poweroff acpi;

    if (acpi_read_poweroff(&stage_reader, stage_record()->rsdp, &acpi) && acpi.reset.address)
        register_write(&acpi.reset, acpi.reset_value);
    for (uint32_t i = 0; i < 0x10000 && (port_read8(KEYBOARD_COMMAND) & 2); i++)
        ;
    port_write8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    port_write8(RESET_CONTROL, 2); /* hard reset, in two writes */
    port_write8(RESET_CONTROL, 6);
}

/* A machine takes a moment to go down: about two seconds of reads that take 1 us each. */
static void wait(void)
{
    for (uint32_t i = 0; i < 2000000; i++)
        port_read8(POST_CODE);
}

void stage_end(enum on_refusal how, const char *advice)
{
    static const char *const text[] = {
        [ON_REFUSAL_HALT] = "halted; switch off or reset the machine",
        [ON_REFUSAL_REBOOT] = "rebooting",
        [ON_REFUSAL_POWEROFF] = "powering off",
    };

    out_printf(stage_out(), STAGE_PREFIX "%s.%s%s\n", text[how], *advice ? " " : "", advice);
    if (stage_options()->debug_exit)
        port_write32(stage_options()->debug_exit, 1);
    if (how == ON_REFUSAL_POWEROFF)
        power_off();
    if (how == ON_REFUSAL_REBOOT)
        reset();
    if (how != ON_REFUSAL_HALT) {
        wait();
        out_text(stage_out(), STAGE_PREFIX "the machine did not do so; halted.\n");
    }
    halt();
    __builtin_unreachable();
}
