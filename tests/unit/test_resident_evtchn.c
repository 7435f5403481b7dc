/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Event channel state: bindings and their errno, the two levels of pending bits in both widths,
 * polls, closing, and a property over random operations: what is bound stays consistent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evtchn.h"
#include "xen_public.h"

#define CPUS 2

struct guest {
    uint8_t pending[512], mask[512];
    uint64_t sel[CPUS];
    uint8_t upcall[CPUS], upcall_mask[CPUS];
    struct evtchn_cpu cpu[CPUS];
    struct evtchn_table table;
    struct evtchn_effect effect;
};

static struct guest *make(uint32_t domain, uint32_t bits)
{
    static struct guest guest;
    memset(&guest, 0, sizeof(guest));
    evtchn_init(&guest.table, domain, bits);
    guest.table.pending = guest.pending;
    guest.table.mask = guest.mask;
    guest.table.cpu = guest.cpu;
    guest.table.cpu_count = CPUS;
    for (uint32_t i = 0; i < CPUS; i++)
        guest.cpu[i] = (struct evtchn_cpu){.pending_sel = &guest.sel[i],
                                           .upcall_pending = &guest.upcall[i],
                                           .upcall_mask = &guest.upcall_mask[i],
                                           .present = true};
    evtchn_effect_clear(&guest.effect);
    return &guest;
}

static void test_virq(void **state)
{
    (void)state;
    struct guest *g = make(0, 64);
    uint32_t port, other;
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_TIMER, 0, &port), 0);
    assert_int_equal(port, 1); /* never port 0 */
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_TIMER, 0, &other), -XEN_EEXIST);
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_TIMER, 1, &other), 0);
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_TIMER, CPUS, &other), -XEN_ENOENT);
    assert_int_equal(evtchn_bind_virq(&g->table, EVTCHN_VIRQ_COUNT, 0, &other), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_CONSOLE, 1, &other), -XEN_EINVAL);

    evtchn_raise_virq(&g->table, VIRQ_TIMER, 0, &g->effect);
    assert_int_equal(g->effect.wake, 1);
    assert_int_equal(g->pending[0], 1 << port);
    assert_int_equal(g->sel[0], 1);
    assert_int_equal(g->upcall[0], 1);
    assert_int_equal(g->upcall[1], 0);

    assert_int_equal(evtchn_close(&g->table, port, &g->effect), 0);
    assert_int_equal(g->pending[0], 0);
    assert_int_equal(evtchn_close(&g->table, port, &g->effect), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_TIMER, 0, &port), 0);
}

/* A global VIRQ moves with bind_vcpu; a per-vCPU one does not. */
static void test_bind_vcpu(void **state)
{
    (void)state;
    struct guest *g = make(0, 64);
    uint32_t timer, console, ipi;
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_TIMER, 0, &timer), 0);
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_CONSOLE, 0, &console), 0);
    assert_int_equal(evtchn_bind_ipi(&g->table, 1, &ipi), 0);
    assert_int_equal(evtchn_bind_vcpu(&g->table, timer, 1), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&g->table, ipi, 0), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&g->table, console, CPUS), -XEN_ENOENT);
    assert_int_equal(evtchn_bind_vcpu(&g->table, 0, 0), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&g->table, UINT32_MAX, 0), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&g->table, console, 1), 0);
    evtchn_raise_virq(&g->table, VIRQ_CONSOLE, 0, &g->effect);
    assert_int_equal(g->effect.wake, 2);
    assert_int_equal(g->upcall[1], 1);
    /* Closed while moved, it can be bound again. */
    assert_int_equal(evtchn_close(&g->table, console, &g->effect), 0);
    assert_int_equal(evtchn_bind_virq(&g->table, VIRQ_CONSOLE, 0, &console), 0);
}

static void test_mask(void **state)
{
    (void)state;
    struct guest *g = make(0, 64);
    uint32_t port;
    assert_int_equal(evtchn_bind_ipi(&g->table, 0, &port), 0);
    g->mask[0] = (uint8_t)(1 << port);
    assert_int_equal(evtchn_send(&g->table, port, &g->effect), 0);
    assert_true(evtchn_is_pending(&g->table, port));
    assert_int_equal(g->sel[0], 0);
    assert_int_equal(g->upcall[0], 0);
    assert_int_equal(g->effect.wake, 0);
    assert_int_equal(evtchn_unmask(&g->table, port, &g->effect), 0);
    assert_int_equal(g->mask[0], 0);
    assert_int_equal(g->sel[0], 1);
    assert_int_equal(g->upcall[0], 1);
    assert_int_equal(g->effect.wake, 1);
    /* Unmasked already: nothing is raised again. */
    evtchn_effect_clear(&g->effect);
    g->upcall[0] = 0;
    g->sel[0] = 0;
    assert_int_equal(evtchn_unmask(&g->table, port, &g->effect), 0);
    assert_int_equal(g->upcall[0], 0);
    assert_int_equal(evtchn_unmask(&g->table, 100000, &g->effect), -XEN_EINVAL);
}

