/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Local APIC.  See lapic.h.  Source: Intel SDM volume 3, chapter "APIC" (register offsets, x2APIC
 * MSR = 0x800 + offset / 16, ICR layouts); message format: same chapter, "Message Signalled
 * Interrupts".
 */
#include "lapic.h"

#include "msr.h"

#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define MSR_X2APIC       0x800

enum {
    APIC_ID = 0x20,
    APIC_TPR = 0x80,
    APIC_EOI = 0xb0,
    APIC_SVR = 0xf0,
    APIC_ESR = 0x280,
    APIC_ICR = 0x300,
    APIC_ICR_HIGH = 0x310,
    APIC_LVT_TIMER = 0x320,

    APIC_LVT_LINT0 = 0x350,
    APIC_LVT_LINT1 = 0x360,
    APIC_LVT_ERROR = 0x370,
    APIC_TIMER_INITIAL = 0x380,
    APIC_TIMER_CURRENT = 0x390,
    APIC_TIMER_DIVIDE = 0x3e0,
};

#define LVT_MASKED      (1u << 16)
#define LVT_NMI         (4u << 8)
#define LVT_EXTINT      (7u << 8)
#define SVR_ENABLE      (1u << 8)
#define ICR_NMI         (4u << 8)
#define ICR_INIT        (5u << 8)
#define ICR_STARTUP     (6u << 8)
#define ICR_ASSERT      (1u << 14)
#define ICR_BUSY        (1u << 12)
#define DIVIDE_BY_16    3u
#define MESSAGE_ADDRESS UINT64_C(0xfee00000)

static bool present, x2apic;
static volatile uint8_t *registers;

bool lapic_present(void)
{
    return present;
}

static uint32_t read_register(uint32_t offset)
{
    if (x2apic)
        return (uint32_t)cpu_rdmsr(MSR_X2APIC + offset / 16);
    return *(volatile uint32_t *)(registers + offset);
}

static void write_register(uint32_t offset, uint32_t value)
{
    if (x2apic)
        cpu_wrmsr(MSR_X2APIC + offset / 16, value);
    else
        *(volatile uint32_t *)(registers + offset) = value;
}

bool lapic_is_x2apic(void)
{
    return x2apic;
}

/* Of the CPU that asks. */
static uint32_t lapic_id(void)
{
    if (!present)
        return 0;
    return x2apic ? read_register(APIC_ID) : read_register(APIC_ID) >> 24;
}

void lapic_eoi(void)
{
    if (present)
        write_register(APIC_EOI, 0);
}

static void send(uint32_t apic_id, uint32_t command)
{
    if (!present)
        return;
    if (x2apic) {
        /* Not serialising: what was stored before must be visible first. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        cpu_wrmsr(MSR_X2APIC + APIC_ICR / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    for (uint32_t i = 0; i < 1000000 && read_register(APIC_ICR) & ICR_BUSY; i++)
        __builtin_ia32_pause();
    write_register(APIC_ICR_HIGH, apic_id << 24);
    write_register(APIC_ICR, command);
}

void lapic_send_ipi(uint32_t apic_id, uint8_t vector)
{
    send(apic_id, ICR_ASSERT | vector);
}

void lapic_send_init(uint32_t apic_id)
{
    send(apic_id, ICR_ASSERT | ICR_INIT);
}

void lapic_send_startup(uint32_t apic_id, uint8_t page)
{
    send(apic_id, ICR_ASSERT | ICR_STARTUP | page);
}

void lapic_send_nmi(uint32_t apic_id)
{
    send(apic_id, ICR_ASSERT | ICR_NMI);
}

void lapic_timer_arm(uint64_t ticks)
{
    write_register(APIC_TIMER_INITIAL, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}

void lapic_timer_free_run(void)
{
    write_register(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    write_register(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    write_register(APIC_TIMER_INITIAL, UINT32_MAX);
}

uint32_t lapic_timer_count(void)
{
    return read_register(APIC_TIMER_CURRENT);
}

void lapic_message(uint32_t apic_id, uint8_t vector, uint64_t *ret_address, uint32_t *ret_data)
{
    *ret_address = MESSAGE_ADDRESS | (uint64_t)(apic_id & 0xff) << 12;
    *ret_data = vector; /* fixed, edge */
}

static void spurious_interrupt(struct vcpu *v, uint8_t vector, void *context)
{
    /* No end of interrupt for this one. */
    (void)v;
    (void)vector;
    (void)context;
}

/* Finds the APIC; before anything that asks lapic_present(). */
void lapic_init(void)
{
    uint32_t id[4];
    uint64_t base;
    cpu_cpuid(1, 0, id);
    if (!(id[3] & (1u << 9)) || !cpu_rdmsr_safe(MSR_APIC_BASE, &base))
        return;
    if (!(base & APIC_BASE_ENABLE)) {
        if (!cpu_wrmsr_safe(MSR_APIC_BASE, base | APIC_BASE_ENABLE))
            return;
        base |= APIC_BASE_ENABLE;
    }
    x2apic = base & APIC_BASE_X2APIC;
    if (!x2apic) {
        uint64_t address = base & PTE_ADDR;
        if (address >> 32)
            return; /* outside the direct map: no PC has it there */
        registers = maddr_keep(address, PAGE_SIZE);
    }
    present = true;
    irq_set_handler(VECTOR_SPURIOUS, spurious_interrupt, NULL);
    lapic_init_cpu(layer.vcpu[0]);
}

/* In the mode in which the firmware left the first: it may not have looked at the others. */
static void follow_mode(void)
{
    uint64_t base, want;
    if (!cpu_rdmsr_safe(MSR_APIC_BASE, &base))
        return;
    want = base | APIC_BASE_ENABLE | (x2apic ? APIC_BASE_X2APIC : 0);
    if (want != base && !cpu_wrmsr_safe(MSR_APIC_BASE, want))
        say(SAY_ALWAYS, "this CPU's local APIC cannot be switched to the mode of the first one's");
}

void lapic_init_cpu(struct vcpu *v)
{
    if (!present)
        return;
    follow_mode();
    v->apic_id = lapic_id();
    write_register(APIC_TPR, 0);
    write_register(APIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
    write_register(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    write_register(APIC_LVT_LINT0, LVT_MASKED | LVT_EXTINT);
    write_register(APIC_LVT_LINT1, v->id == 0 ? LVT_NMI : LVT_NMI | LVT_MASKED);
    write_register(APIC_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS);
    write_register(APIC_TIMER_DIVIDE, DIVIDE_BY_16);
    write_register(APIC_TIMER_INITIAL, 0);
    write_register(APIC_LVT_TIMER, VECTOR_TIMER);
    write_register(APIC_ESR, 0);
    write_register(APIC_EOI, 0);
}
