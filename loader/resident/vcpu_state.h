/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of struct vcpu that belong to one file each: event channels (event.c), clock and timers
 * (time.c).
 */
#ifndef RESIDENT_VCPU_STATE_H
#define RESIDENT_VCPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct vcpu_event {
    volatile bool waiting; /* in sched_op block or poll */
};

struct vcpu_clock {
    uint64_t deadline; /* ns of system time, 0 = none */
};

#endif
