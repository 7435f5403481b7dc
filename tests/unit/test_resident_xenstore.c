/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The domU xenstore through its ring: answers, watches, transactions, framing across the ring's
 * end, a full ring, and hostile indexes, lengths and random bytes (under ASan and UBSan).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xenstore.h"

static struct xenstore store;
static struct xenstore_domain_interface ring;
static char answer_text[XENSTORE_PAYLOAD_MAX + 1];
static struct xsd_sockmsg answer;

static int make(void **state)
{
    (void)state;
    xenstore_init(&store, 1);
    memset(&ring, 0, sizeof(ring));
    return 0;
}

static void put(const void *data, uint32_t size)
{
    const char *from = data;
    for (uint32_t i = 0; i < size; i++) {
        if (ring.req_prod - ring.req_cons == XENSTORE_RING_SIZE)
            assert_true(xenstore_serve(&store, &ring));
        ring.req[MASK_XENSTORE_IDX(ring.req_prod++)] = from[i];
    }
}

static bool get(void *data, uint32_t size)
{
    char *to = data;
    for (uint32_t i = 0; i < size; i++) {
        if (ring.rsp_cons == ring.rsp_prod)
            (void)xenstore_serve(&store, &ring);
        if (ring.rsp_cons == ring.rsp_prod)
            return false;
        to[i] = ring.rsp[MASK_XENSTORE_IDX(ring.rsp_cons++)];
    }
    return true;
}

static bool next(void)
{
    if (!get(&answer, sizeof(answer)))
        return false;
    assert_true(answer.len <= XENSTORE_PAYLOAD_MAX);
    assert_true(get(answer_text, answer.len));
    answer_text[answer.len] = '\0';
    return true;
}

static void ask(uint32_t type, uint32_t transaction, const void *payload, uint32_t size)
{
    static uint32_t id;
    struct xsd_sockmsg head = {type, ++id, transaction, size};
    put(&head, sizeof(head));
    put(payload, size);
    (void)xenstore_serve(&store, &ring);
    assert_true(next());
    assert_int_equal(answer.req_id, id);
    assert_int_equal(answer.tx_id, transaction);
}

#define ASK(type, text) ask((type), 0, (text), sizeof(text))

static void expect_error(const char *name)
{
    assert_int_equal(answer.type, XS_ERROR);
    assert_string_equal(answer_text, name);
    assert_int_equal(answer.len, strlen(name) + 1);
}

static void test_nothing_there(void **state)
{
    (void)state;
    ASK(XS_READ, "device/vbd");
    expect_error("ENOENT");
    ASK(XS_DIRECTORY, "/local/domain/0/backend");
    expect_error("ENOENT");
    ASK(XS_READ, "control/../../x"); /* a dot is no path character */
    expect_error("EINVAL");
    ASK(XS_READ, "a//b");
    expect_error("EINVAL");
    ASK(XS_READ, "a/");
    expect_error("EINVAL");
    ASK(XS_READ, "");
    expect_error("EINVAL");
    ask(XS_READ, 0, "noend", 5);
    expect_error("EINVAL");
    ASK(XS_WRITE, "/local/domain/2/x\0y");
    expect_error("EACCES");
    ASK(XS_WRITE, "/local/domain/10/x\0y"); /* begins like our own home */
    expect_error("EACCES");
    ASK(XS_INTRODUCE, "1\0002\0003");
    expect_error("EACCES");
    ASK(4711, "x");
    expect_error("ENOSYS");
}

