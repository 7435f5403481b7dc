/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What to boot: embedded sections, load options, paravane.conf and its menu, in this order of
 * precedence.  The result is plain text; nothing has been opened yet except the configuration.
 */
#include "efi_app.h"

#include "bytes.h"

#define CONFIG_NAME      "paravane.conf"
#define LOAD_OPTIONS_MAX 4096

static void append(char *to, size_t size, const char *text)
{
    size_t used = strlen(to);
    if (used && used + 1 < size) {
        to[used++] = ' ';
        to[used] = 0;
    }
    string_copy(to + used, text, size - used);
}

static void append_text(char *to, size_t size, const char *prefix, struct config_text text)
{
    char word[1024];
    size_t used = string_copy(word, prefix, sizeof(word));
    if (!text.length)
        return;
    config_copy(text, word + used, (uint32_t)(sizeof(word) - used));
    append(to, size, word);
}

/* The load options are UCS-2 text for us; firmware boot entries may carry anything. */
static enum refusal_id load_options(struct efi_app *app, char *to, struct refusal *why)
{
    const uint8_t *raw = app->loaded->LoadOptions;
    uint32_t size = raw ? app->loaded->LoadOptionsSize : 0, used = 0;

    for (uint32_t i = 0; i + 1 < size; i += 2) {
        uint32_t c = raw[i] | (uint32_t)raw[i + 1] << 8;
        if (!c)
            break;
        if ((c < ' ' && c != '\t') || c > '~' || used + 1 >= LOAD_OPTIONS_MAX)
            return REFUSE(why, EFI_LOAD_OPTIONS, .num = {size});
        to[used++] = (char)c;
    }
    to[used] = 0;
    return REFUSE_NONE;
}

static void print_text(struct out *out, struct config_text text)
{
    for (uint32_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        if (c < ' ' || c > '~')
            c = '?';
        out->put(out, &c, 1);
    }
}

static const struct config_entry *menu(struct efi_app *app, struct out *out,
                                       const struct config *config,
                                       const struct config_entry *standard)
{
    out_printf(out, "\nParavane %s\n\n", PARAVANE_VERSION);
    for (uint32_t i = 0; i < config->entry_count; i++) {
        const struct config_entry *entry = &config->entry[i];
        out_printf(out, " %c %c  ", entry == standard ? '*' : ' ',
                   i < 9 ? (int)('1' + i) : (int)('a' + i - 9));
        print_text(out, entry->title.length ? entry->title : entry->name);
        out_text(out, "\n");
    }
    uint32_t seconds = config->has_timeout ? config->timeout : 5;
    out_printf(out, "\nPress a key of the list, or Enter for the one with a star (%u s): ",
               (unsigned)seconds);
    for (bool waiting = true;;) {
        uint32_t key = efi_key(app, waiting ? seconds : 3600);
        if (key == '\r' || key == '\n' || (waiting && !key))
            break;
        waiting = false;
        uint32_t index = key >= '1' && key <= '9'   ? key - '1'
                         : key >= 'a' && key <= 'z' ? key - 'a' + 9
                                                    : CONFIG_ENTRY_MAX;
        if (index < config->entry_count) {
            standard = &config->entry[index];
            break;
        }
    }
    out_text(out, "\n");
    return standard;
}

static void take_entry(const struct config_entry *entry, struct efi_choice *ret)
{
    config_copy(entry->guest, ret->guest, sizeof(ret->guest));
    config_copy(entry->arguments, ret->arguments, sizeof(ret->arguments));
    for (uint32_t i = 0; i < entry->ramdisk_count; i++)
        config_copy(entry->ramdisk[i], ret->ramdisk[i], sizeof(ret->ramdisk[i]));
    ret->ramdisk_count = entry->ramdisk_count;
    append_text(ret->options, sizeof(ret->options), "mode=", entry->mode);
    append_text(ret->options, sizeof(ret->options), "", entry->options);
}

enum refusal_id efi_choose(struct efi_app *app, struct out *out, struct efi_choice *ret,
                           struct refusal *why)
{
    static struct config config;
    static char line[LOAD_OPTIONS_MAX];
    struct config_entry given;
    struct config_text entry_name;
    struct view section;
    char words[1024];
    uint64_t at, size;
    enum refusal_id id;

    memset(ret, 0, sizeof(*ret));
    if ((id = load_options(app, line, why)))
        return id;
    struct view text = {(const uint8_t *)line, strlen(line)};
    if (!config_parse_load_options(text, &given, &entry_name, words, sizeof(words)))
        out_text(out, "paravane: the load options are too long and were cut\n");

    /* A unified image is a whole: its words come first, those of the caller last. */
    if (efi_section(app, ".options", &section))
        append_text(ret->options, sizeof(ret->options), "",
                    (struct config_text){(const char *)section.data,
                                         (uint32_t)view_string_length(section, 0, 1000)});
    bool embedded = efi_section(app, ".linux", &section);
    if (embedded && efi_section(app, ".cmdline", &section))
        config_copy((struct config_text){(const char *)section.data,
                                         (uint32_t)view_string_length(section, 0, 4095)},
                    ret->arguments, sizeof(ret->arguments));

    if (!embedded && !given.guest.length) {
        id = efi_file_read_optional(app, CONFIG_NAME, &at, &size, why);
        if (id)
            return id;
        if (!size)
            return REFUSE(why, EFI_NO_GUEST);
        config_parse((struct view){(const uint8_t *)(UINTN)at, size}, &config);
        for (uint32_t i = 0; i < config.complaint_count && i < CONFIG_COMPLAINT_MAX; i++)
            out_printf(out, "paravane: " CONFIG_NAME ": %s\n", config.complaint[i]);
        append_text(ret->options, sizeof(ret->options), "", config.options);

        struct config_text wanted = entry_name.length ? entry_name : config.default_entry;
        const struct config_entry *entry = &config.entry[0];
        if (wanted.length)
            entry = config_find(&config, wanted);
        if (!config.entry_count)
            return REFUSE(why, EFI_NO_GUEST);
        if (!entry) {
            char name[64];
            config_copy(wanted, name, sizeof(name));
            return REFUSE(why, EFI_NO_ENTRY, .num = {config.entry_count}, .str = {name});
        }
        if (config.entry_count > 1 && !entry_name.length)
            entry = menu(app, out, &config, entry);
        take_entry(entry, ret);
        if (!ret->guest[0])
            return REFUSE(why, EFI_NO_GUEST);
    }
    if (!embedded && given.guest.length) {
        config_copy(given.guest, ret->guest, sizeof(ret->guest));
        given.mode = given.options = (struct config_text){0};
    }
    if (given.arguments.length)
        config_copy(given.arguments, ret->arguments, sizeof(ret->arguments));
    for (uint32_t i = 0; i < given.ramdisk_count && ret->ramdisk_count < CONFIG_RAMDISK_MAX; i++)
        config_copy(given.ramdisk[i], ret->ramdisk[ret->ramdisk_count++], sizeof(ret->ramdisk[0]));
    append(ret->options, sizeof(ret->options), words);
    return REFUSE_NONE;
}
