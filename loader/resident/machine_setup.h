/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ports that are never the guest's, whatever its I/O privilege.
 */
#ifndef RESIDENT_MACHINE_SETUP_H
#define RESIDENT_MACHINE_SETUP_H

#include <stdbool.h>
#include <stdint.h>

/* True when one of the `size` ports from `port` is kept: all of them for a domU guest. */
bool port_is_kept(uint32_t port, uint32_t size);

#endif
