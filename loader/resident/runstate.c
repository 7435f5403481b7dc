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

/* As of the last change, and with `to_now` the time since. */
static struct vcpu_runstate_info runstate_get(struct vcpu *v, bool to_now)
{
    struct vcpu_runstate *r = &v->run;
    spin_lock(&r->lock);
    struct vcpu_runstate_info ret = {.state = (int)r->state, .state_entry_time = r->entered};
    for (uint32_t i = 0; i < 4; i++)
        ret.time[i] = r->spent[i];
    if (to_now)
        ret.time[r->state] += time_ns() - r->entered;
    spin_unlock(&r->lock);
    return ret;
}

bool runstate_write(struct vcpu *caller, struct vcpu *v, uint64_t gva)
{
    struct vcpu_runstate_info info = runstate_get(v, true);
    return guest_write_struct(caller, gva, 0, &info, &runstate_layout);
}

bool runstate_publish(struct vcpu *v, uint64_t gva)
{
    struct vcpu_runstate_info info = runstate_get(v, false);
    if (!vm_assist_has(VMASST_TYPE_runstate_update_flag))
        return guest_write_struct(v, gva, 0, &info, &runstate_layout);
    /* The guest's other CPUs may read meanwhile: the byte with the flag, which tells them to look
     * again, is there before anything else changes, and goes last. */
    const uint64_t top = gva + (layer.compat ? 4 : 8) + 7;
    const uint8_t after = (uint8_t)(info.state_entry_time >> 56);
    info.state_entry_time |= XEN_RUNSTATE_UPDATE;
    const uint8_t before = (uint8_t)(info.state_entry_time >> 56);
    bool written = guest_write(v, top, &before, 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    written = guest_write_struct(v, gva, 0, &info, &runstate_layout) && written;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    return guest_write(v, top, &after, 1) && written;
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
    if (area != 0 && v == cpu_vcpu() && !runstate_publish(v, area))
        record(v, RECORD_EVENT, UINT32_MAX, area, 0);
}