/* The selector bit covers as many ports as a guest long has bits. */
static void test_widths(void **state)
{
    (void)state;
    for (uint32_t bits = 32; bits <= 64; bits += 32) {
        struct guest *g = make(0, bits);
        uint32_t port = 0;
        while (port != 100)
            assert_int_equal(evtchn_bind_ipi(&g->table, 0, &port), 0);
        assert_int_equal(evtchn_send(&g->table, port, &g->effect), 0);
        assert_int_equal(g->sel[0], UINT64_C(1) << (100 / bits));
        assert_int_equal(g->pending[12], 1 << 4);
        for (uint32_t more = 101; more < bits * bits; more++)
            assert_int_equal(evtchn_bind_ipi(&g->table, 0, &port), 0);
        assert_int_equal(evtchn_bind_ipi(&g->table, 0, &port), -XEN_ENOSPC);
        assert_int_equal(port, bits * bits - 1);
    }
}

static void test_interdomain(void **state)
{
    (void)state;
    struct guest *g = make(0, 64);
    struct evtchn_status_answer answer;
    uint32_t unbound, local;
    assert_int_equal(evtchn_alloc_unbound(&g->table, 7, 0, &unbound), -XEN_ESRCH);
    assert_int_equal(evtchn_alloc_unbound(&g->table, DOMID_SELF, DOMID_SELF, &unbound), 0);
    assert_int_equal(evtchn_send(&g->table, unbound, &g->effect), 0);
    assert_int_equal(g->effect.wake, 0);
    assert_int_equal(evtchn_bind_interdomain(&g->table, 5, unbound, &local, &g->effect),
                     -XEN_ESRCH);
    assert_int_equal(evtchn_bind_interdomain(&g->table, 0, 63, &local, &g->effect), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_interdomain(&g->table, 0, 70000, &local, &g->effect), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_interdomain(&g->table, 0, unbound, &local, &g->effect), 0);
    assert_true(evtchn_is_pending(&g->table, local)); /* a first notification is conservative */
    evtchn_effect_clear(&g->effect);
    assert_int_equal(evtchn_send(&g->table, local, &g->effect), 0);
    assert_true(evtchn_is_pending(&g->table, unbound));
    assert_int_equal(evtchn_status(&g->table, DOMID_SELF, local, &answer), 0);
    assert_int_equal(answer.status, EVTCHNSTAT_interdomain);
    assert_int_equal(answer.port, unbound);
    assert_int_equal(evtchn_close(&g->table, local, &g->effect), 0);
    assert_int_equal(evtchn_status(&g->table, 0, unbound, &answer), 0);
    assert_int_equal(answer.status, EVTCHNSTAT_unbound);
    assert_int_equal(evtchn_status(&g->table, 0, local, &answer), 0);
    assert_int_equal(answer.status, EVTCHNSTAT_closed);
    assert_int_equal(evtchn_status(&g->table, 0, EVTCHN_BUCKET, &answer), -XEN_EINVAL);
    assert_int_equal(evtchn_status(&g->table, 3, 1, &answer), -XEN_ESRCH);
}

/* What a domU may do with ports of domain 0, and its two service ports. */
static void test_domu(void **state)
{
    (void)state;
    struct guest *g = make(1, 64);
    struct evtchn_status_answer answer;
    uint32_t port;
    assert_int_equal(evtchn_alloc_unbound(&g->table, 0, DOMID_SELF, &port), -XEN_EPERM);
    assert_int_equal(evtchn_bind_interdomain(&g->table, 0, 1, &port, &g->effect), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_service(&g->table, 1, EVTCHN_SERVICE_XENSTORE), 0);
    assert_int_equal(evtchn_bind_service(&g->table, 1, EVTCHN_SERVICE_CONSOLE), -XEN_EEXIST);
    assert_int_equal(evtchn_bind_service(&g->table, 0, EVTCHN_SERVICE_CONSOLE), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_service(&g->table, 2, EVTCHN_SERVICE_CONSOLE), 0);
    assert_int_equal(evtchn_alloc_unbound(&g->table, DOMID_SELF, 0, &port), 0);
    assert_int_equal(port, 3);
    assert_int_equal(evtchn_send(&g->table, 2, &g->effect), 0);
    assert_int_equal(g->effect.service, EVTCHN_SERVICE_CONSOLE);
    assert_false(evtchn_is_pending(&g->table, 2));
    /* XTF takes anything but "interdomain" for "no xenstore". */
    assert_int_equal(evtchn_status(&g->table, DOMID_SELF, 1, &answer), 0);
    assert_int_equal(answer.status, EVTCHNSTAT_interdomain);
    assert_int_equal(answer.domain, 0);
}

