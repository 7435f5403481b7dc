/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What guests say of themselves: every note type, every legacy key, the order of the search,
 * conflicts and malformed ones as Xen's libelf treats them, each refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "elf_builder.h"
#include "guest_info.h"
#include "guest_parse.h"

static struct guest_info info;
static struct refusal why;
static struct elf_view elf;

static enum refusal_id read(struct elf_builder *b)
{
    if (!b->segment_count)
        elf_add_segment(b, (struct elf_segment){.paddr = 0x100000, .size = 16});
    assert_int_equal(elf_view_open(elf_build(b), &elf), ELF_OK);
    memset(&info, 0xa5, sizeof(info));
    memset(&why, 0, sizeof(why));
    enum refusal_id id = guest_info_read(&elf, &info, &why);
    assert_int_equal(id, why.id);
    return id;
}

static enum refusal_id read_legacy(const char *text)
{
    struct elf_builder b = elf_builder(32, 0);
    b.xen_guest = text;
    enum refusal_id id = read(&b);
    elf_free(&b);
    return id;
}

static void complained(const char *about)
{
    for (uint32_t i = 0; i < info.complaint_count && i < 6; i++)
        if (strstr(info.complaint[i], about))
            return;
    fail_msg("no complaint about %s, first of %u: %s", about, info.complaint_count,
             info.complaint[0]);
}

static void every_note(void **state)
{
    (void)state;
    for (int class = 32; class <= 64; class += 32) {
        struct elf_builder b = elf_builder(class, 0);
        uint32_t number = class == 64 ? 8 : 4;
        elf_add_text(&b, XEN_NOTE_INFO, "A=B");
        elf_add_number(&b, XEN_NOTE_ENTRY, 0xc0100000, number);
        elf_add_number(&b, XEN_NOTE_HYPERCALL_PAGE, 0xc0101000, number);
        elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0xc0000000, number);
        elf_add_number(&b, XEN_NOTE_PADDR_OFFSET, 0, number);
        elf_add_pv_notes(&b);
        elf_add_text(&b, XEN_NOTE_GUEST_VERSION, "2.6");
        elf_add_text(&b, XEN_NOTE_PAE_MODE, "yes");
        elf_add_text(&b, XEN_NOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb");
        elf_add_text(&b, XEN_NOTE_BSD_SYMTAB, "yes");
        elf_add_number(&b, XEN_NOTE_HV_START_LOW, 0xf5800000, number);
        elf_add_number(&b, XEN_NOTE_L1_MFN_VALID, 1, 8);
        elf_add_number(&b, XEN_NOTE_SUSPEND_CANCEL, 1, 4);
        elf_add_number(&b, XEN_NOTE_INIT_P2M, 0x8000000000, 8);
        elf_add_number(&b, XEN_NOTE_MOD_START_PFN, 1, 4);
        elf_add_number(&b, XEN_NOTE_SUPPORTED_FEATURES, 0x8801, 4);
        elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0x1000850, number);
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(info.source, INFO_PT_NOTE);
        assert_int_equal(info.note_count, 19);
        assert_int_equal(info.foreign_count, 0);
        assert_int_equal(info.complaint_count, 0);
        assert_true(info.entry.given && info.entry.value == 0xc0100000);
        assert_true(info.hypercall_page.given && info.hypercall_page.value == 0xc0101000);
        assert_true(info.virt_base.given && info.virt_base.value == 0xc0000000);
        assert_true(info.paddr_offset.given && info.paddr_offset.value == 0);
        assert_true(info.hv_start_low.given && info.hv_start_low.value == 0xf5800000);
        assert_true(info.init_p2m.given && info.init_p2m.value == 0x8000000000);
        assert_true(info.phys32_entry.given && info.phys32_entry.value == 0x1000850);
        assert_true(info.mod_start_pfn && info.suspend_cancel && info.bsd_symtab);
        assert_false(info.has_phys32_reloc || info.pt_mode_writable);
        assert_int_equal(info.pae, PAE_EXTENDED_CR3);
        assert_string_equal(info.guest_os, "test");
        assert_string_equal(info.guest_version, "2.6");
        assert_string_equal(info.xen_version, "xen-3.0");
        assert_string_equal(info.loader, "generic");
        assert_int_equal(info.features_supported, 0x8801 | 1 | 16);
        assert_int_equal(info.features_required, 1);
        assert_int_equal(guest_info_check_pv(&elf, &info, &why), REFUSE_NONE);
        assert_int_equal(guest_info_check_pvh(&elf, &info, &why), REFUSE_NONE);
        elf_free(&b);
    }
}

