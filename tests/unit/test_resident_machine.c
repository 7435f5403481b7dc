/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls of the 64-bit resident layer on the model of a machine (tests/machine/): refusals that
 * protect the tables in use, and vCPUs that others switch off.  One machine for all tests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "entry.h"
#include "machine.h"
#include "runstate.h"
#include "start.h"
#include "timer.h"

#define ARGS 12u /* guest page */

static long call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    struct frame *f = cpu_vcpu()->frame;
    f->rax = number;
    f->rdi = a;
    f->rsi = b;
    f->rdx = c;
    f->r10 = d;
    hypercall_entry(f);
    return (long)f->rax;
}

static uint64_t argument(const void *from, uint64_t size)
{
    uint64_t at = guest_base() + ARGS * PAGE_SIZE;
    assert_int_equal(copy_to_guest(at, from, size), 0);
    return at;
}

static long mmuext(uint32_t command, uint64_t mfn)
{
    struct mmuext_op op = {.cmd = command, .arg1.mfn = mfn};
    return call(__HYPERVISOR_mmuext_op, argument(&op, sizeof(op)), 1, 0, DOMID_SELF);
}

static long update(uint64_t place, uint64_t entry)
{
    uint64_t op[2] = {place, entry};
    return call(__HYPERVISOR_mmu_update, argument(op, sizeof(op)), 1, 0, DOMID_SELF);
}

static uint64_t maddr_of(uint32_t page)
{
    return (uint64_t)(FRAME_GUEST + page) << PAGE_SHIFT;
}

/* Pages 0 to 3 are the tree in use, L4 to L1. */
static void test_no_table_is_a_root_of_another_level(void **state)
{
    (void)state;
    for (uint32_t page = 1; page <= 3; page++) {
        assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, FRAME_GUEST + page), -XEN_EINVAL);
        assert_int_equal(mmuext(MMUEXT_NEW_USER_BASEPTR, FRAME_GUEST + page), -XEN_EINVAL);
        assert_int_equal(mmuext(MMUEXT_PIN_L4_TABLE, FRAME_GUEST + page), -XEN_EINVAL);
    }
    assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, FRAME_GUEST + 2), -XEN_EINVAL);
    assert_int_equal(mmuext(MMUEXT_PIN_L1_TABLE, FRAME_GUEST + 3), 0);
    assert_int_equal(mmuext(MMUEXT_UNPIN_TABLE, FRAME_GUEST + 3), 0);
    assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, FRAME_GUEST), 0);
}

/* A root that names itself stays a root: the hypervisor's entries cannot be written by its name. */
static void test_linear_tables_keep_their_level(void **state)
{
    (void)state;
    assert_int_equal(update(maddr_of(0) + 8, maddr_of(0) | PTE_P), 0);
    assert_int_equal(mmuext(MMUEXT_NEW_BASEPTR, FRAME_GUEST), 0);
    assert_int_equal(update(maddr_of(0) + 8 * HOLE_SLOT, 0), -XEN_EINVAL);
    assert_int_equal(update(maddr_of(0) + 8, 0), 0);
}

/* Nor by the addresses at which it then shows its tables, as L1 entries. */
static void test_linear_tables_are_no_l1(void **state)
{
    const uint64_t linear = UINT64_C(0x0000008040200000); /* L4 slot 1 at every level: the root */
    const uint64_t hole = *(uint64_t *)machine_at(maddr_of(0) + 8 * HOLE_SLOT);
    (void)state;
    assert_int_equal(update(maddr_of(0) + 8, maddr_of(0) | PTE_P), 0);
    for (uint32_t slot = HOLE_SLOT; slot < HOLE_SLOT + 2; slot++)
        assert_int_equal(call(__HYPERVISOR_update_va_mapping, linear + slot * PAGE_SIZE, 0, 0, 0),
                         -XEN_EINVAL);
    assert_int_equal(*(uint64_t *)machine_at(maddr_of(0) + 8 * HOLE_SLOT), hole);
    assert_int_equal(update(maddr_of(0) + 8, 0), 0);
}

static void test_large_pages_are_refused(void **state)
{
    (void)state;
    assert_int_equal(update(maddr_of(2) + 8, maddr_of(0) | PTE_P | PTE_RW | PTE_PS), -XEN_EINVAL);
    assert_int_equal(update(maddr_of(1) + 8, maddr_of(0) | PTE_P | PTE_RW | PTE_PS), -XEN_EINVAL);
}

