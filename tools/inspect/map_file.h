/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory maps from text files: lines START SIZE TYPE, or the BIOS-e820 lines of a Linux log.
 */
#ifndef TOOLS_INSPECT_MAP_FILE_H
#define TOOLS_INSPECT_MAP_FILE_H

#include "boot_record.h"

/* Adds the file's entries to *map; ends the tool with a message when it has none or a bad line. */
void map_file_read(const char *path, struct memory_map *map);

#endif
