/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writing ELF files for tests; see elf_builder.h.  Order in the file: header, program headers,
 * segments' bytes, notes, __xen_guest, section names, section headers.
 */
#include "elf_builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct elf_builder elf_builder(int class, uint64_t entry)
{
    return (struct elf_builder){.class = class,
                                .entry = entry,
                                .machine = class == 64 ? EM_X86_64 : EM_386,
                                .type = ET_EXEC,
                                .notes_align = 4};
}

void elf_add_segment(struct elf_builder *b, struct elf_segment segment)
{
    if (!segment.vaddr && !segment.at_vaddr_0)
        segment.vaddr = segment.paddr;
    if (!segment.file_size && !segment.no_bytes)
        segment.file_size = segment.size;
    if (!segment.flags)
        segment.flags = PF_R | PF_W | PF_X;
    if (!segment.type)
        segment.type = PT_LOAD;
    assert(b->segment_count < sizeof(b->segment) / sizeof(b->segment[0]));
    b->segment[b->segment_count++] = segment;
}

static void append(struct elf_builder *b, const void *bytes, uint32_t size)
{
    assert(b->notes_size + size <= sizeof(b->notes));
    memcpy(b->notes + b->notes_size, bytes, size);
    b->notes_size += size;
}

static void pad(struct elf_builder *b)
{
    while (b->notes_size % b->notes_align)
        append(b, "", 1);
}

void elf_add_note(struct elf_builder *b, const char *owner, uint32_t type, const void *desc,
                  uint32_t size)
{
    uint32_t header[3] = {(uint32_t)strlen(owner) + 1, size, type};
    append(b, header, sizeof(header));
    append(b, owner, header[0]);
    pad(b);
    append(b, desc, size);
    pad(b);
}

void elf_add_number(struct elf_builder *b, enum xen_note type, uint64_t value, uint32_t size)
{
    uint8_t bytes[16] = {0};
    memcpy(bytes, &value, sizeof(value));
    elf_add_note(b, "Xen", type, bytes, size);
}

void elf_add_text(struct elf_builder *b, enum xen_note type, const char *text)
{
    elf_add_note(b, "Xen", type, text, (uint32_t)strlen(text) + 1);
}

void elf_add_pv_notes(struct elf_builder *b)
{
    elf_add_text(b, XEN_NOTE_GUEST_OS, "test");
    elf_add_text(b, XEN_NOTE_XEN_VERSION, "xen-3.0");
    elf_add_text(b, XEN_NOTE_LOADER, "generic");
}

static void put(struct elf_builder *b, uint64_t at, const void *bytes, uint64_t size)
{
    if (at + size > b->file_size) {
        b->file = realloc(b->file, at + size);
        assert(b->file);
        memset(b->file + b->file_size, 0, at + size - b->file_size);
        b->file_size = at + size;
    }
    if (size)
        memcpy(b->file + at, bytes, size);
}

static void put_phdr(struct elf_builder *b, uint32_t index, const struct elf_segment *s,
                     uint64_t offset)
{
    uint64_t align = s->align ? s->align : 1;
    if (b->class == 64) {
        Elf64_Phdr p = {s->type,  s->flags,     offset,  s->vaddr,
                        s->paddr, s->file_size, s->size, align};
        put(b, b->phdr_at + index * sizeof(p), &p, sizeof(p));
    } else {
        Elf32_Phdr p = {s->type,
                        (Elf32_Off)offset,
                        (Elf32_Addr)s->vaddr,
                        (Elf32_Addr)s->paddr,
                        (Elf32_Word)s->file_size,
                        (Elf32_Word)s->size,
                        s->flags,
                        (Elf32_Word)align};
        put(b, b->phdr_at + index * sizeof(p), &p, sizeof(p));
    }
}

static void put_shdr(struct elf_builder *b, uint32_t index, uint32_t name, uint32_t type,
                     uint64_t offset, uint64_t size, uint64_t align)
{
    if (b->class == 64) {
        Elf64_Shdr s = {.sh_name = name,
                        .sh_type = type,
                        .sh_offset = offset,
                        .sh_size = size,
                        .sh_addralign = align};
        put(b, b->shdr_at + index * sizeof(s), &s, sizeof(s));
    } else {
        Elf32_Shdr s = {.sh_name = name,
                        .sh_type = type,
                        .sh_offset = (Elf32_Off)offset,
                        .sh_size = (Elf32_Word)size,
                        .sh_addralign = (Elf32_Word)align};
        put(b, b->shdr_at + index * sizeof(s), &s, sizeof(s));
    }
}

