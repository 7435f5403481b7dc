/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile guest on the 64-bit resident layer: hypercalls with arguments of the right shape and
 * wrong values, in between traps, interrupts, time, other vCPUs and what a kernel stores itself.
 * The machine is a model (tests/machine/); the layer's files are the product's.
 *
 * Input: one byte for the machine (role, width, CPUs, room), then operations, each of as many bytes
 * as it takes; what is missing reads as zero.
 *
 * After each operation:
 *   what is returned is an answer or an errno;
 *   frames keep their owners, nothing that is the layer's was written (the model faults);
 *   no entry of a table in use names a frame that it must not, unless the guest stored it itself;
 *   roots in use are the guest's and carry the hypervisor's entries;
 *   the guest's frame has its own privilege level, interrupts on and no I/O privilege.
 * A guest that crashes, switches off or sleeps for good ends the run.
 *
 * hypercalls/: the input as values (input.c), the table of calls (calls.c), their arguments
 * (build.c), what a guest does (guest.c), the checks (check.c).
 */
#include "hypercalls/hypercalls.h"

#define OPERATIONS 48

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t machine_of(uint8_t bits, struct machine_config *ret)
{
    *ret = (struct machine_config){
        .dom0 = bits & 1,
        .compat = bits & 2,
        .cpus = bits & 2 ? 1 : 3,
        .arena_pages = bits & 4 ? 6 : 200, /* 6: no room for all grant frames */
        .reserve_pages = bits & 1 ? 8 : 0,
    };
    return bits & 7;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made[MACHINE_STATES];
    struct machine_config config;
    jmp_buf escape;
    input_start(data, size);
    machine_verbose = getenv("VERBOSE") != NULL;
    uint32_t place = machine_of((uint8_t)take(1), &config);
    if (!made[place]) {
        machine_start(&config);
        machine_save(place);
        made[place] = true;
    } else {
        machine_restore(place);
    }
    machine_be(0);
    guest_start();
    check_start();
    machine_escape = &escape;
    check_all();
    if (setjmp(escape) == MACHINE_RUNS) {
        for (uint32_t i = 0; i < OPERATIONS && !input_ended(); i++) {
            operate();
            check_all();
        }
    }
    machine_escape = NULL;
    check_memory();
    return 0;
}
