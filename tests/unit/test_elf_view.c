/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ELF files of both classes: fields, names, extended numbering, every way in which a header can be
 * wrong with its refusal, and each file cut at every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elf_builder.h"
#include "elf_refusal.h"
#include "elf_view.h"

static struct elf_builder small(int class)
{
    struct elf_builder b = elf_builder(class, 0x100010);
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000,
                                             .vaddr = 0xc0100000,
                                             .size = 0x30,
                                             .file_size = 0x20,
                                             .align = 0x1000});
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x200000, .size = 8, .flags = PF_R});
    elf_add_pv_notes(&b);
    b.notes_place = NOTES_IN_BOTH;
    b.xen_guest = "LOADER=generic";
    return b;
}

static void fields_of_both_classes(void **state)
{
    (void)state;
    for (int class = 32; class <= 64; class += 32) {
        struct elf_builder b = small(class);
        struct elf_view elf;
        struct elf_phdr phdr;
        struct elf_shdr shdr;
        struct view bytes;
        assert_int_equal(elf_view_open(elf_build(&b), &elf), ELF_OK);
        assert_int_equal(elf.is_64bit, class == 64);
        assert_int_equal(elf.machine, class == 64 ? EM_X86_64 : EM_386);
        assert_int_equal(elf.type, ET_EXEC);
        assert_int_equal(elf.entry, 0x100010);
        assert_int_equal(elf.phdr_count, 3);
        assert_int_equal(elf.shdr_count, 4);

        assert_true(elf_view_phdr(&elf, 0, &phdr));
        assert_int_equal(phdr.type, PT_LOAD);
        assert_int_equal(phdr.flags, PF_R | PF_W | PF_X);
        assert_int_equal(phdr.paddr, 0x100000);
        assert_int_equal(phdr.vaddr, 0xc0100000);
        assert_int_equal(phdr.filesz, 0x20);
        assert_int_equal(phdr.memsz, 0x30);
        assert_int_equal(phdr.align, 0x1000);
        assert_true(elf_phdr_is_loadable(&phdr));
        assert_true(elf_view_segment(&elf, &phdr, &bytes));
        assert_int_equal(bytes.size, 0x20);
        assert_int_equal(bytes.data[0], 0x40);
        assert_true(elf_view_phdr(&elf, 1, &phdr));
        assert_true(elf_phdr_is_loadable(&phdr));
        phdr.flags = 0;
        assert_false(elf_phdr_is_loadable(&phdr));
        assert_true(elf_view_phdr(&elf, 2, &phdr));
        assert_int_equal(phdr.type, PT_NOTE);
        assert_false(elf_phdr_is_loadable(&phdr));
        assert_false(elf_view_phdr(&elf, 3, &phdr));

        assert_true(elf_view_shdr(&elf, 3, &shdr));
        assert_string_equal(elf_view_section_name(&elf, &shdr), "__xen_guest");
        assert_true(elf_view_section(&elf, &shdr, &bytes));
        assert_memory_equal(bytes.data, "LOADER=generic", 15);
        shdr.offset = elf.file.size - 3;
        assert_false(elf_view_section(&elf, &shdr, &bytes));
        shdr.type = SHT_NOBITS;
        assert_true(elf_view_section(&elf, &shdr, &bytes));
        assert_int_equal(bytes.size, 0);
        shdr.name = 0x7fffffff;
        assert_string_equal(elf_view_section_name(&elf, &shdr), "");
        elf.shdr_string_index = 99;
        shdr.name = 1;
        assert_string_equal(elf_view_section_name(&elf, &shdr), "");
        assert_false(elf_view_shdr(&elf, 4, &shdr));
        elf_free(&b);
    }
}

static void a_name_without_nul_is_no_name(void **state)
{
    struct elf_builder b = small(64);
    struct elf_view elf;
    struct elf_shdr shdr;
    (void)state;
    assert_int_equal(elf_view_open(elf_build(&b), &elf), ELF_OK);
    Elf64_Shdr *sections = (Elf64_Shdr *)(b.file + b.shdr_at);
    sections[1].sh_size = 21 + 5; /* ends inside "__xen_guest" */
    assert_true(elf_view_shdr(&elf, 3, &shdr));
    assert_string_equal(elf_view_section_name(&elf, &shdr), "");
    elf_free(&b);
}

/* Every way in which elf_view_open() can fail, by a change of the 64-bit file's header. */
#define HEADER(b) ((Elf64_Ehdr *)(b)->file)

static void spoil_magic(struct elf_builder *b)
{
    b->file[1] = 'X';
}
static void spoil_class(struct elf_builder *b)
{
    b->file[EI_CLASS] = 3;
}
static void spoil_data(struct elf_builder *b)
{
    b->file[EI_DATA] = ELFDATA2MSB;
}
static void spoil_machine(struct elf_builder *b)
{
    HEADER(b)->e_machine = EM_AARCH64;
}
static void spoil_machine_386(struct elf_builder *b)
{
    HEADER(b)->e_machine = EM_386; /* in a 64-bit file */
}
static void spoil_type(struct elf_builder *b)
{
    HEADER(b)->e_type = ET_REL;
}
static void spoil_phdr_size(struct elf_builder *b)
{
    HEADER(b)->e_phentsize = sizeof(Elf32_Phdr);
}
static void spoil_phoff(struct elf_builder *b)
{
    HEADER(b)->e_phoff = b->file_size - 8;
}
static void spoil_phoff_wrap(struct elf_builder *b)
{
    HEADER(b)->e_phoff = UINT64_MAX - 8;
}
static void spoil_shdr_size(struct elf_builder *b)
{
    HEADER(b)->e_shentsize = 8;
}
static void spoil_shnum(struct elf_builder *b)
{
    HEADER(b)->e_shnum = 0x7000;
}