static void put_header(struct elf_builder *b, uint32_t phdrs, uint32_t shdrs)
{
    unsigned char ident[EI_NIDENT] = {
        ELFMAG0,     ELFMAG1,   ELFMAG2, ELFMAG3, b->class == 64 ? ELFCLASS64 : ELFCLASS32,
        ELFDATA2LSB, EV_CURRENT};
    if (b->class == 64) {
        Elf64_Ehdr e = {.e_type = b->type,
                        .e_machine = b->machine,
                        .e_version = EV_CURRENT,
                        .e_entry = b->entry,
                        .e_phoff = b->phdr_at,
                        .e_shoff = b->shdr_at,
                        .e_ehsize = sizeof(e),
                        .e_phentsize = sizeof(Elf64_Phdr),
                        .e_phnum = (Elf64_Half)phdrs,
                        .e_shentsize = sizeof(Elf64_Shdr),
                        .e_shnum = (Elf64_Half)shdrs,
                        .e_shstrndx = 1};
        memcpy(e.e_ident, ident, sizeof(ident));
        put(b, 0, &e, sizeof(e));
    } else {
        Elf32_Ehdr e = {.e_type = b->type,
                        .e_machine = b->machine,
                        .e_version = EV_CURRENT,
                        .e_entry = (Elf32_Addr)b->entry,
                        .e_phoff = (Elf32_Off)b->phdr_at,
                        .e_shoff = (Elf32_Off)b->shdr_at,
                        .e_ehsize = sizeof(e),
                        .e_phentsize = sizeof(Elf32_Phdr),
                        .e_phnum = (Elf32_Half)phdrs,
                        .e_shentsize = sizeof(Elf32_Shdr),
                        .e_shnum = (Elf32_Half)shdrs,
                        .e_shstrndx = 1};
        memcpy(e.e_ident, ident, sizeof(ident));
        put(b, 0, &e, sizeof(e));
    }
}

/* The next offset at which the file grows, aligned. */
static uint64_t here(const struct elf_builder *b, uint64_t align)
{
    return (b->file_size + align - 1) / align * align;
}

struct view elf_build(struct elf_builder *b)
{
    static const char names[] = "\0.shstrtab\0.note.Xen\0__xen_guest";
    bool note_segment = b->notes_size && b->notes_place != NOTES_IN_SECTION;
    bool note_section = b->notes_size && b->notes_place != NOTES_IN_SEGMENT;
    uint32_t phdrs = b->segment_count + note_segment;
    uint32_t shdrs = 2;

    b->phdr_at = b->class == 64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
    put_header(b, phdrs, 0);
    put(b, b->phdr_at + phdrs * (b->class == 64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)), "", 0);

    for (uint32_t i = 0; i < b->segment_count; i++) {
        const struct elf_segment *s = &b->segment[i];
        uint64_t at = here(b, 16);
        /* Test segments are small; a declared size of many MiB is memory, not file. */
        assert(s->file_size <= 1 << 20);
        put_phdr(b, i, s, at);
        uint8_t *fill = calloc(1, s->file_size + 1);
        memset(fill, 0x40 + (int)i, s->file_size);
        if (i == 0 && b->multiboot)
            memcpy(fill, b->multiboot, b->multiboot_size);
        put(b, at, fill, s->file_size);
        free(fill);
    }
    uint64_t notes_at = here(b, 8);
    put(b, notes_at, b->notes, b->notes_size);
    if (note_segment) {
        struct elf_segment s = {.size = b->notes_size,
                                .file_size = b->notes_size,
                                .align = b->notes_align,
                                .flags = PF_R,
                                .type = PT_NOTE};
        put_phdr(b, b->segment_count, &s, b->notes_place == NOTES_AT_OFFSET_0 ? 0 : notes_at);
    }
    uint64_t guest_at = here(b, 4);
    if (b->xen_guest)
        put(b, guest_at, b->xen_guest, strlen(b->xen_guest) + 1);
    uint64_t names_at = here(b, 4);
    put(b, names_at, names, sizeof(names));

    b->shdr_at = here(b, 8);
    put_shdr(b, 0, 0, SHT_NULL, 0, 0, 0);
    put_shdr(b, 1, 1, SHT_STRTAB, names_at, sizeof(names), 1);
    if (note_section)
        put_shdr(b, shdrs++, 11, SHT_NOTE, notes_at, b->notes_size, b->notes_align);
    if (b->xen_guest)
        put_shdr(b, shdrs++, 21, SHT_PROGBITS, guest_at, strlen(b->xen_guest) + 1, 1);
    put_header(b, phdrs, shdrs);
    return (struct view){b->file, b->file_size};
}

void elf_free(struct elf_builder *b)
{
    free(b->file);
    b->file = NULL;
    b->file_size = 0;
}
