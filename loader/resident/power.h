/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Switching the machine off: see layer_end() in layer.h.
 */
#ifndef RESIDENT_POWER_H
#define RESIDENT_POWER_H

#include <stdint.h>

/* Soft off with the PM1 control values that the guest took from its own _S5; layer_end() then tries
 * them first. */
void power_off_by_values(uint16_t pm1a, uint16_t pm1b);

#endif
