/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Run states.  See runstate.h.  Source: public/vcpu.h; Xen common/sched/core.c:
 * vcpu_runstate_change, common/domain.c: update_runstate_area.
 */
#include "runstate.h"

#include "timer.h"

LAYOUT(runstate_layout, 44, struct vcpu_runstate_info,
       FIELD(0, 4, struct vcpu_runstate_info, state),
       FIELD(4, 8, struct vcpu_runstate_info, state_entry_time),
       {12, 8, offsetof(struct vcpu_runstate_info, time), 8, 4});

static void runstate_get(struct vcpu *v, struct vcpu_runstate_info *ret)
{
    struct vcpu_runstate *r = &v->run;
    spin_lock(&r->lock);
    *ret = (struct vcpu_runstate_info){.state = (int)r->state, .state_entry_time = r->entered};
    for (uint32_t i = 0; i < 4; i++)
        ret->time[i] = r->spent[i];
    ret->time[r->state] += time_ns() - r->entered;
    spin_unlock(&r->lock);
}

bool runstate_write(struct vcpu *caller, struct vcpu *v, uint64_t gva)
{
    struct vcpu_runstate_info info;
    runstate_get(v, &info);
    if (!vm_assist_has(VMASST_TYPE_runstate_update_flag))
        return guest_write_struct(caller, gva, 0, &info, &runstate_layout);
    /* The guest's other CPUs may read meanwhile: the flag tells them to look again. */
    info.state_entry_time |= XEN_RUNSTATE_UPDATE;
    if (!guest_write_struct(caller, gva, 0, &info, &runstate_layout))
        return false;
    info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return guest_write_struct(caller, gva, 0, &info, &runstate_layout);
}

void runstate_change(struct vcpu *v, uint32_t state)
{
    struct vcpu_runstate *r = &v->run;
    spin_lock(&r->lock);
    uint64_t now = time_ns(), area = r->area;
    r->spent[r->state] += now - r->entered;
    r->state = state;
    r->entered = now;
    spin_unlock(&r->lock);
    /* An area that is not mapped just now is not an error: Xen leaves it as it was, too. */
    if (state == RUNSTATE_running && area != 0 && v == cpu_vcpu() && !runstate_write(v, v, area))
        record(v, RECORD_EVENT, UINT32_MAX, area, 0);
}
