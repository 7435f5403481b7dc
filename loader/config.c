/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parser of paravane.conf and of the UEFI load options; see config.h for the grammar.
 */
#include "config.h"

#include "bytes.h"
#include "out.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct config_text trim(struct config_text text)
{
    while (text.length && is_blank(text.start[0])) {
        text.start++;
        text.length--;
    }
    while (text.length && is_blank(text.start[text.length - 1]))
        text.length--;
    return text;
}

static bool equals(struct config_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.start, word, text.length) == 0;
}

static bool starts_with(struct config_text text, const char *prefix, struct config_text *rest)
{
    size_t length = strlen(prefix);
    if (text.length < length || memcmp(text.start, prefix, length) != 0)
        return false;
    *rest = (struct config_text){text.start + length, text.length - (uint32_t)length};
    return true;
}

/* Where the parser is: `entry` is NULL before the first entry, `dropping` inside one too many. */
struct parser {
    struct config *config;
    struct config_entry *entry;
    bool dropping;
};

static void complain(struct config *config, uint32_t line, const char *what,
                     struct config_text about)
{
    if (config->complaint_count < CONFIG_COMPLAINT_MAX) {
        char *to = config->complaint[config->complaint_count];
        out_format(to, sizeof(config->complaint[0]), "line %u: %s: %.*s", (unsigned)line, what,
                   (int)(about.length < 40 ? about.length : 40), about.start);
        for (char *c = to; *c; c++)
            if (*c < ' ' || *c > '~')
                *c = '?';
    }
    config->complaint_count++;
}

static bool parse_seconds(struct config_text text, uint32_t *ret)
{
    uint32_t value = 0;
    if (!text.length || text.length > 5)
        return false;
    for (uint32_t i = 0; i < text.length; i++) {
        if (text.start[i] < '0' || text.start[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.start[i] - '0');
    }
    *ret = value;
    return true;
}

static void global_key(struct config *config, uint32_t line, struct config_text key,
                       struct config_text value)
{
    if (equals(key, "timeout")) {
        if (parse_seconds(value, &config->timeout))
            config->has_timeout = true;
        else
            complain(config, line, "timeout is not a number of seconds", value);
    } else if (equals(key, "default")) {
        config->default_entry = value;
    } else if (equals(key, "options")) {
        config->options = value;
    } else {
        complain(config, line, "unknown key before the first entry", key);
    }
}

static void entry_key(struct config *config, struct config_entry *entry, uint32_t line,
                      struct config_text key, struct config_text value)
{
    if (equals(key, "title"))
        entry->title = value;
    else if (equals(key, "guest"))
        entry->guest = value;
    else if (equals(key, "arguments"))
        entry->arguments = value;
    else if (equals(key, "mode"))
        entry->mode = value;
    else if (equals(key, "options"))
        entry->options = value;
    else if (!equals(key, "ramdisk"))
        complain(config, line, "unknown key in an entry", key);
    else if (entry->ramdisk_count < CONFIG_RAMDISK_MAX)
        entry->ramdisk[entry->ramdisk_count++] = value;
    else
        complain(config, line, "more ramdisks than an entry may have", value);
}

static void parse_line(struct parser *parser, uint32_t line, struct config_text text)
{
    struct config *config = parser->config;

    text = trim(text);
    if (!text.length || text.start[0] == '#')
        return;
    if (text.start[0] == '[') {
        if (text.start[text.length - 1] != ']' || text.length < 3) {
            complain(config, line, "an entry begins with [name]", text);
            return;
        }
        parser->dropping = config->entry_count == CONFIG_ENTRY_MAX;
        if (parser->dropping) {
            complain(config, line, "too many entries", text);
            return;
        }
        struct config_text name = {text.start + 1, text.length - 2};
        parser->entry = &config->entry[config->entry_count++];
        parser->entry->name = trim(name);
        return;
    }
    const char *equal = memchr(text.start, '=', text.length);
    if (!equal) {
        complain(config, line, "neither key=value nor [name]", text);
        return;
    }
    uint32_t key_length = (uint32_t)(equal - text.start);
    struct config_text key = trim((struct config_text){text.start, key_length});
    struct config_text value = trim((struct config_text){equal + 1, text.length - key_length - 1});
    if (parser->dropping)
        return;
    if (parser->entry)
        entry_key(config, parser->entry, line, key, value);
    else
        global_key(config, line, key, value);
}

void config_parse(struct view text, struct config *ret)
{
    struct parser parser = {.config = ret};
    memset(ret, 0, sizeof(*ret));
    uint32_t size = text.size > 0xfffffff ? 0xfffffff : (uint32_t)text.size;
    uint32_t at = size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (uint32_t line = 1; at < size; line++) {
        const char *start = (const char *)text.data + at;
        const char *end = memchr(start, '\n', size - at);
        uint32_t length = end ? (uint32_t)(end - start) : size - at;
        parse_line(&parser, line, (struct config_text){start, length});
        at += length + 1;
    }
}

static bool ends_in_efi(struct config_text word)
{
    if (word.length < 4)
        return false;
    const char *tail = word.start + word.length - 4;
    return tail[0] == '.' && (tail[1] | 32) == 'e' && (tail[2] | 32) == 'f' &&
           (tail[3] | 32) == 'i';
}

bool config_parse_load_options(struct view text, struct config_entry *ret,
                               struct config_text *ret_entry_name, char *words, uint32_t size)
{
    uint32_t end = text.size > 0xfffffff ? 0xfffffff : (uint32_t)text.size;
    uint32_t used = 0;
    bool fits = true;

    memset(ret, 0, sizeof(*ret));
    *ret_entry_name = (struct config_text){0};
    for (uint32_t at = 0, number = 0; at < end; number++) {
        const char *base = (const char *)text.data;
        while (at < end && (is_blank(base[at]) || base[at] == '\n'))
            at++;
        struct config_text word = {base + at, 0};
        while (at < end && !is_blank(base[at]) && base[at] != '\n') {
            at++;
            word.length++;
        }
        struct config_text value;
        if (!word.length || (number == 0 && ends_in_efi(word)))
            continue;
        if (equals(word, "--")) {
            ret->arguments = trim((struct config_text){base + at, end - at});
            break;
        }
        if (starts_with(word, "guest=", &value)) {
            ret->guest = value;
        } else if (starts_with(word, "entry=", &value)) {
            *ret_entry_name = value;
        } else if (starts_with(word, "ramdisk=", &value) &&
                   ret->ramdisk_count < CONFIG_RAMDISK_MAX) {
            ret->ramdisk[ret->ramdisk_count++] = value;
        } else if (word.length + 2 <= size - used) {
            memcpy(words + used, word.start, word.length);
            used += word.length;
            words[used++] = ' ';
        } else {
            fits = false;
        }
    }
    words[used] = 0;
    return fits;
}

const struct config_entry *config_find(const struct config *config, struct config_text name)
{
    for (uint32_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entry[i];
        if (entry->name.length == name.length &&
            memcmp(entry->name.start, name.start, name.length) == 0)
            return entry;
    }
    return NULL;
}

bool config_copy(struct config_text text, char *to, uint32_t size)
{
    uint32_t kept = text.length < size ? text.length : size - 1;
    if (kept)
        memcpy(to, text.start, kept);
    to[kept] = 0;
    return kept == text.length;
}
