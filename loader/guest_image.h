/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's file as bounded bytes: container opened, ELF found, program headers in order.
 * Nothing here decides what an address means.
 */
#ifndef LOADER_GUEST_IMAGE_H
#define LOADER_GUEST_IMAGE_H

#include "elf_view.h"
#include "refusal.h"
#include "unpack.h"

/* A bzImage's setup header, validated; absent for other containers.  Offsets are in bytes from the
 * start of `file`.  Source: Linux Documentation/x86/boot.rst. */
struct bzimage {
    bool present;
    uint16_t version;     /* 0x020f = 2.15 */
    uint32_t setup_size;  /* boot sector and setup code: offset of the protected-mode kernel */
    uint32_t kernel_size; /* bytes of protected-mode kernel in the file */
    uint8_t loadflags;
    uint32_t code32_start;
    uint32_t kernel_alignment;
    bool relocatable;
    uint16_t xloadflags;
    uint32_t cmdline_size; /* most characters without the NUL */
    uint32_t initrd_addr_max;
    uint64_t pref_address;
    uint32_t init_size;
    uint32_t payload_offset; /* from the start of the file; 0 = none */
    uint32_t payload_size;
};

struct guest_image {
    struct view file; /* the module as given (or, when `whole_file` is set, unpacked) */
    maddr_t file_at;  /* machine address of file.data[0] */
    struct bzimage bz;
    bool has_elf;        /* false: a bzImage whose payload was not (or cannot be) opened, or flat */
    struct elf_view elf; /* the ELF to boot */
    maddr_t elf_at;      /* machine address of its first byte */
    struct range unpacked[2]; /* machine ranges of unpacked bytes that apply reads; may be empty */
    char container[48];       /* for people: "ELF64", "gzip: ELF32", "bzImage 2.15 (xz): ELF64" */
};

/* Opens `file` at machine address `at`.  Whole-file compression is always opened; a bzImage's
 * payload only when need_elf.  `memory` is where unpacked bytes go.  A file that is no container
 * and no ELF is refused, unless it has a Multiboot header with address fields (then has_elf is
 * false).  At most two compressed streams may stand inside each other.  On a refusal *ret is
 * untouched and *memory as before, its bytes undefined. */
enum refusal_id guest_image_open(struct view file, maddr_t at, bool need_elf,
                                 struct unpack_memory *memory, struct guest_image *ret,
                                 struct refusal *why);

#endif
