/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From the model of a machine to a guest that runs on the layer: what the stage leaves, the guest's
 * start of day, and in the order of start.c the layer's own start.  Also those parts of the layer
 * that the host cannot have: its voice, its end, the start of other CPUs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "calibrate.h"
#include "descriptors.h"
#include "entry.h"
#include "machine.h"
#include "memory.h"
#include "model.h"
#include "pagetable.h"
#include "power.h"
#include "recorded.h"
#include "smp.h"
#include "spinlock.h"
#include "start.h"
#include "trap.h"
#include "voice.h"

#define GUEST_BASE_64  UINT64_C(0xffffffff80000000)
#define GUEST_BASE_PAE UINT64_C(0xc0000000)
#define TABLE          (PTE_P | PTE_RW | PTE_US | PTE_A)

static struct machine_config config;
jmp_buf *machine_escape;
bool machine_verbose;
struct out *layer_out;

uint64_t guest_base(void)
{
    return layer.compat ? GUEST_BASE_PAE : GUEST_BASE_64;
}

/* ---- in the place of layer.c, report.c, power.c ---------------------------------------------- */

static void put_text(struct out *out, const char *text, size_t size)
{
    (void)out;
    if (machine_verbose)
        fwrite(text, 1, size, stderr);
}

static struct out voice = {.put = put_text};

/* As the layer's: who writes to the consoles is alone. */
static struct spinlock speaking;

struct voice voice_take(void)
{
    spin_lock(&speaking);
    return (struct voice){false};
}

void voice_give(struct voice taken)
{
    if (!taken.alone)
        spin_unlock(&speaking);
}

/* Formatted always: what is said is read out of the layer's memory. */
void say(enum log_level_layer level, const char *format, ...)
{
    va_list args;
    (void)level;
    out_text(&voice, "paravane: ");
    va_start(args, format);
    out_vprintf(&voice, format, args);
    va_end(args);
    out_text(&voice, "\n");
}

_Noreturn void model_end(enum machine_end end)
{
    if (!machine_escape)
        abort();
    longjmp(*machine_escape, (int)end);
}

_Noreturn void guest_crash(struct vcpu *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    out_text(&voice, "the guest crashed: ");
    out_vprintf(&voice, format, args);
    out_text(&voice, "\n");
    va_end(args);
    recorded_print(v);
    model_end(MACHINE_CRASHED);
}

/* Its guests have no symbols. */
void print_symbol(uint64_t address)
{
    (void)address;
}

/* Neither is ever the answer to anything that a guest does. */
_Noreturn void machine_check(const struct frame *frame)
{
    layer_panic(frame, "machine check");
}

_Noreturn void layer_panic(const struct frame *frame, const char *format, ...)
{
    va_list args;
    (void)frame;
    machine_verbose = true;
    va_start(args, format);
    out_text(&voice, "fault in the resident layer: ");
    out_vprintf(&voice, format, args);
    out_text(&voice, "\n");
    va_end(args);
    abort();
}

_Noreturn void layer_end(enum end end, uint32_t code)
{
    (void)end;
    (void)code;
    model_end(MACHINE_OFF);
}

void power_init(void)
{
}

void power_off_by_values(uint16_t pm1a, uint16_t pm1b)
{
    (void)pm1a;
    (void)pm1b;
}

void calibrate(struct calibration *ret)
{
    *ret = (struct calibration){MODEL_HZ, MODEL_HZ / MODEL_LAPIC_TICK, "the model"};
}

/* What the entry stubs have; nothing jumps there. */
const uint8_t vector_stubs[256 * VECTOR_STUB_SIZE] = {0};
const struct fixup fixup_start[1], fixup_end[1];

void syscall_entry(void)
{
}

void syscall32_entry(void)
{
}

void load_tables(const void *gdtr, const void *idtr)
{
    (void)gdtr;
    (void)idtr;
}

/* ---- in the place of smp.c ------------------------------------------------------------------ */

void smp_find(void)
{
    for (uint32_t id = 1; id < config.cpus; id++) {
        struct vcpu *v = cpu_block_make(id);
        if (!v)
            abort();
        v->apic_id = id;
        v->info = (volatile uint8_t *)layer.shared + id * 64;
        v->info[1] = 1;
        layer.vcpu[id] = v;
        layer.cpu_count = id + 1;
        machine_cpu[id].v = v;
    }
}

void smp_start(void)
{
    for (uint32_t id = 1; id < layer.cpu_count; id++) {
        machine_be(id);
        cpu_set_cr3(layer.root);
        init_cpu(layer.vcpu[id]);
        layer.vcpu[id]->started = 1;
    }
    machine_be(0);
}

void smp_stop_others(void)
{
}

_Noreturn void smp_stop_here(struct vcpu *v)
{
    (void)v;
    model_end(MACHINE_OFF);
}

/* ---- what the firmware and the stage leave -------------------------------------------------- */

