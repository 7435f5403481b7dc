/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Readable ELF fixtures: name the class, the segments, the notes, the __xen_guest string, get a
 * file as a view.  The bytes are allocated at their exact size, so that ASan sees each read
 * outside.
 *
 *     struct elf_builder b = elf_builder(64, 0x1000000);
 *     elf_add_segment(&b, (struct elf_segment){.paddr = 0x1000000, .size = 0x2000});
 *     elf_add_number(&b, XEN_NOTE_VIRT_BASE, 0xffffffff80000000, 8);
 *     struct view file = elf_build(&b);
 *     …
 *     elf_free(&b);
 */
#ifndef TESTS_UNIT_ELF_BUILDER_H
#define TESTS_UNIT_ELF_BUILDER_H

#include <elf.h>
#include <stdbool.h>

#include "view.h"

enum xen_note {
    XEN_NOTE_INFO,
    XEN_NOTE_ENTRY,
    XEN_NOTE_HYPERCALL_PAGE,
    XEN_NOTE_VIRT_BASE,
    XEN_NOTE_PADDR_OFFSET,
    XEN_NOTE_XEN_VERSION,
    XEN_NOTE_GUEST_OS,
    XEN_NOTE_GUEST_VERSION,
    XEN_NOTE_LOADER,
    XEN_NOTE_PAE_MODE,
    XEN_NOTE_FEATURES,
    XEN_NOTE_BSD_SYMTAB,
    XEN_NOTE_HV_START_LOW,
    XEN_NOTE_L1_MFN_VALID,
    XEN_NOTE_SUSPEND_CANCEL,
    XEN_NOTE_INIT_P2M,
    XEN_NOTE_MOD_START_PFN,
    XEN_NOTE_SUPPORTED_FEATURES,
    XEN_NOTE_PHYS32_ENTRY,
    XEN_NOTE_PHYS32_RELOC,
};

/* What is left 0 gets a default: vaddr = paddr, file_size = size, flags = R W X, type PT_LOAD. */
struct elf_segment {
    uint64_t paddr, vaddr, size, file_size, align;
    uint32_t flags, type;
    bool no_bytes;   /* file_size is really 0 */
    bool at_vaddr_0; /* vaddr is really 0 */
};

enum elf_notes_place { NOTES_IN_SEGMENT, NOTES_IN_SECTION, NOTES_IN_BOTH, NOTES_AT_OFFSET_0 };

struct elf_builder {
    int class; /* 32 or 64 */
    uint64_t entry;
    uint16_t machine, type;
    enum elf_notes_place notes_place;
    uint64_t notes_align; /* 4; also the padding of notes */
    uint32_t segment_count;
    struct elf_segment segment[80];
    uint32_t notes_size;
    uint8_t notes[4096];
    const char *xen_guest; /* contents of that section, NUL added; NULL = no section */
    const char *multiboot; /* 12 or more bytes put at the start of the first segment */
    uint32_t multiboot_size;

    uint8_t *file; /* after elf_build(), may be changed by the test */
    uint64_t file_size, phdr_at, shdr_at;
};

struct elf_builder elf_builder(int class, uint64_t entry);
void elf_add_segment(struct elf_builder *b, struct elf_segment segment);
void elf_add_note(struct elf_builder *b, const char *owner, uint32_t type, const void *desc,
                  uint32_t size);
void elf_add_number(struct elf_builder *b, enum xen_note type, uint64_t value, uint32_t size);
void elf_add_text(struct elf_builder *b, enum xen_note type, const char *text);

/* The notes that every PV guest must have: GUEST_OS, XEN_VERSION, LOADER. */
void elf_add_pv_notes(struct elf_builder *b);

struct view elf_build(struct elf_builder *b);
void elf_free(struct elf_builder *b);

#endif
