/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Measuring the TSC and the LAPIC timer against a clock of known frequency: the ACPI PM timer, else
 * PIT channel 2; where both stand still, what CPUID says.
 */
#ifndef RESIDENT_CALIBRATE_H
#define RESIDENT_CALIBRATE_H

#include <stdint.h>

struct calibration {
    uint64_t tsc_hz;   /* never 0 */
    uint64_t lapic_hz; /* of the timer as lapic_timer_arm() counts; 0 = no LAPIC */
    const char *by;    /* "ACPI PM timer"… */
};

/* Measures both beside a clock of known rate, on the first CPU. */
void calibrate(struct calibration *ret);

#endif
