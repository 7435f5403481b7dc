/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The numbers behind each way in which an ELF header can be wrong; see elf_refusal.h.
 */
#include "elf_refusal.h"

#include <elf.h>

enum refusal_id elf_refuse(enum elf_status status, const struct elf_view *elf, struct refusal *why)
{
    uint32_t magic = 0;
    uint8_t class = 0, data = 0;
    uint64_t size = elf->file.size;
    (void)!view_u32(elf->file, 0, &magic);
    (void)!view_u8(elf->file, EI_CLASS, &class);
    (void)!view_u8(elf->file, EI_DATA, &data);

    switch (status) {
    case ELF_OK:
        return REFUSE_NONE;
    case ELF_TOO_SHORT:
        return REFUSE(why, ELF_TOO_SHORT, .num = {size});
    case ELF_BAD_MAGIC:
        return REFUSE(why, ELF_BAD_MAGIC, .num = {magic});
    case ELF_BAD_CLASS:
        return REFUSE(why, ELF_BAD_CLASS, .num = {class});
    case ELF_BIG_ENDIAN:
        return REFUSE(why, ELF_BIG_ENDIAN, .num = {data});
    case ELF_BAD_MACHINE:
        return REFUSE(why, ELF_BAD_MACHINE, .num = {elf->machine});
    case ELF_BAD_TYPE:
        return REFUSE(why, ELF_BAD_TYPE, .num = {elf->type});
    case ELF_BAD_PHDR_SIZE:
        return REFUSE(
            why, ELF_BAD_PHDR_SIZE,
            .num = {elf->phdr_size, elf->is_64bit ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)});
    case ELF_PHDRS_OUTSIDE:
        return REFUSE(why, ELF_PHDRS_OUTSIDE,
                      .num = {elf->phdr_count, elf->phdr_size, elf->phdr_offset, size});
    case ELF_BAD_SHDR_SIZE:
        return REFUSE(
            why, ELF_BAD_SHDR_SIZE,
            .num = {elf->shdr_size, elf->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)});
    case ELF_SHDRS_OUTSIDE:
        return REFUSE(why, ELF_SHDRS_OUTSIDE,
                      .num = {elf->shdr_count, elf->shdr_size, elf->shdr_offset, size});
    }
    return REFUSE(why, ELF_BAD_MAGIC, .num = {magic});
}
