/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * vCPUs on and off.  See vcpu_start.h.  Source: Xen common/domain.c: common_vcpu_op,
 * arch/x86/domain.c: arch_initialise_vcpu.
 */
#include "vcpu_start.h"

#include "context.h"
#include "event.h"
#include "runstate.h"
#include "spinlock.h"

static struct spinlock lock;

long vcpu_initialise(struct vcpu *caller, struct vcpu *v, uint64_t context)
{
    static struct start_context copy; /* 5 KiB: too much for a layer stack */
    long status = -XEN_EEXIST;
    spin_lock(&lock);
    if (!context_read(caller, &copy, context)) {
        status = -XEN_EFAULT;
    } else if (!v->run.initialised && !v->online) {
        status = vcpu_load_context(v, &copy);
        v->run.initialised = status == 0;
    }
    spin_unlock(&lock);
    return status;
}

/* Not when it is on its way off: a vCPU of the guest goes off when it next comes out of the guest.
 * Read in this order, since vcpu_stay_down() sets the one before it clears the other. */
bool vcpu_is_up(const struct vcpu *v)
{
    return !(__atomic_load_n(&v->work, __ATOMIC_SEQ_CST) & WORK_DOWN) &&
           __atomic_load_n(&v->online, __ATOMIC_SEQ_CST);
}

long vcpu_up(struct vcpu *v)
{
    long status = 0;
    spin_lock(&lock);
    work_clear(v, WORK_DOWN);
    if (!v->run.initialised && !v->online)
        status = -XEN_EINVAL;
    else
        __atomic_store_n(&v->online, 1, __ATOMIC_SEQ_CST);
    spin_unlock(&lock);
    if (status == 0)
        event_kick(v);
    return status;
}

static bool others_are_up(const struct vcpu *v)
{
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        if (layer.vcpu[i] != NULL && layer.vcpu[i] != v && vcpu_is_up(layer.vcpu[i]))
            return true;
    }
    return false;
}

long vcpu_down(struct vcpu *caller, struct vcpu *v)
{
    spin_lock(&lock);
    bool last = !others_are_up(v);
    if (!last && v->online)
        work_set(v, WORK_DOWN);
    spin_unlock(&lock);
    if (last) {
        say(SAY_INFO, "the guest's last vCPU goes down");
        layer_end(END_POWEROFF, END_CODE_GOOD);
    }
    if (v != caller)
        event_kick(v); /* the caller itself goes down on its way out */
    return 0;
}

void vcpu_stay_down(struct vcpu *v)
{
    uint64_t root = 0;
    spin_lock(&lock);
    bool down = __atomic_load_n(&v->work, __ATOMIC_SEQ_CST) & WORK_DOWN;
    if (down) {
        runstate_change(v, RUNSTATE_offline);
        /* Its page tables are the guest's to reuse, once it knows that the vCPU is off. */
        root = cpu_cr3();
        cpu_set_cr3(layer.root);
        __atomic_store_n(&v->online, 0, __ATOMIC_SEQ_CST);
    }
    work_clear(v, WORK_DOWN);
    spin_unlock(&lock);
    if (!down)
        return;
    while (!__atomic_load_n(&v->online, __ATOMIC_SEQ_CST))
        layer_wait_for_interrupt(v);
    cpu_set_cr3(root);
    runstate_change(v, RUNSTATE_running);
}
