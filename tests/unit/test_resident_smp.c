/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Starting application processors (smp.c): one that comes early, in the last moment, too late or
 * never.  The first CPU's clock is the test's; the other CPU is a thread that comes when it says.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "acpi.h"
#include "entry.h"
#include "context.h"
#include "descriptors.h"
#include "lapic.h"
#include "machine_reader.h"
#include "mc_banks.h"
#include "smp.h"
#include "start.h"
#include "timer.h"
#include "voice.h"

#define MS       UINT64_C(1000000)
#define MEMORY   (UINT64_C(2) << 20)
#define ROOT     UINT64_C(0x100000)
#define LATE_ID  7u /* APIC ids */
#define OTHER_ID 9u
#define NEVER    UINT64_MAX
#define LOW_PAGE 0x8fu

struct layer layer;
uint8_t *machine_memory;
const struct reader machine_reader;

static struct vcpu vcpu[3];
static uint8_t frames[MEMORY >> PAGE_SHIFT];
static uint64_t ns, comes_at, next_page;
static pthread_t late;
static enum { AWAY, ASKED, INSIDE, HALTED, STARTED } late_state; /* atomic */
static uint32_t inits, inits_inside; /* to the late CPU; inside: while it was in there */
static bool startup;                 /* the other one was asked to start */

/* What smp.c copies and fills in: one array, whose parts have the names of trampoline64.asm's. */
uint8_t trampoline_bytes[160] __asm__("trampoline");
#define PART(name, at) __asm__(".globl " #name "\n.set " #name ", trampoline + " #at)
PART(trampoline_gdtr, 16);
PART(trampoline_cr3, 32);
PART(trampoline_far, 48);
PART(trampoline_stack, 64);
PART(trampoline_target, 80);
PART(trampoline_vcpu, 96);
PART(trampoline_gdt, 112);
PART(trampoline_long, 128);
PART(trampoline_end, 144);

static unsigned late_is(void)
{
    return __atomic_load_n(&late_state, __ATOMIC_SEQ_CST);
}

static void late_becomes(unsigned state)
{
    __atomic_store_n(&late_state, state, __ATOMIC_SEQ_CST);
}

static void *run_late(void *unused)
{
    (void)unused;
    ap_start(&vcpu[1]);
}

/* The late CPU runs its first instructions: until it is in the layer, or stands still. */
static void late_comes(void)
{
    late_becomes(ASKED);
    assert_int_equal(pthread_create(&late, NULL, run_late, NULL), 0);
    while (late_is() == ASKED)
        usleep(50);
}

/* ---- the machine ---------------------------------------------------------------------------- */

uint64_t time_ns(void)
{
    ns += MS / 50;
    if (ns >= comes_at && late_is() == AWAY)
        late_comes();
    return ns;
}

void lapic_send_init(uint32_t apic_id)
{
    if (apic_id != LATE_ID)
        return;
    inits++;
    inits_inside += late_is() == INSIDE;
}

void lapic_send_startup(uint32_t apic_id, uint8_t page)
{
    assert_int_equal(page, LOW_PAGE);
    if (apic_id == OTHER_ID && !startup) {
        startup = true;
        vcpu[2].start = 1;
        vcpu[2].started = 1;
    }
}

void init_cpu(struct vcpu *v)
{
    assert_ptr_equal(v, &vcpu[1]);
    late_becomes(INSIDE);
    usleep(2000); /* it is not fast either */
}

void layer_wait_for_interrupt(struct vcpu *v)
{
    assert_int_equal(v->started, 1);
    late_becomes(STARTED);
    pthread_exit(NULL);
}

void cpu_halt(void)
{
    late_becomes(HALTED);
    pthread_exit(NULL);
}

void *layer_pages(uint64_t count)
{
    void *ret = machine_memory + next_page;
    next_page += count * PAGE_SIZE;
    return ret;
}

void *cpu_self(void)
{
    return &vcpu[0];
}

uint64_t cpu_tsc(void)
{
    return ns;
}

void say(enum log_level_layer level, const char *format, ...)
{
    (void)level, (void)format;
}

bool lapic_present(void)
{
    return true;
}

bool lapic_is_x2apic(void)
{
    return false;
}

