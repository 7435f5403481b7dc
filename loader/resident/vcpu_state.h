/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parts of struct vcpu that belong to one file each: event channels (event.c), clock and timers
 * (timer.c), run state (runstate.c).
 */
#ifndef RESIDENT_VCPU_STATE_H
#define RESIDENT_VCPU_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "spinlock.h"

struct vcpu_event {
    volatile bool waiting; /* in sched_op block or poll */
    bool info_registered;  /* VCPUOP_register_vcpu_info was done */
};

struct vcpu_clock {
    /* Deadlines in ns of system time, 0 = none.  The lock is for what other CPUs change: periodic,
     * period, service and time_area. */
    struct spinlock lock;
    uint64_t singleshot; /* VIRQ_TIMER: set_timer_op and VCPUOP_set_singleshot_timer share it */
    uint64_t periodic;   /* VIRQ_TIMER: next tick… */
    uint64_t period;     /* …and distance of ticks */
    uint64_t poll;       /* end of SCHEDOP_poll */
    uint64_t service;    /* vCPU 0: next look at console input and watchdogs */
    uint64_t stamp;      /* 32-bit guests: vcpu_time_info is to be renewed */
    uint64_t time_area;  /* guest virtual, 0 = none: second copy of vcpu_time_info */
    bool changed;        /* by another CPU: the timer is to be armed again */
};

struct vcpu_runstate {
    struct spinlock lock; /* others read, and set the area */
    uint32_t state;       /* RUNSTATE_… */
    uint64_t entered;     /* ns of system time */
    uint64_t spent[4];    /* ns in each state, up to `entered` */
    uint64_t area;        /* guest virtual, 0 = none */
    bool initialised;     /* has a context to start with */
};

/* ---- recorded.c ----------------------------------------------------------------------------- */

#define RECORDED_LINES     32u
#define RECORDED_FAILURES  8u
#define RECORDED_KIND_BITS 8

struct recorded_line {
    uint64_t what; /* number and, below, kind; 0: none is here yet */
    uint64_t a, b; /* b: of the last time */
    uint64_t times;
};

/* Of a hypercall that is a list. */
struct failed_element {
    uint64_t index, value[3];
    uint64_t known;
};

struct failed_line {
    uint64_t number, rip, argument[4];
    struct failed_element element;
    int32_t result;
    uint32_t times; /* last: what is before it makes two lines the same */
};

#define VCPU_BANKS 4 /* that are kept; more are counted */

struct vcpu_bank {
    uint32_t number;
    uint64_t status, address, misc; /* 0 where status does not tell of them */
};

struct vcpu_banks {
    uint32_t valid;
    struct vcpu_bank bank[VCPU_BANKS];
};

struct vcpu_recorded {
    uint32_t last;     /* line */
    uint32_t failures; /* how many there were: the ring's next place */
    struct recorded_line line[RECORDED_LINES];
    struct failed_line failed[RECORDED_FAILURES];
    struct failed_element element; /* of the call that is being made */
};

#endif
