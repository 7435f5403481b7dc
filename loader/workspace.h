/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where unpacked bytes go before there is a plan.
 */
#ifndef LOADER_WORKSPACE_H
#define LOADER_WORKSPACE_H

#include "boot_record.h"

/* The largest stretch of RAM in [1 MiB, 4 GiB), on page boundaries, that overlaps no module,
 * nothing in record->keep and not `stage`.  Empty when there is none. */
struct range workspace_find(const struct boot_record *record, struct range stage);

#endif
