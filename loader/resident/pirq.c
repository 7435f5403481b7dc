/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PIRQs.  See pirq.h.  Source of numbers, order of checks and errno: Xen arch/x86/irq.c
 * (map_domain_pirq, allocate_pirq, get_free_pirq, pirq_guest_bind), io_apic.c, mpparse.c.
 *
 * Each PIRQ has a vector of its own, so the handler's context is the PIRQ.
 */
#include "pirq.h"

#include "event.h"
#include "ioapic.h"
#include "lapic.h"
#include "msi.h"
#include "pagetable.h"
#include "spinlock.h"

#define IRQ_ISA_COUNT 16

enum pirq_kind { PIRQ_FREE, PIRQ_ALLOCATED, PIRQ_GSI, PIRQ_MSI };

struct pirq {
    uint8_t kind;
    uint8_t vector; /* 0 = none yet */
    bool level;
    bool waits_for_eoi; /* fired and masked */
    uint32_t irq;       /* Xen's number: ISA line or GSI; messages: gsi count + pirq */
    uint32_t gsi;
    uint32_t port; /* 0 = not bound */
    uint32_t vcpu;
    struct msi msi;
};

static struct spinlock lock;
static struct pirq table[PIRQ_MAX];
static bool gsi_is_set_up[PIRQ_MAX];
static uint8_t *eoi_map; /* pirq_eoi_map_set(): a bit a PIRQ, NULL: the guest has none */
static uint64_t eoi_map_mfn;
static bool eoi_unmasks;

bool pirq_is_valid(uint32_t pirq)
{
    return layer.dom0 && pirq < PIRQ_MAX;
}

static uint32_t gsi_limit(void)
{
    uint32_t count = ioapic_gsi_count();
    return count < PIRQ_MAX ? count : PIRQ_MAX;
}

static uint32_t target(const struct pirq *p)
{
    return layer.vcpu[p->vcpu]->apic_id;
}

static void interrupt(struct vcpu *v, uint8_t vector, void *context)
{
    struct pirq *p = context;
    (void)v;
    (void)vector;
    spin_lock(&lock);
    if (p->kind == PIRQ_GSI && p->level) {
        ioapic_mask(p->gsi, true);
        p->waits_for_eoi = true;
    }
    uint32_t port = p->port;
    spin_unlock(&lock);
    lapic_eoi();
    if (port != 0)
        event_set_pending(v, port);
}

/* ---- which need an end ---------------------------------------------------------------------- */

int pirq_eoi_map_set(uint64_t mfn, bool unmasks)
{
    int status = 0;
    if (!frame_is_guest(mfn) || !frame_has_pfn(mfn) || table_in_use(mfn))
        return -XEN_EINVAL;
    spin_lock(&lock);
    uint8_t *map = eoi_map == NULL ? frame_keep(mfn) : NULL;
    if (map != NULL) {
        eoi_map = map;
        eoi_map_mfn = mfn;
        eoi_unmasks = unmasks;
    } else {
        status = eoi_map != NULL ? -XEN_EBUSY : -XEN_ENOSPC;
    }
    spin_unlock(&lock);
    return status;
}

/* As Xen does, when it is bound.  A page that has become a page table is left alone. */
static void tell_eoi(const struct pirq *p)
{
    uint32_t pirq = (uint32_t)(p - table);
    uint8_t bit = (uint8_t)(1u << (pirq & 7));
    if (eoi_map == NULL || !frame_is_guest(eoi_map_mfn) || table_in_use(eoi_map_mfn))
        return;
    if (p->kind == PIRQ_GSI && p->level)
        __atomic_fetch_or(&eoi_map[pirq / 8], bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&eoi_map[pirq / 8], (uint8_t)~bit, __ATOMIC_RELAXED);
}

/* ---- binding ------------------------------------------------------------------------------ */

int pirq_check_bind(uint32_t pirq)
{
    if (!pirq_is_valid(pirq))
        return -XEN_EINVAL;
    if (table[pirq].kind != PIRQ_GSI && table[pirq].kind != PIRQ_MSI)
        return -XEN_EPERM; /* no line behind it that could be the guest's */
    return table[pirq].port != 0 ? -XEN_EEXIST : 0;
}

/* A PIRQ keeps its vector when it is unmapped, so that a late interrupt still finds a handler,
 * which acknowledges it; only when vectors run out is one taken from an unused PIRQ. */
