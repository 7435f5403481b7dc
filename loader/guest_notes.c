/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Xen's ELF notes: the walk over one note segment or section, and what each type means.  Source:
 * libelf-dominfo.c elf_xen_parse_notes() and elf_xen_parse_note(), libelf-tools.c elf_note_next();
 * types from xen/include/public/elfnote.h.
 */
#include "guest_parse.h"

#include "bytes.h"

enum note_type {
    NOTE_INFO = 0,
    NOTE_ENTRY = 1,
    NOTE_HYPERCALL_PAGE = 2,
    NOTE_VIRT_BASE = 3,
    NOTE_PADDR_OFFSET = 4,
    NOTE_XEN_VERSION = 5,
    NOTE_GUEST_OS = 6,
    NOTE_GUEST_VERSION = 7,
    NOTE_LOADER = 8,
    NOTE_PAE_MODE = 9,
    NOTE_FEATURES = 10,
    NOTE_BSD_SYMTAB = 11,
    NOTE_HV_START_LOW = 12,
    NOTE_L1_MFN_VALID = 13,
    NOTE_SUSPEND_CANCEL = 14,
    NOTE_INIT_P2M = 15,
    NOTE_MOD_START_PFN = 16,
    NOTE_SUPPORTED_FEATURES = 17,
    NOTE_PHYS32_ENTRY = 18,
    NOTE_PHYS32_RELOC = 19,
};

#define NAME_XEN 0x006e6558u /* "Xen" */

struct note {
    uint32_t type;
    bool is_xen;
    struct view desc;
    bool runs_out; /* desc is not all inside the segment */
};

/* Notes as they lie in the file: `bytes` goes on behind the segment, to the end of the file. */
struct notes {
    struct view bytes;
    uint64_t size; /* of the segment or section */
    uint64_t padding;
};

/* The note at *at, and *at moved behind it; false when none is left or the next one's name runs
 * out. A descriptor may run out of the segment, as libelf allows (GRUB's i386 image has one that
 * does), but not out of the file: there it is cut. */
static bool next_note(const struct notes *notes, uint64_t *at, struct note *ret)
{
    uint32_t name_size, desc_size, name;
    struct view name_bytes;
    uint64_t place = *at;
    struct view inside = {notes->bytes.data, notes->size};
    if (!view_u32(inside, place, &name_size) || !view_u32(inside, place + 4, &desc_size) ||
        !view_u32(inside, place + 8, &ret->type) ||
        !view_slice(inside, place + 12, name_size, &name_bytes))
        return false;
    /* libelf compares the name as a string, whatever its size says. */
    ret->is_xen = view_u32(notes->bytes, place + 12, &name) && name == NAME_XEN;
    /* Sizes have 32 bits and offsets are inside an image: nothing here can wrap 64 bits. */
    uint64_t desc_at = align_down_u64(place + 12 + name_size + notes->padding - 1, notes->padding);
    uint64_t left = desc_at < notes->bytes.size ? notes->bytes.size - desc_at : 0;
    if (!view_slice(notes->bytes, left ? desc_at : 0, desc_size < left ? desc_size : left,
                    &ret->desc))
        return false;
    ret->runs_out = desc_size && desc_at + desc_size > notes->size;
    *at = align_down_u64(desc_at + desc_size + notes->padding - 1, notes->padding);
    return true;
}

/* Less than a header of zeroes is padding of the segment, not a note that runs out. */
static bool rest_is_padding(const struct notes *notes, uint64_t at)
{
    uint8_t byte;
    if (at < notes->size && notes->size - at >= 12)
        return false;
    for (; at < notes->size; at++)
        if (!view_u8(notes->bytes, at, &byte) || byte)
            return false;
    return true;
}

static uint32_t count_xen(struct notes notes, uint64_t padding)
{
    struct note note;
    uint64_t at = 0;
    uint32_t count = 0, all = 0;
    notes.padding = padding;
    while (all++ <= GUEST_NOTE_MAX && next_note(&notes, &at, &note))
        if (note.is_xen)
            count++;
    return count;
}

/* A number of 1, 2, 4 or 8 bytes; libelf reads any other size as 0. */
static void read_number(struct guest_info *info, const char *what, struct view desc,
                        struct info_value *ret)
{
    uint64_t value = 0;
    if (desc.size == 1 || desc.size == 2 || desc.size == 4 || desc.size == 8)
        (void)!view_read(desc, 0, &value, (size_t)desc.size);
    else
        guest_complain(info, "note %s has %llu bytes instead of 1, 2, 4 or 8, read as 0", what,
                       (unsigned long long)desc.size);
    if (ret->given && ret->value != value)
        guest_complain(info, "note %s is given twice (0x%llx, 0x%llx), the last one counts", what,
                       (unsigned long long)ret->value, (unsigned long long)value);
    *ret = (struct info_value){true, value};
}

static bool read_flag(struct guest_info *info, const char *what, struct view desc)
{
    struct info_value value = {false, 0};
    read_number(info, what, desc, &value);
    return value.value != 0;
}

/* True when `word` occurs in the text. */
static bool text_has(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (; *text; text++)
        if (!strncmp(text, word, length))
            return true;
    return false;
}

static void read_reloc(struct guest_info *info, struct view desc)
{
    info->has_phys32_reloc = true;
    if (desc.size > 12 || desc.size % 4)
        guest_complain(info, "note PHYS32_RELOC has %llu bytes instead of 0, 4, 8 or 12",
                       (unsigned long long)desc.size);
    (void)!view_u32(desc, 0, &info->phys32_align);
    (void)!view_u32(desc, 4, &info->phys32_min);
    (void)!view_u32(desc, 8, &info->phys32_max);
}

