/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading memory maps; see map_file.h.  In a file with BIOS-e820 lines all others are the rest of a
 * log and are skipped; in any other file a line that is not understood is an error.
 */
#include "map_file.h"

#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "memory_map.h"

static bool parse_type(const char *text, uint32_t *ret)
{
    static const struct {
        const char *word;
        uint32_t type;
    } words[] = {
        {"usable", MEMORY_RAM},
        {"RAM", MEMORY_RAM},
        {"reserved", MEMORY_RESERVED},
        {"device reserved", MEMORY_RESERVED},
        {"soft reserved", MEMORY_RESERVED},
        {"ACPI data", MEMORY_ACPI},
        {"ACPI NVS", MEMORY_NVS},
        {"unusable", MEMORY_UNUSABLE},
        {"disabled", MEMORY_DISABLED},
        {"persistent", MEMORY_PMEM},
    };
    char *end;
    while (*text == ' ' || *text == '\t' || *text == '(')
        text++;
    if (!strncmp(text, "type ", 5))
        text += 5;
    unsigned long number = strtoul(text, &end, 0);
    if (end != text && number && number <= UINT32_MAX) {
        *ret = (uint32_t)number;
        return true;
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!strncmp(text, words[i].word, strlen(words[i].word))) {
            *ret = words[i].type;
            return true;
        }
    }
    return false;
}

/* "… BIOS-e820: [mem 0x0-0x9fbff] usable" (end inclusive), or before Linux 3.5
 * "BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)" (end exclusive). */
static bool parse_e820(const char *line, uint64_t *start, uint64_t *end, uint32_t *type)
{
    const char *at = strstr(line, "BIOS-e820:");
    char *next;
    if (!at)
        return false;
    at += strlen("BIOS-e820:");
    bool modern = strstr(at, "[mem ") != NULL;
    if (modern)
        at = strstr(at, "[mem ") + 5;
    *start = strtoull(at, &next, 16);
    if (next == at)
        return false;
    while (*next == ' ' || *next == '-')
        next++;
    at = next;
    *end = strtoull(at, &next, 16);
    if (next == at || (modern && *end == UINT64_MAX))
        return false;
    if (modern) {
        ++*end;
        if (*next++ != ']')
            return false;
    }
    return parse_type(next, type) && *start <= *end;
}

static bool parse_plain(const char *line, uint64_t *start, uint64_t *end, uint32_t *type)
{
    char *next;
    *start = strtoull(line, &next, 0);
    if (next == line)
        return false;
    const char *at = next;
    uint64_t size = strtoull(at, &next, 0);
    return next != at && checked_add_u64(*start, size, end) && parse_type(next, type);
}

void map_file_read(const char *path, struct memory_map *map)
{
    struct view file = read_file(path);
    char *text = malloc((size_t)file.size + 1);
    if (!text)
        fail(INSPECT_INTERNAL, "out of memory");
    memcpy(text, file.data, (size_t)file.size);
    text[file.size] = 0;
    bool log = strstr(text, "BIOS-e820:") != NULL;
    unsigned number = 0, found = 0;

    for (char *line = text, *next; line; line = next) {
        uint64_t start, end;
        uint32_t type;
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        number++;
        if (log ? parse_e820(line, &start, &end, &type) : parse_plain(line, &start, &end, &type)) {
            found++;
            if (!memory_map_add(map, start, end - start, type))
                fail(INSPECT_FILE, "%s has more than %d entries", path, RECORD_MAP_MAX);
        } else if (!log && line[strspn(line, " \t\r")] && line[strspn(line, " \t")] != '#') {
            fail(INSPECT_FILE,
                 "%s, line %u: '%s' is no memory map entry, expected START SIZE TYPE, or the "
                 "BIOS-e820 lines of a Linux log",
                 path, number, line);
        }
    }
    if (!found)
        fail(INSPECT_FILE, "%s has no memory map entry", path);
    free(text);
}
