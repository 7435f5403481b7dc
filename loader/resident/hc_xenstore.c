/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The xenstore service of a domU guest at run time: page, lock, event.
 */
#include "hc_xenstore.h"

#include "event.h"
#include "spinlock.h"
#include "xenstore.h"

static struct spinlock lock;
static struct xenstore store;
static struct xenstore_domain_interface *ring;

void xenstore_service_init(void)
{
    if (layer.dom0 || layer.handover->xenstore_mfn == 0)
        return;
    xenstore_init(&store, GUEST_DOMAIN);
    /* What a toolstack writes for each vCPU: guests ask it which ones they may start. */
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        char name[32];
        out_format(name, sizeof(name), "cpu/%u/availability", i);
        if (!xenstore_put(&store, name, "online"))
            say(SAY_INFO, "xenstore: no room for vCPU %u", i);
    }
    ring = frame_keep(layer.handover->xenstore_mfn);
}

void xenstore_ring_serve(struct vcpu *v)
{
    if (ring == NULL)
        return;
    spin_lock(&lock);
    bool moved = xenstore_serve(&store, ring);
    spin_unlock(&lock);
    if (moved)
        event_set_pending(v, HANDOVER_PORT_XENSTORE);
}
