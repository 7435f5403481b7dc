/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The model's CPUs and what they reach by instruction: registers, MSRs with the local APIC among
 * them, CPUID, the clock, ports with a PCI device behind them.  See machine.h.
 */
#include <sched.h>
#include <stdlib.h>

#include "entry.h"
#include "machine.h"
#include "model.h"
#include "msr.h"

#define MSR_X2APIC_ID  0x802u
#define MSR_ICR        0x830u
#define MSR_TIMER      0x838u
#define MSR_X2APIC_END 0x840u
#define CR0_TS         UINT64_C(8)
#define TICK           UINT64_C(64) /* what the clock goes on by each time that it is read */

static _Thread_local uint32_t self;
struct machine_cpu machine_cpu[MACHINE_CPUS];
struct model model;
bool machine_threads;

void machine_be(uint32_t id)
{
    self = id;
    if (!machine_threads)
        model.waits = 0; /* a run begins */
}

void *cpu_self(void)
{
    return machine_cpu[self].v;
}

#define CPU_REGISTER(name, field)                                                                  \
    uint64_t cpu_##name(void)                                                                      \
    {                                                                                              \
        return machine_cpu[self].field;                                                            \
    }                                                                                              \
    void cpu_set_##name(uint64_t value)                                                            \
    {                                                                                              \
        machine_cpu[self].field = value;                                                           \
    }

CPU_REGISTER(cr0, cr0)
CPU_REGISTER(cr2, cr2)
CPU_REGISTER(cr3, cr3)
CPU_REGISTER(cr4, cr4)
CPU_REGISTER(dr0, dr[0])
CPU_REGISTER(dr1, dr[1])
CPU_REGISTER(dr2, dr[2])
CPU_REGISTER(dr3, dr[3])
CPU_REGISTER(dr6, dr[6])
CPU_REGISTER(dr7, dr[7])

/* There is no TLB. */
void cpu_invlpg(uint64_t address)
{
    (void)address;
}

void cpu_wbinvd(void)
{
}

void cpu_clts(void)
{
    machine_cpu[self].cr0 &= ~CR0_TS;
}

void cpu_lldt(uint16_t selector)
{
    machine_cpu[self].ldt = selector;
}

void cpu_ltr(uint16_t selector)
{
    (void)selector;
}

/* The reserved selectors of level 3 as a 64-bit guest has them. */
uint32_t cpu_lar(uint16_t selector)
{
    return selector == 0xe033 ? 0x20fb00 : selector == 0xe02b ? 0xc0f300 : 0;
}

uint64_t cpu_tsc(void)
{
    return __atomic_add_fetch(&model.clock, TICK, __ATOMIC_RELAXED);
}

void cpu_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t ret[4])
{
    static const struct {
        uint32_t leaf, value[4];
    } table[] = {
        {0, {0xd, 0x756e6547, 0x6c65746e, 0x49656e69}},
        {1, {0x506e3, 0x00100800, 0x7ffafbff, 0x078bfbff}},
        {0x80000000, {0x80000008, 0, 0, 0}},
        {0x80000001, {0, 0, 0x21, 0x2c100800}},
        {0x80000007, {0, 0, 0, 0x100}},
        {0x80000008, {0x3028, 0, 0, 0}},
    };
    (void)subleaf;
    memset(ret, 0, 16);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].leaf == leaf)
            memcpy(ret, table[i].value, 16);
}

/* ---- MSRs ----------------------------------------------------------------------------------- */

static uint64_t *msr_place(uint32_t msr)
{
    switch (msr) {
    case MSR_FS_BASE:
        return &machine_cpu[self].fs_base;
    case MSR_GS_BASE:
        return &machine_cpu[self].gs_base;
    case MSR_KERNEL_GS:
        return &machine_cpu[self].kernel_gs;
    default:
        return NULL;
    }
}

bool rdmsr_fixup(uint32_t msr, uint64_t *ret)
{
    const uint64_t *place = msr_place(msr);
    if (place)
        *ret = *place;
    else if (msr == MSR_APIC_BASE)
        *ret = UINT64_C(0xfee00c00) | (self == 0 ? 0x100 : 0);
    else if (msr == MSR_X2APIC_ID)
        *ret = self;
    else if (msr == MSR_PAT)
        *ret = UINT64_C(0x0007040600070406);
    else if (msr == MSR_EFER)
        *ret = 0xd01;
    else
        return false;
    return true;
}

static void send(uint32_t target, uint32_t command)
{
    if (target >= MACHINE_CPUS || (command & 0x700) != 0)
        return;
    __atomic_fetch_or(&machine_cpu[target].pending[command >> 6 & 3], UINT64_C(1) << (command & 63),
                      __ATOMIC_SEQ_CST);
    if (machine_threads || target == self || !machine_cpu[target].v)
        return;
    /* The other one takes it at once, as if it had been idle or in its guest. */
    uint32_t before = self;
    self = target;
    machine_poll();
    self = before;
}

