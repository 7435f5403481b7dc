/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What elf_view_open() found wrong, as a refusal.
 */
#ifndef LOADER_ELF_REFUSAL_H
#define LOADER_ELF_REFUSAL_H

#include "elf_view.h"
#include "refusal.h"

/* REFUSE_NONE for ELF_OK; otherwise the refusal for `status`, filled from `elf` as elf_view_open()
 * left it. */
enum refusal_id elf_refuse(enum elf_status status, const struct elf_view *elf, struct refusal *why);

#endif
