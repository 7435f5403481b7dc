/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Arithmetic of the paravirtual clock: TSC ticks to nanoseconds and back, and the calendar.
 * Pure, 32-bit clean (no 64-bit division).
 *
 * Source: public/xen.h struct vcpu_time_info:
 *   ns = system_time + (((tsc - tsc_timestamp) << tsc_shift) * tsc_to_system_mul >> 32)
 */
#ifndef RESIDENT_TIMESCALE_H
#define RESIDENT_TIMESCALE_H

#include <stdint.h>

struct timescale {
    uint32_t mul;
    int8_t shift;
};

/* The scale that turns ticks of `hz` into nanoseconds; hz 0 gives the scale of 1 GHz. */
struct timescale timescale_from_hz(uint64_t hz);

/* Ticks to nanoseconds, low 64 bits of the result, rounded down. */
uint64_t timescale_ns(struct timescale scale, uint64_t ticks);

/* Nanoseconds to ticks of `hz`, rounded up, saturating: never earlier than asked. */
uint64_t timescale_ticks(uint64_t hz, uint64_t ns);

/* quotient of a / b for b != 0, remainder in *rem unless NULL: for 32-bit code without libgcc. */
uint64_t divide_u64_u32(uint64_t a, uint32_t b, uint32_t *rem);

/* a * b / c without losing high bits, saturating; c != 0.  All that calibration needs. */
uint64_t multiply_divide_u64(uint64_t a, uint32_t b, uint32_t c);

struct calendar {
    uint32_t year, month, day, hour, minute, second; /* month and day from 1 */
};

/* Seconds since 1970-01-01 00:00:00 UTC of a Gregorian date from 1970 on; 0 for fields out of
 * range. */
uint64_t calendar_to_unix(const struct calendar *calendar);

#endif
