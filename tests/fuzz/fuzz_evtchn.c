/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The resident layer's pure state driven by hostile numbers: event channels (operations of eight
 * bytes), the console ring, the pool of frames and the clock's arithmetic.  The first byte chooses.
 * Bindings stay consistent, given frames were free and below the limit, time never runs early.
 */
#include <stdlib.h>
#include <string.h>

#include "console_ring.h"
#include "evtchn.h"
#include "frame_pool.h"
#include "timescale.h"

#define CPUS   3
#define FRAMES 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static void check_bindings(const struct evtchn_table *table)
{
    for (uint32_t i = 0; i < table->max_ports; i++) {
        const struct evtchn *port = &table->port[i];
        if (port->state == EVTCHN_FREE)
            continue;
        if (i && port->vcpu >= table->cpu_count)
            abort();
        if (port->state == EVTCHN_INTERDOMAIN && port->service == EVTCHN_SERVICE_NONE &&
            (table->port[port->which].state != EVTCHN_INTERDOMAIN ||
             table->port[port->which].which != i))
            abort();
        if (port->state == EVTCHN_VIRQ && port->which >= EVTCHN_VIRQ_COUNT)
            abort();
    }
}

static void drive_evtchn(uint8_t flags, const uint8_t *data, size_t size)
{
    static struct evtchn_table table;
    static uint8_t pending[512], mask[512], upcall[CPUS], upcall_mask[CPUS];
    static uint64_t sel[CPUS];
    struct evtchn_cpu cpu[CPUS];
    struct evtchn_effect effect;
    struct evtchn_status_answer answer;
    uint32_t port;

    memset(&table, 0, sizeof(table));
    memset(cpu, 0, sizeof(cpu));
    memset(pending, 0, sizeof(pending));
    memset(mask, 0, sizeof(mask));
    table.pending = pending;
    table.mask = mask;
    table.cpu = cpu;
    table.cpu_count = CPUS;
    for (int i = 0; i < CPUS; i++)
        cpu[i] = (struct evtchn_cpu){.pending_sel = &sel[i],
                                     .upcall_pending = &upcall[i],
                                     .upcall_mask = &upcall_mask[i],
                                     .present = i < 2};
    evtchn_init(&table, flags & 1, flags & 2 ? 32 : 64);
    if (flags & 4)
        evtchn_bind_service(&table, 1, EVTCHN_SERVICE_XENSTORE);
    for (; size >= 8; data += 8, size -= 8) {
        uint32_t a = data[1] | (uint32_t)data[2] << 8, b = get32(data + 4);
        if (data[3] & 1)
            a |= 0xffff0000;
        if (!(data[3] & 2))
            b &= 0xff;
        evtchn_effect_clear(&effect);
        switch (data[0] % 14) {
        case 0:
            evtchn_alloc_unbound(&table, data[3] & 4 ? 0x7ff0 : a, b, &port);
            break;
        case 1:
            evtchn_bind_interdomain(&table, data[3] & 4 ? 0x7ff0 : a, b, &port, &effect);
            break;
        case 2:
            evtchn_bind_virq(&table, a, b, &port);
            break;
        case 3:
            evtchn_bind_ipi(&table, a, &port);
            break;
        case 4:
            evtchn_bind_pirq(&table, a & 0xff, &port);
            break;
        case 5:
            evtchn_close(&table, a, &effect);
            break;
        case 6:
            evtchn_send(&table, a, &effect);
            break;
        case 7:
            evtchn_status(&table, data[3] & 4 ? 0x7ff0 : b, a, &answer);
            break;
        case 8:
            evtchn_bind_vcpu(&table, a, b);
            break;
        case 9:
            evtchn_unmask(&table, a, &effect);
            break;
        case 10:
            evtchn_raise_virq(&table, a % EVTCHN_VIRQ_COUNT, b % CPUS, &effect);
            break;
        case 11:
            cpu[b % CPUS].polling = true;
            cpu[b % CPUS].poll_port = (uint16_t)(a % table.max_ports);
            break;
        case 12:
            mask[a % sizeof(mask)] = data[4];
            upcall[b % CPUS] = 0;
            break;
        default:
            if (evtchn_port_is_valid(&table, a) && table.port[a].state != EVTCHN_FREE)
                evtchn_set_pending(&table, a, &effect);
            break;
        }
        if (effect.wake >> CPUS)
            abort();
    }
    check_bindings(&table);
}

