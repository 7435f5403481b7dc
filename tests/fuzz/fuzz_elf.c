/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ELF header, program and section headers, notes, __xen_guest and the address decision, for the
 * whole input as a file.
 */
#include <string.h>

#include "elf_view.h"
#include "guest_info.h"
#include "options.h"
#include "placement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct placement placement;
    struct guest_info info;
    struct options options;
    struct elf_view elf;
    struct refusal why;
    char text[256];
    struct out_buffer buffer;

    options_parse("", &options);
    if (elf_view_open((struct view){data, size}, &elf) != ELF_OK)
        return 0;
    if (guest_info_read(&elf, &info, &why))
        return 0;
    guest_info_check_pv(&elf, &info, &why);
    guest_info_check_pvh(&elf, &info, &why);
    if (placement_decide(&elf, &info, &options, UINT64_C(1) << 32, &placement, &why) == 0) {
        out_buffer_init(&buffer, text, sizeof(text));
        placement_print(&buffer.out, &placement);
    } else {
        out_buffer_init(&buffer, text, sizeof(text));
        refusal_print(&buffer.out, &why);
    }
    return 0;
}
