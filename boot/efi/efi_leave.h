/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Leaving boot services with the plan still true, and the last steps.
 */
#ifndef BOOT_EFI_LEAVE_H
#define BOOT_EFI_LEAVE_H

#include "efi_workspace.h"

/* Reads the map again, makes the plan for it again, leaves boot services, applies and enters the
 * guest.  Comes back only with a refusal. */
enum refusal_id efi_leave(struct efi_app *app, struct workspace *space, struct refusal *why);

#endif