static void numbers_of_all_sizes(void **state)
{
    (void)state;
    for (uint32_t size = 0; size <= 12; size++) {
        struct elf_builder b = elf_builder(64, 0);
        bool known = size == 1 || size == 2 || size == 4 || size == 8;
        uint64_t value = UINT64_C(0x8877665544332211);
        elf_add_number(&b, XEN_NOTE_VIRT_BASE, value, size);
        assert_int_equal(read(&b), REFUSE_NONE);
        uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << (size * 8 & 63)) - 1;
        assert_true(info.virt_base.given);
        assert_int_equal(info.virt_base.value, known ? value & mask : 0);
        assert_int_equal(info.complaint_count, known ? 0 : 1);
        elf_free(&b);
    }
}

static void pae_words(void **state)
{
    static const struct {
        const char *word;
        enum pae_mode mode;
    } cases[] = {{"yes", PAE_EXTENDED_CR3},    {"no", PAE_NO},   {"bimodal", PAE_BIMODAL},
                 {"yes,bimodal", PAE_BIMODAL}, {"yes ", PAE_NO}, {"", PAE_NO}};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct elf_builder b = elf_builder(32, 0);
        elf_add_text(&b, XEN_NOTE_PAE_MODE, cases[i].word);
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(info.pae, cases[i].mode);
        elf_free(&b);
    }
}

static void search_order(void **state)
{
    static const enum info_source expected[] = {INFO_PT_NOTE, INFO_SHT_NOTE, INFO_PT_NOTE,
                                                INFO_XEN_GUEST};
    (void)state;
    for (unsigned place = 0; place < 4; place++) {
        struct elf_builder b = elf_builder(32, 0);
        elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0x1000, 4);
        b.notes_place = place;
        b.xen_guest = "VIRT_BASE=0x2000";
        assert_int_equal(read(&b), REFUSE_NONE);
        if (place == NOTES_AT_OFFSET_0) {
            /* The segment is skipped; its section is still there. */
            assert_int_equal(info.source, INFO_SHT_NOTE);
            assert_int_equal(info.virt_base.value, 0x1000);
        } else {
            assert_int_equal(info.source, expected[place]);
            assert_int_equal(info.virt_base.value, 0x1000);
        }
        elf_free(&b);
    }
    struct elf_builder b = elf_builder(32, 0);
    elf_add_note(&b, "GNU", 1, "abcdefgh", 8);
    b.notes_place = NOTES_IN_BOTH;
    b.xen_guest = "VIRT_BASE=0x2000";
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.source, INFO_XEN_GUEST);
    assert_int_equal(info.virt_base.value, 0x2000);
    assert_int_equal(info.foreign_count, 2);
    elf_free(&b);

    b = elf_builder(32, 0);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.source, INFO_NONE);
    elf_free(&b);
}

static void stray_and_repeated_notes_are_tolerated(void **state)
{
    struct elf_builder b = elf_builder(64, 0);
    (void)state;
    elf_add_note(&b, "Xenon", XEN_NOTE_ENTRY, "12345678", 8);
    elf_add_note(&b, "", 7, "", 0);
    elf_add_note(&b, "GNU", 3, "12345", 5);
    elf_add_number(&b, XEN_NOTE_ENTRY, 1, 4);
    elf_add_note(&b, "Xen", 0x1000001, "", 0);
    elf_add_note(&b, "Xen", 77, "x", 1);
    elf_add_number(&b, XEN_NOTE_ENTRY, 2, 8);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.foreign_count, 3);
    assert_int_equal(info.note_count, 4);
    assert_int_equal(info.entry.value, 2);
    complained("given twice");
    complained("unknown type 0x4d");
    elf_free(&b);
}

