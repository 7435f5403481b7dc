/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bounded reading of ELF files; see elf_view.h for the contract.  Each struct is copied out of the
 * file as a whole, in elf.h's form of its class, so that alignment does not matter.  Source: System
 * V gABI 4, chapters 4 and 5.
 */
#include "elf_view.h"

#include <elf.h>

/* A struct of either class as copied from the file; WIDE() gives a field of it in 64 bits. */
union raw_ehdr {
    Elf64_Ehdr wide;
    Elf32_Ehdr narrow;
};
union raw_phdr {
    Elf64_Phdr wide;
    Elf32_Phdr narrow;
};
union raw_shdr {
    Elf64_Shdr wide;
    Elf32_Shdr narrow;
};

#define WIDE(elf, raw, name) ((elf)->is_64bit ? (raw).wide.name : (raw).narrow.name)
#define COPY(elf, at, raw)                                                                         \
    view_read((elf)->file, at, raw, (elf)->is_64bit ? sizeof((raw)->wide) : sizeof((raw)->narrow))

static bool table_inside(struct view file, uint64_t offset, uint32_t count, uint16_t entry_size)
{
    uint64_t size;
    struct view table;
    return checked_mul_u64(entry_size, count, &size) && view_slice(file, offset, size, &table);
}

/* Numbers that do not fit the header's 16-bit fields stand in section header 0 (gABI 4, "ELF
 * Header": PN_XNUM, SHN_XINDEX, e_shnum 0). */
static void resolve_extended(struct elf_view *elf)
{
    struct elf_shdr first;
    if (!elf->shdr_offset)
        return;
    uint32_t counted = elf->shdr_count;
    elf->shdr_count = 1; /* let the accessor reach entry 0 */
    bool readable = table_inside(elf->file, elf->shdr_offset, 1, elf->shdr_size) &&
                    elf_view_shdr(elf, 0, &first);
    elf->shdr_count = counted;
    if (!readable)
        return;
    if (counted == 0)
        elf->shdr_count = first.size > UINT32_MAX ? UINT32_MAX : (uint32_t)first.size;
    if (elf->shdr_string_index == SHN_XINDEX)
        elf->shdr_string_index = first.link;
    if (elf->phdr_count == PN_XNUM)
        elf->phdr_count = first.info;
}

enum elf_status elf_view_open(struct view file, struct elf_view *ret)
{
    static const uint8_t magic[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3};
    uint8_t ident[EI_NIDENT];
    union raw_ehdr header;

    *ret = (struct elf_view){.file = file};
    if (!view_read(file, 0, ident, sizeof(ident)))
        return ELF_TOO_SHORT;
    for (size_t i = 0; i < sizeof(magic); i++)
        if (ident[i] != magic[i])
            return ELF_BAD_MAGIC;
    if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
        return ELF_BAD_CLASS;
    ret->is_64bit = ident[EI_CLASS] == ELFCLASS64;
    if (ident[EI_DATA] != ELFDATA2LSB)
        return ELF_BIG_ENDIAN;
    if (!COPY(ret, 0, &header))
        return ELF_TOO_SHORT;

    ret->type = (uint16_t)WIDE(ret, header, e_type);
    ret->machine = (uint16_t)WIDE(ret, header, e_machine);
    ret->entry = WIDE(ret, header, e_entry);
    ret->phdr_offset = WIDE(ret, header, e_phoff);
    ret->phdr_count = (uint32_t)WIDE(ret, header, e_phnum);
    ret->phdr_size = (uint16_t)WIDE(ret, header, e_phentsize);
    ret->shdr_offset = WIDE(ret, header, e_shoff);
    ret->shdr_count = (uint32_t)WIDE(ret, header, e_shnum);
    ret->shdr_size = (uint16_t)WIDE(ret, header, e_shentsize);
    ret->shdr_string_index = (uint32_t)WIDE(ret, header, e_shstrndx);

    /* A 64-bit file needs the 64-bit machine; a 32-bit file may name either (objcopy's
     * elf32-x86-64 is used for 32-bit entry code of 64-bit kernels). */
    if (ret->machine != EM_X86_64 && (ret->is_64bit || ret->machine != EM_386))
        return ELF_BAD_MACHINE;
    if (ret->type != ET_EXEC && ret->type != ET_DYN)
        return ELF_BAD_TYPE;

