/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Application processors: found in the MADT, started by INIT and start-up IPIs, kept in the layer
 * until the guest switches their vCPU on.
 *
 * Source: Intel SDM vol. 3 8.4.4.1 (typical BSP initialization sequence); ACPI 6.5 5.2.12.
 */
#include "smp.h"
#include "acpi.h"
#include "context.h"
#include "descriptors.h"
#include "entry.h"
#include "lapic.h"
#include "mc_banks.h"
#include "machine_reader.h"
#include "memory.h"
#include "start.h"
#include "timer.h"
#include "voice.h"

#define LOW_FIRST  UINT64_C(0x1000) /* where a trampoline may stand */
#define LOW_END    UINT64_C(0x90000)
#define LEGACY_MAX 32 /* vcpu_info structs in shared_info */
#define INFO_SIZE  64

extern uint8_t trampoline[], trampoline_end[], trampoline_gdtr[], trampoline_cr3[],
    trampoline_far[], trampoline_stack[], trampoline_vcpu[], trampoline_target[], trampoline_gdt[],
    trampoline_long[];

static uint8_t *low; /* the page, through the direct map */
static uint8_t saved[PAGE_SIZE];

/* ---- finding them ---------------------------------------------------------------------------- */

static volatile uint8_t *first_info(uint32_t id)
{
    static uint8_t *more;
    if (id < LEGACY_MAX)
        return (volatile uint8_t *)layer.shared + id * INFO_SIZE;
    /* No place in shared_info: until the guest registers one, events have nowhere to go. */
    if (!more)
        more = layer_pages(1);
    return more ? more + (id - LEGACY_MAX) * INFO_SIZE : NULL;
}

static bool add_vcpu(uint32_t apic_id)
{
    uint32_t id = layer.cpu_count;
    struct vcpu *v = cpu_block_make(id);
    if (!v)
        return false;
    v->apic_id = apic_id;
    v->info = first_info(id);
    if (!v->info)
        return false;
    v->info[1] = 1;
    layer.vcpu[id] = v;
    layer.cpu_count = id + 1;
    return true;
}

/* Makes the vCPUs; before the parts that count them. */
void smp_find(void)
{
    static struct acpi_madt madt;
    uint32_t most = layer.handover->cpu_count_max;
    /* A mask of vCPUs is a long of the guest. */
    uint32_t limit = layer.compat ? LEGACY_MAX : VCPU_MAX;
    if (most == 0 || most > limit)
        most = limit;
    if (!lapic_present() || most == 1 ||
        !acpi_read_madt(&machine_reader, layer.handover->rsdp, &madt))
        return;
    for (uint32_t i = 0; i < madt.cpu_count && layer.cpu_count < most; i++) {
        const struct acpi_cpu *cpu = &madt.cpu[i];
        if (!cpu->enabled || cpu->apic_id == layer.vcpu[0]->apic_id)
            continue;
        if (cpu->apic_id > 0xfe) {
            say(SAY_INFO, "CPU with APIC id %u is left out: needs x2APIC", cpu->apic_id);
            continue;
        }
        if (!add_vcpu(cpu->apic_id)) {
            say(SAY_INFO, "no memory for more than %u CPUs", layer.cpu_count);
            return;
        }
    }
}

/* ---- starting them -------------------------------------------------------------------------- */

static uint64_t place_of(const void *symbol)
{
    return pointer_maddr(low) + (uint64_t)((const uint8_t *)symbol - trampoline);
}

static void put(const void *symbol, uint64_t value, size_t size)
{
    memcpy(low + ((const uint8_t *)symbol - trampoline), &value, size);
}

static bool find_low_page(void)
{
    for (uint64_t at = LOW_END - PAGE_SIZE; at >= LOW_FIRST; at -= PAGE_SIZE)
        if (frame_is_guest(at >> PAGE_SHIFT)) {
            low = maddr_pointer(at);
            return true;
        }
    return false;
}

/* Our root with an identity map of the first 2 MiB, for the way up. */
static uint64_t identity_root(void)
{
    uint64_t *l4 = layer_pages(1), *l3 = layer_pages(1), *l2 = layer_pages(1);
    if (!l4 || !l3 || !l2)
        return 0;
    memcpy(l4, maddr_pointer(layer.root), PAGE_SIZE);
    l4[0] = pointer_maddr(l3) | PTE_P | PTE_RW;
    l3[0] = pointer_maddr(l2) | PTE_P | PTE_RW;
    l2[0] = PTE_P | PTE_RW | PTE_PS;
    return pointer_maddr(l4);
}

static void wait_ns(uint64_t ns)
{
    uint64_t end = time_ns() + ns;
    while (time_ns() < end)
        __builtin_ia32_pause();
}

/* struct vcpu's start.  A CPU takes its vCPU before it touches anything that is shared, and only
 * one that has not may be given up: the INIT then meets it outside of every lock. */