static void notes_padded_to_8(void **state)
{
    (void)state;
    for (unsigned place = NOTES_IN_SEGMENT; place <= NOTES_IN_SECTION; place++) {
        struct elf_builder b = elf_builder(64, 0);
        b.notes_align = 8;
        b.notes_place = place;
        elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0x1000, 4);
        elf_add_number(&b, XEN_NOTE_ENTRY, 0x2000, 4);
        elf_add_text(&b, XEN_NOTE_LOADER, "generic");
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(info.note_count, 3);
        assert_int_equal(info.virt_base.value, 0x1000);
        assert_int_equal(info.entry.value, 0x2000);
        assert_string_equal(info.loader, "generic");
        elf_free(&b);
    }
    /* Xen's own way, 4-byte padding, in a segment that claims 8. */
    struct elf_builder b = elf_builder(64, 0);
    elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0x1000, 4);
    elf_add_number(&b, XEN_NOTE_ENTRY, 0x2000, 4);
    elf_add_text(&b, XEN_NOTE_LOADER, "generic");
    b.notes_align = 8;
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.note_count, 3);
    assert_int_equal(info.entry.value, 0x2000);
    elf_free(&b);
}

static void strings_without_nul(void **state)
{
    struct elf_builder b = elf_builder(64, 0);
    (void)state;
    /* 12 characters fill the descriptor to its last byte; the next note's size must not be read. */
    elf_add_note(&b, "Xen", XEN_NOTE_FEATURES, "dom0|dom0|do", 12);
    elf_add_note(&b, "Xen", XEN_NOTE_LOADER, "gene", 4);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.features_supported, 1u << 11);
    assert_string_equal(info.loader, "gene");
    complained("unknown feature do ");
    elf_free(&b);
}

static void long_and_dirty_texts(void **state)
{
    struct elf_builder b = elf_builder(64, 0);
    char text[200];
    (void)state;
    memset(text, 'a', sizeof(text));
    text[1] = '\n';
    text[199] = 0;
    elf_add_text(&b, XEN_NOTE_GUEST_OS, text);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(strlen(info.guest_os), GUEST_TEXT_SIZE - 1);
    assert_int_equal(info.guest_os[1], '?');
    complained("is cut");
    elf_free(&b);
}

static void notes_that_run_out(void **state)
{
    (void)state;
    /* A whole note, then one whose header or name is cut: what is whole counts. */
    for (uint32_t size = 1; size < 16; size++) {
        struct elf_builder b = elf_builder(64, 0);
        elf_add_number(&b, XEN_NOTE_ENTRY, 1, 4);
        uint32_t whole = b.notes_size;
        elf_add_number(&b, XEN_NOTE_VIRT_BASE, 5, 4);
        b.notes_size = whole + size;
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(info.note_count, 1);
        assert_false(info.virt_base.given);
        complained("runs out");
        elf_free(&b);
    }
    /* Sizes that lie. */
    static const uint32_t lies[][3] = {
        {0xffffffff, 0, 1}, {4, 0xffffffff, 1}, {0xffffffff, 0xffffffff, 1}, {4, 0xfffffff0, 1}};
    for (size_t i = 0; i < 4; i++) {
        struct elf_builder b = elf_builder(64, 0);
        memcpy(b.notes, lies[i], 12);
        memcpy(b.notes + 12, "Xen", 4);
        b.notes_size = 20;
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(info.note_count, lies[i][0] == 4);
        assert_int_equal(info.entry.value, 0);
        complained("runs out");
        elf_free(&b);
    }
    /* Zero padding behind the last note is none of it. */
    struct elf_builder b = elf_builder(64, 0);
    elf_add_number(&b, XEN_NOTE_ENTRY, 1, 4);
    b.notes_size += 4;
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.complaint_count, 0);
    elf_free(&b);
}

/* The owner's name is a string: neither a size without the NUL nor one with more behind it hides
 * it, as in libelf. */
static void a_name_is_a_string(void **state)
{
    (void)state;
    for (uint32_t size = 3; size <= 7; size++) {
        struct elf_builder b = elf_builder(64, 0);
        const uint32_t head[] = {size, 4, 1}; /* ENTRY */
        uint32_t at = 12 + (size > 4 ? 8 : 4), value = 0x1234;
        memset(b.notes, 0, at);
        memcpy(b.notes, head, 12);
        memcpy(b.notes + 12, "Xen\0foo", 7);
        memcpy(b.notes + at, &value, 4);
        b.notes_size = at + 4;
        if (size == 3)
            memset(b.notes + 15, 0, 1);
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(info.note_count, 1);
        assert_int_equal(info.entry.value, 0x1234);
        elf_free(&b);
    }
}

