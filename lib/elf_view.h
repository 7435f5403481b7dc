/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One bounded view over ELF32 and ELF64 little-endian x86 files.  Every field is widened to 64
 * bits. Source: System V gABI 4 (elf.h); x86-64 psABI.
 */
#ifndef LIB_ELF_VIEW_H
#define LIB_ELF_VIEW_H

#include "range.h"
#include "view.h"

struct elf_view {
    struct view file;
    bool is_64bit;
    uint16_t type;    /* ET_… */
    uint16_t machine; /* EM_386 or EM_X86_64 */
    uint64_t entry;   /* raw e_entry: neither physical nor virtual yet */
    uint64_t phdr_offset, shdr_offset;
    uint32_t phdr_count, shdr_count, shdr_string_index; /* extended numbering already resolved */
    uint16_t phdr_size, shdr_size;                      /* bytes of one entry in the file */
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align; /* raw */
};

struct elf_shdr {
    uint32_t name, type, link, info;
    uint64_t flags, addr, offset, size, addralign, entsize;
};

enum elf_status {
    ELF_OK,
    ELF_TOO_SHORT,
    ELF_BAD_MAGIC,
    ELF_BAD_CLASS,
    ELF_BIG_ENDIAN,
    ELF_BAD_MACHINE, /* machine holds what was found */
    ELF_BAD_TYPE,    /* type holds what was found: not ET_EXEC or ET_DYN */
    ELF_BAD_PHDR_SIZE,
    ELF_PHDRS_OUTSIDE,
    ELF_BAD_SHDR_SIZE,
    ELF_SHDRS_OUTSIDE,
};

/* Checks the header and that both tables lie inside the file.  On any other status than ELF_OK the
 * view holds what could be read so far, for the message. */
enum elf_status elf_view_open(struct view file, struct elf_view *ret);

/* The index-th program or section header; false when index is out of range. */
MUST_USE bool elf_view_phdr(const struct elf_view *elf, uint32_t index, struct elf_phdr *ret);
MUST_USE bool elf_view_shdr(const struct elf_view *elf, uint32_t index, struct elf_shdr *ret);

/* The section's name, "" when there is none or it lies outside.  Points into the file and is
 * NUL-terminated inside it. */
const char *elf_view_section_name(const struct elf_view *elf, const struct elf_shdr *shdr);

/* The bytes of a segment or section; false when not all inside the file (SHT_NOBITS: empty). */
MUST_USE bool elf_view_segment(const struct elf_view *elf, const struct elf_phdr *phdr,
                               struct view *ret);
MUST_USE bool elf_view_section(const struct elf_view *elf, const struct elf_shdr *shdr,
                               struct view *ret);

/* Loadable as Xen's libelf has it: PT_LOAD with any of R, W, X. */
bool elf_phdr_is_loadable(const struct elf_phdr *phdr);

#endif
