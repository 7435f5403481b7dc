/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ACPI tables through a reader; see acpi.h.  Reads only: every address and length comes from the
 * firmware and is bounded here before it is used.  AML is not interpreted: \_S5 is a Name with a
 * Package of constants on every machine known, and is looked for as those bytes.
 */
#include "acpi.h"

#include "bytes.h"

#define HEADER_SIZE   36u
#define TABLES_MAX    256u /* entries of an RSDT or XSDT that are looked at */
#define SSDT_MAX      32u  /* looked at for \_S5 */
#define FADT_DSDT     40
#define FADT_SMI_CMD  48
#define FADT_ENABLE   52
#define FADT_PM1A_CNT 64
#define FADT_PM1B_CNT 68
#define FADT_FLAGS    112
#define FADT_RESET    116
#define FADT_RESET_TO 128
#define FADT_X_DSDT   140
#define FADT_X_PM1A   172
#define FADT_X_PM1B   184
#define FADT_SLEEP    244

#define FADT_RESET_SUPPORTED  (1u << 10)
#define FADT_HARDWARE_REDUCED (1u << 20)

static uint8_t sum(const uint8_t *bytes, size_t size)
{
    uint8_t total = 0;
    for (size_t i = 0; i < size; i++)
        total = (uint8_t)(total + bytes[i]);
    return total;
}

uint32_t acpi_rsdp_check(const uint8_t *rsdp, size_t size)
{
    uint32_t length;

    if (size < ACPI_RSDP_SIZE_1 || memcmp(rsdp, "RSD PTR ", 8) || sum(rsdp, ACPI_RSDP_SIZE_1))
        return 0;
    if (rsdp[15] < 2 || size < ACPI_RSDP_SIZE_2)
        return ACPI_RSDP_SIZE_1;
    memcpy(&length, rsdp + 20, sizeof(length));
    if (length < ACPI_RSDP_SIZE_2 || length > size || sum(rsdp, length))
        return ACPI_RSDP_SIZE_1;
    return length;
}

static bool checksum_is_right(const struct reader *reader, uint64_t at, uint32_t size)
{
    uint8_t chunk[256], total = 0;

    while (size) {
        uint32_t part = size < sizeof(chunk) ? size : sizeof(chunk);
        if (!reader_bytes(reader, at, chunk, part))
            return false;
        total = (uint8_t)(total + sum(chunk, part));
        at += part;
        size -= part;
    }
    return total == 0;
}

/* True when a whole, sane table with that signature stands at `at`. */
static bool table_is(const struct reader *reader, uint64_t at, const char *signature,
                     uint32_t *ret_size)
{
    uint8_t found[4];
    uint32_t size;

    if (!at || !reader_bytes(reader, at, found, 4) || memcmp(found, signature, 4))
        return false;
    if (!reader_u32(reader, at + 4, &size) || size < HEADER_SIZE || size > ACPI_TABLE_MAX)
        return false;
    if (!checksum_is_right(reader, at, size))
        return false;
    *ret_size = size;
    return true;
}

/* The root table and the width of its entries. */
static bool find_root(const struct reader *reader, uint64_t rsdp, uint64_t *ret_at,
                      uint32_t *ret_size, uint32_t *ret_entry)
{
    uint8_t bytes[ACPI_RSDP_SIZE_2];
    uint32_t rsdt, valid;
    uint64_t xsdt;

    if (!rsdp || !reader_bytes(reader, rsdp, bytes, ACPI_RSDP_SIZE_1))
        return false;
    valid = acpi_rsdp_check(bytes, ACPI_RSDP_SIZE_1);
    if (valid && bytes[15] >= 2 && reader_bytes(reader, rsdp, bytes, ACPI_RSDP_SIZE_2))
        valid = acpi_rsdp_check(bytes, ACPI_RSDP_SIZE_2);
    if (!valid)
        return false;
    if (valid >= ACPI_RSDP_SIZE_2) {
        memcpy(&xsdt, bytes + 24, sizeof(xsdt));
        if (table_is(reader, xsdt, "XSDT", ret_size)) {
            *ret_at = xsdt;
            *ret_entry = 8;
            return true;
        }
    }
    memcpy(&rsdt, bytes + 16, sizeof(rsdt));
    if (!table_is(reader, rsdt, "RSDT", ret_size))
        return false;
    *ret_at = rsdt;
    *ret_entry = 4;
    return true;
}

