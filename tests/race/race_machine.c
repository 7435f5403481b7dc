/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The resident layer's hypercalls under ThreadSanitizer: four vCPUs, a thread each, on the model of
 * a machine (tests/machine/), on one set of page tables and on each other's timers, without a lock
 * between them that a guest's kernel would have.
 *
 * Covers pagetable.c, hc_mmu.c, tlb.c (entries and marks of shared tables, pins, roots, flushes
 * with the wait for the others), timer.c, runstate.c, hc_vcpu.c, hc_sched.c (deadlines of other
 * vCPUs, run states read by others, clock pages), event.c over evtchn.c (IPIs between all), frames
 * and memory_op, hc_grant.c and grant_map.c, the layer's own memory as it grows. Not covered:
 * devices (pirq.c and below), starting and stopping vCPUs, entry stubs.
 *
 * Also counts: after the run no periodic timer that was stopped may still tick, and no accessed or
 * dirty bit that a CPU set may be lost by an update that keeps them.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "machine.h"
#include "pagetable.h"
#include "start.h"
#include "runstate.h"
#include "timer.h"

#define CPUS    4u
#define ROUNDS  3000
#define POLLS   20000
#define ENOUGH  20                 /* seconds of them, on a host that is too busy for all */
#define LIMIT   60                 /* seconds, for a poll that waits for ever */
#define L1      (FRAME_GUEST + 3u) /* of the tree in use */
#define ARGS    12u                /* each vCPU's page of arguments: ARGS + id */
#define LISTS   16u
#define SHARED  32u /* pages whose entries all of them change */
#define DIRTY   48u /* a page whose entry one keeps writing while its CPU sets the dirty bit */
#define WINDOW  64u /* each vCPU's page where it maps… */
#define GRANTED 70u /* …this one of its own */

static int lost;
static uint32_t running = CPUS;
static uint32_t port[CPUS];

static uint64_t virtual(uint32_t page)
{
    return guest_base() + page * PAGE_SIZE;
}

static long call(struct vcpu *v, uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct frame *f = v->frame;
    f->rax = number;
    f->rdi = a;
    f->rsi = b;
    f->rdx = c;
    f->r10 = d;
    hypercall_entry(f);
    long answer = (long)f->rax;
    machine_poll();
    return answer;
}

static uint64_t argument(const struct vcpu *v, const void *from, uint64_t size)
{
    uint64_t at = virtual(ARGS + v->id);
    if (copy_to_guest(at, from, size))
        abort();
    return at;
}

static long mmuext(struct vcpu *v, uint32_t command, uint64_t arg1, uint64_t arg2)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = arg1};
    memcpy(&op.arg2, &arg2, sizeof(arg2));
    return call(v, __HYPERVISOR_mmuext_op, argument(v, &op, sizeof(op)), 1, 0, DOMID_SELF);
}

static long update(struct vcpu *v, uint64_t place, uint64_t entry)
{
    uint64_t op[2] = {place, entry};
    return call(v, __HYPERVISOR_mmu_update, argument(v, op, sizeof(op)), 1, 0, DOMID_SELF);
}

static uint64_t place_of(uint32_t page)
{
    return ((uint64_t)L1 << PAGE_SHIFT) + page * 8;
}

static uint64_t leaf(uint32_t page, uint64_t flags)
{
    return (uint64_t)(FRAME_GUEST + page) << PAGE_SHIFT | PTE_P | PTE_US | PTE_A | flags;
}

/* Page tables: leaves, a second tree that comes and goes, roots, flushes. */
static void do_tables(struct vcpu *v, uint32_t *seed)
{
    uint32_t page = SHARED + (uint32_t)rand_r(seed) % 8;
    uint64_t write = rand_r(seed) & 1 ? PTE_RW : 0;
    switch (rand_r(seed) % 9) {
    case 0:
        (void)update(v, place_of(page), leaf(page, write));
        break;
    case 1:
        (void)update(v, place_of(page) | MMU_PT_UPDATE_PRESERVE_AD, leaf(page, write));
        break;
    case 2:
        (void)call(v, __HYPERVISOR_update_va_mapping, virtual(page), leaf(page, write),
                   UVMF_INVLPG | UVMF_ALL, 0);
        break;
    case 3: /* a table without entries: linked, unlinked */
        (void)update(v, ((uint64_t)(FRAME_GUEST + 2) << PAGE_SHIFT) + 8 * (8 + v->id),
                     write ? leaf(9, PTE_RW) : 0);
        break;
    case 4:
        (void)mmuext(v, MMUEXT_PIN_L4_TABLE, FRAME_GUEST + 4, 0);
        break;
    case 5:
        (void)mmuext(v, MMUEXT_UNPIN_TABLE, FRAME_GUEST + 4, 0);
        break;
    case 6:
        (void)mmuext(v, MMUEXT_NEW_USER_BASEPTR, write ? FRAME_GUEST + 4 : 0, 0);
        break;
    case 7:
        (void)mmuext(v, MMUEXT_NEW_BASEPTR, FRAME_GUEST, 0);
        break;
    default:
        (void)mmuext(v, write ? MMUEXT_TLB_FLUSH_ALL : MMUEXT_INVLPG_ALL, virtual(page), 0);
        break;
    }
}

