/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ACPI tables and the search for the RSDP, good and lying.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "acpi.h"
#include "memory_model.h"
#include "record_parts.h"
#include "rsdp.h"

#define RSDP 0xe0010u
#define RSDT 0x10000u
#define XSDT 0x11000u
#define FADT 0x12000u
#define DSDT 0x13000u
#define MADT 0x14000u

static struct boot_record record;
static struct acpi_poweroff power;
static struct acpi_madt madt;

static void table(uint32_t at, const char *signature, uint32_t size)
{
    memcpy(model + at, signature, 4);
    put32(at + 4, size);
    put_checksum(at, size, 9);
}

static void rsdp(uint32_t at, uint8_t revision)
{
    memcpy(model + at, "RSD PTR ", 8);
    put8(at + 15, revision);
    put32(at + 16, RSDT);
    if (revision >= 2) {
        put32(at + 20, 36);
        put64(at + 24, XSDT);
    }
    put_checksum(at, 20, 8);
    if (revision >= 2)
        put_checksum(at, 36, 32);
}

/* As QEMU's PIIX4 machine has them: FADT with ports, \_S5 of zeros in the DSDT. */
static int machine(void **state)
{
    static const uint8_t s5[] = {0x08, '_',  'S',  '5',  '_',  0x12, 0x0a,
                                 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00};
    (void)state;
    model_clear();
    rsdp(RSDP, 0);
    put32(RSDT + 36, FADT);
    put32(RSDT + 40, MADT);
    table(RSDT, "RSDT", 44);
    put32(FADT + 40, DSDT);
    put32(FADT + 48, 0xb2);
    put8(FADT + 52, 0xf1);
    put32(FADT + 64, 0x604);
    table(FADT, "FACP", 116);
    memcpy(model + DSDT + 1000, s5, sizeof(s5));
    table(DSDT, "DSDT", 2000);
    put32(MADT + 36, 0xfee00000);
    put32(MADT + 40, 1);
    memcpy(model + MADT + 44, "\0\x08\0\0\1\0\0\0", 8);
    memcpy(model + MADT + 52, "\0\x08\1\2\1\0\0\0", 8);
    memcpy(model + MADT + 60, "\0\x08\2\4\0\0\0\0", 8); /* not usable */
    memcpy(model + MADT + 68, "\1\x0c\5\0\0\0\xc0\xfe\0\0\0\0", 12);
    memcpy(model + MADT + 80, "\2\x0a\0\x09\x14\0\0\0\x0d\0", 10);
    table(MADT, "APIC", 90);
    return 0;
}

static void power_off_is_found(void **state)
{
    (void)state;
    assert_true(acpi_read_poweroff(&model_reader, RSDP, &power));
    assert_true(power.can_poweroff);
    assert_false(power.hardware_reduced);
    assert_int_equal(power.pm1a_control.address, 0x604);
    assert_int_equal(power.pm1a_control.space, ACPI_SPACE_IO);
    assert_int_equal(power.pm1b_control.address, 0);
    assert_int_equal(power.value_a, 5 << 10 | 1 << 13);
    assert_int_equal(power.value_b, 1 << 10 | 1 << 13);
    assert_int_equal(power.smi_command, 0xb2);
    assert_int_equal(power.acpi_enable, 0xf1);
    assert_int_equal(power.reset.address, 0);
}

static void without_s5_there_is_no_power_off(void **state)
{
    (void)state;
    put8(DSDT + 1000, 0x10); /* a Scope called _S5_ is no Name */
    table(DSDT, "DSDT", 2000);
    assert_true(acpi_read_poweroff(&model_reader, RSDP, &power));
    assert_false(power.can_poweroff);
    machine(NULL);
    memcpy(model + DSDT + 1990, "\x08_S5_\x12\x0a\x04\x0a\x05", 10); /* runs off the end */
    memset(model + DSDT + 1000, 0, 16);
    table(DSDT, "DSDT", 2000);
    assert_true(acpi_read_poweroff(&model_reader, RSDP, &power));
    assert_true(power.can_poweroff); /* SLP_TYPa is there, and stands for b too */
    table(DSDT, "DSDT", 1998);
    assert_true(acpi_read_poweroff(&model_reader, RSDP, &power));
    assert_false(power.can_poweroff);
}

