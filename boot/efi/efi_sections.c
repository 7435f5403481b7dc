/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sections of the application itself, found in its headers as the firmware loaded them: .linux,
 * .cmdline, .initrd (the names of unified kernel images) and .options.  PE/COFF specification,
 * sections 2 to 4.  The image is our own, yet every offset is bounded by its loaded size.
 */
#include "efi_app.h"

#include "bytes.h"

#define DOS_HEADER_PE           0x3c
#define COFF_SECTION_COUNT      6
#define COFF_OPTIONAL_SIZE      20
#define COFF_HEADER_SIZE        24 /* with the "PE\0\0" signature */
#define SECTION_HEADER_SIZE     40
#define SECTION_VIRTUAL_SIZE    8
#define SECTION_VIRTUAL_ADDRESS 12

bool efi_section(struct efi_app *app, const char *name, struct view *ret)
{
    struct view image = {app->loaded->ImageBase, app->loaded->ImageSize};
    char wanted[8] = {0};
    uint32_t pe;
    uint16_t count, optional;

    memcpy(wanted, name, strnlen(name, sizeof(wanted)));
    if (!view_u32(image, DOS_HEADER_PE, &pe) ||
        !view_u16(image, (uint64_t)pe + COFF_SECTION_COUNT, &count) ||
        !view_u16(image, (uint64_t)pe + COFF_OPTIONAL_SIZE, &optional))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (uint64_t)pe + COFF_HEADER_SIZE + optional + i * SECTION_HEADER_SIZE;
        char found[8];
        uint32_t size, address;
        if (!view_read(image, at, found, sizeof(found)) ||
            !view_u32(image, at + SECTION_VIRTUAL_SIZE, &size) ||
            !view_u32(image, at + SECTION_VIRTUAL_ADDRESS, &address))
            return false;
        if (memcmp(found, wanted, sizeof(found)) == 0)
            return view_slice(image, address, size, ret);
    }
    return false;
}