/* GRUB's i386 image for Xen: the last note says 12 bytes and has 4, the segment ends there. */
static void a_descriptor_may_run_into_the_rest_of_the_file(void **state)
{
    (void)state;
    struct elf_builder b = elf_builder(32, 0);
    elf_add_note(&b, "Xen", XEN_NOTE_PAE_MODE, "yes\0zzzzzzz", 12);
    b.notes_size -= 8;
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.note_count, 1);
    assert_int_equal(info.pae, PAE_EXTENDED_CR3);
    complained("type 0x9, runs out");
    elf_free(&b);

    /* Nor out of the file: the notes last in it, a number and a text that need more. */
    for (int text = 0; text <= 1; text++) {
        b = elf_builder(64, 0);
        elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000, .size = 16});
        elf_add_note(&b, "Xen", text ? XEN_NOTE_LOADER : XEN_NOTE_ENTRY, "generic!", 8);
        struct view file = elf_build(&b);
        Elf64_Phdr *phdr = &((Elf64_Phdr *)(b.file + b.phdr_at))[1];
        file.size = phdr->p_offset + 20; /* 4 of 8 bytes */
        ((Elf64_Ehdr *)b.file)->e_shoff = 0;
        phdr->p_filesz = 20;
        uint8_t *exact = malloc(file.size);
        memcpy(exact, file.data, file.size);
        file.data = exact;
        assert_int_equal(elf_view_open(file, &elf), ELF_OK);
        assert_int_equal(guest_info_read(&elf, &info, &why), REFUSE_NONE);
        assert_int_equal(info.note_count, 1);
        complained("runs out");
        if (text)
            assert_string_equal(info.loader, "gene");
        free(exact);
        elf_free(&b);
    }
}

static void note_segments_outside_the_file(void **state)
{
    struct elf_builder b = elf_builder(64, 0);
    (void)state;
    elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000, .size = 16});
    elf_add_number(&b, XEN_NOTE_ENTRY, 1, 4);
    b.notes_place = NOTES_IN_BOTH;
    struct view file = elf_build(&b);
    ((Elf64_Phdr *)(b.file + b.phdr_at))[1].p_filesz = file.size;
    assert_int_equal(elf_view_open(file, &elf), ELF_OK);
    assert_int_equal(guest_info_read(&elf, &info, &why), REFUSE_NONE);
    assert_int_equal(info.source, INFO_SHT_NOTE);
    complained("note segment 1 lies outside");
    ((Elf64_Shdr *)(b.file + b.shdr_at))[2].sh_offset = UINT64_MAX - 3;
    assert_int_equal(guest_info_read(&elf, &info, &why), REFUSE_NONE);
    assert_int_equal(info.source, INFO_NONE);
    complained("note section 2 lies outside");
    elf_free(&b);
}

static void too_many_notes_are_refused(void **state)
{
    (void)state;
    /* Built by hand: the count matters, not the builder. */
    size_t notes = GUEST_NOTE_MAX + 1, header = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    for (int more = 0; more <= 1; more++) {
        size_t size = header + (notes - 1 + (size_t)more) * 12;
        uint8_t *file = calloc(1, size);
        Elf64_Ehdr *e = (Elf64_Ehdr *)file;
        memcpy(e->e_ident, "\177ELF\2\1\1", 7);
        e->e_type = ET_EXEC;
        e->e_machine = EM_X86_64;
        e->e_phoff = sizeof(*e);
        e->e_phnum = 1;
        e->e_phentsize = sizeof(Elf64_Phdr);
        *(Elf64_Phdr *)(file + sizeof(*e)) =
            (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = header, .p_filesz = size - header};
        assert_int_equal(elf_view_open((struct view){file, size}, &elf), ELF_OK);
        assert_int_equal(guest_info_read(&elf, &info, &why),
                         more ? REFUSE_GUEST_TOO_MANY_NOTES : REFUSE_NONE);
        free(file);
    }
}

