/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's watchdogs; see watchdog.h.  vCPU 0 looks after them, whoever sets them.
 * Source: public/sched.h (struct sched_watchdog); Xen common/sched/core.c: domain_watchdog.
 */
#include "watchdog.h"

#include "spinlock.h"
#include "timer.h"

#define TIMERS        2
#define NS_PER_SECOND UINT64_C(1000000000)

static struct spinlock lock;
static uint64_t deadline[TIMERS]; /* 0 = is not in use */

/* The lock is held. */
static long set(uint32_t id, uint64_t at)
{
    if (id == 0) {
        while (id < TIMERS && deadline[id] != 0)
            id++;
        if (id == TIMERS)
            return (long)(uint32_t)-XEN_ENOSPC; /* Xen's own slip: not negative for 64-bit guests */
        deadline[id] = at;
        return (long)id + 1;
    }
    if (id > TIMERS || deadline[id - 1] == 0)
        return -XEN_EINVAL;
    deadline[id - 1] = at;
    return 0;
}

long watchdog_set(uint32_t id, uint32_t seconds)
{
    /* A new one of 0 seconds has fired; one that runs is stopped by them. */
    uint64_t at = id != 0 && seconds == 0 ? 0 : time_ns() + seconds * NS_PER_SECOND;
    spin_lock(&lock);
    long rc = set(id, at);
    spin_unlock(&lock);
    if (rc >= 0 && at != 0)
        timer_serve_by(at);
    return rc;
}

uint64_t watchdog_next(void)
{
    uint64_t next = 0;
    spin_lock(&lock);
    for (uint32_t i = 0; i < TIMERS; i++)
        if (deadline[i] != 0 && (next == 0 || deadline[i] < next))
            next = deadline[i];
    spin_unlock(&lock);
    return next;
}

_Noreturn void watchdog_end(void)
{
    say(SAY_ALWAYS, "the guest's watchdog reboots");
    layer_end(END_REBOOT, 0);
}
