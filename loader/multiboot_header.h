/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finding and reading the Multiboot 1 and 2 headers of a guest's file.  Pure: bytes in, fields out;
 * every byte is hostile.  Sources: Multiboot Specification 0.6.96 section 3.1, Multiboot 2 section
 * 3.1.  Addresses are physical, as the header has them.
 */
#ifndef LOADER_MULTIBOOT_HEADER_H
#define LOADER_MULTIBOOT_HEADER_H

#include "refusal.h"
#include "view.h"

#define MULTIBOOT1_SEARCH 8192
#define MULTIBOOT2_SEARCH 32768

/* Address fields (a.out kludge): where the bytes of the file belong. */
struct multiboot_load {
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr;
};

struct multiboot1_header {
    uint32_t offset; /* in the file */
    uint32_t flags;
    bool has_addresses;
    struct multiboot_load load;
    uint32_t entry_addr; /* with has_addresses */
    bool has_video;
    uint32_t mode_type, width, height, depth;
};

/* Looks for magic, flags and checksum, 4-aligned, all in the first 8 KiB.  False when there is no
 * header. */
MUST_USE bool multiboot1_find(struct view file, struct multiboot1_header *ret);

/* The header's demands: no unknown flag among the required ones (bits 0 to 15), its fields inside
 * the search area. */
enum refusal_id multiboot1_check(struct view file, const struct multiboot1_header *header,
                                 struct refusal *why);

enum multiboot2_preference { PREFER_NONE = 0, PREFER_LOWEST = 1, PREFER_HIGHEST = 2 };

struct multiboot2_header {
    uint32_t offset, length; /* in the file, bytes */
    uint32_t tag_count;      /* the end tag not counted */
    bool has_addresses;
    struct multiboot_load load;
    bool has_entry;
    uint32_t entry;
    bool has_console_flags;
    uint32_t console_flags; /* bit 0: a console is required, bit 1: EGA text is understood */
    bool has_framebuffer;
    bool framebuffer_required;
    uint32_t width, height, depth;
    bool module_align;
    bool has_relocatable;
    uint32_t min_addr, max_addr, align; /* max_addr: the last byte's highest address */
    uint32_t preference;
    uint32_t required_info; /* first required information type that this loader never gives */
    bool has_required_info;
};

/* Looks for magic, architecture, length and checksum, 8-aligned, in the first 32 KiB. */
MUST_USE bool multiboot2_find(struct view file, uint32_t *ret_offset);

/* Reads all tags of the header at `offset`.  Refuses: a header that runs out of the search area or
 * the file, another architecture than i386, a tag that is too small or overruns, an unknown tag or
 * information request that is not optional. */
enum refusal_id multiboot2_parse(struct view file, uint32_t offset, struct multiboot2_header *ret,
                                 struct refusal *why);

/* What address fields mean for a file: which bytes go where. */
struct multiboot_layout {
    uint64_t file_offset, file_size; /* bytes of the file to load */
    uint64_t start, end;             /* physical, zero-filled behind the file's bytes */
};

/* Refuses fields that contradict each other or the file.  header_offset: of the header in it. */
enum refusal_id multiboot_layout(struct view file, uint32_t header_offset,
                                 const struct multiboot_load *load, struct multiboot_layout *ret,
                                 struct refusal *why);

#endif