static void features(void **state)
{
    (void)state;
    struct elf_builder b = elf_builder(64, 0);
    elf_add_text(&b, XEN_NOTE_FEATURES,
                 "writable_page_tables|writable_descriptor_tables|auto_translated_physmap|"
                 "!supervisor_mode_kernel|!pae_pgdir_above_4gb|hvm_callback_vector|dom0||new");
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.features_supported, 0x91f);
    assert_int_equal(info.features_required, 0x18);
    complained("unknown feature new ");
    elf_free(&b);

    b = elf_builder(64, 0);
    elf_add_text(&b, XEN_NOTE_FEATURES, "dom0|!warp_drive");
    assert_int_equal(read(&b), REFUSE_GUEST_FEATURE_REQUIRED);
    assert_string_equal(why.str[0], "warp_drive");
    elf_free(&b);

    /* libelf cuts names at 63 characters and reads the rest as the next one. */
    b = elf_builder(64, 0);
    char list[80];
    memset(list, 'x', 63);
    strcpy(list + 63, "dom0");
    elf_add_text(&b, XEN_NOTE_FEATURES, list);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.features_supported, 1u << 11);
    elf_free(&b);

    assert_string_equal(guest_feature_name(4), "pae_pgdir_above_4gb");
    assert_null(guest_feature_name(5));
    assert_null(guest_feature_name(31));
}

static void relocation(void **state)
{
    static const uint32_t words[3] = {0x400000, 0x1000000, 0x7fffffff};
    (void)state;
    for (uint32_t size = 0; size <= 12; size += 4) {
        struct elf_builder b = elf_builder(64, 0);
        elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000, .size = 16, .align = 0x100000});
        elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0x100000, 4);
        elf_add_note(&b, "Xen", XEN_NOTE_PHYS32_RELOC, words, size);
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_true(info.has_phys32_reloc);
        assert_int_equal(info.phys32_align, size >= 4 ? words[0] : 0x100000);
        assert_int_equal(info.phys32_min, size >= 8 ? words[1] : 0);
        assert_int_equal(info.phys32_max, size >= 12 ? words[2] : 0xffffffff);
        elf_free(&b);
    }
    struct elf_builder b = elf_builder(64, 0);
    elf_add_note(&b, "Xen", XEN_NOTE_PHYS32_RELOC, "", 0);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(info.phys32_align, 0x200000); /* no segment says 4 KiB or more */
    elf_free(&b);
    b = elf_builder(64, 0);
    elf_add_number(&b, XEN_NOTE_PHYS32_RELOC, 0x300000, 4);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_false(info.has_phys32_reloc);
    complained("no power of two");
    elf_free(&b);
    b = elf_builder(64, 0);
    elf_add_number(&b, XEN_NOTE_PHYS32_RELOC, 0x300000, 16);
    assert_int_equal(read(&b), REFUSE_NONE);
    complained("16 bytes");
    elf_free(&b);
}

static void every_legacy_key(void **state)
{
    (void)state;
    assert_int_equal(
        read_legacy("GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,"
                    "VIRT_ENTRY=0xC0100000,ELF_PADDR_OFFSET=0x0,HYPERCALL_PAGE=0x104,"
                    "FEATURES=writable_page_tables|!pae_pgdir_above_4gb,PAE=yes[extended-cr3],"
                    "LOADER=generic,BSD_SYMTAB,PT_MODE_WRITABLE"),
        REFUSE_NONE);
    assert_int_equal(info.source, INFO_XEN_GUEST);
    assert_int_equal(info.complaint_count, 0);
    assert_string_equal(info.guest_os, "linux");
    assert_string_equal(info.guest_version, "2.6");
    assert_string_equal(info.xen_version, "xen-3.0");
    assert_string_equal(info.loader, "generic");
    assert_true(info.virt_base.given && info.virt_base.value == 0xc0000000);
    assert_true(info.entry.given && info.entry.value == 0xc0100000);
    assert_true(info.paddr_offset.given && info.paddr_offset.value == 0);
    assert_true(info.hypercall_page.given && info.hypercall_page.value == 0xc0104000);
    assert_int_equal(info.features_supported, 0x11);
    assert_int_equal(info.features_required, 0x10);
    assert_int_equal(info.pae, PAE_EXTENDED_CR3);
    assert_true(info.bsd_symtab && info.pt_mode_writable);
    assert_int_equal(guest_info_check_pv(&elf, &info, &why), REFUSE_NONE);
    assert_int_equal(guest_info_check_pvh(&elf, &info, &why), REFUSE_GUEST_NO_PHYS32_ENTRY);
}