static enum refusal_id read_features(struct guest_info *info, struct view desc, struct refusal *why)
{
    char unknown[REFUSAL_STR_SIZE];
    size_t size = view_string_length(desc, 0, SIZE_MAX);
    if (!guest_features_read((const char *)desc.data, size, info, unknown))
        return REFUSE(why, GUEST_FEATURE_REQUIRED, .str = {unknown});
    return REFUSE_NONE;
}

static enum refusal_id read_note(const struct note *note, struct guest_info *info,
                                 struct refusal *why)
{
    struct view desc = note->desc;
    char text[16];
    uint32_t bits;

    switch (note->type) {
    case NOTE_ENTRY:
        read_number(info, "ENTRY", desc, &info->entry);
        break;
    case NOTE_HYPERCALL_PAGE:
        read_number(info, "HYPERCALL_PAGE", desc, &info->hypercall_page);
        break;
    case NOTE_VIRT_BASE:
        read_number(info, "VIRT_BASE", desc, &info->virt_base);
        break;
    case NOTE_PADDR_OFFSET:
        read_number(info, "PADDR_OFFSET", desc, &info->paddr_offset);
        break;
    case NOTE_XEN_VERSION:
        guest_text(info, "XEN_VERSION", desc, info->xen_version, sizeof(info->xen_version));
        break;
    case NOTE_GUEST_OS:
        guest_text(info, "GUEST_OS", desc, info->guest_os, sizeof(info->guest_os));
        break;
    case NOTE_GUEST_VERSION:
        guest_text(info, "GUEST_VERSION", desc, info->guest_version, sizeof(info->guest_version));
        break;
    case NOTE_LOADER:
        guest_text(info, "LOADER", desc, info->loader, sizeof(info->loader));
        break;
    case NOTE_PAE_MODE:
        guest_text(info, "PAE_MODE", desc, text, sizeof(text));
        if (!strcmp(text, "yes"))
            info->pae = PAE_EXTENDED_CR3;
        if (text_has(text, "bimodal"))
            info->pae = PAE_BIMODAL;
        break;
    case NOTE_FEATURES:
        return read_features(info, desc, why);
    case NOTE_BSD_SYMTAB:
        guest_text(info, "BSD_SYMTAB", desc, text, sizeof(text));
        if (!strcmp(text, "yes"))
            info->bsd_symtab = true;
        break;
    case NOTE_HV_START_LOW:
        read_number(info, "HV_START_LOW", desc, &info->hv_start_low);
        break;
    case NOTE_SUSPEND_CANCEL:
        info->suspend_cancel = read_flag(info, "SUSPEND_CANCEL", desc);
        break;
    case NOTE_INIT_P2M:
        read_number(info, "INIT_P2M", desc, &info->init_p2m);
        break;
    case NOTE_MOD_START_PFN:
        info->mod_start_pfn = read_flag(info, "MOD_START_PFN", desc);
        break;
    case NOTE_SUPPORTED_FEATURES:
        info->supported_given = true;
        if (view_u32(desc, 0, &bits))
            info->features_supported |= bits;
        else
            guest_complain(info, "note SUPPORTED_FEATURES has %llu bytes, less than 4",
                           (unsigned long long)desc.size);
        break;
    case NOTE_PHYS32_ENTRY:
        read_number(info, "PHYS32_ENTRY", desc, &info->phys32_entry);
        break;
    case NOTE_PHYS32_RELOC:
        read_reloc(info, desc);
        break;
    case NOTE_INFO:
    case NOTE_L1_MFN_VALID:
        break; /* nothing a loader has to know */
    default:
        guest_complain(info, "note of unknown type 0x%x (ignored)", note->type);
    }
    return REFUSE_NONE;
}

enum refusal_id guest_notes_read(struct view file, uint64_t offset, uint64_t size, uint64_t align,
                                 struct guest_info *info, uint32_t *total, struct refusal *why)
{
    struct notes notes = {.size = size, .padding = 4};
    struct note note;
    uint64_t at = 0;

    if (!view_slice(file, offset, file.size - offset, &notes.bytes) || size > notes.bytes.size)
        return REFUSE_NONE;
    /* Xen pads to 4 bytes whatever the class and alignment; linkers that follow the gABI pad to 8
     * in 8-aligned 64-bit note segments.  Only when that finds more of Xen's notes is it taken. */
    if (align == 8 && count_xen(notes, 8) > count_xen(notes, 4))
        notes.padding = 8;

    while (next_note(&notes, &at, &note)) {
        if (++*total > GUEST_NOTE_MAX)
            return REFUSE(why, GUEST_TOO_MANY_NOTES, .num = {GUEST_NOTE_MAX});
        if (!note.is_xen) {
            info->foreign_count++;
            continue;
        }
        info->note_count++;
        if (note.runs_out)
            guest_complain(info,
                           "the last note, type 0x%x, runs out of its segment of 0x%llx bytes",
                           note.type, (unsigned long long)size);
        enum refusal_id id = read_note(&note, info, why);
        if (id)
            return id;
    }
    if (!rest_is_padding(&notes, at))
        guest_complain(info, "a note at byte 0x%llx of 0x%llx runs out of its segment",
                       (unsigned long long)at, (unsigned long long)size);
    return REFUSE_NONE;
}