static void put(uint64_t maddr, const void *from, uint64_t size)
{
    memcpy(machine_at(maddr), from, size);
}

static void sign(uint64_t table, uint64_t size, uint64_t at)
{
    uint8_t *bytes = machine_at(table), sum = 0;
    for (uint64_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[at] = (uint8_t)-sum;
}

static uint64_t make_acpi(void)
{
    static const uint8_t entries[] = {
        1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0,  0, 0, 0, /* IO-APIC, GSI 0 on */
        2, 10, 0, 0, 2, 0, 0,    0,    0,  0,       /* the timer is GSI 2 */
        2, 10, 0, 9, 9, 0, 0,    0,    15, 0,       /* SCI: level, low */
    };
    uint64_t rsdp = (uint64_t)FRAME_ACPI << PAGE_SHIFT, rsdt = rsdp + 0x40, madt = rsdp + 0x80;
    uint32_t madt_size = 44 + sizeof(entries);
    put(rsdp, "RSD PTR ", 8);
    put(rsdp + 16, &(uint32_t){(uint32_t)rsdt}, 4);
    sign(rsdp, 20, 8);
    put(rsdt, "RSDT", 4);
    put(rsdt + 4, &(uint32_t){40}, 4);
    put(rsdt + 36, &(uint32_t){(uint32_t)madt}, 4);
    sign(rsdt, 40, 9);
    put(madt, "APIC", 4);
    put(madt + 4, &madt_size, 4);
    put(madt + 36, &(uint32_t){0xfee00000}, 4);
    put(madt + 44, entries, sizeof(entries));
    sign(madt, madt_size, 9);
    put(IOAPIC_MEMORY + 16, &(uint32_t){0x00170011}, 4); /* version; 24 pins */
    return rsdp;
}

/* Vendor, header type 0; BAR 0 below 4 GiB, BAR 2 above; MSI of 64 bits with mask; MSI-X of 8
 * messages at the end of BAR 0's page, of 4096 by its size field: most are not there. */
static void make_device(void)
{
    uint8_t *c = model.pci;
    memset(c, 0, sizeof(model.pci));
    memcpy(c, &(uint32_t){0x12345678}, 4);
    c[6] = 0x10; /* has capabilities */
    memcpy(c + 0x10, &(uint32_t){(uint32_t)DEVICE_MEMORY}, 4);
    memcpy(c + 0x18, &(uint32_t){4}, 4);
    memcpy(c + 0x1c, &(uint32_t){(uint32_t)(DEVICE_HIGH >> 32)}, 4);
    c[0x34] = MODEL_MSI;
    c[MODEL_MSI] = 5;
    c[MODEL_MSI + 1] = MODEL_MSIX;
    c[MODEL_MSI + 2] = 0x80;
    c[MODEL_MSI + 3] = 1;
    c[MODEL_MSIX] = 0x11;
    c[MODEL_MSIX + 2] = 0xff;
    c[MODEL_MSIX + 4] = 2; /* the table is in BAR 2 */
}

static uint64_t page_of(uint32_t pfn)
{
    return (uint64_t)(FRAME_GUEST + pfn) << PAGE_SHIFT;
}

static void link_entry(uint32_t table, uint32_t index, uint64_t entry)
{
    put(page_of(table) + index * 8, &entry, 8);
}

static void fill_leaves(uint32_t l1)
{
    for (uint32_t i = 0; i < GUEST_MAPPED; i++)
        link_entry(l1, i, page_of(i) | PTE_P | PTE_A | PTE_US | (i < GUEST_TABLES ? 0 : PTE_RW));
}

static void make_tree_64(uint32_t first)
{
    link_entry(first, 511, page_of(first + 1) | TABLE);
    link_entry(first + 1, 510, page_of(first + 2) | TABLE);
    link_entry(first + 2, 0, page_of(first + 3) | TABLE);
    fill_leaves(first + 3);
}

static void make_tree_pae(uint32_t first)
{
    link_entry(first, 3, page_of(first + 1) | PTE_P);
    link_entry(first + 1, 0, page_of(first + 2) | TABLE);
    fill_leaves(first + 2);
}

static void make_guest(void)
{
    if (config.compat) {
        make_tree_pae(0);
        make_tree_pae(4);
    } else {
        make_tree_64(0);
        make_tree_64(4);
    }
}

#define BYTES(frame) ((uint64_t)(frame) << PAGE_SHIFT)

static struct handover *make_handover(void)
{
    static const struct handover_memory map[] = {
        {BYTES(FRAME_LOW), BYTES(FRAME_LOW_END), 1, 0},
        {BYTES(FRAME_ACPI), BYTES(FRAME_ACPI + 1), 3, 0},
        {BYTES(FRAME_IMAGE), BYTES(FRAME_END), 1, 0},
        {IOAPIC_MEMORY, IOAPIC_MEMORY + PAGE_SIZE, 2, 0},
    };
    static const struct handover_run runs[] = {
        {0, FRAME_GUEST, GUEST_PAGES},
        {GUEST_PAGES, FRAME_LOW, FRAME_LOW_END - FRAME_LOW},
    };
    /* The stage's own things stand in pages that become the guest's. */
    uint64_t at = page_of(GUEST_PAGES - 1), map_at = at + 0x800, runs_at = at + 0xc00;
    struct handover h = {
        .magic = HANDOVER_MAGIC,
        .version = HANDOVER_VERSION,
        .size = sizeof(h),
        .flags = config.dom0 ? HANDOVER_DOM0 : 0,
        .guest_class = config.compat ? GUEST_PV32PAE : GUEST_PV64,
        .log_level = 2,
        .trace = "all",
        .layer = BYTES(FRAME_IMAGE),
        .layer_size = BYTES(FRAME_M2P - FRAME_IMAGE),
        .m2p = BYTES(FRAME_M2P),
        .m2p_size = BYTES(FRAME_ARENA - FRAME_M2P),
        .arena = BYTES(FRAME_ARENA),
        .arena_size = BYTES(FRAME_GUEST - FRAME_ARENA),
        .dma_reserve = BYTES(config.reserve_pages),
        .map = map_at,
        .map_count = sizeof(map) / sizeof(map[0]),
        .runs = runs_at,
        .run_count = sizeof(runs) / sizeof(runs[0]),
        .nr_pages = GUEST_PAGES + FRAME_LOW_END - FRAME_LOW,
        .shared_info = BYTES(FRAME_SHARED),
        .console_mfn = config.dom0 ? 0 : FRAME_CONSOLE,
        .xenstore_mfn = config.dom0 ? 0 : FRAME_XENSTORE,
        .entry = guest_base() + BYTES(GUEST_STACK),
        .stack_top = guest_base() + BYTES(GUEST_STACK + 1),
        .start_info = guest_base(),
        .page_table_root = page_of(0),
        .virt_base = guest_base(),
        .v_end = guest_base() + BYTES(GUEST_MAPPED),
        .hypercall_page = page_of(GUEST_STACK + 1),
        .hv_start_low = COMPAT_HOLE,
        .rsdp = make_acpi(),
        .wall_clock = 1000000000,
        .tsc_at_entry = 1,
    };
    put(map_at, map, sizeof(map));
    put(runs_at, runs, sizeof(runs));
    put(at, &h, sizeof(h));
    return machine_at(at);
}

/* As layer_start() does it, but for what early.c and the CPU's own tables are about. */
void machine_start(const struct machine_config *wanted)
{
    model_variables_anew();
    config = *wanted;
    model_memory_make();
    memset(machine_cpu, 0, sizeof(machine_cpu));
    memset(&model, 0, sizeof(model));
    model.clock = MODEL_HZ;
    make_device();
    machine_be(0);
    layer_out = &voice;
    layer.compat = config.compat;
    layer.dom0 = config.dom0;
    layer.guest_class = config.compat ? GUEST_PV32PAE : GUEST_PV64;
    const struct handover *h = make_handover();
    layer.handover = h;
    layer.load = h->layer;
    layer.arena_next = h->arena;
    layer.arena_end = h->arena + h->arena_size;
    layer.root = pointer_maddr(layer_pages(1));

    model_m2p_frames(true);
    memory_init(h);
    model_m2p_frames(false);
    memset(machine_at(page_of(GUEST_PAGES - 1)), 0, PAGE_SIZE);
    make_guest();
    idt_make();
    trap_refresh_gate(0x82);
    layer.shared_mfn = layer.handover->shared_info >> PAGE_SHIFT;
    layer.shared = maddr_pointer(layer.handover->shared_info);

    struct vcpu *v = cpu_block_make(0);
    if (!v)
        abort();
    layer.vcpu[0] = v;
    layer.cpu_count = 1;
    machine_cpu[0].v = v;
    v->online = 1;
    v->kernel_mode = 1;
    v->info = (volatile uint8_t *)layer.shared;
    cpu_set_cr4(0x6a8);
    seen_cr4(v);
    init_all();
    uint64_t end = layer.arena_next + BYTES(config.arena_pages);
    if (config.arena_pages && end < layer.arena_end)
        layer.arena_end = end;

    memcpy(layer.slot, (const uint64_t *)maddr_pointer(layer.root) + HOLE_SLOT, sizeof(layer.slot));
    entry_state(v);
    uint64_t root = layer.handover->page_table_root >> PAGE_SHIFT;
    if (layer.compat)
        hole_install(v->compat_root);
    if (root_set(v, root))
        abort();
    layer.frame[root] |= FRAME_PINNED;
    fill_hypercall_page();
    io_privilege_set(v, 0);
    init_cpu(v);
}

/* The one object of layer.c. */
#include "variables.h"
struct layer layer;
