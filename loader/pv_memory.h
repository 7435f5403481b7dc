/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Machine frames of a PV guest: which RAM it may get, and the runs that make its p2m.
 * Frame numbers are machine addresses or pseudo-physical addresses shifted by PAGE_SHIFT.
 */
#ifndef LOADER_PV_MEMORY_H
#define LOADER_PV_MEMORY_H

#include "plan.h"

/* Pages of the m2p as handover.h defines them. */
uint64_t pv_memory_m2p_pages(const struct memory_map *map, enum guest_class class);

/* Fills pv->run (ascending mfn, pfn unused) with all frames that the guest may get: whole pages of
 * RAM from 1 MiB up to the m2p's reach, without the record's kept ranges and the plan's KEEP, LAYER
 * and HANDOFF regions.  Returns their number in *ret_pages. */
enum refusal_id pv_memory_collect(const struct boot_record *record, const struct plan *plan,
                                  struct pv_plan *pv, uint64_t *ret_pages, struct refusal *why);

/* True when the frames lie in one of the collected runs. */
bool pv_memory_is_free(const struct pv_plan *pv, uint64_t mfn, uint64_t count);

/* Turns the collected frames into the p2m: the `head_count` runs of `head` (pfn ignored) get the
 * first PFNs in their order, all other frames follow in ascending order, and pv->nr_pages is cut to
 * at most `limit` pages.  Frames of `head` are taken out of the others. */
enum refusal_id pv_memory_assign(struct pv_plan *pv, const struct p2m_run *head,
                                 uint32_t head_count, uint64_t limit, struct refusal *why);

/* The machine address of a guest frame and in *ret_count (may be NULL) how many frames from there
 * on are contiguous; false when the guest has no such PFN. */
MUST_USE bool pv_memory_find(const struct pv_plan *pv, uint64_t pfn, uint64_t *ret_maddr,
                             uint64_t *ret_count);

#endif
