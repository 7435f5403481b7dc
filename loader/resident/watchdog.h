/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * SCHEDOP_watchdog: two timers of the guest that end it when it does not set them again in time.
 */
#ifndef RESIDENT_WATCHDOG_H
#define RESIDENT_WATCHDOG_H

#include "layer.h"

/* Starts one for id 0 and gives its id (1 or 2), or sets timer `id` again; with 0 seconds stops it.
 * -XEN_ENOSPC (as 32 bits): both run; -XEN_EINVAL: it does not, or there is none of that id. */
long watchdog_set(uint32_t id, uint32_t seconds);

/* The earliest deadline in ns of system time, 0 = none.  timer.c asks for it on vCPU 0. */
uint64_t watchdog_next(void);

/* The guest's watchdog has fired: as SCHEDOP_shutdown with that reason. */
_Noreturn void watchdog_end(void);

#endif
