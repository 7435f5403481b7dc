/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The one interface between the stage and the resident layers: the header at the start of each
 * embedded layer image, and the record that the stage hands over.  Fixed widths and explicit
 * padding, same layout in 32- and 64-bit code (asserted in lib/abi_check.c).
 *
 * Everything is a machine address in bytes unless it says otherwise; all of it below 4 GiB.
 */
#ifndef LOADER_RESIDENT_HANDOVER_H
#define LOADER_RESIDENT_HANDOVER_H

#include <stdint.h>

#define RESIDENT_MAGIC   0x52565250u /* "PRVR" */
#define HANDOVER_MAGIC   0x48565250u /* "PRVH" */
#define HANDOVER_VERSION 1

/* First bytes of a layer image.  The stage copies image_size bytes to a page-aligned place of
 * memory_size bytes, zeroes the rest and enters it at place + entry_offset (EXIT_RESIDENT64/32). */
struct resident_header {
    uint32_t magic, version;
    uint32_t image_size;  /* bytes in the file */
    uint32_t memory_size; /* bytes in memory, multiple of 4096, at most that of one arena */
    uint32_t entry_offset;
    uint32_t arena_fixed;   /* arena = arena_fixed + arena_per_cpu * CPUs             */
    uint32_t arena_per_cpu; /*         + arena_bits_per_frame * machine frames / 8    */
    uint32_t arena_bits_per_frame;
    uint32_t classes; /* guests it serves: bit n = enum guest_class n */
};

enum guest_class { GUEST_PV64 = 1, GUEST_PV32PAE = 2, GUEST_PV32 = 3 };

/* Event channel ports that a domU guest finds in start_info for the two rings. */
#define HANDOVER_PORT_XENSTORE 1
#define HANDOVER_PORT_CONSOLE  2

#define HANDOVER_DOM0              1u /* role: owns the PC (SIF_PRIVILEGED | SIF_INITDOMAIN) */
#define HANDOVER_CONSOLE_VGA       2u
#define HANDOVER_CONSOLE_DEBUGCON  4u
#define HANDOVER_POWEROFF_ON_CRASH 8u  /* on-refusal=poweroff */
#define HANDOVER_REBOOT_ON_CRASH   16u /* on-refusal=reboot; neither: halt */
#define HANDOVER_EXTENDED_CR3      32u /* PAE=yes[extended-cr3]: that VM assist is on from the start */

/* struct memory_entry of boot_record.h */
struct handover_memory {
    uint64_t start, end; /* end exclusive */
    uint32_t type, pad;
};

struct handover_run {
    uint64_t pfn, mfn, count;
};

#define M2P_EXTENT_SIZE (UINT64_C(2) << 20) /* as XENMEM_machphys_mfn_list names them */

struct handover {
    uint32_t magic, version;
    uint32_t size;  /* sizeof(struct handover) */
    uint32_t flags; /* HANDOVER_… */
    uint32_t guest_class;
    uint32_t log_level;  /* enum log_level */
    uint32_t debug_exit; /* I/O port, 0 = none */
    uint32_t baud;
    uint16_t uart[4];       /* 0 = none */
    uint32_t cpu_count_max; /* vcpus=, 0 = all */
    uint32_t pad0;

    uint64_t layer, layer_size; /* where the layer's image was placed */
    uint64_t arena, arena_size; /* zeroed by nobody: the layer clears what it uses */

    /* m2p: one 4 KiB page (512 entries of 8 bytes; 32-bit guests: 1024 of 4) for every aligned
     * block of 512 (1024) machine frames that a RAM entry of `map` touches, low memory included, up
     * to the m2p's reach (4 Mi frames for PAE, 1 Mi for non-PAE guests), packed in ascending order;
     * also for those before it in the same M2P_EXTENT_SIZE of the table, so that the pages of each
     * are one behind the other.  The layer fills it from the runs (all else ~0) and maps it at
     * Xen's address. */
    uint64_t m2p, m2p_size;

    uint64_t map;  /* struct handover_memory[map_count]: the machine's memory map */
    uint64_t runs; /* struct handover_run[run_count]: the p2m, ascending PFN */
    uint32_t map_count, run_count;

    uint64_t nr_pages; /* PFNs 0 … nr_pages - 1 */
    uint64_t shared_info;
    uint64_t console_mfn, xenstore_mfn; /* domU: ring pages, 0 = none */

    /* The guest's start of day. */
    uint64_t entry, stack_top, start_info; /* guest virtual */
    uint64_t start_info_maddr;
    uint64_t page_table_root;                    /* machine: first page-table page (CR3) */
    uint64_t page_tables_pfn, page_tables_count; /* PFNs of all initial table pages */
    uint64_t virt_base, v_end;                   /* guest virtual: [virt_base, v_end) is mapped */
    uint64_t hypercall_page;                     /* machine address, 0 = the guest has none */
    uint64_t hypercall_page_virtual;
    uint64_t hv_start_low; /* 32-bit guests: start of the hypervisor hole, guest virtual */
    uint32_t features_supported, features_required;

    uint64_t rsdp;
    uint64_t command_line; /* NUL-terminated: the guest's, for reports */
    uint64_t symbols, symbols_size, strings, strings_size; /* guest's .symtab/.strtab, 0 = none */
    uint64_t wall_clock;   /* UNIX seconds at stage entry, 0 = read the RTC */
    uint64_t tsc_at_entry; /* TSC at stage entry */

    /* Linear framebuffer for the layer's own reports, 0 = none. */
    uint64_t framebuffer;
    uint32_t framebuffer_pitch, framebuffer_width, framebuffer_height, framebuffer_bpp;

    char trace[64]; /* trace= families */

    /* Bytes at the end of the arena whose frames a dom0 guest gets in exchange for its own. */
    uint64_t dma_reserve;

    uint64_t efi_system_table; /* machine address; of a 64-bit firmware, 0 = none */
};

#endif
