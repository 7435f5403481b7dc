/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's grant table (hc_grant.c) and its mappings of what it grants to itself (grant_map.c).
 * All of it under grant_lock.
 */
#ifndef RESIDENT_GRANT_H
#define RESIDENT_GRANT_H

#include "layer.h"
#include "spinlock.h"

#define GRANT_FRAMES_MAX 64 /* Xen's default */
#define GRANTS_A_FRAME   (PAGE_SIZE / sizeof(grant_entry_v1_t))

extern struct spinlock grant_lock;

domid_t grant_own_domain(void);

/* An entry of the table, NULL beyond its end.  The guest may be writing it. */
volatile grant_entry_v1_t *grant_entry(grant_ref_t ref);

/* May the guest grant that frame? */
bool grant_frame_is_own(uint64_t mfn);

/* Is the grant mapped?  Then entry and frame stay what they were. */
bool grant_is_mapped(grant_ref_t ref);

/* Maps a grant of the guest's own; status, handle and bus address are set, or the status alone. */
void grant_map(struct vcpu *v, struct gnttab_map_grant_ref *op);

/* Both operations that unmap; new_addr: where to take what is mapped then, 0 = nothing. */
struct grant_unmap {
    uint64_t host_addr, dev_bus_addr, new_addr;
    grant_handle_t handle;
    /* What grant_unmap() tells grant_unmap_finish(). */
    uint16_t ref;
    uint16_t done; /* GNTMAP_… */
    bool last;     /* nothing is left of the mapping */
};

/* Returns the status (GNTST_…).  The grant stays in use until the caller has flushed all TLBs and
 * finishes. */
int16_t grant_unmap(struct vcpu *v, struct grant_unmap *op);
void grant_unmap_finish(const struct grant_unmap *op);

#endif
