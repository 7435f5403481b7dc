/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Xenstore requests and their answers.  See xenstore.h.
 *
 * A transaction works on a copy, which becomes the store when it ends, with its watch events then;
 * EAGAIN if the store was changed meanwhile (xenstored asks whether the same nodes were).  Only one
 * can be open at a time (EBUSY).
 */
#include "xenstore.h"

#include "bytes.h"
#include "out.h"

#define OUT_RESERVE (2 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX))
#define EVENT_MAX   (sizeof(struct xsd_sockmsg) + XENSTORE_PATH_SIZE + XENSTORE_TOKEN_SIZE)

_Static_assert(XENSTORE_OUT_SIZE >= OUT_RESERVE + XENSTORE_WATCHES * EVENT_MAX / 2,
               "an answer and the watch events of one node fit");

static void out_bytes(struct xenstore *store, const void *data, uint32_t size)
{
    const uint8_t *from = data;
    for (uint32_t i = 0; i < size; i++)
        store->out[(store->out_head + store->out_size++) % XENSTORE_OUT_SIZE] = from[i];
}

static uint32_t out_room(const struct xenstore *store)
{
    return XENSTORE_OUT_SIZE - store->out_size;
}

static void send(struct xenstore *store, uint32_t type, const struct xsd_sockmsg *request,
                 const void *data, uint32_t size)
{
    struct xsd_sockmsg head = {type, request->req_id, request->tx_id, size};
    out_bytes(store, &head, sizeof(head));
    out_bytes(store, data, size);
}

static void send_error(struct xenstore *store, const struct xsd_sockmsg *request, const char *name)
{
    send(store, XS_ERROR, request, name, (uint32_t)strlen(name) + 1);
}

static void send_ok(struct xenstore *store, const struct xsd_sockmsg *request)
{
    send(store, request->type, request, "OK", 3);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static bool path_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '/' || c == '_' || c == '@';
}

/* The absolute form of a path given by the guest; NULL when good, else the error's name. */
static const char *canonical(const struct xenstore *store, const char *path, char *ret)
{
    size_t length = strlen(path);
    if (length == 0 || length > XENSTORE_ABS_PATH_MAX)
        return "EINVAL";
    for (size_t i = 0; i < length; i++) {
        if (!path_character(path[i]) || (i > 0 && path[i] == '/' && path[i - 1] == '/'))
            return "EINVAL";
    }
    if (length > 1 && path[length - 1] == '/')
        return "EINVAL";
    size_t need = path[0] == '/' ? length : strlen(store->home) + 1 + length;
    if (need >= XENSTORE_PATH_SIZE)
        return "ENOSPC";
    if (path[0] == '/')
        string_copy(ret, path, XENSTORE_PATH_SIZE);
    else
        out_format(ret, XENSTORE_PATH_SIZE, "%s/%s", store->home, path);
    return NULL;
}