/* Frames given back and asked for again. */
static void do_memory(struct vcpu *v, uint32_t page)
{
    uint64_t list[2] = {FRAME_GUEST + page, page};
    if (copy_to_guest(virtual(LISTS + v->id), list, sizeof(list)))
        abort();
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = DOMID_SELF};
    set_xen_guest_handle_raw(op.extent_start, (void *)virtual(LISTS + v->id));
    if (call(v, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, argument(v, &op, sizeof(op)),
             0, 0) != 1)
        return;
    set_xen_guest_handle_raw(op.extent_start, (void *)(virtual(LISTS + v->id) + 8));
    (void)call(v, __HYPERVISOR_memory_op, XENMEM_populate_physmap, argument(v, &op, sizeof(op)), 0,
               0);
}

/* A memory map; or a table of grants that grows, and a grant of its own mapped and unmapped. */
static void do_domain(struct vcpu *v, uint32_t *seed)
{
    uint64_t list[8];
    struct xen_foreign_memory_map map = {.domid = DOMID_SELF, .map.nr_entries = 2};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF,
                                       .nr_frames = 1 + (uint32_t)rand_r(seed) % 8};
    if (v->id == 0) {
        set_xen_guest_handle_raw(map.map.buffer, (void *)virtual(LISTS));
        if (call(v, __HYPERVISOR_memory_op, XENMEM_set_memory_map, argument(v, &map, sizeof(map)),
                 0, 0))
            abort();
        return;
    }
    set_xen_guest_handle_raw(setup.frame_list, (void *)virtual(LISTS + v->id));
    if (call(v, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
             argument(v, &setup, sizeof(setup)), 1, 0) ||
        copy_from_guest(list, virtual(LISTS + v->id), sizeof(list)))
        abort();
    grant_entry_v1_t *entry = (grant_entry_v1_t *)machine_at(list[0] << PAGE_SHIFT) + 8 + v->id;
    entry->domid = 0;
    entry->frame = FRAME_GUEST + GRANTED + v->id;
    __atomic_store_n(&entry->flags, GTF_permit_access, __ATOMIC_SEQ_CST);
    struct gnttab_map_grant_ref in = {
        .host_addr = virtual(WINDOW + v->id), .flags = GNTMAP_host_map, .ref = 8 + v->id};
    if (call(v, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, argument(v, &in, sizeof(in)),
             1, 0) ||
        copy_from_guest(&in, virtual(ARGS + v->id), sizeof(in)) || in.status != GNTST_okay)
        abort();
    struct gnttab_unmap_grant_ref out = {.host_addr = in.host_addr, .handle = in.handle};
    if (call(v, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
             argument(v, &out, sizeof(out)), 1, 0) ||
        copy_from_guest(&out, virtual(ARGS + v->id), sizeof(out)) || out.status != GNTST_okay)
        abort();
}

static void do_timers(struct vcpu *v, uint32_t *seed)
{
    uint32_t other = (uint32_t)rand_r(seed) % CPUS;
    uint64_t soon = time_ns() + (uint64_t)rand_r(seed) % 100000;
    struct vcpu_set_periodic_timer periodic = {1000000 + (uint64_t)rand_r(seed) % 1000};
    uint64_t area = virtual(ARGS + v->id) + 0x800;
    switch (rand_r(seed) % 7) {
    case 0:
        (void)call(v, __HYPERVISOR_set_timer_op, soon, 0, 0, 0);
        break;
    case 1:
        (void)call(v, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, other,
                   argument(v, &periodic, sizeof(periodic)), 0);
        break;
    case 2:
        (void)call(v, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, other, 0, 0);
        break;
    case 3:
        (void)call(v, __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, other, area, 0);
        break;
    case 4:
        (void)call(v, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, v->id,
                   argument(v, &area, sizeof(area)), 0);
        break;
    case 5:
        runstate_change(v, rand_r(seed) & 1 ? RUNSTATE_blocked : RUNSTATE_running);
        break;
    default:
        machine_pass_time(50000);
        break;
    }
}

static void do_events(struct vcpu *v, uint32_t *seed)
{
    uint32_t to = port[(uint32_t)rand_r(seed) % CPUS];
    (void)call(v, __HYPERVISOR_event_channel_op, rand_r(seed) & 1 ? EVTCHNOP_send : EVTCHNOP_unmask,
               argument(v, &to, sizeof(to)), 0, 0);
    (void)call(v, __HYPERVISOR_vm_assist, rand_r(seed) & 1, VMASST_TYPE_writable_pagetables, 0, 0);
}

/* One CPU writes through a mapping while another changes the mapping's permissions but keeps A and
 * D: the bit that was set by the write may go only when an update without them took it. */
static void do_dirty(struct vcpu *v)
{
    uint64_t place = place_of(DIRTY), *entry = machine_at(place), maddr;
    if (v->id & 1) {
        (void)update(v, place | MMU_PT_UPDATE_PRESERVE_AD, leaf(DIRTY, PTE_RW));
        return;
    }
    if (v->id == 0 && machine_walk(virtual(DIRTY), true, &maddr) &&
        !(__atomic_load_n(entry, __ATOMIC_RELAXED) & PTE_D))
        __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
}