bool wrmsr_fixup(uint32_t msr, uint64_t value)
{
    uint64_t *place = msr_place(msr);
    if (place) {
        /* The real ones refuse what is not canonical: the layer must have looked. */
        if ((uint64_t)((int64_t)(value << 16) >> 16) != value)
            abort();
        *place = value;
    } else if (msr == MSR_ICR) {
        send((uint32_t)(value >> 32), (uint32_t)value);
    } else if (msr == MSR_TIMER) {
        machine_cpu[self].timer_due = value ? cpu_tsc() + value * MODEL_LAPIC_TICK : 0;
    } else if (msr != MSR_PAT && (msr < 0x800 || msr >= MSR_X2APIC_END)) {
        return false;
    }
    return true;
}

uint64_t cpu_rdmsr(uint32_t msr)
{
    uint64_t value = 0;
    if (!rdmsr_fixup(msr, &value) && (msr < 0x800 || msr >= MSR_X2APIC_END))
        abort(); /* #GP in the layer */
    return value;
}

void cpu_wrmsr(uint32_t msr, uint64_t value)
{
    if (!wrmsr_fixup(msr, value))
        abort();
}

bool xsetbv_fixup(uint32_t index, uint64_t value)
{
    return index == 0 && (value & 1) && !(value & ~UINT64_C(7));
}

bool load_segments_fixup(const uint16_t selector[3])
{
    bool fine = true;
    for (int i = 0; i < 3; i++)
        fine = fine && ((selector[i] & ~3) == 0 || selector[i] == 0xe02b);
    return fine;
}

bool load_gs_fixup(uint16_t selector)
{
    machine_cpu[self].gs_base = 0;
    return (selector & ~3) == 0 || selector == 0xe02b;
}

/* ---- interrupts ------------------------------------------------------------------------------ */

void machine_interrupt(uint8_t vector)
{
    struct frame frame = {.vector = vector};
    trap_from_layer(&frame);
}

void machine_poll(void)
{
    struct machine_cpu *c = &machine_cpu[self];
    uint64_t due = c->timer_due;
    if (due != 0 && __atomic_load_n(&model.clock, __ATOMIC_RELAXED) >= due) {
        c->timer_due = 0;
        machine_interrupt(VECTOR_TIMER);
    }
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t bits = __atomic_exchange_n(&c->pending[i], 0, __ATOMIC_SEQ_CST);
        for (; bits; bits &= bits - 1)
            machine_interrupt((uint8_t)(64 * i + (uint32_t)__builtin_ctzll(bits)));
    }
}

void machine_pass_time(uint64_t ns)
{
    __atomic_add_fetch(&model.clock, ns, __ATOMIC_RELAXED);
    machine_poll();
}

/* One thread: the clock jumps to this CPU's timer, and without one nothing will ever wake it. */
void cpu_wait(void)
{
    if (!machine_threads) {
        const struct machine_cpu *c = &machine_cpu[self];
        bool pending = c->pending[0] | c->pending[1] | c->pending[2] | c->pending[3];
        if (!pending && (c->timer_due == 0 || ++model.waits > MODEL_WAITS))
            model_end(MACHINE_SLEEPS);
        if (!pending && c->timer_due > model.clock)
            model.clock = c->timer_due;
    } else {
        sched_yield(); /* to the CPU that is waited for */
    }
    machine_poll();
}

void cpu_halt(void)
{
    model_end(MACHINE_OFF);
}

/* ---- ports ----------------------------------------------------------------------------------- */

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc

/* Where a configuration access goes, NULL when no device answers. */
static uint8_t *config_place(uint16_t port, uint32_t size)
{
    uint32_t address = model.pci_address, at = (address & 0xfc) + (port & 3);
    if (!(address >> 31) || (address >> 8 & 0xffff) != PCI_DEVICE || at + size > 256)
        return NULL;
    return model.pci + at;
}

/* All bits read as one where there is nothing. */
static uint32_t port_read(uint16_t port, uint32_t size)
{
    uint32_t value = 0xffffffff;
    if (port == CONFIG_ADDRESS && size == 4)
        return model.pci_address;
    if ((port & ~3) == CONFIG_DATA) {
        const uint8_t *at = config_place(port, size);
        if (at)
            memcpy(&value, at, size);
    }
    return value;
}

/* Of the device, the two capabilities' own fields can be written. */
static void port_write(uint16_t port, uint32_t value, uint32_t size)
{
    if (port == CONFIG_ADDRESS && size == 4)
        model.pci_address = value;
    if ((port & ~3) != CONFIG_DATA)
        return;
    uint8_t *at = config_place(port, size);
    if (at && at >= model.pci + MODEL_MSI + 4 && at + size <= model.pci + MODEL_MSI + 24)
        memcpy(at, &value, size);
}

#define PORT(bits)                                                                                 \
    void port_write##bits(uint16_t port, uint##bits##_t value)                                     \
    {                                                                                              \
        port_write(port, value, bits / 8);                                                         \
    }                                                                                              \
    uint##bits##_t port_read##bits(uint16_t port)                                                  \
    {                                                                                              \
        return (uint##bits##_t)port_read(port, bits / 8);                                          \
    }

PORT(8)
PORT(16)
PORT(32)