static void test_tables_hold_nothing_else(void **state)
{
    struct vcpu_register_vcpu_info info = {.mfn = FRAME_GUEST + 3};
    uint64_t frame = FRAME_GUEST + 3;
    (void)state;
    assert_int_equal(
        call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, argument(&info, sizeof(info)), 0),
        -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_set_gdt, argument(&frame, sizeof(frame)), 8, 0, 0),
                     -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_update_descriptor, maddr_of(3) + 0x800,
                          UINT64_C(0x00cff3000000ffff), 0, 0),
                     -XEN_EINVAL);
}

static void test_mmcfg_reserved(void **state)
{
    struct physdev_pci_mmcfg_reserved op = {.address = 0xe0000000, .end_bus = 255};
    (void)state;
    assert_int_equal(call(__HYPERVISOR_physdev_op, PHYSDEVOP_pci_mmcfg_reserved,
                          argument(&op, sizeof(op)), 0, 0),
                     0);
}

/* How it ends when the vCPU goes back to its guest. */
static int end_of_return(void)
{
    jmp_buf escape;
    int end = setjmp(escape);
    if (end == MACHINE_RUNS) {
        machine_escape = &escape;
        exit_work();
    }
    machine_escape = NULL;
    return end;
}

static bool sleeps(void)
{
    return end_of_return() == MACHINE_SLEEPS;
}

static void test_another_vcpu_is_switched_off(void **state)
{
    struct vcpu *v = layer.vcpu[1];
    (void)state;
    v->online = 1;
    v->run.initialised = true;
    entry_state(v);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0, 0), 0);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0), 0);
    machine_be(1);
    assert_true(sleeps());
    machine_be(0);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0), 0);
    machine_be(1);
    assert_false(sleeps());
    machine_be(0);
}

/* ---- grants --------------------------------------------------------------------------------- */

#define GRANTED     70u /* guest pages: this one is granted… */
#define WINDOW      64u /* …and mapped here */
#define REF         8u
#define IN_USE      (GTF_permit_access | GTF_reading | GTF_writing)
#define UNMAPS_MOST 40u

static volatile grant_entry_v1_t *granted;
static uint32_t flushes, marked; /* on the other CPU; how often the grant was marked used then */

static void other_has_flushed(struct vcpu *v, uint8_t vector, void *context)
{
    (void)v;
    (void)vector;
    (void)context;
    flushes++;
    marked += granted->flags == IN_USE;
}

/* What other CPUs may still reach is not told to be free.  Last: the other CPU's IPI is taken. */
static void test_grants_are_in_use_until_all_have_flushed(void **state)
{
    uint64_t list, at = guest_base() + WINDOW * PAGE_SIZE;
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
    struct gnttab_map_grant_ref in = {.host_addr = at, .flags = GNTMAP_host_map, .ref = REF};
    struct gnttab_unmap_grant_ref out[UNMAPS_MOST];
    (void)state;
    set_xen_guest_handle_raw(setup.frame_list, (void *)(guest_base() + ARGS * PAGE_SIZE + 2048));
    assert_int_equal(call(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
                          argument(&setup, sizeof(setup)), 1, 0),
                     0);
    assert_int_equal(copy_from_guest(&list, guest_base() + ARGS * PAGE_SIZE + 2048, 8), 0);
    granted = (grant_entry_v1_t *)machine_at(list << PAGE_SHIFT) + REF;
    granted->domid = 0;
    granted->frame = FRAME_GUEST + GRANTED;
    granted->flags = GTF_permit_access;
    assert_int_equal(
        call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, argument(&in, sizeof(in)), 1, 0),
        0);
    assert_int_equal(copy_from_guest(&in, guest_base() + ARGS * PAGE_SIZE, sizeof(in)), 0);
    assert_int_equal(in.status, GNTST_okay);
    assert_int_equal(granted->flags, IN_USE);

    /* Several times in one call: the first counts. */
    layer.vcpu[1]->online = 1;
    irq_set_handler(VECTOR_IPI, other_has_flushed, NULL);
    flushes = marked = 0;
    for (uint32_t i = 0; i < UNMAPS_MOST; i++)
        out[i] = (struct gnttab_unmap_grant_ref){.host_addr = at, .handle = in.handle};
    assert_int_equal(call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
                          argument(out, sizeof(out)), UNMAPS_MOST, 0),
                     0);
    assert_int_equal(copy_from_guest(out, guest_base() + ARGS * PAGE_SIZE, sizeof(out)), 0);
    assert_int_equal(out[0].status, GNTST_okay);
    for (uint32_t i = 1; i < UNMAPS_MOST; i++)
        assert_int_equal(out[i].status, GNTST_bad_handle);
    assert_int_equal(marked, 1);
    assert_true(flushes >= 1);
    assert_int_equal(granted->flags, GTF_permit_access);
}

/* vCPU 0 looks after the watchdogs also when it is off itself.  The last test: it ends the machine.
 */