static void wrong_headers_are_refused(void **state)
{
    static const struct {
        void (*spoil)(struct elf_builder *b);
        enum elf_status status;
        enum refusal_id refusal;
    } cases[] = {
        {spoil_magic, ELF_BAD_MAGIC, REFUSE_ELF_BAD_MAGIC},
        {spoil_class, ELF_BAD_CLASS, REFUSE_ELF_BAD_CLASS},
        {spoil_data, ELF_BIG_ENDIAN, REFUSE_ELF_BIG_ENDIAN},
        {spoil_machine, ELF_BAD_MACHINE, REFUSE_ELF_BAD_MACHINE},
        {spoil_machine_386, ELF_BAD_MACHINE, REFUSE_ELF_BAD_MACHINE},
        {spoil_type, ELF_BAD_TYPE, REFUSE_ELF_BAD_TYPE},
        {spoil_phdr_size, ELF_BAD_PHDR_SIZE, REFUSE_ELF_BAD_PHDR_SIZE},
        {spoil_phoff, ELF_PHDRS_OUTSIDE, REFUSE_ELF_PHDRS_OUTSIDE},
        {spoil_phoff_wrap, ELF_PHDRS_OUTSIDE, REFUSE_ELF_PHDRS_OUTSIDE},
        {spoil_shdr_size, ELF_BAD_SHDR_SIZE, REFUSE_ELF_BAD_SHDR_SIZE},
        {spoil_shnum, ELF_SHDRS_OUTSIDE, REFUSE_ELF_SHDRS_OUTSIDE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct elf_builder b = small(64);
        struct elf_view elf;
        struct refusal why;
        struct view file = elf_build(&b);
        cases[i].spoil(&b);
        enum elf_status status = elf_view_open(file, &elf);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(elf_refuse(status, &elf, &why), cases[i].refusal);
        elf_free(&b);
    }
}

static void a_32bit_file_may_name_either_machine(void **state)
{
    struct elf_builder b = small(32);
    struct elf_view elf;
    (void)state;
    b.machine = EM_X86_64;
    assert_int_equal(elf_view_open(elf_build(&b), &elf), ELF_OK);
    assert_false(elf.is_64bit);
    elf_free(&b);
}

static void a_file_cut_anywhere_is_refused_or_whole(void **state)
{
    (void)state;
    for (int class = 32; class <= 64; class += 32) {
        struct elf_builder b = small(class);
        struct view file = elf_build(&b);
        for (size_t size = 0; size < file.size; size++) {
            uint8_t *part = malloc(size ? size : 1);
            struct elf_view elf;
            struct refusal why;
            memcpy(part, file.data, size);
            enum elf_status status = elf_view_open((struct view){part, size}, &elf);
            /* The section headers are last, so no shorter file can be right. */
            assert_int_not_equal(status, ELF_OK);
            assert_int_equal(elf_refuse(status, &elf, &why),
                             size < (class == 64 ? 64u : 52u) ? REFUSE_ELF_TOO_SHORT
                             : status == ELF_PHDRS_OUTSIDE    ? REFUSE_ELF_PHDRS_OUTSIDE
                                                              : REFUSE_ELF_SHDRS_OUTSIDE);
            free(part);
        }
        elf_free(&b);
    }
}

static void extended_numbering_is_resolved(void **state)
{
    struct elf_builder b = small(64);
    struct elf_view elf;
    (void)state;
    struct view file = elf_build(&b);
    Elf64_Shdr *first = (Elf64_Shdr *)(b.file + b.shdr_at);
    first->sh_info = HEADER(&b)->e_phnum;
    first->sh_size = HEADER(&b)->e_shnum;
    first->sh_link = HEADER(&b)->e_shstrndx;
    HEADER(&b)->e_phnum = PN_XNUM;
    HEADER(&b)->e_shnum = 0;
    HEADER(&b)->e_shstrndx = SHN_XINDEX;
    assert_int_equal(elf_view_open(file, &elf), ELF_OK);
    assert_int_equal(elf.phdr_count, 3);
    assert_int_equal(elf.shdr_count, 4);
    assert_int_equal(elf.shdr_string_index, 1);
    first->sh_size = UINT64_C(1) << 40;
    assert_int_equal(elf_view_open(file, &elf), ELF_SHDRS_OUTSIDE);
    first->sh_size = 4;
    first->sh_info = 0xffffffff;
    assert_int_equal(elf_view_open(file, &elf), ELF_PHDRS_OUTSIDE);
    elf_free(&b);
}

static void no_sections_are_fine(void **state)
{
    struct elf_builder b = small(64);
    struct elf_view elf;
    struct elf_shdr shdr;
    (void)state;
    struct view file = elf_build(&b);
    HEADER(&b)->e_shoff = 0;
    assert_int_equal(elf_view_open(file, &elf), ELF_OK);
    assert_int_equal(elf.shdr_count, 0);
    assert_false(elf_view_shdr(&elf, 0, &shdr));
    elf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_both_classes),
        cmocka_unit_test(a_name_without_nul_is_no_name),
        cmocka_unit_test(wrong_headers_are_refused),
        cmocka_unit_test(a_32bit_file_may_name_either_machine),
        cmocka_unit_test(a_file_cut_anywhere_is_refused_or_whole),
        cmocka_unit_test(extended_numbering_is_resolved),
        cmocka_unit_test(no_sections_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
