/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where things stand in the address space of the 32-bit layer.  The last 64 MiB are the hole of
 * non-PAE guests and lie in that of PAE guests; only the m2p of the latter is below.
 * There is no map of all memory: maddr_pointer() lends pages through a window (memory32.c).
 * Source: Xen's public arch-x86/xen-x86_32.h for the holes and the m2p; the rest is ours.
 */
#ifndef RESIDENT_SPACE32_H
#define RESIDENT_SPACE32_H

#define HOLE_START     (layer.handover->hv_start_low)
#define HOLE_END       (UINT64_C(1) << 32)
#define M2P_BASE       HOLE_START /* as the guest sees it, read-only */
#define M2P_END        (HOLE_START + m2p_size())
#define M2P_WRITE_BASE M2P_END /* the same m2p, writable */

#define OWN_BASE    0xfc000000u /* what follows is ours for both kinds of guests */
#define ARENA_BASE  0xfc800000u /* the arena, up to 8 MiB of it */
#define ARENA_END   0xfd000000u
#define LAYER_BASE  0xfd000000u /* the image, linked here */
#define GDT_BASE    0xfe000000u /* 64 KiB */
#define LDT_BASE    0xfe010000u /* 64 KiB */
#define WINDOW_BASE 0xfe400000u /* maddr_pointer(): pages on loan, 4 MiB */
#define KEEP_BASE   0xfe800000u /* maddr_keep(): pages for ever */
#define KEEP_END    0xff000000u

#define FRAMES_MAX (m2p_size() / 4) /* that the layer knows: the reach of the m2p */

#endif
