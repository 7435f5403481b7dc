/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The resident layers embedded in this stage.
 */
#ifndef BOOT_RESIDENT_INPUT_H
#define BOOT_RESIDENT_INPUT_H

#include "plan.h"

/* Fills input->resident64…, resident32…; left NULL for a layer that is not built in. */
void resident_images(struct plan_input *input);

#endif