static void wait_for_event(struct vcpu *v)
{
    uint8_t *pending = (uint8_t *)layer.shared + offsetof(struct shared_info, evtchn_pending);
    uint8_t bit = (uint8_t)(1u << port[v->id] % 8);
    struct sched_poll op = {.nr_ports = 1};
    if (copy_to_guest(virtual(LISTS + v->id), &port[v->id], sizeof(port[v->id])))
        abort();
    set_xen_guest_handle_raw(op.ports, (void *)virtual(LISTS + v->id));
    while (
        !(__atomic_fetch_and(&pending[port[v->id] / 8], (uint8_t)~bit, __ATOMIC_SEQ_CST) & bit)) {
        if (call(v, __HYPERVISOR_sched_op, SCHEDOP_poll, argument(v, &op, sizeof(op)), 0, 0))
            abort();
    }
    /* As if the upcall had been taken; it is masked. */
    __atomic_store_n(&v->info[0], 0, __ATOMIC_SEQ_CST);
    __atomic_store_n((uint64_t *)(v->info + 8), 0, __ATOMIC_SEQ_CST);
}

/* Two wait for each other's event by turns, without a limit: one that is lost is one too many. */
static void ping_pong(struct vcpu *v)
{
    static int turns = 2 * POLLS;
    const time_t start = time(NULL);
    uint32_t other = port[v->id ^ 1u];
    for (int turn = 0; turn < __atomic_load_n(&turns, __ATOMIC_SEQ_CST); turn++) {
        if ((turn & 1) != (int)v->id) {
            wait_for_event(v);
            alarm(LIMIT);
            continue;
        }
        if (v->id == 0 && time(NULL) - start > ENOUGH) /* the other's last event */
            __atomic_store_n(&turns, turn + 1, __ATOMIC_SEQ_CST);
        (void)call(v, __HYPERVISOR_event_channel_op, EVTCHNOP_send,
                   argument(v, &other, sizeof(other)), 0, 0);
    }
}

static void *poller(void *id)
{
    machine_be((uint32_t)(uintptr_t)id);
    ping_pong(cpu_vcpu());
    return NULL;
}

static void *vcpu(void *id)
{
    uint32_t self = (uint32_t)(uintptr_t)id, seed = self * 7919 + 1;
    machine_be(self);
    struct vcpu *v = cpu_vcpu();
    for (int round = 0; round < ROUNDS; round++) {
        switch (round == 0 ? 0 : rand_r(&seed) % 9) {
        case 0: /* first, while nothing else has brought the CPUs in step */
            do_domain(v, &seed);
            break;
        case 1:
        case 2:
        case 3:
            do_tables(v, &seed);
            break;
        case 4:
        case 5:
            do_timers(v, &seed);
            break;
        case 6:
            do_memory(v, 50 + self);
            break;
        case 7:
            do_events(v, &seed);
            break;
        default:
            do_dirty(v);
            break;
        }
        machine_poll();
    }
    /* The others may still wait for an answer. */
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST))
        machine_poll();
    return NULL;
}

static void bring_up(uint32_t id)
{
    struct vcpu *v = layer.vcpu[id];
    machine_be(id);
    if (id != 0) {
        entry_state(v);
        v->kernel_root = layer.vcpu[0]->kernel_root;
        root_load(v);
        v->online = 1;
        runstate_change(v, RUNSTATE_running);
    }
    struct evtchn_bind_ipi op = {.vcpu = id};
    if (call(v, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, argument(v, &op, sizeof(op)), 0,
             0))
        abort();
    if (copy_from_guest(&op, virtual(ARGS + id), sizeof(op)))
        abort();
    port[id] = op.port;
}

int main(void)
{
    pthread_t thread[CPUS];
    struct machine_config config = {.dom0 = true, .cpus = CPUS};
    machine_start(&config);
    machine_threads = true;
    for (uint32_t id = 0; id < CPUS; id++)
        bring_up(id);
    alarm(LIMIT);
    for (uintptr_t id = 0; id < 2; id++)
        pthread_create(&thread[id], NULL, poller, (void *)id);
    for (uint32_t id = 0; id < 2; id++)
        pthread_join(thread[id], NULL);
    alarm(0);
    for (uintptr_t id = 0; id < CPUS; id++)
        pthread_create(&thread[id], NULL, vcpu, (void *)id);
    for (uint32_t id = 0; id < CPUS; id++)
        pthread_join(thread[id], NULL);

    if (lost)
        fprintf(stderr, "%d dirty bits were lost\n", lost);
    for (uint32_t id = 0; id < CPUS; id++) {
        machine_be(id);
        (void)call(cpu_vcpu(), __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, id, 0, 0);
        if (layer.vcpu[id]->clock.periodic != 0) {
            fprintf(stderr, "vCPU %u: a stopped timer ticks\n", id);
            lost++;
        }
    }
    return lost != 0;
}