static void test_values(void **state)
{
    (void)state;
    ASK(XS_READ, "domid");
    assert_int_equal(answer.type, XS_READ);
    assert_int_equal(answer.len, 1); /* values have no NUL of their own */
    assert_string_equal(answer_text, "1");
    ask(XS_WRITE, 0, "a/b\0value", 9);
    assert_string_equal(answer_text, "OK");
    ASK(XS_READ, "/local/domain/1/a/b");
    assert_string_equal(answer_text, "value");
    ASK(XS_READ, "a"); /* made on the way, empty */
    assert_int_equal(answer.len, 0);
    ASK(XS_MKDIR, "a/c");
    ASK(XS_DIRECTORY, "a");
    assert_int_equal(answer.len, 4);
    assert_memory_equal(answer_text, "b\0c", 4);
    ASK(XS_GET_PERMS, "a");
    assert_string_equal(answer_text, "n1");
    ASK(XS_DIRECTORY, "/");
    assert_string_equal(answer_text, "local");
    ASK(XS_RM, "a");
    assert_string_equal(answer_text, "OK");
    ASK(XS_READ, "a/b");
    expect_error("ENOENT");
    ASK(XS_RM, "a");
    assert_string_equal(answer_text, "OK");
    ASK(XS_RM, "q/r/s");
    expect_error("ENOENT");
    ASK(XS_GET_DOMAIN_PATH, "77");
    assert_string_equal(answer_text, "/local/domain/77");
    ASK(XS_GET_DOMAIN_PATH, "7x");
    expect_error("EINVAL");
}

static void test_watch(void **state)
{
    (void)state;
    ASK(XS_READ, "control/shutdown"); /* there from the start, as a toolstack makes it */
    assert_int_equal(answer.type, XS_READ);
    assert_int_equal(answer.len, 0);
    ASK(XS_WATCH, "control\0token");
    assert_string_equal(answer_text, "OK");
    assert_true(next()); /* the first event comes at once */
    assert_int_equal(answer.type, XS_WATCH_EVENT);
    assert_memory_equal(answer_text, "control\0token", 14);
    ASK(XS_WATCH, "control\0token");
    expect_error("EEXIST");
    ask(XS_WRITE, 0, "control/shutdown\0x", 18);
    assert_true(next());
    assert_memory_equal(answer_text, "control/shutdown\0token", 23);
    assert_true(xenstore_put(&store, "control/sysrq", "h"));
    assert_true(next());
    assert_memory_equal(answer_text, "control/sysrq\0token", 20);
    ASK(XS_RM, "control");
    assert_true(next());
    ASK(XS_UNWATCH, "control\0other");
    expect_error("ENOENT");
    ASK(XS_UNWATCH, "control\0token");
    assert_string_equal(answer_text, "OK");
    ask(XS_WRITE, 0, "control/a\0x", 11);
    assert_false(next());
    ASK(XS_WATCH, "@releaseDomain\0t");
    assert_string_equal(answer_text, "OK");
    assert_true(next());
    ASK(XS_WATCH, "@nonsense\0t");
    expect_error("EINVAL");
    ASK(XS_WATCH, "notoken");
    expect_error("EINVAL");
    ask(XS_RESET_WATCHES, 0, "", 1);
    assert_string_equal(answer_text, "OK");
}

static void test_transaction(void **state)
{
    (void)state;
    ASK(XS_TRANSACTION_START, "");
    uint32_t id = (uint32_t)strtoul(answer_text, NULL, 10);
    assert_int_not_equal(id, 0);
    ASK(XS_TRANSACTION_START, "");
    expect_error("EBUSY");
    ask(XS_WRITE, id, "t\0one", 5);
    ask(XS_READ, id + 1, "t", 2);
    expect_error("ENOENT");
    ask(XS_TRANSACTION_END, id, "F", 2);
    assert_string_equal(answer_text, "OK");
    ASK(XS_READ, "t");
    expect_error("ENOENT");
    ask(XS_TRANSACTION_END, id, "T", 2);
    expect_error("ENOENT");
    ASK(XS_TRANSACTION_START, "");
    id = (uint32_t)strtoul(answer_text, NULL, 10);
    ask(XS_WRITE, id, "t\0two", 5);
    ask(XS_TRANSACTION_END, id, "T", 2);
    ASK(XS_READ, "t");
    assert_string_equal(answer_text, "two");

    /* What another kernel left open goes with its watches. */
    ASK(XS_TRANSACTION_START, "");
    id = (uint32_t)strtoul(answer_text, NULL, 10);
    ask(XS_WRITE, id, "t\0three", 7);
    ask(XS_RESET_WATCHES, 0, "", 1);
    assert_string_equal(answer_text, "OK");
    ask(XS_TRANSACTION_END, id, "T", 2);
    expect_error("ENOENT");
    ASK(XS_READ, "t");
    assert_string_equal(answer_text, "two");
    ASK(XS_TRANSACTION_START, "");
    assert_string_not_equal(answer_text, "EBUSY");
}

