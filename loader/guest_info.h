/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the guest says of itself: Xen's ELF notes or the legacy __xen_guest section, merged into one
 * record.  Source: xen/common/libelf/libelf-dominfo.c, xen/include/public/elfnote.h.
 * Values are as the guest wrote them; defaults are applied here where libelf has one, addresses
 * stay raw (placement.c gives them their meaning).
 */
#ifndef LOADER_GUEST_INFO_H
#define LOADER_GUEST_INFO_H

#include "elf_view.h"
#include "refusal.h"

enum info_source { INFO_NONE, INFO_PT_NOTE, INFO_SHT_NOTE, INFO_XEN_GUEST };
enum pae_mode { PAE_NO, PAE_YES, PAE_EXTENDED_CR3, PAE_BIMODAL };

struct info_value {
    bool given;
    uint64_t value;
};

#define GUEST_TEXT_SIZE 64

struct guest_info {
    enum info_source source;
    uint32_t note_count;              /* Xen notes seen */
    uint32_t foreign_count;           /* notes of other owners, tolerated */
    struct info_value entry;          /* ENTRY / VIRT_ENTRY, guest virtual */
    struct info_value hypercall_page; /* guest virtual; legacy page number already converted */
    struct info_value virt_base;
    struct info_value paddr_offset;
    struct info_value init_p2m;
    struct info_value hv_start_low;
    struct info_value phys32_entry; /* physical */
    bool has_phys32_reloc;
    uint32_t phys32_align, phys32_min, phys32_max; /* defaults filled in when has_phys32_reloc */
    bool mod_start_pfn;
    bool suspend_cancel;
    bool bsd_symtab;
    bool pt_mode_writable;
    enum pae_mode pae;
    char guest_os[GUEST_TEXT_SIZE], guest_version[GUEST_TEXT_SIZE];
    char xen_version[GUEST_TEXT_SIZE], loader[GUEST_TEXT_SIZE];
    uint32_t features_supported, features_required; /* bit n = XENFEAT n */
    bool supported_given;                           /* there is a SUPPORTED_FEATURES note */
    uint32_t complaint_count; /* malformed or unknown things, tolerated as libelf does */
    char complaint[6][96];
};

/* Reads notes (PT_NOTE, then SHT_NOTE, then __xen_guest; each only when the one before has none).
 * An image that has none of them is no refusal here: source is INFO_NONE.  Refused: an unknown
 * *required* feature; more than 65536 notes. */
enum refusal_id guest_info_read(const struct elf_view *elf, struct guest_info *ret,
                                struct refusal *why);

/* libelf's conditions for a PV guest (LOADER generic or GUEST_OS linux, XEN_VERSION xen-3.0, …) and
 * for a PVH guest (PHYS32_ENTRY). */
enum refusal_id guest_info_check_pv(const struct elf_view *elf, const struct guest_info *info,
                                    struct refusal *why);
enum refusal_id guest_info_check_pvh(const struct elf_view *elf, const struct guest_info *info,
                                     struct refusal *why);

#endif
