/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's lock.  Interrupts are off in the layer, so a lock may be taken in interrupt handlers
 * too, as long as no holder waits for an interrupt.
 *
 * First come is not first served: under an emulator with fewer host CPUs than ours, a ticket's turn
 * mostly comes while its owner does not run.
 */
#ifndef RESIDENT_SPINLOCK_H
#define RESIDENT_SPINLOCK_H

#include <stdint.h>

struct spinlock {
    uint32_t taken;
};

static inline void spin_lock(struct spinlock *lock)
{
    while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
        while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED))
            __builtin_ia32_pause();
}

static inline void spin_unlock(struct spinlock *lock)
{
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