/* True when `path` is `top` or lies below it. */
static bool is_below(const char *path, const char *top)
{
    size_t length = strlen(top);
    if (length == 1 && top[0] == '/')
        return path[0] == '/';
    return strncmp(path, top, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static struct xenstore_node *find(struct xenstore *store, const char *path)
{
    for (size_t i = 0; i < XENSTORE_NODES; i++) {
        if (store->view[i].path[0] != '\0' && strcmp(store->view[i].path, path) == 0)
            return &store->view[i];
    }
    return NULL;
}

/* Finds or makes the node and the nodes above it. */
static struct xenstore_node *make(struct xenstore *store, const char *path)
{
    char part[XENSTORE_PATH_SIZE];
    struct xenstore_node *node = find(store, "/");
    for (size_t end = 1; path[end - 1] != '\0'; end++) {
        if (path[end] != '/' && path[end] != '\0')
            continue;
        memcpy(part, path, end);
        part[end] = '\0';
        node = find(store, part);
        for (size_t i = 0; node == NULL && i < XENSTORE_NODES; i++) {
            if (store->view[i].path[0] == '\0') {
                node = &store->view[i];
                string_copy(node->path, part, sizeof(node->path));
                node->value_size = 0;
                node->written = store->view != store->node;
            }
        }
        if (node == NULL || path[end] == '\0')
            return node;
    }
    return node;
}

/* ---- watches -------------------------------------------------------------------------------- */

static void send_event(struct xenstore *store, const struct xenstore_watch *watch, const char *path)
{
    const struct xsd_sockmsg none = {0, 0, 0, 0};
    char text[XENSTORE_PATH_SIZE + XENSTORE_TOKEN_SIZE];
    const char *shown = path;
    if (watch->relative != 0 && strlen(path) > watch->relative)
        shown = path + watch->relative;
    size_t path_size = strlen(shown) + 1;
    size_t token_size = strlen(watch->token) + 1;
    memcpy(text, shown, path_size);
    memcpy(text + path_size, watch->token, token_size);
    send(store, XS_WATCH_EVENT, &none, text, (uint32_t)(path_size + token_size));
}

static void fire(struct xenstore *store, const char *path, bool removed)
{
    if (store->view != store->node)
        return; /* when the transaction ends */
    store->changed = true;
    for (size_t i = 0; i < XENSTORE_WATCHES; i++) {
        struct xenstore_watch *watch = &store->watch[i];
        bool inside = is_below(path, watch->path);
        if (watch->path[0] == '\0' || (!inside && !(removed && is_below(watch->path, path))))
            continue;
        if (out_room(store) < EVENT_MAX)
            watch->missed = true;
        else
            send_event(store, watch, inside ? path : watch->path);
    }
}

/* A transaction can end in more events than there is room for: a watch then gets one for all. */
static void send_missed(struct xenstore *store)
{
    for (size_t i = 0; i < XENSTORE_WATCHES; i++) {
        struct xenstore_watch *watch = &store->watch[i];
        if (!watch->missed || out_room(store) < OUT_RESERVE + EVENT_MAX)
            continue;
        watch->missed = false;
        if (watch->path[0] != '\0')
            send_event(store, watch, watch->path);
    }
}

static void do_watch(struct xenstore *store, const struct xsd_sockmsg *request, const char *path,
                     const char *token)
{
    char full[XENSTORE_PATH_SIZE];
    struct xenstore_watch *slot = NULL;
    const char *error = NULL;
    if (path[0] == '@') {
        if (strcmp(path, "@introduceDomain") != 0 && strcmp(path, "@releaseDomain") != 0)
            error = "EINVAL";
        else
            string_copy(full, path, sizeof(full));
    } else {
        error = canonical(store, path, full);
    }
    if (error == NULL && strlen(token) >= XENSTORE_TOKEN_SIZE)
        error = "ENOSPC";
    for (size_t i = 0; error == NULL && i < XENSTORE_WATCHES; i++) {
        struct xenstore_watch *watch = &store->watch[i];
        bool used = watch->path[0] != '\0';
        bool same = used && strcmp(watch->path, full) == 0 && strcmp(watch->token, token) == 0;
        if (request->type == XS_WATCH && same)
            error = "EEXIST";
        if (request->type == XS_WATCH ? (!used && slot == NULL) : same)
            slot = watch;
    }
    if (error == NULL && slot == NULL)
        error = request->type == XS_WATCH ? "E2BIG" : "ENOENT";
    if (error != NULL) {
        send_error(store, request, error);
        return;
    }
    send_ok(store, request);
    if (request->type == XS_UNWATCH) {
        slot->path[0] = '\0';
        return;
    }
    string_copy(slot->path, full, sizeof(slot->path));
    string_copy(slot->token, token, sizeof(slot->token));
    slot->missed = false;
    slot->relative = path[0] == '/' || path[0] == '@' ? 0 : (uint8_t)(strlen(store->home) + 1);
    send_event(store, slot, slot->path);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void do_directory(struct xenstore *store, const struct xsd_sockmsg *request,
                         const char *path)
{
    static const char slash[] = "/";
    uint8_t *list = store->in + sizeof(*request); /* the request has been read: its room is free */
    uint32_t size = 0;
    char copy[XENSTORE_PATH_SIZE];
    string_copy(copy, path, sizeof(copy));
    size_t skip = strcmp(copy, slash) == 0 ? 1 : strlen(copy) + 1;
    for (size_t i = 0; i < XENSTORE_NODES; i++) {
        const char *other = store->view[i].path;
        if (strlen(other) <= skip || !is_below(other, copy) || strchr(other + skip, '/') != NULL)
            continue;
        size_t length = strlen(other + skip) + 1;
        if (size + length > XENSTORE_PAYLOAD_MAX) {
            send_error(store, request, "E2BIG");
            return;
        }
        memcpy(list + size, other + skip, length);
        size += (uint32_t)length;
    }
    send(store, XS_DIRECTORY, request, list, size);
}

static void do_remove(struct xenstore *store, const struct xsd_sockmsg *request, const char *path)
{
    char parent[XENSTORE_PATH_SIZE];
    string_copy(parent, path, sizeof(parent));
    if (strcmp(path, store->home) == 0) {
        send_error(store, request, "EINVAL");
        return;
    }
    if (find(store, path) == NULL) {
        /* Removing what is not there is fine where its directory is. */
        for (size_t end = strlen(parent); end > 0; end--) {
            if (parent[end] == '/') {
                parent[end] = '\0';
                break;
            }
        }
        if (find(store, parent) == NULL)
            send_error(store, request, "ENOENT");
        else
            send_ok(store, request);
        return;
    }
    for (size_t i = 0; i < XENSTORE_NODES; i++) {
        if (store->view[i].path[0] != '\0' && is_below(store->view[i].path, path))
            store->view[i].path[0] = '\0';
    }
    send_ok(store, request);
    fire(store, path, true);
}

/* The draft becomes the store, slot by slot. */
static void take_draft(struct xenstore *store)
{
    for (size_t i = 0; i < XENSTORE_NODES; i++) {
        struct xenstore_node *node = &store->node[i], *draft = &store->draft[i];
        char gone[XENSTORE_PATH_SIZE];
        bool same = strcmp(node->path, draft->path) == 0;
        if (same && !draft->written)
            continue;
        string_copy(gone, same ? "" : node->path, sizeof(gone));
        *node = *draft;
        node->written = false;
        if (gone[0] != '\0')
            fire(store, gone, true);
        if (node->path[0] != '\0')
            fire(store, node->path, false);
    }
}

static void do_transaction(struct xenstore *store, const struct xsd_sockmsg *request,
                           const char *text)
{
    if (request->type == XS_TRANSACTION_START) {
        char number[12];
        if (request->tx_id != 0 || store->transaction != 0) {
            send_error(store, request, "EBUSY");
            return;
        }
        memcpy(store->draft, store->node, sizeof(store->draft));
        store->changed = false;
        if (++store->transaction_next == 0)
            store->transaction_next = 1;
        store->transaction = store->transaction_next;
        size_t size = out_format(number, sizeof(number), "%u", store->transaction) + 1;
        send(store, request->type, request, number, (uint32_t)size);
        return;
    }
    bool commit = strcmp(text, "T") == 0;
    if (!commit && strcmp(text, "F") != 0) {
        send_error(store, request, "EINVAL");
    } else if (request->tx_id == 0 || request->tx_id != store->transaction) {
        send_error(store, request, "ENOENT");
    } else {
        store->transaction = 0;
        if (commit && store->changed) {
            send_error(store, request, "EAGAIN");
            return;
        }
        send_ok(store, request);
        if (commit)
            take_draft(store);
    }
}

/* Requests whose first string is a path; `rest` is what follows its NUL. */
static void do_path(struct xenstore *store, const struct xsd_sockmsg *request, const char *path,
                    const uint8_t *rest, uint32_t rest_size)
{
    char full[XENSTORE_PATH_SIZE], text[16];
    store->view = request->tx_id != 0 ? store->draft : store->node;
    const char *error = canonical(store, path, full);
    struct xenstore_node *node = error == NULL ? find(store, full) : NULL;
    bool changes = request->type == XS_WRITE || request->type == XS_MKDIR ||
                   request->type == XS_RM || request->type == XS_SET_PERMS;
    if (error == NULL && changes && !is_below(full, store->home))
        error = "EACCES";
    if (error == NULL && request->type == XS_WRITE && rest_size > XENSTORE_VALUE_SIZE)
        error = "ENOSPC";
    if (error == NULL && (request->type == XS_WRITE || request->type == XS_MKDIR)) {
        node = make(store, full);
        error = node == NULL ? "ENOSPC" : NULL;
    }
    if (error == NULL && node == NULL && request->type != XS_RM)
        error = "ENOENT";
    if (error != NULL) {
        send_error(store, request, error);
        return;
    }
    switch (request->type) {
    case XS_DIRECTORY:
        do_directory(store, request, full);
        break;
    case XS_READ:
        send(store, request->type, request, node->value, node->value_size);
        break;
    case XS_GET_PERMS:
        send(store, request->type, request, text,
             (uint32_t)out_format(text, sizeof(text), "n%u", store->domain) + 1);
        break;
    case XS_SET_PERMS:
        send_ok(store, request);
        break;
    case XS_WRITE:
        memcpy(node->value, rest, rest_size);
        node->value_size = (uint16_t)rest_size;
        node->written = store->view != store->node;
        send_ok(store, request);
        fire(store, full, false);
        break;
    case XS_MKDIR:
        send_ok(store, request);
        fire(store, full, false);
        break;
    default: /* XS_RM */
        do_remove(store, request, full);
        break;
    }
}

static void do_domain_path(struct xenstore *store, const struct xsd_sockmsg *request,
                           const char *text)
{
    char path[32];
    uint32_t number = 0;
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || length > 5) {
            send_error(store, request, "EINVAL");
            return;
        }
        number = number * 10 + (uint32_t)(text[i] - '0');
    }
    if (length == 0) {
        send_error(store, request, "EINVAL");
        return;
    }
    size_t size = out_format(path, sizeof(path), "/local/domain/%u", number) + 1;
    send(store, request->type, request, path, (uint32_t)size);
}

/* One complete request: header and payload in store->in, a NUL behind it. */
static void answer(struct xenstore *store)
{
    struct xsd_sockmsg request;
    memcpy(&request, store->in, sizeof(request));
    uint8_t *payload = store->in + sizeof(request);
    payload[request.len] = '\0';
    const char *text = (const char *)payload;
    uint32_t first = (uint32_t)strlen(text) + 1; /* first string with its NUL */
    bool ended = first <= request.len;           /* the NUL is the guest's own */

    switch (request.type) {
    case XS_DIRECTORY:
    case XS_READ:
    case XS_GET_PERMS:
    case XS_SET_PERMS:
    case XS_WRITE:
    case XS_MKDIR:
    case XS_RM:
        if (!ended)
            send_error(store, &request, "EINVAL");
        else if (request.tx_id != 0 && request.tx_id != store->transaction)
            send_error(store, &request, "ENOENT");
        else
            do_path(store, &request, text, payload + first, request.len - first);
        break;
    case XS_WATCH:
    case XS_UNWATCH:
        if (!ended || memchr(payload + first, '\0', request.len - first) == NULL)
            send_error(store, &request, "EINVAL");
        else
            do_watch(store, &request, text, (const char *)payload + first);
        break;
    case XS_RESET_WATCHES:
        for (size_t i = 0; i < XENSTORE_WATCHES; i++)
            store->watch[i].path[0] = '\0';
        store->transaction = 0;
        send_ok(store, &request);
        break;
    case XS_TRANSACTION_START:
    case XS_TRANSACTION_END:
        if (!ended)
            send_error(store, &request, "EINVAL");
        else
            do_transaction(store, &request, text);
        break;
    case XS_GET_DOMAIN_PATH:
        if (!ended)
            send_error(store, &request, "EINVAL");
        else
            do_domain_path(store, &request, text);
        break;
    case XS_CONTROL:
    case XS_INTRODUCE:
    case XS_RELEASE:
    case XS_IS_DOMAIN_INTRODUCED:
    case XS_RESUME:
    case XS_SET_TARGET:
        send_error(store, &request, "EACCES"); /* for privileged domains only */
        break;
    default:
        send_error(store, &request, "ENOSYS");
        break;
    }
    store->view = store->node;
}

/* ---- the ring ------------------------------------------------------------------------------- */

static bool stop(struct xenstore *store, struct xenstore_domain_interface *ring, uint32_t error)
{
    store->broken = true;
    __atomic_store_n(&ring->error, error, __ATOMIC_RELEASE);
    return true;
}

/* Moves answers into the ring; false when its indexes make no sense. */
static bool flush(struct xenstore *store, struct xenstore_domain_interface *ring, bool *moved)
{
    uint32_t cons = __atomic_load_n(&ring->rsp_cons, __ATOMIC_ACQUIRE);
    uint32_t prod = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
    if (prod - cons > XENSTORE_RING_SIZE)
        return false;
    while (store->out_size > 0 && prod - cons < XENSTORE_RING_SIZE) {
        ring->rsp[MASK_XENSTORE_IDX(prod)] = (char)store->out[store->out_head];
        store->out_head = (store->out_head + 1) % XENSTORE_OUT_SIZE;
        store->out_size--;
        prod++;
        *moved = true;
    }
    __atomic_store_n(&ring->rsp_prod, prod, __ATOMIC_RELEASE);
    return true;
}

bool xenstore_serve(struct xenstore *store, struct xenstore_domain_interface *ring)
{
    bool moved = false;
    if (store->broken)
        return false;
    if (!flush(store, ring, &moved))
        return stop(store, ring, XENSTORE_ERROR_RINGIDX);
    send_missed(store);

    uint32_t prod = __atomic_load_n(&ring->req_prod, __ATOMIC_ACQUIRE);
    uint32_t cons = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);
    if (prod - cons > XENSTORE_RING_SIZE)
        return stop(store, ring, XENSTORE_ERROR_RINGIDX);
    while (cons != prod && out_room(store) >= OUT_RESERVE) {
        store->in[store->in_size++] = (uint8_t)ring->req[MASK_XENSTORE_IDX(cons)];
        cons++;
        moved = true;
        if (store->in_size < sizeof(struct xsd_sockmsg))
            continue;
        struct xsd_sockmsg head;
        memcpy(&head, store->in, sizeof(head));
        if (head.len > XENSTORE_PAYLOAD_MAX)
            return stop(store, ring, XENSTORE_ERROR_PROTO);
        if (store->in_size == sizeof(head) + head.len) {
            answer(store);
            store->in_size = 0;
        }
    }
    __atomic_store_n(&ring->req_cons, cons, __ATOMIC_RELEASE);
    if (!flush(store, ring, &moved))
        return stop(store, ring, XENSTORE_ERROR_RINGIDX);
    return moved;
}

/* ---- the layer's side ----------------------------------------------------------------------- */

bool xenstore_put(struct xenstore *store, const char *name, const char *value)
{
    char full[XENSTORE_PATH_SIZE];
    size_t size = strlen(value);
    if (canonical(store, name, full) != NULL || size > XENSTORE_VALUE_SIZE)
        return false;
    struct xenstore_node *node = make(store, full);
    if (node == NULL)
        return false;
    memcpy(node->value, value, size);
    node->value_size = (uint16_t)size;
    fire(store, full, false);
    return true;
}

void xenstore_init(struct xenstore *store, uint32_t domain)
{
    char number[12];
    memset(store, 0, sizeof(*store));
    store->view = store->node;
    store->domain = domain;
    out_format(store->home, sizeof(store->home), "/local/domain/%u", domain);
    string_copy(store->node[0].path, "/", XENSTORE_PATH_SIZE);
    out_format(number, sizeof(number), "%u", domain);
    xenstore_put(store, "domid", number);
    xenstore_put(store, "name", "guest");
    /* Where a toolstack asks for a shutdown; it makes it empty.  Without it Mini-OS crashes itself.
     */
    xenstore_put(store, "control/shutdown", "");
}
