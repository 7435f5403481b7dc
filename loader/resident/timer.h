/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * System time (ns since the layer started), the clock pages that guests read, and the timers of
 * each vCPU.  Deadlines are absolute ns of system time; 0 = none.
 *
 * A timer is never early.  The TSC is taken as constant and synchronous on all CPUs.
 */
#ifndef RESIDENT_TIMER_H
#define RESIDENT_TIMER_H

#include "layer.h"

/* System time: ns since the layer's start, the same on all CPUs. */
uint64_t time_ns(void);

/* Writes vcpu_time_info of `v` into its active vcpu_info and its registered area; timer_run() does
 * so each second for a 32-bit guest. */
void time_publish(struct vcpu *v);

/* Sets the wall clock: UNIX time at system time 0 is (seconds, ns) - system_time. */
void time_set_wall_clock(uint64_t seconds, uint32_t ns, uint64_t system_time);

/* After a change of v->clock: brings the hardware timer up to date, or tells the other CPU to. */
void timer_update(struct vcpu *v);

/* Ticks every `ns` from now on, none for 0; for the vCPU of another CPU too. */
void timer_set_periodic(struct vcpu *v, uint64_t ns);

/* Fires what is due on this CPU and arms the hardware for the rest. */
void timer_run(struct vcpu *v);

/* vCPU 0 looks at the guest's watchdogs at system time `at` or before. */
void timer_serve_by(uint64_t at);

/* Asks for a look at console input every `ns` on vCPU 0 from now on. */
void timer_start_service(uint64_t ns);

#endif