static bool give_vector(struct pirq *p)
{
    if (p->vector == 0)
        p->vector = irq_vector_alloc(interrupt, p);
    for (uint32_t i = 0; p->vector == 0 && i < PIRQ_MAX; i++) {
        struct pirq *other = &table[i];
        if (other->kind != PIRQ_FREE || other->vector == 0)
            continue;
        irq_vector_free(other->vector);
        other->vector = 0;
        p->vector = irq_vector_alloc(interrupt, p);
    }
    return p->vector != 0;
}

static int start(struct pirq *p)
{
    if (p->kind != PIRQ_GSI && p->kind != PIRQ_MSI)
        return -XEN_EINVAL;
    if (!give_vector(p))
        return -XEN_ENOSPC;
    if (p->kind == PIRQ_MSI) {
        msi_mask(&p->msi, false);
        return 0;
    }
    if (!ioapic_route(p->gsi, p->vector, target(p)))
        return -XEN_EINVAL;
    p->level = ioapic_is_level(p->gsi);
    p->waits_for_eoi = false;
    ioapic_mask(p->gsi, false);
    return 0;
}

static void stop(struct pirq *p)
{
    if (p->kind == PIRQ_MSI)
        msi_mask(&p->msi, true);
    else if (p->kind == PIRQ_GSI)
        ioapic_mask(p->gsi, true);
    p->port = 0;
}

int pirq_bind(uint32_t pirq, uint32_t port)
{
    struct pirq *p = &table[pirq];
    spin_lock(&lock);
    p->port = port;
    int status = start(p);
    if (status != 0)
        p->port = 0;
    else
        tell_eoi(p);
    spin_unlock(&lock);
    return status;
}

void pirq_unbind(uint32_t pirq)
{
    if (!pirq_is_valid(pirq))
        return;
    spin_lock(&lock);
    stop(&table[pirq]);
    spin_unlock(&lock);
}

static void write_message(const struct pirq *p)
{
    uint64_t address;
    uint32_t data;
    lapic_message(target(p), p->vector, &address, &data);
    msi_write(&p->msi, address, data);
}

void pirq_set_vcpu(uint32_t pirq, uint32_t vcpu)
{
    if (!pirq_is_valid(pirq) || vcpu >= layer.cpu_count || layer.vcpu[vcpu] == NULL)
        return;
    spin_lock(&lock);
    struct pirq *p = &table[pirq];
    bool moves = p->vcpu != vcpu;
    p->vcpu = vcpu;
    if (moves && p->vector != 0 && p->kind == PIRQ_MSI) {
        msi_mask(&p->msi, true);
        write_message(p);
        if (p->port != 0)
            msi_mask(&p->msi, false);
    } else if (moves && p->vector != 0 && p->kind == PIRQ_GSI) {
        (void)ioapic_route(p->gsi, p->vector, target(p));
        if (p->port != 0 && !p->waits_for_eoi)
            ioapic_mask(p->gsi, false);
    }
    spin_unlock(&lock);
}

int pirq_eoi(uint32_t pirq, uint32_t *ret_port)
{
    *ret_port = 0;
    if (!pirq_is_valid(pirq))
        return -XEN_EINVAL;
    spin_lock(&lock);
    struct pirq *p = &table[pirq];
    if (eoi_unmasks)
        *ret_port = p->port;
    int status = p->kind == PIRQ_FREE ? -XEN_EINVAL : 0;
    if (p->waits_for_eoi) {
        p->waits_for_eoi = false;
        if (p->port != 0)
            ioapic_mask(p->gsi, false);
    }
    spin_unlock(&lock);
    return status;
}

/* ---- mapping ------------------------------------------------------------------------------ */

static int free_pirq(bool gsi)
{
    uint32_t limit = gsi_limit();
    for (uint32_t i = IRQ_ISA_COUNT; gsi && i < limit; i++) {
        if (table[i].kind == PIRQ_FREE)
            return (int)i;
    }
    for (uint32_t i = PIRQ_MAX; i-- > limit;) {
        if (table[i].kind == PIRQ_FREE)
            return (int)i;
    }
    return -XEN_ENOSPC;
}

int pirq_get_free(bool gsi)
{
    spin_lock(&lock);
    int pirq = free_pirq(gsi);
    if (pirq >= 0)
        table[pirq].kind = PIRQ_ALLOCATED;
    spin_unlock(&lock);
    return pirq;
}

static struct pirq *find_irq(uint32_t irq)
{
    for (uint32_t i = 0; i < PIRQ_MAX; i++) {
        if ((table[i].kind == PIRQ_GSI || table[i].kind == PIRQ_MSI) && table[i].irq == irq)
            return &table[i];
    }
    return NULL;
}