static void silent(struct out *out, const char *text, size_t size)
{
    (void)out;
    (void)text;
    (void)size;
}

static void drive_console(const uint8_t *data, size_t size)
{
    static struct xencons_interface ring;
    static struct console_input input;
    struct out nowhere = {silent, NULL};
    memset(&input, 0, sizeof(input));
    memset(&ring, 0, sizeof(ring));
    for (; size >= 8; data += 8, size -= 8) {
        switch (data[0] % 4) {
        case 0:
            ring.out_prod += get32(data + 4) & (data[1] & 1 ? ~0u : 0xfff);
            break;
        case 1:
            ring.in_cons += get32(data + 4) & (data[1] & 1 ? ~0u : 0xff);
            break;
        case 2:
            for (unsigned i = 0; i < data[1]; i++)
                console_input_put(&input, (char)data[2]);
            break;
        default:
            memset(ring.out, data[1], sizeof(ring.out));
            break;
        }
        console_ring_move(&ring, &input, &nowhere);
        if (input.head >= CONSOLE_INPUT_SIZE || input.count > CONSOLE_INPUT_SIZE)
            abort();
    }
}

static void drive_pool(const uint8_t *data, size_t size)
{
    static uint8_t frame[FRAMES];
    struct frame_pool pool = {.frame = frame, .count = FRAMES};
    memset(frame, 0, sizeof(frame));
    for (; size >= 4; data += 4, size -= 4) {
        if (data[0] & 1) {
            uint64_t mfn = data[1];
            if (!(frame[mfn] & FRAME_FREE))
                frame_pool_put(&pool, mfn);
            else if (data[0] & 2)
                frame_pool_take(&pool, mfn);
            continue;
        }
        uint32_t order = data[1] % 16;
        uint64_t limit = data[2] | (uint64_t)(data[3] & 1) << 40;
        uint64_t before = pool.free, got = frame_pool_get(&pool, order, limit);
        if (got == ~UINT64_C(0))
            continue;
        if (got + (UINT64_C(1) << order) > FRAMES || got + (UINT64_C(1) << order) > limit ||
            pool.free != before - (UINT64_C(1) << order))
            abort();
    }
}

static void drive_time(const uint8_t *data, size_t size)
{
    uint64_t hz, ns;
    if (size < 16)
        return;
    memcpy(&hz, data, 8);
    memcpy(&ns, data + 8, 8);
    struct timescale scale = timescale_from_hz(hz);
    (void)timescale_ns(scale, ns);
    (void)timescale_ticks(hz, ns);
    uint32_t rem = 0, divisor = (uint32_t)hz | 1;
    uint64_t quotient = divide_u64_u32(ns, divisor, &rem);
    if (quotient != ns / divisor || rem != ns % divisor)
        abort();
    unsigned __int128 exact = (unsigned __int128)ns * (uint32_t)(hz >> 32) / divisor;
    uint64_t expected = exact >> 64 ? ~UINT64_C(0) : (uint64_t)exact;
    if (multiply_divide_u64(ns, (uint32_t)(hz >> 32), divisor) != expected)
        abort();
    struct calendar date = {get32(data), data[4], data[5], data[6], data[7], data[8]};
    (void)calendar_to_unix(&date);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    switch (data[0] % 4) {
    case 0:
        drive_evtchn(data[1], data + 2, size - 2);
        break;
    case 1:
        drive_console(data + 2, size - 2);
        break;
    case 2:
        drive_pool(data + 2, size - 2);
        break;
    default:
        drive_time(data + 2, size - 2);
        break;
    }
    return 0;
}