/* Not reached here. */
bool acpi_read_madt(const struct reader *reader, uint64_t rsdp, struct acpi_madt *ret)
{
    (void)reader, (void)rsdp, (void)ret;
    return false;
}

struct vcpu *cpu_block_make(uint32_t id)
{
    (void)id;
    return NULL;
}

void cpu_load(struct vcpu *v)
{
    (void)v;
}

void cpu_set_cr3(uint64_t value)
{
    (void)value;
}

_Noreturn void enter_guest(void)
{
    abort();
}

void lapic_send_nmi(uint32_t apic_id)
{
    (void)apic_id;
}

void mc_banks_save(struct vcpu *v)
{
    (void)v;
}

void vcpu_begin(struct vcpu *v)
{
    (void)v;
}

void voice_report(void)
{
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void start_with_late_cpu_at(uint64_t when)
{
    static uint32_t apic_id[3] = {0, LATE_ID, OTHER_ID};
    memset(vcpu, 0, sizeof(vcpu));
    memset(frames, FRAME_RAM, sizeof(frames));
    layer = (struct layer){.frame = frames, .frame_count = MEMORY >> PAGE_SHIFT, .root = ROOT};
    layer.cpu_count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        vcpu[i].id = i;
        vcpu[i].apic_id = apic_id[i];
        layer.vcpu[i] = &vcpu[i];
    }
    ns = 0;
    next_page = ROOT + PAGE_SIZE;
    comes_at = when;
    inits = inits_inside = 0;
    startup = false;
    late_becomes(AWAY);
    memset(machine_memory + LOW_PAGE * PAGE_SIZE, 0x5a, PAGE_SIZE);
    smp_start();
    for (uint64_t i = 0; i < PAGE_SIZE; i++) /* the guest's memory is as it was */
        assert_int_equal(machine_memory[LOW_PAGE * PAGE_SIZE + i], 0x5a);
    assert_int_equal(vcpu[2].started, 1);
    assert_ptr_equal(layer.vcpu[2], &vcpu[2]);
}

static void assert_it_is_used(void)
{
    assert_int_equal(pthread_join(late, NULL), 0);
    assert_int_equal(late_is(), STARTED);
    assert_ptr_equal(layer.vcpu[1], &vcpu[1]);
    assert_int_equal(inits, 1); /* that which begins its start */
}

static void assert_it_is_left_out(void)
{
    assert_null(layer.vcpu[1]);
    assert_int_equal(vcpu[1].started, 0);
    assert_int_equal(inits, 2);
}

static void test_in_time(void **state)
{
    (void)state;
    start_with_late_cpu_at(20 * MS);
    assert_it_is_used();
}

static void test_never(void **state)
{
    (void)state;
    start_with_late_cpu_at(NEVER);
    assert_it_is_left_out();
    /* It comes after all, before its INIT: it touches nothing. */
    late_comes();
    assert_int_equal(pthread_join(late, NULL), 0);
    assert_int_equal(late_is(), HALTED);
    assert_int_equal(vcpu[1].started, 0);
}

/* True when it was used; no INIT meets it in the layer, whatever becomes of it. */
static bool is_used(uint64_t when)
{
    start_with_late_cpu_at(when);
    assert_int_equal(inits_inside, 0);
    if (layer.vcpu[1]) {
        assert_it_is_used();
        return true;
    }
    assert_it_is_left_out();
    if (late_is() != AWAY) {
        assert_int_equal(pthread_join(late, NULL), 0);
        assert_int_equal(late_is(), HALTED);
    }
    return false;
}

/* The last moment in which it may come, and all around it. */
static void test_last_moment(void **state)
{
    uint64_t early = 20 * MS, last = 20000 * MS;
    (void)state;
    while (last - early > MS / 100) {
        uint64_t middle = early + (last - early) / 2;
        if (is_used(middle))
            early = middle;
        else
            last = middle;
    }
    assert_true(early > 5000 * MS);
    for (uint64_t when = early - 2 * MS; when < early + 2 * MS; when += MS / 50)
        assert_int_equal(is_used(when), when <= early);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_time),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_last_moment),
    };
    machine_memory = calloc(1, MEMORY);
    assert_non_null(machine_memory);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