static void legacy_details(void **state)
{
    (void)state;
    /* The hypercall page is relative to VIRT_BASE, wherever that stands, or absolute without it. */
    assert_int_equal(read_legacy("HYPERCALL_PAGE=2,VIRT_BASE=0xC0000000"), REFUSE_NONE);
    assert_int_equal(info.hypercall_page.value, 0xc0002000);
    assert_int_equal(read_legacy("HYPERCALL_PAGE=0x2"), REFUSE_NONE);
    assert_int_equal(info.hypercall_page.value, 0x2000);
    assert_false(info.virt_base.given);

    assert_int_equal(read_legacy("PAE=yes"), REFUSE_NONE);
    assert_int_equal(info.pae, PAE_YES);
    assert_int_equal(read_legacy("PAE=yes[other]"), REFUSE_NONE);
    assert_int_equal(info.pae, PAE_YES);
    assert_int_equal(read_legacy("PAE=no"), REFUSE_NONE);
    assert_int_equal(info.pae, PAE_NO);

    assert_int_equal(read_legacy(",,LOADER=generic,,VIRT_BASE=010,"), REFUSE_NONE);
    assert_string_equal(info.loader, "generic");
    assert_int_equal(info.virt_base.value, 8);
    assert_int_equal(info.complaint_count, 0);

    assert_int_equal(read_legacy("VIRT_BASE=12junk"), REFUSE_NONE);
    assert_int_equal(info.virt_base.value, 12);
    complained("no plain number");
    assert_int_equal(read_legacy("VIRT_BASE"), REFUSE_NONE);
    assert_true(info.virt_base.given && info.virt_base.value == 0);
    complained("no plain number");
    assert_int_equal(read_legacy("VIRT_BASE=1,VIRT_BASE=2"), REFUSE_NONE);
    assert_int_equal(info.virt_base.value, 2);
    complained("twice");
    assert_int_equal(read_legacy("VIRT_BASE=0x10000000000000000"), REFUSE_NONE);
    complained("no plain number");
    assert_int_equal(read_legacy("SUPPORTED_FEATURES=0x8"), REFUSE_NONE);
    assert_int_equal(info.features_supported, 0);
    complained("unknown key SUPPORTED_FEATURES");

    /* libelf ignores what its features parser says here. */
    assert_int_equal(read_legacy("FEATURES=dom0|!warp_drive|writable_page_tables,LOADER=generic"),
                     REFUSE_NONE);
    assert_int_equal(info.features_supported, 1u << 11);
    assert_string_equal(info.loader, "generic");
    complained("warp_drive");

    /* Case and blanks count. */
    assert_int_equal(read_legacy("loader=generic, LOADER=generic"), REFUSE_NONE);
    assert_string_equal(info.loader, "");
    assert_int_equal(read_legacy(""), REFUSE_NONE);
    assert_int_equal(info.source, INFO_XEN_GUEST);
}

static void long_legacy_items_are_cut_as_libelf_cuts(void **state)
{
    char text[400] = "";
    (void)state;
    /* 31 characters of key, then the rest is the next item. */
    memset(text, 'K', 31);
    strcat(text, "LOADER=generic");
    assert_int_equal(read_legacy(text), REFUSE_NONE);
    assert_string_equal(info.loader, "generic");
    /* 127 characters of value likewise. */
    strcpy(text, "GUEST_VER=");
    memset(text + 10, 'v', 127);
    strcpy(text + 137, "VIRT_BASE=7");
    assert_int_equal(read_legacy(text), REFUSE_NONE);
    assert_int_equal(info.virt_base.value, 7);
}