static void test_poll(void **state)
{
    (void)state;
    struct guest *g = make(0, 64);
    uint32_t one, two;
    assert_int_equal(evtchn_bind_ipi(&g->table, 0, &one), 0);
    assert_int_equal(evtchn_bind_ipi(&g->table, 0, &two), 0);
    memset(g->mask, 0xff, sizeof(g->mask));
    g->cpu[1].polling = true;
    g->cpu[1].poll_port = (uint16_t)two;
    assert_int_equal(evtchn_send(&g->table, one, &g->effect), 0);
    assert_true(g->cpu[1].polling);
    assert_int_equal(evtchn_send(&g->table, two, &g->effect), 0);
    assert_false(g->cpu[1].polling); /* masked, bound elsewhere, and yet it ends the poll */
    assert_int_equal(g->effect.wake, 2);
}

static void test_pirq(void **state)
{
    (void)state;
    struct guest *g = make(0, 64);
    uint32_t port;
    assert_int_equal(evtchn_bind_pirq(&g->table, 9, &port), 0);
    assert_int_equal(evtchn_send(&g->table, port, &g->effect), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&g->table, port, 1), 0);
    assert_int_equal(evtchn_close(&g->table, port, &g->effect), 0);
    assert_int_equal(g->effect.pirq, 9);
}

/* Random operations: the table never holds two ports for one VIRQ, inter-domain ends always name
 * each other, port 0 stays reserved, and no call writes outside the shared arrays (ASan). */
static void test_random(void **state)
{
    (void)state;
    srandom(1);
    for (int round = 0; round < 20; round++) {
        struct guest *g = make(0, round & 1 ? 64 : 32);
        for (int step = 0; step < 3000; step++) {
            uint32_t a = (uint32_t)random() % 80, port = 0;
            evtchn_effect_clear(&g->effect);
            switch (random() % 9) {
            case 0:
                (void)evtchn_alloc_unbound(&g->table, DOMID_SELF, 0, &port);
                break;
            case 1:
                (void)evtchn_bind_interdomain(&g->table, 0, a, &port, &g->effect);
                break;
            case 2:
                (void)evtchn_bind_virq(&g->table, a % 26, a % 3, &port);
                break;
            case 3:
                (void)evtchn_bind_ipi(&g->table, a % 3, &port);
                break;
            case 4:
                (void)evtchn_bind_vcpu(&g->table, a, (uint32_t)random() % 3);
                break;
            case 5:
                (void)evtchn_send(&g->table, a, &g->effect);
                break;
            case 6:
                (void)evtchn_unmask(&g->table, a, &g->effect);
                break;
            default:
                (void)evtchn_close(&g->table, a, &g->effect);
                break;
            }
        }
        assert_int_equal(g->table.port[0].state, EVTCHN_RESERVED);
        uint32_t seen[EVTCHN_VIRQ_COUNT][CPUS] = {{0}};
        for (uint32_t p = 1; p < g->table.max_ports; p++) {
            const struct evtchn *c = &g->table.port[p];
            if (c->state == EVTCHN_INTERDOMAIN) {
                assert_int_equal(g->table.port[c->which].state, EVTCHN_INTERDOMAIN);
                assert_int_equal(g->table.port[c->which].which, p);
            }
            if (c->state == EVTCHN_VIRQ && c->which == VIRQ_TIMER)
                assert_int_equal(seen[c->which][c->vcpu]++, 0);
            if (c->state == EVTCHN_FREE)
                assert_false(evtchn_is_pending(&g->table, p));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_virq),        cmocka_unit_test(test_bind_vcpu),
        cmocka_unit_test(test_mask),        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_interdomain), cmocka_unit_test(test_domu),
        cmocka_unit_test(test_poll),        cmocka_unit_test(test_pirq),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
