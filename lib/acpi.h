/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The few things that are needed from ACPI: how to power off and reset (FADT, _S5), the processors
 * and interrupt controllers (MADT).  Pure parsing over a reader: stage, UEFI application and
 * resident layer share it.  Tables are hostile: lengths are bounded, checksums must be right.
 * Source: ACPI 6.5, 5.2.5 (RSDP), 5.2.7/5.2.8 (RSDT/XSDT), 5.2.9 (FADT), 5.2.12 (MADT), 7.4.2
 * (\_Sx).
 */
#ifndef LIB_ACPI_H
#define LIB_ACPI_H

#include "reader.h"

#define ACPI_RSDP_SIZE_1  20u
#define ACPI_RSDP_SIZE_2  36u
#define ACPI_TABLE_MAX    (16u << 20) /* a longer table is a lie */
#define ACPI_CPU_MAX      256
#define ACPI_IOAPIC_MAX   16
#define ACPI_OVERRIDE_MAX 24
#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1

/* A register, from a Generic Address Structure or an old-style port number. address 0 = none. */
struct acpi_register {
    uint64_t address;
    uint8_t space; /* ACPI_SPACE_… */
    uint8_t width; /* bits: 8, 16 or 32 */
};

struct acpi_poweroff {
    /* Soft off: write value_a to pm1a_control (16 bits; SLP_TYP and SLP_EN, the other bits are read
     * first and kept), then value_b to pm1b_control when it has an address.  Hardware-reduced ACPI:
     * sleep_control (8 bits) instead, written with value_a as it is. */
    bool can_poweroff;
    bool hardware_reduced;
    struct acpi_register pm1a_control, pm1b_control, sleep_control;
    uint16_t value_a, value_b; /* SLP_TYPx << 10 | SLP_EN; reduced: SLP_TYP << 2 | SLP_EN << 5 */

    /* ACPI mode must be on first: when bit 0 (SCI_EN) of pm1a_control reads 0 and smi_command is
     * not 0, write acpi_enable to port smi_command and wait for the bit. */
    uint32_t smi_command;
    uint8_t acpi_enable;

    /* Reset register; address 0 = none. */
    struct acpi_register reset;
    uint8_t reset_value;
};

#define ACPI_PM1_SLEEP_MASK 0x3c00u /* SLP_TYP and SLP_EN in a PM1 control register */

struct acpi_cpu {
    uint32_t apic_id; /* x2APIC ids included */
    uint32_t uid;     /* ACPI processor UID */
    bool enabled;     /* usable now; false: online capable only */
};

struct acpi_ioapic {
    uint32_t id, gsi_base;
    uint64_t address;
};

struct acpi_override {
    uint8_t source; /* ISA IRQ */
    uint32_t gsi;
    uint16_t flags; /* MPS INTI: polarity bits 1:0, trigger bits 3:2 */
};

struct acpi_madt {
    uint64_t lapic;     /* machine address of the local APICs */
    bool has_8259;      /* PCAT_COMPAT */
    uint32_t cpu_count; /* entries kept, usable or online capable */
    uint32_t cpu_lost;  /* entries beyond ACPI_CPU_MAX */
    struct acpi_cpu cpu[ACPI_CPU_MAX];
    uint32_t ioapic_count;
    struct acpi_ioapic ioapic[ACPI_IOAPIC_MAX];
    uint32_t override_count;
    struct acpi_override override[ACPI_OVERRIDE_MAX];
};

/* Checks signature and checksum(s) of an RSDP of `size` bytes (20, or 36 and more).  Returns how
 * many bytes of it are valid: 20 for ACPI 1 (or when the extended checksum is wrong), its length
 * for ACPI 2, 0 when it is none. */
uint32_t acpi_rsdp_check(const uint8_t *rsdp, size_t size);

/* Finds the index-th table with that four-letter signature through the RSDP at machine address
 * `rsdp`: XSDT when there is one, else RSDT.  "DSDT" is found through the FADT.  Signature, length
 * and checksum of what is returned are right. */
MUST_USE bool acpi_find(const struct reader *reader, uint64_t rsdp, const char *signature,
                        uint32_t index, uint64_t *ret_at, uint32_t *ret_size);

/* Power-off and reset; false when there is no FADT (then *ret is untouched). */
MUST_USE bool acpi_read_poweroff(const struct reader *reader, uint64_t rsdp,
                                 struct acpi_poweroff *ret);

/* Processors and interrupt controllers; false when there is no MADT (then *ret is untouched). */
MUST_USE bool acpi_read_madt(const struct reader *reader, uint64_t rsdp, struct acpi_madt *ret);

#endif
