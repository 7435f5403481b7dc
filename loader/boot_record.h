/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The boot record: the one description of the machine and of what the loader gave us.  Each way in
 * (record_mb1.c, record_mb2.c, record_pvh.c, boot/efi/efi_record.c) fills it from its own protocol;
 * nothing downstream knows who started the stage.
 *
 * Lifetime: everything is copied into the record itself, except the modules' contents, the EFI
 * tables and the RSDP, which stay where they are.  All addresses are machine addresses in bytes.
 */
#ifndef LOADER_BOOT_RECORD_H
#define LOADER_BOOT_RECORD_H

#include "addr.h"
#include "range.h"
#include "view.h"

#define RECORD_MAP_MAX      1024 /* memory map entries after sorting and merging */
#define RECORD_MODULE_MAX   128  /* boot modules, the guest included */
#define RECORD_STRINGS_SIZE 65536
#define RECORD_DRIVES_SIZE  4096

/* e820 numbering (ACPI 6.5 table 15.2), which Multiboot and PVH share. */
enum memory_type {
    MEMORY_RAM = 1,
    MEMORY_RESERVED = 2,
    MEMORY_ACPI = 3,
    MEMORY_NVS = 4,
    MEMORY_UNUSABLE = 5,
    MEMORY_DISABLED = 6,
    MEMORY_PMEM = 7,
};

struct memory_entry {
    uint64_t start; /* inclusive, byte granular as the firmware gave it */
    uint64_t end;   /* exclusive */
    uint32_t type;  /* enum memory_type; unknown types are kept and are not RAM */
    uint32_t pad;
};

/* Sorted by start, entries do not overlap, none is empty.  See memory_map.h. */
struct memory_map {
    uint32_t count;
    struct memory_entry entry[RECORD_MAP_MAX];
};

enum way_in {
    WAY_NONE,
    WAY_MULTIBOOT1,
    WAY_MULTIBOOT2,
    WAY_PVH,
    WAY_UEFI,
    WAY_HOST_TOOL,
};

struct boot_module {
    maddr_t start;
    uint64_t size;
    const uint8_t *data; /* the same bytes as this program reaches them */
    const char *string;  /* "file arguments…", never NULL, NUL-terminated, in record->strings */
};

enum rsdp_source { RSDP_NONE, RSDP_EFI, RSDP_MULTIBOOT2, RSDP_PVH, RSDP_EBDA, RSDP_BIOS };

enum framebuffer_kind { FRAMEBUFFER_NONE, FRAMEBUFFER_TEXT, FRAMEBUFFER_RGB, FRAMEBUFFER_INDEXED };

struct framebuffer {
    enum framebuffer_kind kind;
    bool efi;               /* set by EFI GOP (Linux: VIDEO_TYPE_EFI), not by VBE */
    uint64_t address;       /* machine address of the first pixel or character */
    uint32_t pitch;         /* bytes per line */
    uint32_t width, height; /* pixels, or characters for TEXT */
    uint8_t bpp;
    uint8_t red_position, red_size, green_position, green_size, blue_position, blue_size;
};

/* Numbered as Linux's boot_params has them. */
enum secure_boot { SECURE_BOOT_UNKNOWN = 0, SECURE_BOOT_OFF = 2, SECURE_BOOT_ON = 3 };

struct efi_info {
    bool present;
    bool is_64bit;         /* width of the firmware */
    uint64_t system_table; /* machine address */
    uint64_t image_handle; /* 0 = not known */
    uint64_t map;          /* machine address of the final EFI memory map */
    uint32_t map_size, map_entry_size, map_entry_version;
    enum secure_boot secure_boot;
};

struct boot_record {
    enum way_in way;
    const char *loader_name;  /* "" when the loader gave none */
    const char *command_line; /* the stage's own words, file name of the stage included */
    struct memory_map map;
    uint32_t module_count;
    struct boot_module module[RECORD_MODULE_MAX];

    /* Machine ranges that hold something still needed although the map calls them RAM, beside the
     * modules and the stage: EFI memory map and runtime tables, ACPI tables in RAM... */
    uint32_t keep_count;
    struct {
        struct range range;
        const char *name;
    } keep[16];

    uint64_t rsdp; /* machine address, 0 = none found */
    enum rsdp_source rsdp_source;
    uint32_t rsdp_length; /* bytes valid in rsdp_copy: 20 (ACPI 1) or 36 and more */
    uint8_t rsdp_copy[64];

    struct framebuffer framebuffer;
    struct efi_info efi;
    uint32_t bios_memory; /* bytes from 0 that a PC BIOS leaves to others; 0 = none is there */

    /* Passed through to a Multiboot guest as they came; the has_ flags say what the loader gave. */
    bool has_mem, has_boot_device, has_drives, has_config_table, has_apm, has_vbe;
    uint32_t mem_lower, mem_upper; /* KiB */
    uint32_t boot_device;
    uint32_t drives_size;
    uint8_t drives[RECORD_DRIVES_SIZE];
    uint32_t config_table;
    uint8_t apm[20];
    uint8_t vbe_control[512], vbe_mode_info[256];
    uint16_t vbe_mode, vbe_interface_seg, vbe_interface_off, vbe_interface_len;

    uint32_t strings_used;
    char strings[RECORD_STRINGS_SIZE];
};

/* Copies the NUL-terminated string of at most `size` bytes into the record.  Returns the copy, or
 * NULL when the strings area is full. */
const char *record_string(struct boot_record *record, const char *text, size_t size);

#endif