static int map_gsi(int irq, int *pirq)
{
    /* IRQ 0 is the PIT and never given away. */
    if (irq <= 0 || (uint32_t)irq >= gsi_limit())
        return -XEN_EINVAL;
    const struct pirq *present = find_irq((uint32_t)irq);
    int chosen = *pirq;
    if (chosen < 0)
        chosen = present != NULL ? (int)(present - table) : free_pirq(true);
    else if (present != NULL && present != &table[chosen < PIRQ_MAX ? chosen : 0])
        return -XEN_EEXIST;
    if (chosen < 0)
        return chosen;
    if (chosen >= PIRQ_MAX)
        return -XEN_EINVAL;
    struct pirq *p = &table[chosen];
    *pirq = chosen;
    if (p->kind == PIRQ_GSI || p->kind == PIRQ_MSI)
        return 0; /* mapped already, to this line or another: Xen says 0 to both */
    *p = (struct pirq){.kind = PIRQ_GSI,
                       .vector = p->vector,
                       .irq = (uint32_t)irq,
                       .gsi = ioapic_irq_to_gsi((uint32_t)irq)};
    return 0;
}

int pirq_map_gsi(int irq, int *pirq)
{
    spin_lock(&lock);
    int status = map_gsi(irq, pirq);
    spin_unlock(&lock);
    return status;
}

static int map_msi(uint16_t bdf, bool msix, uint32_t entry, int *pirq, int *irq)
{
    struct msi msi;
    if (*irq != -1)
        return -XEN_EINVAL; /* a given irq would have to be one created before: there are none */
    for (uint32_t i = 0; i < PIRQ_MAX; i++) {
        const struct pirq *p = &table[i];
        if (p->kind == PIRQ_MSI && p->msi.bdf == bdf &&
            (!msix || !p->msi.msix || p->msi.entry == entry))
            return -XEN_EEXIST;
    }
    int chosen = *pirq < 0 ? free_pirq(false) : *pirq;
    if (chosen < 0)
        return chosen;
    if (chosen >= PIRQ_MAX)
        return -XEN_EINVAL;
    struct pirq *p = &table[chosen];
    if (p->kind == PIRQ_GSI || p->kind == PIRQ_MSI)
        return -XEN_EEXIST;
    int status = msi_open(bdf, msix, entry, &msi);
    if (status != 0)
        return status;
    if (!give_vector(p))
        return -XEN_ENOSPC;
    *p = (struct pirq){
        .kind = PIRQ_MSI, .vector = p->vector, .irq = gsi_limit() + (uint32_t)chosen, .msi = msi};
    write_message(p);
    *pirq = chosen;
    *irq = (int)p->irq;
    return 0;
}

int pirq_map_msi(uint16_t bdf, bool msix, uint32_t entry, int *pirq, int *irq)
{
    spin_lock(&lock);
    int status = map_msi(bdf, msix, entry, pirq, irq);
    spin_unlock(&lock);
    return status;
}

int pirq_unmap(int pirq)
{
    if (pirq < 0 || !pirq_is_valid((uint32_t)pirq))
        return -XEN_EINVAL;
    spin_lock(&lock);
    struct pirq *p = &table[pirq];
    int status = 0;
    if (p->kind != PIRQ_GSI && p->kind != PIRQ_MSI) {
        status = -XEN_EINVAL;
    } else {
        stop(p);
        *p = (struct pirq){.kind = PIRQ_FREE, .vector = p->vector};
    }
    spin_unlock(&lock);
    return status;
}

int pirq_setup_gsi(int irq, bool level, bool active_low)
{
    if (irq < 0 || (uint32_t)irq >= gsi_limit())
        return -XEN_EINVAL;
    uint32_t gsi = ioapic_irq_to_gsi((uint32_t)irq);
    if (gsi >= PIRQ_MAX)
        return -XEN_EINVAL;
    spin_lock(&lock);
    const struct pirq *p = find_irq((uint32_t)irq);
    int status = 0;
    if (gsi_is_set_up[gsi] || (p != NULL && p->port != 0))
        status = -XEN_EEXIST;
    else if (!ioapic_configure(gsi, level, active_low))
        status = -XEN_EINVAL;
    else
        gsi_is_set_up[gsi] = true;
    spin_unlock(&lock);
    return status;
}

void pirq_restore(uint16_t bdf)
{
    spin_lock(&lock);
    for (uint32_t i = 0; i < PIRQ_MAX; i++) {
        struct pirq *p = &table[i];
        if (p->kind != PIRQ_MSI || p->msi.bdf != bdf)
            continue;
        msi_mask(&p->msi, true);
        write_message(p);
        if (p->port != 0)
            msi_mask(&p->msi, false);
    }
    spin_unlock(&lock);
}
