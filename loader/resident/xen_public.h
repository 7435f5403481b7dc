/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Xen's public headers (Debian's libxen-dev) as the layer uses them: newest interface, 64-bit
 * layouts.  32-bit guests' layouts are described as data (struct layout).
 */
#ifndef RESIDENT_XEN_PUBLIC_H
#define RESIDENT_XEN_PUBLIC_H

#include <stdint.h>

/* Without it the headers fall back to their oldest interface (no handles, old field names). */
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#endif
