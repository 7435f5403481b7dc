/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small xenstore for a domU guest that has no xenstored: one ring page, one client, a store of
 * limited size that holds what the guest writes in its own home.  Every request is answered; what
 * is not there is ENOENT.  Pure state by pointer: no events, no locks.
 *
 * The ring page belongs to a hostile guest: indexes are read once and checked, a request that
 * breaks the protocol stops the service with the ring's error field set, as xenstored does.
 * Source: public/io/xs_wire.h; docs/misc/xenstore.txt; docs/misc/xenstore-ring.txt.
 */
#ifndef RESIDENT_XENSTORE_H
#define RESIDENT_XENSTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/xs_wire.h>

#define XENSTORE_NODES      96
#define XENSTORE_WATCHES    32
#define XENSTORE_PATH_SIZE  128 /* longest path kept, with its NUL */
#define XENSTORE_VALUE_SIZE 256
#define XENSTORE_TOKEN_SIZE 64
#define XENSTORE_OUT_SIZE   16384

struct xenstore_node {
    char path[XENSTORE_PATH_SIZE]; /* absolute; "" = unused */
    bool written;                  /* in this transaction */
    uint16_t value_size;
    char value[XENSTORE_VALUE_SIZE];
};

struct xenstore_watch {
    char path[XENSTORE_PATH_SIZE]; /* absolute, or "@…"; "" = unused */
    char token[XENSTORE_TOKEN_SIZE];
    uint8_t relative; /* bytes of the path to leave out in events: it was given relative to home */
    bool missed;      /* there was no room for an event: one for the watch's own path is to come */
};

struct xenstore {
    bool broken;      /* a protocol error was met: nothing is served any more */
    uint32_t domain;  /* the guest's domain id */
    char home[32];    /* "/local/domain/N" */
    uint32_t in_size; /* bytes of the request collected so far */
    uint32_t out_head, out_size;
    uint32_t transaction; /* 0 = none open */
    uint32_t transaction_next;
    struct xenstore_node node[XENSTORE_NODES];
    struct xenstore_node draft[XENSTORE_NODES]; /* the transaction's */
    struct xenstore_node *view;                 /* node or draft: the request's */
    bool changed;                               /* the store, since the transaction began */
    struct xenstore_watch watch[XENSTORE_WATCHES];
    uint8_t in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
    uint8_t out[XENSTORE_OUT_SIZE];
};

/* An empty store with the guest's home, its name and its number. */
void xenstore_init(struct xenstore *store, uint32_t domain);

/* Puts a value under the guest's home ("name", "control/shutdown"…) and fires watches; false when
 * the store is full. */
bool xenstore_put(struct xenstore *store, const char *name, const char *value);

/* Takes requests from the ring and puts answers into it, as far as either goes.  Returns true when
 * an index was moved, that is when the guest wants an event. */
bool xenstore_serve(struct xenstore *store, struct xenstore_domain_interface *ring);

#endif
