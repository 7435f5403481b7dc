/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Where things stand in the address space of the 64-bit layer: L4 slots 256..271.
 * Source: Xen's public arch-x86/xen-x86_64.h for the hole and the m2p; the rest is ours.
 */
#ifndef RESIDENT_SPACE64_H
#define RESIDENT_SPACE64_H

#define M2P_BASE       UINT64_C(0xffff800000000000) /* slot 256: as the guest sees it, read-only */
#define LAYER_BASE     UINT64_C(0xffff808000000000) /* slot 257: the image, linked here */
#define GDT_BASE       UINT64_C(0xffff80c000000000) /* slot 257, upper half: 64 KiB per CPU */
#define LDT_BASE       UINT64_C(0xffff80d000000000) /* 64 KiB per CPU */
#define DEVICE_BASE    UINT64_C(0xffff80e000000000) /* 1 MiB, device_map.c */
#define DIRECT_BASE    UINT64_C(0xffff810000000000) /* slots 258-269: RAM and the first 4 GiB */
#define DIRECT_END     UINT64_C(0xffff870000000000)
#define M2P_WRITE_BASE UINT64_C(0xffff870000000000) /* slot 270: the same m2p, writable */
#define HOLE_START     UINT64_C(0xffff800000000000)
#define HOLE_END       UINT64_C(0xffff880000000000)
#define HOLE_SLOT      256 /* first L4 slot of ours */
#define HOLE_SLOTS     16

#define FRAMES_MAX ((DIRECT_END - DIRECT_BASE) >> PAGE_SHIFT) /* that the layer knows */

#endif