static uint32_t fadt_u32(const struct reader *reader, uint64_t fadt, uint32_t size, uint32_t offset)
{
    uint32_t value = 0;
    if (offset + 4 > size || !reader_u32(reader, fadt + offset, &value))
        return 0;
    return value;
}

static uint8_t fadt_u8(const struct reader *reader, uint64_t fadt, uint32_t size, uint32_t offset)
{
    uint8_t value = 0;
    if (offset + 1 > size || !reader_u8(reader, fadt + offset, &value))
        return 0;
    return value;
}

static bool find_dsdt(const struct reader *reader, uint64_t rsdp, uint64_t *ret_at,
                      uint32_t *ret_size)
{
    uint64_t fadt, x_dsdt = 0;
    uint32_t size;

    if (!acpi_find(reader, rsdp, "FACP", 0, &fadt, &size))
        return false;
    if (size >= FADT_X_DSDT + 8 && reader_u64(reader, fadt + FADT_X_DSDT, &x_dsdt) &&
        table_is(reader, x_dsdt, "DSDT", ret_size)) {
        *ret_at = x_dsdt;
        return true;
    }
    *ret_at = fadt_u32(reader, fadt, size, FADT_DSDT);
    return table_is(reader, *ret_at, "DSDT", ret_size);
}

bool acpi_find(const struct reader *reader, uint64_t rsdp, const char *signature, uint32_t index,
               uint64_t *ret_at, uint32_t *ret_size)
{
    uint64_t root;
    uint32_t root_size, entry_size;

    if (!memcmp(signature, "DSDT", 4)) {
        uint64_t at;
        uint32_t size;
        if (index || !find_dsdt(reader, rsdp, &at, &size))
            return false;
        *ret_at = at;
        *ret_size = size;
        return true;
    }
    if (!find_root(reader, rsdp, &root, &root_size, &entry_size))
        return false;
    for (uint32_t i = 0, offset = HEADER_SIZE; i < TABLES_MAX && offset + entry_size <= root_size;
         i++, offset += entry_size) {
        uint64_t at = 0;
        uint32_t size;
        if (!reader_bytes(reader, root + offset, &at, entry_size))
            return false;
        if (!table_is(reader, at, signature, &size))
            continue;
        if (index--)
            continue;
        *ret_at = at;
        *ret_size = size;
        return true;
    }
    return false;
}

/* A Generic Address Structure inside the FADT; false when absent, zero or of another space. */
static bool fadt_gas(const struct reader *reader, uint64_t fadt, uint32_t size, uint32_t offset,
                     uint8_t width, struct acpi_register *ret)
{
    uint8_t space;
    uint64_t address;

    if (offset + 12 > size || !reader_u8(reader, fadt + offset, &space) ||
        !reader_u64(reader, fadt + offset + 4, &address) || !address)
        return false;
    if (space != ACPI_SPACE_MEMORY && (space != ACPI_SPACE_IO || address > 0xffff))
        return false;
    *ret = (struct acpi_register){address, space, width};
    return true;
}

static void fadt_control(const struct reader *reader, uint64_t fadt, uint32_t size,
                         uint32_t x_offset, uint32_t offset, struct acpi_register *ret)
{
    uint32_t port = fadt_u32(reader, fadt, size, offset);

    if (fadt_gas(reader, fadt, size, x_offset, 16, ret))
        return;
    if (port && port <= 0xffff)
        *ret = (struct acpi_register){port, ACPI_SPACE_IO, 16};
}