static void reduced_hardware_has_its_own_register(void **state)
{
    (void)state;
    put32(FADT + 112, 1u << 20 | 1u << 10);
    put8(FADT + 116, ACPI_SPACE_MEMORY);
    put64(FADT + 120, 0xfea00002);
    put8(FADT + 128, 42);
    put8(FADT + 244, ACPI_SPACE_MEMORY);
    put64(FADT + 248, 0xfea00000);
    table(FADT, "FACP", 276);
    assert_true(acpi_read_poweroff(&model_reader, RSDP, &power));
    assert_true(power.hardware_reduced && power.can_poweroff);
    assert_int_equal(power.sleep_control.address, 0xfea00000);
    assert_int_equal(power.value_a, 5 << 2 | 1 << 5);
    assert_int_equal(power.reset.address, 0xfea00002);
    assert_int_equal(power.reset_value, 42);
}

static void processors_are_listed(void **state)
{
    (void)state;
    assert_true(acpi_read_madt(&model_reader, RSDP, &madt));
    assert_int_equal(madt.lapic, 0xfee00000);
    assert_true(madt.has_8259);
    assert_int_equal(madt.cpu_count, 2);
    assert_int_equal(madt.cpu[1].apic_id, 2);
    assert_int_equal(madt.cpu[1].uid, 1);
    assert_int_equal(madt.ioapic_count, 1);
    assert_int_equal(madt.ioapic[0].address, 0xfec00000);
    assert_int_equal(madt.override_count, 1);
    assert_int_equal(madt.override[0].source, 9);
    assert_int_equal(madt.override[0].gsi, 20);
    assert_int_equal(madt.override[0].flags, 13);
    put8(MADT + 53, 0); /* an entry of no length ends the walk */
    table(MADT, "APIC", 90);
    assert_true(acpi_read_madt(&model_reader, RSDP, &madt));
    assert_int_equal(madt.cpu_count, 1);
}

static void lying_tables_are_not_found(void **state)
{
    uint64_t at;
    uint32_t size;
    (void)state;
    put8(FADT + 60, 1); /* checksum */
    assert_false(acpi_read_poweroff(&model_reader, RSDP, &power));
    machine(NULL);
    put32(FADT + 4, 35);
    assert_false(acpi_find(&model_reader, RSDP, "FACP", 0, &at, &size));
    put32(FADT + 4, UINT32_MAX);
    assert_false(acpi_find(&model_reader, RSDP, "FACP", 0, &at, &size));
    machine(NULL);
    assert_false(acpi_find(&model_reader, RSDP, "APIC", 1, &at, &size));
    put32(RSDP + 16, MODEL_SIZE - 4);
    put_checksum(RSDP, 20, 8);
    assert_false(acpi_find(&model_reader, RSDP, "APIC", 0, &at, &size));
    assert_false(acpi_find(&model_reader, UINT64_MAX - 8, "APIC", 0, &at, &size));
    assert_false(acpi_find(&model_reader, 0, "APIC", 0, &at, &size));
}

static void the_xsdt_wins(void **state)
{
    uint64_t at;
    uint32_t size;
    (void)state;
    rsdp(RSDP, 2);
    put64(XSDT + 36, MADT);
    table(XSDT, "XSDT", 44);
    assert_true(acpi_find(&model_reader, RSDP, "APIC", 0, &at, &size));
    assert_false(acpi_find(&model_reader, RSDP, "FACP", 0, &at, &size));
    put8(XSDT + 20, 9); /* broken: the RSDT is still there */
    assert_true(acpi_find(&model_reader, RSDP, "FACP", 0, &at, &size));
}

