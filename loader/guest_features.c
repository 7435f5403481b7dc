/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Feature names of Xen guests.  Source: libelf-dominfo.c elf_xen_parse_features(); bit numbers from
 * xen/include/public/features.h.  Only the names that libelf's table holds are known by name, the
 * other bits come by number in the SUPPORTED_FEATURES note.
 */
#include "guest_parse.h"

#include "bytes.h"

static const char *const feature_names[] = {
    [0] = "writable_page_tables",
    [1] = "writable_descriptor_tables",
    [2] = "auto_translated_physmap",
    [3] = "supervisor_mode_kernel",
    [4] = "pae_pgdir_above_4gb",
    [8] = "hvm_callback_vector",
    [11] = "dom0",
};

#define FEATURE_COUNT    (sizeof(feature_names) / sizeof(feature_names[0]))
#define FEATURE_NAME_MAX 63 /* libelf cuts a longer name and reads its rest as the next one */

const char *guest_feature_name(unsigned bit)
{
    return bit < FEATURE_COUNT ? feature_names[bit] : NULL;
}

static bool find(const char *name, size_t size, unsigned *ret)
{
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        if (feature_names[i] && strlen(feature_names[i]) == size &&
            memcmp(feature_names[i], name, size) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

bool guest_features_read(const char *list, size_t size, struct guest_info *info, char *unknown)
{
    size_t at = 0;
    while (at < size) {
        const char *name = list + at;
        size_t length = 0;
        while (length < FEATURE_NAME_MAX && at + length < size && name[length] != '|')
            length++;
        at += length;
        if (length < FEATURE_NAME_MAX && at < size)
            at++; /* the '|' */
        bool required = length && name[0] == '!';
        if (required) {
            name++;
            length--;
        }
        unsigned bit;
        if (find(name, length, &bit)) {
            info->features_supported |= 1u << bit;
            if (required)
                info->features_required |= 1u << bit;
        } else if (required) {
            size_t kept = length < REFUSAL_STR_SIZE - 1 ? length : REFUSAL_STR_SIZE - 1;
            memcpy(unknown, name, kept);
            unknown[kept] = 0;
            return false;
        } else if (length) {
            guest_complain(info, "FEATURES names unknown feature %.*s (ignored)", (int)length,
                           name);
        }
    }
    return true;
}