/* What is done in a transaction is seen in it alone until it ends, watches included. */
static void test_isolation(void **state)
{
    (void)state;
    ask(XS_WRITE, 0, "a/b\0old", 7);
    ask(XS_WRITE, 0, "gone\0x", 6);
    ask(XS_WATCH, 0, "a\0token", 8);
    assert_true(next());
    ASK(XS_TRANSACTION_START, "");
    uint32_t id = (uint32_t)strtoul(answer_text, NULL, 10);
    ask(XS_WRITE, id, "a/b\0old", 7); /* an event, though nothing is different */
    ask(XS_WRITE, id, "a/c\0new", 7);
    ask(XS_RM, id, "gone", 5);
    ask(XS_READ, id, "a/c", 4);
    assert_string_equal(answer_text, "new");
    ask(XS_READ, id, "gone", 5);
    expect_error("ENOENT");
    ASK(XS_READ, "a/c");
    expect_error("ENOENT");
    ASK(XS_READ, "gone");
    assert_string_equal(answer_text, "x");
    assert_false(next());
    ask(XS_TRANSACTION_END, id, "T", 2);
    assert_string_equal(answer_text, "OK");
    assert_true(next());
    assert_int_equal(answer.type, XS_WATCH_EVENT);
    assert_string_equal(answer_text, "a/b");
    assert_true(next());
    assert_string_equal(answer_text, "a/c");
    assert_false(next());
    ASK(XS_READ, "a/c");
    assert_string_equal(answer_text, "new");
    ASK(XS_READ, "gone");
    expect_error("ENOENT");

    /* One that another write overtook is begun again by the guest; that write stays. */
    ask(XS_UNWATCH, 0, "a\0token", 8);
    ASK(XS_TRANSACTION_START, "");
    id = (uint32_t)strtoul(answer_text, NULL, 10);
    ask(XS_WRITE, id, "a/b\0mine", 8);
    ask(XS_WRITE, 0, "a/b\0theirs", 10);
    ask(XS_TRANSACTION_END, id, "T", 2);
    expect_error("EAGAIN");
    ASK(XS_READ, "a/b");
    assert_string_equal(answer_text, "theirs");
}

/* The store fills up and says so; nothing else happens. */
static void test_full(void **state)
{
    (void)state;
    char path[XENSTORE_ABS_PATH_MAX];
    int made = 0;
    for (int i = 0; i < 300; i++) {
        int length = snprintf(path, sizeof(path), "data/node-%d", i);
        ask(XS_MKDIR, 0, path, (uint32_t)length + 1);
        made += answer.type == XS_MKDIR;
        if (answer.type == XS_ERROR)
            assert_string_equal(answer_text, "ENOSPC");
    }
    assert_in_range(made, 50, XENSTORE_NODES);
    memset(path, 'x', sizeof(path));
    path[2000] = '\0';
    ask(XS_READ, 0, path, 2001);
    expect_error("ENOSPC");
}

