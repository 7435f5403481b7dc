/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Event channels of the running guest: the one table (evtchn.h), its lock, and who has to be woken
 * or served after a change.  Everything here may be called from interrupt handlers.
 */
#ifndef RESIDENT_EVENT_H
#define RESIDENT_EVENT_H

#include "evtchn.h"
#include "layer.h"

#define GUEST_DOMAIN 1 /* the domain id of a domU guest; dom0 is 0 */

/* Takes the lock and gives the table out; event_end() carries out `effect` and releases it. */
struct evtchn_table *event_begin(struct evtchn_effect *effect);
void event_end(struct vcpu *v, struct evtchn_effect *effect);

/* Raises VIRQ `virq` (of that vCPU, for those that are per vCPU). */
void event_raise_virq(struct vcpu *v, uint32_t virq);

/* The vcpu_info of `v` is now at `info` (v->info has been set): selector and flags move along. */
void event_set_info(struct vcpu *v);

/* SCHEDOP_poll: from now on an event on any port ends the wait; then one on `port` alone does
 * (0: still any), unless the wait has ended already. */
void event_poll_start(struct vcpu *v);
void event_poll_narrow(struct vcpu *v, uint16_t port);
void event_poll_stop(struct vcpu *v);
bool event_poll_ended(const struct vcpu *v);

/* Makes the CPU of `v` leave its wait, or the guest, and look at its work and events. */
void event_kick(struct vcpu *v);

#endif