/* An AML integer constant at `at`; moves *at behind it. */
static bool aml_constant(const struct reader *reader, uint64_t *at, uint64_t end, uint8_t *ret)
{
    uint8_t op, skip;

    if (*at >= end || !reader_u8(reader, (*at)++, &op))
        return false;
    switch (op) {
    case 0x00: /* ZeroOp */
    case 0x01: /* OneOp */
        *ret = op;
        return true;
    case 0x0a: /* BytePrefix */
        skip = 1;
        break;
    case 0x0b: /* WordPrefix */
        skip = 2;
        break;
    case 0x0c: /* DWordPrefix */
        skip = 4;
        break;
    default:
        return false;
    }
    if (end - *at < skip || !reader_u8(reader, *at, ret))
        return false;
    *at += skip;
    return true;
}

/* Name (_S5_, Package { SLP_TYPa, SLP_TYPb, ... }) with the name at `at`. */
static bool parse_s5(const struct reader *reader, uint64_t at, uint64_t end, uint8_t *ret_a,
                     uint8_t *ret_b)
{
    uint8_t op, lead, count;

    at += 4;
    if (end - at < 4 || !reader_u8(reader, at, &op) || op != 0x12 /* PackageOp */ ||
        !reader_u8(reader, at + 1, &lead))
        return false;
    at += 2 + (lead >> 6); /* PkgLength: bits 7:6 = bytes that follow */
    if (at >= end || !reader_u8(reader, at++, &count) || count < 1)
        return false;
    if (!aml_constant(reader, &at, end, ret_a))
        return false;
    if (count < 2 || !aml_constant(reader, &at, end, ret_b))
        *ret_b = *ret_a;
    return true;
}

static bool find_s5(const struct reader *reader, uint64_t at, uint32_t size, uint8_t *ret_a,
                    uint8_t *ret_b)
{
    uint8_t chunk[256];
    uint64_t end = at + size;

    for (uint64_t base = at + HEADER_SIZE; base < end; base += sizeof(chunk) - 5) {
        size_t part = end - base < sizeof(chunk) ? (size_t)(end - base) : sizeof(chunk);
        if (!reader_bytes(reader, base, chunk, part))
            return false;
        for (size_t i = 1; i + 4 <= part; i++) {
            if (memcmp(chunk + i, "_S5_", 4))
                continue;
            /* NameOp just before, or NameOp and the root prefix. */
            bool named =
                chunk[i - 1] == 0x08 || (chunk[i - 1] == 0x5c && i >= 2 && chunk[i - 2] == 0x08);
            if (named && parse_s5(reader, base + i, end, ret_a, ret_b))
                return true;
        }
    }
    return false;
}

static bool find_sleep_types(const struct reader *reader, uint64_t rsdp, uint8_t *ret_a,
                             uint8_t *ret_b)
{
    uint64_t at;
    uint32_t size;

    if (acpi_find(reader, rsdp, "DSDT", 0, &at, &size) && find_s5(reader, at, size, ret_a, ret_b))
        return true;
    for (uint32_t i = 0; i < SSDT_MAX && acpi_find(reader, rsdp, "SSDT", i, &at, &size); i++)
        if (find_s5(reader, at, size, ret_a, ret_b))
            return true;
    return false;
}

