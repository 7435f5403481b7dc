/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage's command line.
 */
#include <stdlib.h>
#include <string.h>

#include "options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct options options;
    char *line = malloc(size + 1);
    memcpy(line, data, size);
    line[size] = 0;
    options_parse(line, &options);
    if (options.uart_count > OPTIONS_UART_MAX || options.mode > MODE_PV)
        abort();
    free(line);
    return 0;
}
