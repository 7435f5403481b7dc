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
#include "start.h"

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

/* Ends with the vCPU asleep in the layer. */
static bool sleeps(void)
{
    jmp_buf escape;
    int end = setjmp(escape);
    if (end == MACHINE_RUNS) {
        machine_escape = &escape;
        exit_work();
    }
    machine_escape = NULL;
    return end == MACHINE_SLEEPS;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_table_is_a_root_of_another_level),
        cmocka_unit_test(test_linear_tables_keep_their_level),
        cmocka_unit_test(test_large_pages_are_refused),
        cmocka_unit_test(test_tables_hold_nothing_else),
        cmocka_unit_test(test_mmcfg_reserved),
        cmocka_unit_test(test_another_vcpu_is_switched_off),
    };
    struct machine_config config = {.dom0 = true, .cpus = 2};
    machine_start(&config);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