bool acpi_read_poweroff(const struct reader *reader, uint64_t rsdp, struct acpi_poweroff *ret)
{
    struct acpi_poweroff found;
    uint64_t fadt;
    uint32_t size, flags;
    uint8_t type_a, type_b;

    if (!acpi_find(reader, rsdp, "FACP", 0, &fadt, &size))
        return false;
    memset(&found, 0, sizeof(found));
    flags = fadt_u32(reader, fadt, size, FADT_FLAGS);
    found.hardware_reduced = (flags & FADT_HARDWARE_REDUCED) != 0;
    found.smi_command = fadt_u32(reader, fadt, size, FADT_SMI_CMD);
    if (found.smi_command > 0xffff)
        found.smi_command = 0;
    found.acpi_enable = fadt_u8(reader, fadt, size, FADT_ENABLE);
    if (flags & FADT_RESET_SUPPORTED && fadt_gas(reader, fadt, size, FADT_RESET, 8, &found.reset))
        found.reset_value = fadt_u8(reader, fadt, size, FADT_RESET_TO);

    bool has_types = find_sleep_types(reader, rsdp, &type_a, &type_b);
    if (found.hardware_reduced) {
        if (has_types && fadt_gas(reader, fadt, size, FADT_SLEEP, 8, &found.sleep_control)) {
            found.can_poweroff = true;
            found.value_a = (uint16_t)((type_a & 7) << 2 | 1 << 5);
        }
    } else {
        fadt_control(reader, fadt, size, FADT_X_PM1A, FADT_PM1A_CNT, &found.pm1a_control);
        fadt_control(reader, fadt, size, FADT_X_PM1B, FADT_PM1B_CNT, &found.pm1b_control);
        if (has_types && found.pm1a_control.address) {
            found.can_poweroff = true;
            found.value_a = (uint16_t)((type_a & 7) << 10 | 1 << 13);
            found.value_b = (uint16_t)((type_b & 7) << 10 | 1 << 13);
        }
    }
    *ret = found;
    return true;
}

static void add_cpu(struct acpi_madt *madt, uint32_t apic_id, uint32_t uid, uint32_t flags)
{
    if (!(flags & 3)) /* neither enabled nor online capable */
        return;
    for (uint32_t i = 0; i < madt->cpu_count; i++)
        if (madt->cpu[i].apic_id == apic_id)
            return; /* listed as local APIC and as x2APIC */
    if (madt->cpu_count == ACPI_CPU_MAX) {
        madt->cpu_lost++;
        return;
    }
    madt->cpu[madt->cpu_count++] = (struct acpi_cpu){apic_id, uid, (flags & 1) != 0};
}

static uint32_t get_u32(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* One MADT entry, zero-padded to 16 bytes; `length` of them are real. */
static void madt_entry(struct acpi_madt *madt, const uint8_t *e, uint32_t length)
{
    switch (e[0]) {
    case 0: /* processor local APIC */
        if (length >= 8)
            add_cpu(madt, e[3], e[2], get_u32(e + 4));
        break;
    case 1: /* I/O APIC */
        if (length >= 12 && madt->ioapic_count < ACPI_IOAPIC_MAX)
            madt->ioapic[madt->ioapic_count++] =
                (struct acpi_ioapic){e[2], get_u32(e + 8), get_u32(e + 4)};
        break;
    case 2: /* interrupt source override */
        if (length >= 10 && madt->override_count < ACPI_OVERRIDE_MAX)
            madt->override[madt->override_count++] =
                (struct acpi_override){e[3], get_u32(e + 4), (uint16_t)(e[8] | e[9] << 8)};
        break;
    case 5: /* local APIC address override */
        if (length >= 12)
            madt->lapic = get_u32(e + 4) | (uint64_t)get_u32(e + 8) << 32;
        break;
    case 9: /* processor local x2APIC */
        if (length >= 16)
            add_cpu(madt, get_u32(e + 4), get_u32(e + 12), get_u32(e + 8));
        break;
    default:
        break;
    }
}

bool acpi_read_madt(const struct reader *reader, uint64_t rsdp, struct acpi_madt *ret)
{
    uint64_t at;
    uint32_t size, lapic, flags;

    if (!acpi_find(reader, rsdp, "APIC", 0, &at, &size) || size < HEADER_SIZE + 8 ||
        !reader_u32(reader, at + HEADER_SIZE, &lapic) ||
        !reader_u32(reader, at + HEADER_SIZE + 4, &flags))
        return false;
    memset(ret, 0, sizeof(*ret));
    ret->lapic = lapic;
    ret->has_8259 = flags & 1;
    for (uint32_t offset = HEADER_SIZE + 8; offset + 2 <= size;) {
        uint8_t entry[16] = {0}, length;
        if (!reader_u8(reader, at + offset + 1, &length) || length < 2 || length > size - offset ||
            !reader_bytes(reader, at + offset, entry, length < 16 ? length : 16))
            break;
        madt_entry(ret, entry, length);
        offset += length;
    }
    return true;
}