static void test_watchdog_of_a_vcpu_that_is_off(void **state)
{
    struct sched_watchdog op = {.id = 0, .timeout = 1};
    (void)state;
    assert_int_equal(call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, argument(&op, sizeof(op)), 0, 0),
                     1);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0), 0);
    layer.vcpu[1]->online = 1;
    uint64_t start = time_ns();
    machine_pass_time(900000000); /* it wakes for the console all the time */
    machine_be(1);
    assert_int_equal(call(__HYPERVISOR_vcpu_op, VCPUOP_down, 0, 0, 0), 0);
    machine_be(0);
    assert_int_equal(end_of_return(), MACHINE_OFF);
    assert_in_range(time_ns() - start, 900000000, 1100000000);
}

/* ---- run states ----------------------------------------------------------------------------- */

#define AREA_PAGE_END (14u * PAGE_SIZE)

static uint64_t area_at; /* of page 0; across two pages, so that it is written in pieces */
static struct vcpu_runstate_info last; /* that a reader took for whole */
static uint32_t pieces, looked_again;

/* Another CPU reads as public/vcpu.h has it, after each piece that is written. */
static void read_area(uint64_t maddr, uint64_t size)
{
    struct vcpu_runstate_info now;
    (void)size;
    if (maddr < maddr_of(0) + area_at || maddr >= maddr_of(0) + area_at + sizeof(now))
        return;
    memcpy(&now, machine_at(maddr_of(0) + area_at), sizeof(now));
    pieces++;
    if (now.state_entry_time & XEN_RUNSTATE_UPDATE) {
        looked_again++;
        return;
    }
    uint64_t sum = now.time[0] + now.time[1] + now.time[2] + now.time[3];
    uint64_t last_sum = last.time[0] + last.time[1] + last.time[2] + last.time[3];
    if (last.state_entry_time != 0) {
        assert_int_equal(now.state_entry_time - last.state_entry_time, sum - last_sum);
        assert_int_equal(now.state, last.state ^ RUNSTATE_running ^ RUNSTATE_blocked);
    }
    last = now;
}

static void count_pieces(uint64_t maddr, uint64_t size)
{
    (void)maddr;
    (void)size;
    pieces++;
    looked_again += *(uint64_t *)machine_at(maddr_of(0) + area_at + 8) >> 63;
}

static long register_area(uint64_t area)
{
    return call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
                argument(&area, sizeof(area)), 0);
}

static long assist(uint32_t command)
{
    return call(__HYPERVISOR_vm_assist, command, VMASST_TYPE_runstate_update_flag, 0, 0);
}

static void change_states(void (*look)(uint64_t, uint64_t))
{
    pieces = looked_again = 0;
    machine_on_guest_write = look;
    for (uint32_t i = 0; i < 5; i++) {
        runstate_change(layer.vcpu[0], RUNSTATE_blocked);
        machine_pass_time(1000000);
        runstate_change(layer.vcpu[0], RUNSTATE_running);
        machine_pass_time(3000);
    }
    machine_on_guest_write = NULL;
}

static void test_runstate_areas_tell_of_their_update(void **state)
{
    (void)state;
    for (uint32_t before = 8; before < sizeof(last); before += 8) {
        area_at = AREA_PAGE_END - before;
        last = (struct vcpu_runstate_info){0};
        assert_int_equal(assist(VMASST_CMD_enable), 0);
        assert_int_equal(register_area(guest_base() + area_at), 0);
        change_states(read_area);
        assert_int_equal(last.state, RUNSTATE_running);
        assert_true(last.time[RUNSTATE_blocked] >= 5000000);
        assert_int_equal(pieces, 10 * 4);
        assert_int_equal(looked_again, 10 * 3);
        /* Off again, there is one writing and no flag. */
        assert_int_equal(assist(VMASST_CMD_disable), 0);
        change_states(count_pieces);
        assert_int_equal(pieces, 10 * 2);
        assert_int_equal(looked_again, 0);
    }
    assert_int_equal(register_area(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_table_is_a_root_of_another_level),
        cmocka_unit_test(test_linear_tables_keep_their_level),
        cmocka_unit_test(test_linear_tables_are_no_l1),
        cmocka_unit_test(test_large_pages_are_refused),
        cmocka_unit_test(test_tables_hold_nothing_else),
        cmocka_unit_test(test_mmcfg_reserved),
        cmocka_unit_test(test_another_vcpu_is_switched_off),
        cmocka_unit_test(test_runstate_areas_tell_of_their_update),
        cmocka_unit_test(test_grants_are_in_use_until_all_have_flushed),
        cmocka_unit_test(test_watchdog_of_a_vcpu_that_is_off),
    };
    struct machine_config config = {.dom0 = true, .cpus = 2};
    machine_start(&config);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
