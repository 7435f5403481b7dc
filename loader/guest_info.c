/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where a guest's description of itself is looked for, and what it must say for each way out.
 * Source: libelf-dominfo.c elf_xen_parse() (order: PT_NOTE, SHT_NOTE, __xen_guest) and
 * elf_xen_note_check().
 */
#include "guest_info.h"

#include <elf.h>

#include "bytes.h"
#include "guest_parse.h"

void guest_complain(struct guest_info *info, const char *format, ...)
{
    size_t room = sizeof(info->complaint) / sizeof(info->complaint[0]);
    if (info->complaint_count < room) {
        char *text = info->complaint[info->complaint_count];
        struct out_buffer buffer;
        va_list args;
        out_buffer_init(&buffer, text, sizeof(info->complaint[0]));
        va_start(args, format);
        out_vprintf(&buffer.out, format, args);
        va_end(args);
        for (; *text; text++)
            if (*text < ' ' || *text > '~')
                *text = '?';
    }
    info->complaint_count++;
}

void guest_text(struct guest_info *info, const char *what, struct view bytes, char *to, size_t size)
{
    size_t length = view_string_length(bytes, 0, SIZE_MAX);
    size_t kept = length < size ? length : size - 1;
    for (size_t i = 0; i < kept; i++) {
        char c = (char)bytes.data[i];
        to[i] = c < ' ' || c > '~' ? '?' : c;
    }
    to[kept] = 0;
    if (kept < length)
        guest_complain(info, "%s is cut to %u of %u characters", what, (unsigned)kept,
                       (unsigned)length);
}

static enum refusal_id read_note_segments(const struct elf_view *elf, struct guest_info *info,
                                          uint32_t *total, struct refusal *why)
{
    struct elf_phdr phdr;
    struct view notes;
    for (uint32_t i = 0; elf_view_phdr(elf, i, &phdr); i++) {
        /* Some binutils leave p_offset of a note segment unset (libelf skips these as well). */
        if (phdr.type != PT_NOTE || !phdr.offset)
            continue;
        if (!elf_view_segment(elf, &phdr, &notes)) {
            guest_complain(info, "note segment %u lies outside the file", i);
            continue;
        }
        enum refusal_id id =
            guest_notes_read(elf->file, phdr.offset, phdr.filesz, phdr.align, info, total, why);
        if (id)
            return id;
    }
    return REFUSE_NONE;
}

static enum refusal_id read_note_sections(const struct elf_view *elf, struct guest_info *info,
                                          uint32_t *total, struct refusal *why)
{
    struct elf_shdr shdr;
    struct view notes;
    for (uint32_t i = 1; elf_view_shdr(elf, i, &shdr); i++) {
        if (shdr.type != SHT_NOTE)
            continue;
        if (!elf_view_section(elf, &shdr, &notes)) {
            guest_complain(info, "note section %u lies outside the file", i);
            continue;
        }
        enum refusal_id id =
            guest_notes_read(elf->file, shdr.offset, shdr.size, shdr.addralign, info, total, why);
        if (id)
            return id;
    }
    return REFUSE_NONE;
}

static bool read_legacy_section(const struct elf_view *elf, struct guest_info *info)
{
    struct elf_shdr shdr;
    struct view section;
    for (uint32_t i = 1; elf_view_shdr(elf, i, &shdr); i++) {
        if (strcmp(elf_view_section_name(elf, &shdr), "__xen_guest"))
            continue;
        if (shdr.type == SHT_NOBITS || !elf_view_section(elf, &shdr, &section)) {
            guest_complain(info, "section __xen_guest has no bytes inside the file");
            return false;
        }
        guest_legacy_read(section, info);
        return true;
    }
    return false;
}

/* PHYS32_RELOC without an alignment: the largest p_align of a page and more, else 2 MiB.  Source:
 * xen/arch/x86/hvm/dom0_build.c pvh_load_kernel(). */
static void default_reloc_align(const struct elf_view *elf, struct guest_info *info)
{
    struct elf_phdr phdr;
    for (uint32_t i = 0; elf_view_phdr(elf, i, &phdr); i++)
        if (elf_phdr_is_loadable(&phdr) && phdr.align >= 0x1000 && phdr.align <= 0x80000000u &&
            phdr.align > info->phys32_align)
            info->phys32_align = (uint32_t)phdr.align;
    if (!info->phys32_align)
        info->phys32_align = 0x200000;
}

enum refusal_id guest_info_read(const struct elf_view *elf, struct guest_info *ret,
                                struct refusal *why)
{
    struct guest_info info;
    uint32_t total = 0;
    memset(&info, 0, sizeof(info));
    info.phys32_max = UINT32_MAX;

    enum refusal_id id = read_note_segments(elf, &info, &total, why);
    if (id)
        return id;
    if (info.note_count) {
        info.source = INFO_PT_NOTE;
    } else {
        id = read_note_sections(elf, &info, &total, why);
        if (id)
            return id;
        if (info.note_count)
            info.source = INFO_SHT_NOTE;
        else if (read_legacy_section(elf, &info))
            info.source = INFO_XEN_GUEST;
    }

    if (info.has_phys32_reloc) {
        if (!info.phys32_align)
            default_reloc_align(elf, &info);
        if (info.phys32_align & (info.phys32_align - 1)) {
            guest_complain(&info, "PHYS32_RELOC alignment 0x%x is no power of two: not relocatable",
                           info.phys32_align);
            info.has_phys32_reloc = false;
        }
    }
    *ret = info;
    return REFUSE_NONE;
}

static bool begins(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

enum refusal_id guest_info_check_pv(const struct elf_view *elf, const struct guest_info *info,
                                    struct refusal *why)
{
    (void)elf;
    if (info->source == INFO_NONE)
        return REFUSE(why, GUEST_NO_INFO, .num = {info->foreign_count});
    if (!begins(info->loader, "generic") && !begins(info->guest_os, "linux"))
        return REFUSE(why, GUEST_LOADER, .str = {info->loader, info->guest_os});
    if (!begins(info->xen_version, "xen-3.0"))
        return REFUSE(why, GUEST_XEN_VERSION, .str = {info->xen_version});
    return REFUSE_NONE;
}

enum refusal_id guest_info_check_pvh(const struct elf_view *elf, const struct guest_info *info,
                                     struct refusal *why)
{
    uint32_t entry;
    (void)elf;
    if (!info->phys32_entry.given)
        return REFUSE(why, GUEST_NO_PHYS32_ENTRY, .num = {info->note_count});
    if (!narrow_u32(info->phys32_entry.value, &entry))
        return REFUSE(why, GUEST_PHYS32_ENTRY_HIGH, .num = {info->phys32_entry.value});
    return REFUSE_NONE;
}
