/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finding the ACPI root pointer; see rsdp.h.
 * Sources: ACPI 6.5, 5.2.5.1 (BIOS areas), 5.2.5.2 (EFI); UEFI 2.10, 4.3 and 4.6.
 */
#include "rsdp.h"

#include "acpi.h"
#include "bytes.h"
#include "record_parts.h"

#define BDA_EBDA_SEGMENT 0x40e
#define EBDA_SEARCH      1024u
#define BIOS_START       0xe0000u
#define BIOS_END         0x100000u
#define SCAN_PIECE       1024u
#define RSD_             0x20445352u /* "RSD ", how the signature begins */

#define EFI_TABLES_MAX 256u

static const uint8_t guid_acpi2[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
                                       0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
static const uint8_t guid_acpi1[16] = {0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
                                       0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d};

/* Reads as much of an RSDP as there is; returns the valid bytes, 0 when it is none. */
static uint32_t read_rsdp(const struct reader *reader, uint64_t at, uint8_t copy[64])
{
    uint32_t valid;

    if (!at || !reader_bytes(reader, at, copy, ACPI_RSDP_SIZE_1))
        return 0;
    valid = acpi_rsdp_check(copy, ACPI_RSDP_SIZE_1);
    if (valid && copy[15] >= 2 && reader_bytes(reader, at, copy, ACPI_RSDP_SIZE_2)) {
        uint32_t length;
        memcpy(&length, copy + 20, sizeof(length));
        if (length <= 64 && reader_bytes(reader, at, copy, length))
            valid = acpi_rsdp_check(copy, length);
    }
    return valid;
}

/* Takes the RSDP at machine address `at` into the record when it is one (checksum right); false,
 * record untouched, when not. */
static bool rsdp_take(struct boot_record *record, const struct reader *reader, uint64_t at,
                      enum rsdp_source source)
{
    uint8_t copy[64] = {0};
    uint32_t valid = read_rsdp(reader, at, copy);

    if (!valid)
        return false;
    record->rsdp = at;
    record->rsdp_source = source;
    record->rsdp_length = valid;
    memset(record->rsdp_copy, 0, sizeof(record->rsdp_copy));
    memcpy(record->rsdp_copy, copy, valid);
    return true;
}

/* The vendor table with that GUID in EFI's configuration table, 0 = none. */
static uint64_t efi_table(const struct boot_record *record, const struct reader *reader,
                          const uint8_t *guid)
{
    uint64_t system = record->efi.system_table, tables = 0, count = 0, found = 0;
    uint32_t width = record->efi.is_64bit ? 8 : 4;
    uint32_t entry = 16 + width;
    /* EFI_SYSTEM_TABLE: header of 24 bytes, then 10 pointer-sized fields before the count (the
     * 32-bit revision takes 4). */
    uint32_t count_at = record->efi.is_64bit ? 104 : 64;

    if (!reader_bytes(reader, system + count_at, &count, width) ||
        !reader_bytes(reader, system + count_at + width, &tables, width) || count > EFI_TABLES_MAX)
        return 0;
    for (uint64_t i = 0; i < count; i++) {
        uint8_t id[16];
        if (!reader_bytes(reader, tables + i * entry, id, sizeof(id)))
            return 0;
        if (!memcmp(id, guid, sizeof(id)))
            return reader_bytes(reader, tables + i * entry + 16, &found, width) ? found : 0;
    }
    return 0;
}

/* RSDPs in a piece of memory read from `at`, on 16-byte boundaries and before `end`: true with
 * *best when one is ACPI 2's; else the first goes to *best if that is still 0.  Most paragraphs are
 * passed over by fours. */
static bool scan_piece(const struct reader *reader, uint64_t at, uint64_t end,
                       const uint32_t *piece, uint64_t *best)
{
    uint8_t copy[64];

    for (const uint32_t *p = piece; p < piece + SCAN_PIECE / 4; p += 16, at += 64) {
        if (p[0] != RSD_ && p[4] != RSD_ && p[8] != RSD_ && p[12] != RSD_)
            continue;
        for (unsigned i = 0; i < 64; i += 16) {
            if (p[i / 4] != RSD_ || at + i + ACPI_RSDP_SIZE_1 > end)
                continue;
            uint32_t valid = read_rsdp(reader, at + i, copy);
            if (valid && (!*best || valid >= ACPI_RSDP_SIZE_2))
                *best = at + i;
            if (valid >= ACPI_RSDP_SIZE_2)
                return true;
        }
    }
    return false;
}

/* The best RSDP in [start, end), some KiB from a 16-byte boundary on: ACPI 2, else the first one.
 * Read in pieces: one call a paragraph costs more than all the rest of this phase. */
static uint64_t scan(const struct reader *reader, uint64_t start, uint64_t end)
{
    uint32_t piece[SCAN_PIECE / 4];
    uint64_t best = 0;

    for (uint64_t at = start; at < end; at += SCAN_PIECE)
        if (!reader_bytes(reader, at, piece, sizeof(piece)) ||
            scan_piece(reader, at, end, piece, &best))
            break;
    return best;
}

static bool find_in_bios(struct boot_record *record, const struct reader *reader)
{
    uint16_t segment = 0;
    uint64_t ebda = 0, in_ebda = 0, in_bios;

    if (reader_u16(reader, BDA_EBDA_SEGMENT, &segment))
        ebda = (uint64_t)segment << 4;
    if (ebda >= 0x400 && ebda + EBDA_SEARCH <= 0xa0000)
        in_ebda = scan(reader, ebda, ebda + EBDA_SEARCH);
    if (in_ebda && rsdp_take(record, reader, in_ebda, RSDP_EBDA) &&
        record->rsdp_length >= ACPI_RSDP_SIZE_2)
        return true;
    in_bios = scan(reader, BIOS_START, BIOS_END);
    uint8_t copy[64];
    if (in_bios && (!in_ebda || read_rsdp(reader, in_bios, copy) >= ACPI_RSDP_SIZE_2))
        return rsdp_take(record, reader, in_bios, RSDP_BIOS);
    return in_ebda != 0;
}

void rsdp_find(struct boot_record *record, const struct reader *reader)
{
    uint64_t given = record->rsdp;

    record->rsdp = 0;
    if (given && rsdp_take(record, reader, given, record->rsdp_source) &&
        record->rsdp_source != RSDP_MULTIBOOT2)
        return;
    if (record->efi.present && record->efi.system_table) {
        uint64_t at = efi_table(record, reader, guid_acpi2);
        if (at && rsdp_take(record, reader, at, RSDP_EFI))
            return;
        at = efi_table(record, reader, guid_acpi1);
        if (at && rsdp_take(record, reader, at, RSDP_EFI))
            return;
    }
    if (!record->efi.present && find_in_bios(record, reader))
        return;
    if (record->rsdp) /* only the loader's copy: it must not be overwritten */
        record_keep(record, record->rsdp, record->rsdp_length, "copy of the RSDP");
    else
        record->rsdp_source = RSDP_NONE;
}
