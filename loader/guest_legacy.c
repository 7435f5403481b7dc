/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The legacy __xen_guest section: one string of KEY[=VALUE] items separated by commas, as kernels
 * carried it before August 2006.  Source: libelf-dominfo.c elf_xen_parse_guest_info(); keys that
 * only older parsers knew are from the Xen tree's history (PT_MODE_WRITABLE, early 2005).
 */
#include "guest_parse.h"

#include "addr.h"
#include "bytes.h"
#include "number.h"

#define KEY_MAX   31 /* libelf's buffers: what is longer is cut and its rest is the next item */
#define VALUE_MAX 127

struct item {
    char key[KEY_MAX + 1];
    const char *value; /* in the section, not NUL-terminated */
    size_t value_size;
};

/* Takes the item at *at; false at the end of the string. */
static bool next_item(const char *text, size_t size, size_t *at, struct item *ret)
{
    size_t length = 0;
    if (*at >= size)
        return false;
    while (*at < size && text[*at] != ',' && text[*at] != '=' && length < KEY_MAX)
        ret->key[length++] = text[(*at)++];
    ret->key[length] = 0;
    ret->value = text + *at;
    ret->value_size = 0;
    if (*at < size && text[*at] == '=') {
        ret->value = text + ++*at;
        while (*at < size && text[*at] != ',' && ret->value_size < VALUE_MAX) {
            ret->value_size++;
            (*at)++;
        }
    }
    if (*at < size && text[*at] == ',')
        ++*at;
    return true;
}

/* As strtoull(…, 0) does: what follows the digits is ignored, no digits read as 0.  libelf goes on
 * with such values, so they are kept, with a complaint. */
static void read_number(struct guest_info *info, const struct item *item, struct info_value *ret)
{
    uint64_t value = 0;
    size_t used = 0;
    if (!number_scan(item->value, item->value_size, &value, &used) || used != item->value_size)
        guest_complain(info, "__xen_guest %s=%.*s is no plain number, read as 0x%llx", item->key,
                       (int)item->value_size, item->value, (unsigned long long)value);
    if (ret->given && ret->value != value)
        guest_complain(info, "__xen_guest gives %s twice, the last one counts", item->key);
    *ret = (struct info_value){true, value};
}

static bool value_is(const struct item *item, const char *word)
{
    return strlen(word) == item->value_size && memcmp(item->value, word, item->value_size) == 0;
}

static void read_pae(struct guest_info *info, const struct item *item)
{
    if (value_is(item, "yes[extended-cr3]"))
        info->pae = PAE_EXTENDED_CR3;
    else if (item->value_size >= 3 && memcmp(item->value, "yes", 3) == 0)
        info->pae = PAE_YES;
}

static void read_item(struct guest_info *info, const struct item *item,
                      struct info_value *hypercall_page)
{
    const char *key = item->key;
    struct view text = {(const uint8_t *)item->value, item->value_size};
    char unknown[REFUSAL_STR_SIZE];

    if (!strcmp(key, "GUEST_OS"))
        guest_text(info, key, text, info->guest_os, sizeof(info->guest_os));
    else if (!strcmp(key, "GUEST_VER"))
        guest_text(info, key, text, info->guest_version, sizeof(info->guest_version));
    else if (!strcmp(key, "XEN_VER"))
        guest_text(info, key, text, info->xen_version, sizeof(info->xen_version));
    else if (!strcmp(key, "LOADER"))
        guest_text(info, key, text, info->loader, sizeof(info->loader));
    else if (!strcmp(key, "PAE"))
        read_pae(info, item);
    else if (!strcmp(key, "BSD_SYMTAB"))
        info->bsd_symtab = true;
    else if (!strcmp(key, "PT_MODE_WRITABLE"))
        info->pt_mode_writable = true;
    else if (!strcmp(key, "VIRT_BASE"))
        read_number(info, item, &info->virt_base);
    else if (!strcmp(key, "VIRT_ENTRY"))
        read_number(info, item, &info->entry);
    else if (!strcmp(key, "ELF_PADDR_OFFSET"))
        read_number(info, item, &info->paddr_offset);
    else if (!strcmp(key, "HYPERCALL_PAGE"))
        read_number(info, item, hypercall_page);
    else if (!strcmp(key, "FEATURES")) {
        /* libelf ignores this result for the legacy string: the image is still started, and the
         * rest of its list is not read. */
        if (!guest_features_read(item->value, item->value_size, info, unknown))
            guest_complain(info, "__xen_guest requires unknown feature %s (ignored)", unknown);
    } else if (*key)
        guest_complain(info, "__xen_guest has unknown key %s (ignored)", key);
}

void guest_legacy_read(struct view section, struct guest_info *info)
{
    struct info_value hypercall_page = {false, 0};
    struct item item;
    size_t at = 0;
    size_t size = view_string_length(section, 0, SIZE_MAX);

    if (size == section.size)
        guest_complain(info, "__xen_guest has no NUL at its end");
    while (next_item((const char *)section.data, size, &at, &item))
        read_item(info, &item, &hypercall_page);

    /* The key holds a pseudo-physical page number; where it is mapped depends on VIRT_BASE, which
     * may come later in the string, so the address is made at the end (Xen, 2017). */
    if (hypercall_page.given) {
        info->hypercall_page.given = true;
        info->hypercall_page.value = (hypercall_page.value << PAGE_SHIFT) +
                                     (info->virt_base.given ? info->virt_base.value : 0);
    }
}
