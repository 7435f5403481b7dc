/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Device memory above 4 GiB, which the direct map does not hold.
 */
#ifndef RESIDENT_DEVICE_MAP_H
#define RESIDENT_DEVICE_MAP_H

#include <stdint.h>

/* A pointer to `size` bytes of device memory at machine address `at`, uncached, for ever; they must
 * not cross a page.  NULL when the window is full. */
volatile void *device_map(uint64_t at, uint64_t size);

#endif
