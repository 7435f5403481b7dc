/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The domU xenstore behind its ring.  The input is a list of commands: a request with a header that
 * fits, raw bytes, values put by the layer, answers taken, and lies in the ring's indexes.  Beyond
 * no crash: what the store keeps stays terminated and inside its limits.
 */
#include <stdlib.h>
#include <string.h>

#include "xenstore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct xenstore_domain_interface ring;

static void push(struct xenstore *store, const void *bytes, size_t size)
{
    const char *from = bytes;
    for (size_t i = 0; i < size; i++) {
        if (ring.req_prod - ring.req_cons >= XENSTORE_RING_SIZE) {
            xenstore_serve(store, &ring);
            if (ring.req_prod - ring.req_cons >= XENSTORE_RING_SIZE)
                return;
        }
        ring.req[MASK_XENSTORE_IDX(ring.req_prod++)] = from[i];
    }
}

static void request(struct xenstore *store, const uint8_t *body, uint8_t type, uint8_t transaction,
                    size_t size)
{
    struct xsd_sockmsg head = {type % 24, 1, transaction % 4, (uint32_t)size};
    push(store, &head, sizeof(head));
    push(store, body, size);
    xenstore_serve(store, &ring);
}

static void check(const struct xenstore *store)
{
    if (store->out_head >= XENSTORE_OUT_SIZE || store->out_size > XENSTORE_OUT_SIZE ||
        store->in_size > sizeof(store->in))
        abort();
    for (int i = 0; i < XENSTORE_NODES; i++)
        if (!memchr(store->node[i].path, 0, XENSTORE_PATH_SIZE) ||
            store->node[i].value_size > XENSTORE_VALUE_SIZE)
            abort();
    for (int i = 0; i < XENSTORE_WATCHES; i++)
        if (!memchr(store->watch[i].path, 0, XENSTORE_PATH_SIZE) ||
            !memchr(store->watch[i].token, 0, XENSTORE_TOKEN_SIZE) ||
            (store->watch[i].path[0] && store->watch[i].relative > strlen(store->watch[i].path)))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xenstore store;
    char name[32], value[32];

    xenstore_init(&store, 1);
    memset(&ring, 0, sizeof(ring));
    while (size >= 4) {
        uint8_t what = data[0], a = data[1], b = data[2];
        size_t length = data[3] < size - 4 ? data[3] : size - 4;
        data += 4;
        size -= 4;
        switch (what % 8) {
        default:
            request(&store, data, a, b, length);
            break;
        case 4:
            push(&store, data, length);
            xenstore_serve(&store, &ring);
            break;
        case 5:
            ring.rsp_cons = ring.rsp_prod;
            xenstore_serve(&store, &ring);
            break;
        case 6:
            memcpy(name, data, length < 31 ? length : 31);
            name[length < 31 ? length : 31] = 0;
            memcpy(value, name, sizeof(value));
            if (strlen(name))
                xenstore_put(&store, name, value);
            break;
        case 7:
            if (b & 1)
                ring.req_prod += (uint32_t)a << (b >> 3);
            else
                ring.rsp_cons += (uint32_t)a << (b >> 3);
            xenstore_serve(&store, &ring);
            break;
        }
        data += length;
        size -= length;
    }
    check(&store);
    return 0;
}
