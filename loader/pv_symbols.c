/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's own symbols: a copy for the resident layer's reports, and for guests with BSD_SYMTAB
 * the block behind the kernel that says where they are; see pv_parts.h.
 * The block: u32 size of what follows, an ELF header, three section headers (null, symtab, strtab),
 * padding to 260 bytes, then both tables, each rounded up to the word size.  Offsets in it count
 * from its ELF header.  Source: xen/common/libelf/libelf-loader.c (elf_load_bsdsyms).
 */
#include "pv_parts.h"

#include <elf.h>

#include "bytes.h"

#define SYMBOLS_MAX    (UINT64_C(8) << 20)
#define LOW_END        UINT64_C(0x100000)
#define KERNEL_END_MAX (UINT64_C(1) << 48) /* higher ones do not fit, which the layout will say */
#define SIZE_BYTES     4                   /* the leading size */
#define HEADER_OFFSET  64 /* section headers, from the block's ELF header, in both widths */
#define SYMTAB_INDEX   1
#define STRTAB_INDEX   2
#define SECTION_COUNT  3

struct symbols {
    struct elf_shdr symtab, strtab;
    uint32_t symtab_index; /* in the file */
};

static bool find_symbols(const struct elf_view *elf, struct symbols *ret)
{
    struct view ignored;

    for (uint32_t i = 0; i < elf->shdr_count; i++) {
        if (!elf_view_shdr(elf, i, &ret->symtab) || ret->symtab.type != SHT_SYMTAB)
            continue;
        ret->symtab_index = i;
        return elf_view_shdr(elf, ret->symtab.link, &ret->strtab) &&
               ret->strtab.type == SHT_STRTAB && elf_view_section(elf, &ret->symtab, &ignored) &&
               elf_view_section(elf, &ret->strtab, &ignored) && ret->symtab.size != 0 &&
               ret->symtab.size <= SYMBOLS_MAX &&
               ret->strtab.size <= SYMBOLS_MAX - ret->symtab.size;
    }
    return false;
}

enum refusal_id pv_place_symbols(struct pv_work *work, struct refusal *why)
{
    const struct guest_image *image = work->input->image;
    struct plan *plan = work->plan;
    struct symbols symbols;
    uint64_t at, split, size;
    enum refusal_id id;

    if (!find_symbols(&image->elf, &symbols))
        return REFUSE_NONE;
    split = (symbols.symtab.size + 15) & ~UINT64_C(15);
    size = (split + symbols.strtab.size + PAGE_MASK) & ~PAGE_MASK;
    if (!plan_find(plan, work->input->record, size, PAGE_SIZE, LOW_END, 0, true, &at)) {
        plan_warn(plan, "no room for the guest's symbols: reports show addresses only");
        return REFUSE_NONE;
    }
    id = plan_add_region(plan, "guest symbols", REGION_LAYER, (struct range){at, at + size}, NULL,
                         why);
    if (!id)
        id = plan_add_copy(plan, at, image->elf_at.v + symbols.symtab.offset, symbols.symtab.size,
                           why);
    if (!id)
        id = plan_add_copy(plan, at + split, image->elf_at.v + symbols.strtab.offset,
                           symbols.strtab.size, why);
    work->symbols = at;
    work->symbols_size = symbols.symtab.size;
    work->strings = at + split;
    work->strings_size = symbols.strtab.size;
    return id;
}

static uint64_t round_up(const struct elf_view *elf, uint64_t value)
{
    uint64_t align = elf->is_64bit ? 8 : 4;

    return (value + align - 1) & ~(align - 1);
}

void pv_reserve_symbol_block(struct pv_work *work)
{
    const struct elf_view *elf = &work->input->image->elf;
    struct symbols symbols;

    if (!work->input->info->bsd_symtab || work->kernel_end > KERNEL_END_MAX)
        return;
    if (!find_symbols(elf, &symbols)) {
        plan_warn(work->plan, "the guest asks for its symbols (BSD_SYMTAB) and has none");
        return;
    }
    work->symbol_block = round_up(elf, work->kernel_end);
    work->kernel_end = round_up(elf, work->symbol_block + PV_SYMBOL_HEADER_SIZE);
    work->kernel_end = round_up(elf, work->kernel_end + symbols.symtab.size);
    work->kernel_end = round_up(elf, work->kernel_end + symbols.strtab.size);
}

/* Headers of the block in the form of one class; symtab and strtab: offsets from the block's ELF
 * header. */