    resolve_extended(ret);
    if (!ret->shdr_offset)
        ret->shdr_count = 0;
    if (ret->phdr_count) {
        if (ret->phdr_size < (ret->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
            return ELF_BAD_PHDR_SIZE;
        if (!table_inside(file, ret->phdr_offset, ret->phdr_count, ret->phdr_size))
            return ELF_PHDRS_OUTSIDE;
    }
    if (ret->shdr_count) {
        if (ret->shdr_size < (ret->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
            return ELF_BAD_SHDR_SIZE;
        if (!table_inside(file, ret->shdr_offset, ret->shdr_count, ret->shdr_size))
            return ELF_SHDRS_OUTSIDE;
    }
    return ELF_OK;
}

bool elf_view_phdr(const struct elf_view *elf, uint32_t index, struct elf_phdr *ret)
{
    union raw_phdr raw;
    if (index >= elf->phdr_count ||
        !COPY(elf, elf->phdr_offset + (uint64_t)index * elf->phdr_size, &raw))
        return false;
    *ret = (struct elf_phdr){
        .type = (uint32_t)WIDE(elf, raw, p_type),
        .flags = (uint32_t)WIDE(elf, raw, p_flags),
        .offset = WIDE(elf, raw, p_offset),
        .vaddr = WIDE(elf, raw, p_vaddr),
        .paddr = WIDE(elf, raw, p_paddr),
        .filesz = WIDE(elf, raw, p_filesz),
        .memsz = WIDE(elf, raw, p_memsz),
        .align = WIDE(elf, raw, p_align),
    };
    return true;
}

bool elf_view_shdr(const struct elf_view *elf, uint32_t index, struct elf_shdr *ret)
{
    union raw_shdr raw;
    if (index >= elf->shdr_count ||
        !COPY(elf, elf->shdr_offset + (uint64_t)index * elf->shdr_size, &raw))
        return false;
    *ret = (struct elf_shdr){
        .name = (uint32_t)WIDE(elf, raw, sh_name),
        .type = (uint32_t)WIDE(elf, raw, sh_type),
        .link = (uint32_t)WIDE(elf, raw, sh_link),
        .info = (uint32_t)WIDE(elf, raw, sh_info),
        .flags = WIDE(elf, raw, sh_flags),
        .addr = WIDE(elf, raw, sh_addr),
        .offset = WIDE(elf, raw, sh_offset),
        .size = WIDE(elf, raw, sh_size),
        .addralign = WIDE(elf, raw, sh_addralign),
        .entsize = WIDE(elf, raw, sh_entsize),
    };
    return true;
}

const char *elf_view_section_name(const struct elf_view *elf, const struct elf_shdr *shdr)
{
    struct elf_shdr strings;
    struct view table;
    if (!elf_view_shdr(elf, elf->shdr_string_index, &strings) ||
        !elf_view_section(elf, &strings, &table) || shdr->name >= table.size)
        return "";
    uint64_t left = table.size - shdr->name;
    size_t limit = left > SIZE_MAX ? SIZE_MAX : (size_t)left;
    size_t length = view_string_length(table, shdr->name, limit);
    /* Without a NUL before the table's end the name would run into other bytes. */
    return length == left ? "" : (const char *)table.data + shdr->name;
}

bool elf_view_segment(const struct elf_view *elf, const struct elf_phdr *phdr, struct view *ret)
{
    return view_slice(elf->file, phdr->offset, phdr->filesz, ret);
}

bool elf_view_section(const struct elf_view *elf, const struct elf_shdr *shdr, struct view *ret)
{
    return view_slice(elf->file, shdr->type == SHT_NOBITS ? 0 : shdr->offset,
                      shdr->type == SHT_NOBITS ? 0 : shdr->size, ret);
}

bool elf_phdr_is_loadable(const struct elf_phdr *phdr)
{
    return phdr->type == PT_LOAD && (phdr->flags & (PF_R | PF_W | PF_X));
}