/* More events than there is room for: a watch that lost some is told so by one for its own path. */
static void test_many_events(void **state)
{
    enum { WATCHES = 16, NODES = 60 };
    unsigned events[WATCHES] = {0}, lost = 0;
    bool told[WATCHES] = {false};
    char text[32];
    (void)state;
    ASK(XS_MKDIR, "many");
    for (unsigned i = 0; i < WATCHES; i++) {
        int size = snprintf(text, sizeof(text), "many%c%u", 0, i);
        ask(XS_WATCH, 0, text, (uint32_t)size + 1);
        assert_true(next());
    }
    ASK(XS_TRANSACTION_START, "");
    uint32_t id = (uint32_t)strtoul(answer_text, NULL, 10);
    for (unsigned i = 0; i < NODES; i++) {
        int size = snprintf(text, sizeof(text), "many/node-of-%u", i);
        ask(XS_MKDIR, id, text, (uint32_t)size + 1);
        assert_int_equal(answer.type, XS_MKDIR);
    }
    ask(XS_TRANSACTION_END, id, "T", 2);
    while (next()) {
        assert_int_equal(answer.type, XS_WATCH_EVENT);
        unsigned which = (unsigned)strtoul(answer_text + strlen(answer_text) + 1, NULL, 10);
        assert_in_range(which, 0, WATCHES - 1);
        if (strcmp(answer_text, "many") == 0)
            told[which] = true;
        else
            events[which]++;
    }
    for (unsigned i = 0; i < WATCHES; i++) {
        lost += NODES - events[i];
        assert_int_equal(told[i], events[i] < NODES);
    }
    assert_true(lost > 0);
}

/* Requests pile up while the guest reads nothing: answers wait, none is lost. */
static void test_back_pressure(void **state)
{
    (void)state;
    struct xsd_sockmsg head = {XS_READ, 0, 0, 6};
    uint32_t asked = 0, answered = 0;
    ring.req_cons = ring.req_prod = ring.rsp_cons = ring.rsp_prod = UINT32_MAX - 100; /* wraps */
    while (answered < 2000) {
        while (asked < 2000 &&
               XENSTORE_RING_SIZE - (ring.req_prod - ring.req_cons) >= sizeof(head) + 6) {
            head.req_id = asked++;
            put(&head, sizeof(head));
            put("domid", 6);
        }
        (void)xenstore_serve(&store, &ring);
        if (random() % 3)
            continue;
        for (int n = 0; n < 40 && next(); n++) {
            assert_int_equal(answer.req_id, answered++);
            assert_string_equal(answer_text, "1");
        }
    }
}

static void test_hostile_indexes(void **state)
{
    ring.req_prod = XENSTORE_RING_SIZE + 1;
    assert_true(xenstore_serve(&store, &ring));
    assert_int_equal(ring.error, XENSTORE_ERROR_RINGIDX);
    assert_false(xenstore_serve(&store, &ring));
    make(state);
    ring.rsp_cons = 1;
    assert_true(xenstore_serve(&store, &ring));
    assert_int_equal(ring.error, XENSTORE_ERROR_RINGIDX);
    make(state);
    struct xsd_sockmsg head = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    put(&head, sizeof(head));
    assert_true(xenstore_serve(&store, &ring));
    assert_int_equal(ring.error, XENSTORE_ERROR_PROTO);
}

static void test_random(void **state)
{
    srandom(6);
    for (int round = 0; round < 3000; round++) {
        make(state);
        for (int n = 0; n < 6; n++) {
            char payload[64];
            struct xsd_sockmsg head = {(uint32_t)random() % 24, (uint32_t)random(),
                                       random() % 4 ? 0 : 1, (uint32_t)random() % sizeof(payload)};
            for (size_t i = 0; i < sizeof(payload); i++)
                payload[i] = "ab/@0-\0\0"[random() % 8];
            put(&head, sizeof(head));
            put(payload, head.len);
            (void)xenstore_serve(&store, &ring);
            while (next())
                ;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing_there, make),
        cmocka_unit_test_setup(test_values, make),
        cmocka_unit_test_setup(test_watch, make),
        cmocka_unit_test_setup(test_transaction, make),
        cmocka_unit_test_setup(test_isolation, make),
        cmocka_unit_test_setup(test_full, make),
        cmocka_unit_test_setup(test_many_events, make),
        cmocka_unit_test_setup(test_back_pressure, make),
        cmocka_unit_test_setup(test_hostile_indexes, make),
        cmocka_unit_test_setup(test_random, make),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