#define FILL(class)                                                                                \
    static void fill##class(uint8_t * to, const uint8_t *file, const uint8_t *sections[2],         \
                            uint64_t symtab, uint64_t strtab)                                      \
    {                                                                                              \
        Elf##class##_Ehdr header;                                                                  \
        Elf##class##_Shdr section[SECTION_COUNT] = {0};                                            \
                                                                                                   \
        memcpy(&header, file, sizeof(header));                                                     \
        header.e_ehsize = sizeof(header);                                                          \
        header.e_shentsize = sizeof(section[0]);                                                   \
        header.e_version = EV_CURRENT;                                                             \
        header.e_shoff = HEADER_OFFSET;                                                            \
        header.e_shnum = SECTION_COUNT;                                                            \
        header.e_phoff = header.e_phentsize = header.e_phnum = header.e_shstrndx = 0;              \
        memcpy(&section[SYMTAB_INDEX], sections[0], sizeof(section[0]));                           \
        section[SYMTAB_INDEX].sh_offset = symtab;                                                  \
        section[SYMTAB_INDEX].sh_link = STRTAB_INDEX;                                              \
        memcpy(&section[STRTAB_INDEX], sections[1], sizeof(section[0]));                           \
        section[STRTAB_INDEX].sh_offset = strtab;                                                  \
        memcpy(to, &header, sizeof(header));                                                       \
        memcpy(to + HEADER_OFFSET, section, sizeof(section));                                      \
    }
FILL(32)
FILL(64)

/* A section header as it stands in the file; inside it, since elf_view_shdr() could read it. */
static const uint8_t *raw_section(const struct elf_view *elf, uint32_t index)
{
    return elf->file.data + elf->shdr_offset + (uint64_t)index * elf->shdr_size;
}

enum refusal_id pv_add_symbol_block(struct pv_work *work, struct refusal *why)
{
    const struct guest_image *image = work->input->image;
    const struct elf_view *elf = &image->elf;
    struct plan *plan = work->plan;
    uint64_t end = (work->kernel_end + PAGE_MASK) & ~PAGE_MASK;
    uint64_t at, symtab, strtab, used;
    struct symbols symbols;
    const uint8_t *sections[2];
    uint32_t size;
    uint8_t *data;
    enum refusal_id id;

    if (!work->symbol_block || !find_symbols(elf, &symbols))
        return REFUSE_NONE;
    symtab = round_up(elf, work->symbol_block + PV_SYMBOL_HEADER_SIZE) - work->symbol_block;
    strtab = round_up(elf, symtab + symbols.symtab.size);
    used = strtab + symbols.strtab.size;
    size = (uint32_t)(used - SIZE_BYTES);
    sections[0] = raw_section(elf, symbols.symtab_index);
    sections[1] = raw_section(elf, symbols.symtab.link);

    id = plan_blob(plan, PV_SYMBOL_HEADER_SIZE, 8, &data, NULL, why);
    if (id)
        return id;
    memcpy(data, &size, sizeof(size));
    if (elf->is_64bit)
        fill64(data + SIZE_BYTES, elf->file.data, sections, symtab - SIZE_BYTES,
               strtab - SIZE_BYTES);
    else
        fill32(data + SIZE_BYTES, elf->file.data, sections, (uint32_t)symtab - SIZE_BYTES,
               (uint32_t)strtab - SIZE_BYTES);

    id = pv_add_region(work, "kernel symbols", work->symbol_block, end - work->symbol_block, &at,
                       why);
    if (!id)
        id = plan_add_copy(plan, at, plan->blob_at + (uint64_t)(data - plan->blob),
                           PV_SYMBOL_HEADER_SIZE, why);
    if (!id)
        id = plan_add_zero(plan, at + PV_SYMBOL_HEADER_SIZE, symtab - PV_SYMBOL_HEADER_SIZE, why);
    if (!id)
        id = plan_add_copy(plan, at + symtab, image->elf_at.v + symbols.symtab.offset,
                           symbols.symtab.size, why);
    if (!id)
        id = plan_add_zero(plan, at + symtab + symbols.symtab.size,
                           strtab - symtab - symbols.symtab.size, why);
    if (!id)
        id = plan_add_copy(plan, at + strtab, image->elf_at.v + symbols.strtab.offset,
                           symbols.strtab.size, why);
    if (!id)
        id = plan_add_zero(plan, at + used, end - work->symbol_block - used, why);
    return id;
}
