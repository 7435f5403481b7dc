/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's lock: ticket order, so that no CPU starves.  Interrupts are off in the layer, so a
 * lock may be taken in interrupt handlers too, as long as no holder waits for an interrupt.
 */
#ifndef RESIDENT_SPINLOCK_H
#define RESIDENT_SPINLOCK_H

#include <stdint.h>

struct spinlock {
    uint32_t next, owner;
};

static inline void spin_lock(struct spinlock *lock)
{
    uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) != ticket)
        __builtin_ia32_pause();
}

static inline void spin_unlock(struct spinlock *lock)
{
    __atomic_store_n(&lock->owner, lock->owner + 1, __ATOMIC_RELEASE);
}

#endif