static void a_legacy_section_may_end_anywhere(void **state)
{
    (void)state;
    for (int strange = 0; strange < 3; strange++) {
        struct elf_builder b = elf_builder(32, 0);
        elf_add_segment(&b, (struct elf_segment){.paddr = 0x100000, .size = 16});
        b.xen_guest = "LOADER=generic,VIRT_BASE=0x1000";
        struct view file = elf_build(&b);
        Elf32_Shdr *section = &((Elf32_Shdr *)(b.file + b.shdr_at))[2];
        if (strange == 0)
            section->sh_size = 14; /* no NUL inside */
        else if (strange == 1)
            section->sh_type = SHT_NOBITS;
        else
            section->sh_size = (Elf32_Word)file.size;
        assert_int_equal(elf_view_open(file, &elf), ELF_OK);
        assert_int_equal(guest_info_read(&elf, &info, &why), REFUSE_NONE);
        assert_int_equal(info.source, strange ? INFO_NONE : INFO_XEN_GUEST);
        complained(strange ? "no bytes inside the file" : "no NUL");
        if (!strange)
            assert_string_equal(info.loader, "generic");
        assert_false(info.virt_base.given);
        elf_free(&b);
    }
}

static void what_pv_and_pvh_need(void **state)
{
    (void)state;
    struct elf_builder b = elf_builder(64, 0);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(guest_info_check_pv(&elf, &info, &why), REFUSE_GUEST_NO_INFO);
    assert_int_equal(guest_info_check_pvh(&elf, &info, &why), REFUSE_GUEST_NO_PHYS32_ENTRY);
    elf_free(&b);

    static const struct {
        const char *os, *loader, *version;
        enum refusal_id id;
    } cases[] = {
        {"linux", "", "xen-3.0", REFUSE_NONE},
        {"linux-2.6", "lilo", "xen-3.0", REFUSE_NONE},
        {"BSD", "generic", "xen-3.0-x86_64", REFUSE_NONE},
        {"BSD", "generic2", "xen-3.0", REFUSE_NONE},
        {"BSD", "gen", "xen-3.0", REFUSE_GUEST_LOADER},
        {"Linux", "", "xen-3.0", REFUSE_GUEST_LOADER},
        {"linux", "generic", "3.0", REFUSE_GUEST_XEN_VERSION},
        {"linux", "generic", "", REFUSE_GUEST_XEN_VERSION},
        {"linux", "generic", "xen-4.0", REFUSE_GUEST_XEN_VERSION},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        b = elf_builder(64, 0);
        elf_add_text(&b, XEN_NOTE_GUEST_OS, cases[i].os);
        elf_add_text(&b, XEN_NOTE_LOADER, cases[i].loader);
        elf_add_text(&b, XEN_NOTE_XEN_VERSION, cases[i].version);
        assert_int_equal(read(&b), REFUSE_NONE);
        assert_int_equal(guest_info_check_pv(&elf, &info, &why), cases[i].id);
        elf_free(&b);
    }

    /* PVH looks at nothing but PHYS32_ENTRY. */
    b = elf_builder(64, 0);
    elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0xfffffff0, 4);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(guest_info_check_pvh(&elf, &info, &why), REFUSE_NONE);
    elf_free(&b);
    b = elf_builder(64, 0);
    elf_add_number(&b, XEN_NOTE_PHYS32_ENTRY, 0x100000000, 8);
    assert_int_equal(read(&b), REFUSE_NONE);
    assert_int_equal(guest_info_check_pvh(&elf, &info, &why), REFUSE_GUEST_PHYS32_ENTRY_HIGH);
    elf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_string),
        cmocka_unit_test(every_note),
        cmocka_unit_test(numbers_of_all_sizes),
        cmocka_unit_test(pae_words),
        cmocka_unit_test(search_order),
        cmocka_unit_test(stray_and_repeated_notes_are_tolerated),
        cmocka_unit_test(notes_padded_to_8),
        cmocka_unit_test(strings_without_nul),
        cmocka_unit_test(long_and_dirty_texts),
        cmocka_unit_test(notes_that_run_out),
        cmocka_unit_test(a_descriptor_may_run_into_the_rest_of_the_file),
        cmocka_unit_test(note_segments_outside_the_file),
        cmocka_unit_test(too_many_notes_are_refused),
        cmocka_unit_test(features),
        cmocka_unit_test(relocation),
        cmocka_unit_test(every_legacy_key),
        cmocka_unit_test(legacy_details),
        cmocka_unit_test(long_legacy_items_are_cut_as_libelf_cuts),
        cmocka_unit_test(a_legacy_section_may_end_anywhere),
        cmocka_unit_test(what_pv_and_pvh_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