static void the_bios_areas_are_searched(void **state)
{
    (void)state;
    record_init(&record, WAY_MULTIBOOT1);
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, RSDP);
    assert_int_equal(record.rsdp_source, RSDP_BIOS);
    assert_int_equal(record.rsdp_length, 20);

    put16(0x40e, 0x9fc0); /* one in the EBDA is looked at first */
    rsdp(0x9fc20, 0);
    record_init(&record, WAY_MULTIBOOT1);
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, 0x9fc20);
    assert_int_equal(record.rsdp_source, RSDP_EBDA);

    rsdp(0xffff0 - 32, 2); /* but ACPI 2 is better, wherever it is */
    record_init(&record, WAY_MULTIBOOT1);
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, 0xffff0 - 32);
    assert_int_equal(record.rsdp_length, 36);

    put8(0xffff0 - 32 + 24, 77); /* second checksum wrong: ACPI 1 at most */
    record_init(&record, WAY_MULTIBOOT1);
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, 0x9fc20);

    model_clear();
    record_init(&record, WAY_MULTIBOOT1);
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, 0);
    assert_int_equal(record.rsdp_source, RSDP_NONE);
}

static void what_the_loader_says_is_checked(void **state)
{
    (void)state;
    record_init(&record, WAY_PVH);
    record.rsdp = 0x5000; /* nothing there */
    record.rsdp_source = RSDP_PVH;
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, RSDP);
    assert_int_equal(record.rsdp_source, RSDP_BIOS);

    rsdp(0x5000, 2);
    record_init(&record, WAY_PVH);
    record.rsdp = 0x5000;
    record.rsdp_source = RSDP_PVH;
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, 0x5000);
    assert_int_equal(record.rsdp_source, RSDP_PVH);

    /* A loader's copy gives way to the original, and is kept when there is none. */
    record_init(&record, WAY_MULTIBOOT2);
    record.rsdp = 0x5000;
    record.rsdp_source = RSDP_MULTIBOOT2;
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, RSDP);
    memset(model + RSDP, 0, 36);
    record_init(&record, WAY_MULTIBOOT2);
    record.rsdp = 0x5000;
    record.rsdp_source = RSDP_MULTIBOOT2;
    rsdp_find(&record, &model_reader);
    assert_int_equal(record.rsdp, 0x5000);
    assert_int_equal(record.keep_count, 1);
}

static void the_efi_configuration_table_is_read(void **state)
{
    static const uint8_t acpi2[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
                                      0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
    (void)state;
    rsdp(0x5000, 2);
    for (int wide = 0; wide < 2; wide++) {
        uint32_t count = 0x6000 + (wide ? 104 : 64), pointer = count + (wide ? 8 : 4);
        memset(model + 0x6000, 0, 0x1000);
        put32(count, 2);
        put32(pointer, 0x6800);
        memcpy(model + 0x6800 + (wide ? 24 : 20), acpi2, 16);
        put32(0x6800 + (wide ? 24 : 20) + 16, 0x5000);
        record_init(&record, WAY_MULTIBOOT2);
        record.efi.present = true;
        record.efi.is_64bit = wide;
        record.efi.system_table = 0x6000;
        rsdp_find(&record, &model_reader);
        assert_int_equal(record.rsdp, 0x5000);
        assert_int_equal(record.rsdp_source, RSDP_EFI);
        put32(count, UINT32_MAX);
        record_init(&record, WAY_MULTIBOOT2);
        record.efi.present = true;
        record.efi.is_64bit = wide;
        record.efi.system_table = 0x6000;
        rsdp_find(&record, &model_reader);
        assert_int_equal(record.rsdp, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(power_off_is_found, machine),
        cmocka_unit_test_setup(without_s5_there_is_no_power_off, machine),
        cmocka_unit_test_setup(reduced_hardware_has_its_own_register, machine),
        cmocka_unit_test_setup(processors_are_listed, machine),
        cmocka_unit_test_setup(lying_tables_are_not_found, machine),
        cmocka_unit_test_setup(the_xsdt_wins, machine),
        cmocka_unit_test_setup(the_bios_areas_are_searched, machine),
        cmocka_unit_test_setup(what_the_loader_says_is_checked, machine),
        cmocka_unit_test_setup(the_efi_configuration_table_is_read, machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
