/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Generated contents of a PV guest's memory: page tables, p2m list, shared_info.
 */
#ifndef LOADER_PV_BUILD_H
#define LOADER_PV_BUILD_H

#include "apply.h"

/* Writes what plan->pv describes into machine memory, below 4 GiB; decides and refuses nothing.
 * None of it overlaps the stage or a source (plan_check()).  The m2p is the layer's to fill. */
void pv_build(const struct plan *plan, const struct plan_input *input, struct machine *machine);

#endif