enum { START_WANTED, START_TAKEN, START_GIVEN_UP };

static bool start_decide(struct vcpu *v, uint8_t decision)
{
    uint8_t wanted = START_WANTED;
    return __atomic_compare_exchange_n(&v->start, &wanted, decision, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static bool is_coming(const struct vcpu *v)
{
    return __atomic_load_n(&v->start, __ATOMIC_ACQUIRE) == START_TAKEN;
}

static bool finish_start(const struct vcpu *v)
{
    while (!__atomic_load_n(&v->started, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
    return true;
}

/* The manual's patience is for a CPU that runs; an emulator on a busy host may run it late. */
static bool start(struct vcpu *v)
{
    put(trampoline_vcpu, (uint64_t)v, 8);
    put(trampoline_stack, v->stack_top - sizeof(struct frame), 8);
    lapic_send_init(v->apic_id);
    wait_ns(10000000);
    for (int attempt = 0; attempt < 2; attempt++) {
        lapic_send_startup(v->apic_id, (uint8_t)(pointer_maddr(low) >> PAGE_SHIFT));
        for (int wait = 0; wait < (attempt ? 5000 : 1000); wait++) {
            if (is_coming(v))
                return finish_start(v);
            wait_ns(attempt ? 1000000 : 100000);
        }
    }
    if (!start_decide(v, START_GIVEN_UP))
        return finish_start(v);
    lapic_send_init(v->apic_id); /* the trampoline will be gone */
    return false;
}

/* Starts them all, one after the other; the last of the layer's own start. */
void smp_start(void)
{
    if (layer.cpu_count < 2)
        return;
    uint64_t root = identity_root();
    if (!root || !find_low_page()) {
        say(SAY_INFO, "no memory below 1 MiB to start the other CPUs: one is used");
        layer.cpu_count = 1;
        return;
    }
    memcpy(saved, low, PAGE_SIZE);
    memcpy(low, trampoline, (size_t)(trampoline_end - trampoline));
    put(trampoline_gdtr + 2, place_of(trampoline_gdt), 4);
    put(trampoline_cr3, root, 4);
    put(trampoline_far, place_of(trampoline_long), 4);
    put(trampoline_target, (uint64_t)ap_start, 8);
    uint32_t up = 1;
    for (uint32_t i = 1; i < layer.cpu_count; i++) {
        if (start(layer.vcpu[i])) {
            up++;
            continue;
        }
        say(SAY_ALWAYS, "CPU %u (APIC id %u) does not answer its start: it is left out", i,
            layer.vcpu[i]->apic_id);
        layer.vcpu[i] = NULL;
    }
    memcpy(low, saved, PAGE_SIZE);
    say(SAY_INFO, "CPUs: %u of %u started%s", up, layer.cpu_count,
        lapic_is_x2apic() ? ", by x2APIC" : "");
}

_Noreturn void ap_start(struct vcpu *v)
{
    while (!start_decide(v, START_TAKEN))
        cpu_halt(); /* too late: until the INIT comes */
    cpu_set_cr3(layer.root);
    cpu_load(v);
    init_cpu(v);
    __atomic_store_n(&v->started, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&v->online, __ATOMIC_ACQUIRE))
        layer_wait_for_interrupt(v);
    vcpu_begin(v);
    enter_guest();
}

/* ---- across CPUs ---------------------------------------------------------------------------- */

#define STOP_MS 1000 /* that another CPU may take to stop; an emulator may run it late */

static void wait_until_stopped(const struct vcpu *v)
{
    uint64_t start = cpu_tsc(), patience = (uint64_t)layer.tsc_khz * STOP_MS;
    while (!__atomic_load_n(&v->stopped, __ATOMIC_ACQUIRE) && cpu_tsc() - start < patience)
        __builtin_ia32_pause();
}

_Noreturn void smp_stop_here(struct vcpu *v)
{
    mc_banks_save(v);
    __atomic_store_n(&v->stopped, 1, __ATOMIC_RELEASE);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void stop_all_but(const struct vcpu *self)
{
    for (uint32_t i = 0; i < layer.cpu_count; i++) {
        struct vcpu *v = layer.vcpu[i];
        if (!v || v == self)
            continue;
        work_set(v, WORK_STOP);
        lapic_send_nmi(v->apic_id);
    }
    for (uint32_t i = 0; i < layer.cpu_count; i++)
        if (layer.vcpu[i] && layer.vcpu[i] != self && layer.vcpu[i]->started)
            wait_until_stopped(layer.vcpu[i]);
}

void smp_stop_others(void)
{
    static uint32_t reporter; /* vCPU number + 1 */
    if (layer.cpu_count >= 2) {
        struct vcpu *self = cpu_vcpu();
        uint32_t first = 0;
        if (__atomic_compare_exchange_n(&reporter, &first, self->id + 1, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            stop_all_but(self);
        else if (first != self->id + 1)
            smp_stop_here(self);
    }
    voice_report();
}
