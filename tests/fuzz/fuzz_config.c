/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * paravane.conf and the UEFI load options, from the same bytes.
 */
#include <stdlib.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    struct config_entry entry;
    struct config_text name;
    char words[64], text[32];

    config_parse((struct view){data, size}, &config);
    for (uint32_t i = 0; i < config.entry_count; i++) {
        config_copy(config.entry[i].guest, text, sizeof(text));
        if (!config_find(&config, config.entry[i].name))
            abort();
    }
    config_parse_load_options((struct view){data, size}, &entry, &name, words, sizeof(words));
    config_copy(entry.arguments, text, sizeof(text));
    return 0;
}
