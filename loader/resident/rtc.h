/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The CMOS real-time clock.
 */
#ifndef RESIDENT_RTC_H
#define RESIDENT_RTC_H

#include <stdint.h>

/* UNIX seconds by the CMOS clock, taken as UTC; 0 when it gives no valid date. */
uint64_t rtc_read(void);

#endif
