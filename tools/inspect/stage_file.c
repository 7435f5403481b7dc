/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The embedded stage: its place in memory from its program headers, its resident layers from its
 * symbols.  So the tool plans around the very stage that it was built with.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

extern const uint8_t stage_file[], stage_file_end[];

static struct elf_view open_stage(void)
{
    struct elf_view elf;
    struct view file = {stage_file, (uint64_t)(stage_file_end - stage_file)};
    if (elf_view_open(file, &elf) != ELF_OK)
        fail(INSPECT_INTERNAL, "the embedded stage is no ELF file");
    return elf;
}

struct range stage_file_range(void)
{
    struct elf_view elf = open_stage();
    struct range hull = {UINT64_MAX, 0};
    struct elf_phdr phdr;
    for (uint32_t i = 0; elf_view_phdr(&elf, i, &phdr); i++) {
        if (!elf_phdr_is_loadable(&phdr) || !phdr.memsz)
            continue;
        if (phdr.paddr < hull.start)
            hull.start = phdr.paddr;
        if (phdr.paddr + phdr.memsz > hull.end)
            hull.end = phdr.paddr + phdr.memsz;
    }
    if (hull.start >= hull.end)
        fail(INSPECT_INTERNAL, "the embedded stage has no segment");
    return hull;
}

static bool find_symbol(const struct elf_view *elf, const char *name, uint64_t *ret)
{
    struct elf_shdr table, strings;
    struct view symbols, names;
    Elf32_Sym symbol;
    for (uint32_t i = 1; elf_view_shdr(elf, i, &table); i++) {
        if (table.type != SHT_SYMTAB || !elf_view_section(elf, &table, &symbols) ||
            !elf_view_shdr(elf, table.link, &strings) || !elf_view_section(elf, &strings, &names))
            continue;
        for (uint64_t at = 0; view_read(symbols, at, &symbol, sizeof(symbol));
             at += sizeof(symbol)) {
            size_t length = view_string_length(names, symbol.st_name, SIZE_MAX);
            if (length == strlen(name) && !memcmp(names.data + symbol.st_name, name, length)) {
                *ret = symbol.st_value;
                return true;
            }
        }
    }
    return false;
}

/* The layer between the two symbols, NULL when the stage has none; *ret_at its machine address. */
static const struct resident_header *find_layer(const struct elf_view *elf, const char *start_name,
                                                const char *end_name, uint64_t *ret_at)
{
    uint64_t start, end;
    struct elf_phdr phdr;
    struct view bytes;
    if (!find_symbol(elf, start_name, &start) || !find_symbol(elf, end_name, &end) || end < start ||
        end - start < sizeof(struct resident_header))
        return NULL;
    for (uint32_t i = 0; elf_view_phdr(elf, i, &phdr); i++) {
        if (phdr.type != PT_LOAD || start < phdr.paddr || end > phdr.paddr + phdr.filesz ||
            !view_slice(elf->file, phdr.offset + (start - phdr.paddr), end - start, &bytes))
            continue;
        /* Copied for its alignment; never freed, the tool lives for one answer. */
        struct resident_header *header = malloc((size_t)bytes.size);
        if (!header)
            fail(INSPECT_INTERNAL, "out of memory");
        memcpy(header, bytes.data, (size_t)bytes.size);
        if (header->magic != RESIDENT_MAGIC) {
            free(header);
            return NULL;
        }
        *ret_at = start;
        return header;
    }
    return NULL;
}

void stage_file_layers(struct plan_input *input)
{
    struct elf_view elf = open_stage();
    input->resident64 =
        find_layer(&elf, "resident64_image", "resident64_image_end", &input->resident64_at);
    input->resident32 =
        find_layer(&elf, "resident32_image", "resident32_image_end", &input->resident32_at);
}
