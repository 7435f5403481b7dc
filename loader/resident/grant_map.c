/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Mappings of grants that the guest gives itself; see grant.h.
 *
 * What Xen counts, for a grant: mappings for the host and for devices, writable and not.  What it
 * does not have here: references of the frame.  Who gives a frame back, or makes it a page table,
 * while it is mapped as a grant is not stopped.
 *
 * Source: public/grant_table.h; Xen common/grant_table.c (map_grant_ref, unmap_common,
 * unmap_common_complete, _set_status_v1, get_maptrack_handle), arch/x86/pv/grant_table.c.
 */
#include "grant.h"
#include "msr.h"
#include "pagetable.h"

#define EFER_NXE    0x800u
#define AVAIL_SHIFT 9 /* of the bits of an entry that are software's */
#define AVAIL_MASK  7u

/* Of each grant: its frame while it is mapped, and how often it is, a byte a kind. */
struct active {
    uint32_t mfn;
    uint32_t pins;
};

#define PIN_HOST_WRITE   UINT32_C(0x00000001)
#define PIN_HOST_READ    UINT32_C(0x00000100)
#define PIN_DEVICE_WRITE UINT32_C(0x00010000)
#define PIN_DEVICE_READ  UINT32_C(0x01000000)
#define PINS_WRITE       (UINT32_C(0xff) * (PIN_HOST_WRITE | PIN_DEVICE_WRITE))
#define PINS_MOST        7 /* a kind's 128th is too many: its bit that is set then */

_Static_assert(sizeof(struct active) == sizeof(grant_entry_v1_t), "a page for a page of the table");

static struct active *active[GRANT_FRAMES_MAX]; /* made with the first mapping */

/* Of each handle: GNTMAP_… and grant; 0 flags: is free, ref is the next free one. */
struct mapping {
    uint16_t flags;
    uint16_t ref;
};

#define HANDLES_A_PAGE (PAGE_SIZE / sizeof(struct mapping))
#define HANDLE_PAGES   4
#define NO_HANDLE      UINT16_MAX

_Static_assert(GRANT_FRAMES_MAX *GRANTS_A_FRAME <= NO_HANDLE, "mapping.ref");
_Static_assert(HANDLE_PAGES *HANDLES_A_PAGE <= NO_HANDLE, "mapping.ref of a free one");

static struct mapping *page[HANDLE_PAGES];
static uint32_t handle_count;
static uint32_t free_first = NO_HANDLE, free_last = NO_HANDLE;

static struct mapping *mapping_of(uint32_t handle)
{
    return &page[handle / HANDLES_A_PAGE][handle % HANDLES_A_PAGE];
}

/* The last free one stays, so that there always is one to append to: that they are given out in
 * turn makes a handle that is used twice an error for long. */
static uint32_t take_handle(void)
{
    uint32_t handle = free_first;
    if (handle != NO_HANDLE && mapping_of(handle)->ref != NO_HANDLE) {
        free_first = mapping_of(handle)->ref;
        return handle;
    }
    handle = handle_count;
    if (handle == HANDLE_PAGES * HANDLES_A_PAGE)
        return NO_HANDLE;
    page[handle / HANDLES_A_PAGE] = layer_pages(1);
    if (page[handle / HANDLES_A_PAGE] == NULL)
        return NO_HANDLE;
    handle_count += HANDLES_A_PAGE;
    for (uint32_t i = handle; i < handle_count; i++)
        mapping_of(i)->ref = (uint16_t)(i + 1);
    mapping_of(handle_count - 1)->ref = (uint16_t)free_first;
    if (free_last == NO_HANDLE)
        free_last = handle_count - 1;
    free_first = handle + 1;
    return handle;
}

static void give_handle(uint32_t handle)
{
    *mapping_of(handle) = (struct mapping){.ref = NO_HANDLE};
    mapping_of(free_last)->ref = (uint16_t)handle;
    free_last = handle;
}

/* NULL when there is no memory for it; the grant is one of the table. */
static struct active *active_of(grant_ref_t ref)
{
    struct active **at = &active[ref / GRANTS_A_FRAME];
    if (*at == NULL)
        *at = layer_pages(1);
    return *at ? *at + ref % GRANTS_A_FRAME : NULL;
}

bool grant_is_mapped(grant_ref_t ref)
{
    const struct active *at = active[ref / GRANTS_A_FRAME];
    return at != NULL && at[ref % GRANTS_A_FRAME].pins != 0;
}

/* ---- the entry of the shared table ---------------------------------------------------------- */

/* Flags and domain id, which change together. */
union head {
    uint32_t word;
    struct {
        uint16_t flags;
        domid_t domain;
    };
};

/* Tells the guest that its grant is in use, if it is one for this. */
static int16_t mark_used(volatile grant_entry_v1_t *entry, bool write, bool mapped)
{
    volatile uint32_t *word = (volatile uint32_t *)entry;
    union head old = {*word};
    for (uint32_t i = 0; i < 5; i++) { /* the guest may change it, but not for ever */
        union head new = old;
        if (!mapped && ((old.flags & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access ||
                        old.domain != grant_own_domain()))
            return GNTST_general_error;
        if (write && old.flags & GTF_readonly)
            return GNTST_general_error;
        new.flags |= GTF_reading | (write ? GTF_writing : 0);
        if (__atomic_compare_exchange_n(word, &old.word, new.word, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

/* Takes from the marks what no mapping needs any more. */
static void unmark_used(volatile grant_entry_v1_t *entry, const struct active *a, bool write)
{
    uint16_t clear = a->pins ? 0 : GTF_reading;
    if (write && !(a->pins & PINS_WRITE))
        clear |= GTF_writing;
    if (clear)
        __atomic_fetch_and(&entry->flags, (uint16_t)~clear, __ATOMIC_SEQ_CST);
}

/* ---- the guest's page tables ---------------------------------------------------------------- */

/* The machine address of the L1 entry that an operation names: by its own, or by what it maps. */
static bool find_entry(const struct vcpu *v, uint64_t addr, uint32_t flags, uint64_t *ret)
{
    if (flags & GNTMAP_contains_pte) {
        uint64_t table = addr >> PAGE_SHIFT;
        *ret = addr;
        return !(addr & (entry_width() - 1)) && frame_is_guest(table) &&
               frame_level(frame_state(table)) == 1;
    }
    return !(layer.compat && addr > UINT32_MAX) && leaf_find(v->kernel_root, addr, ret);
}

static void store(uint64_t at, uint64_t value)
{
    entry_write(at, value);
    entry_stored(1, at, value);
}

static uint64_t entry_for(uint32_t mfn, uint32_t flags)
{
    uint64_t efer;
    uint64_t entry = (uint64_t)mfn << PAGE_SHIFT | PTE_P | PTE_A | PTE_D;
    if (flags & GNTMAP_application_map)
        entry |= PTE_US;
    if (!(flags & GNTMAP_readonly))
        entry |= PTE_RW;
    entry |= (uint64_t)(flags >> _GNTMAP_guest_avail0 & AVAIL_MASK) << AVAIL_SHIFT;
    if (cpu_rdmsr_safe(MSR_EFER, &efer) && efer & EFER_NXE)
        entry |= PTE_NX;
    return entry;
}

static bool map_host(const struct vcpu *v, uint64_t addr, uint32_t mfn, uint32_t flags)
{
    uint64_t at;
    if (!find_entry(v, addr, flags, &at))
        return false;
    store(at, entry_for(mfn, flags));
    return true;
}

/* The mapping goes; what new_addr maps, and no longer does, comes in its place. */
static int16_t unmap_host(const struct vcpu *v, const struct grant_unmap *op, uint32_t mfn,
                          uint32_t flags)
{
    uint64_t at, other, value = 0;
    uint64_t was = entry_for(mfn, flags);
    if (op->new_addr != 0) {
        if (flags & GNTMAP_contains_pte || !find_entry(v, op->new_addr, flags, &other))
            return GNTST_general_error;
        value = entry_read(other);
        store(other, 0);
    }
    if (!find_entry(v, op->host_addr, flags, &at) ||
        (entry_read(at) ^ was) & (PTE_ADDR | PTE_P | PTE_RW))
        return GNTST_general_error;
    store(at, value);
    return GNTST_okay;
}

/* ---- operations ----------------------------------------------------------------------------- */

static uint32_t pins_for(uint32_t flags)
{
    bool read = flags & GNTMAP_readonly;
    uint32_t pins = 0;
    if (flags & GNTMAP_device_map)
        pins += read ? PIN_DEVICE_READ : PIN_DEVICE_WRITE;
    if (flags & GNTMAP_host_map)
        pins += read ? PIN_HOST_READ : PIN_HOST_WRITE;
    return pins;
}

static int16_t map(struct vcpu *v, const struct gnttab_map_grant_ref *op, uint32_t *ret_mfn)
{
    volatile grant_entry_v1_t *entry = grant_entry(op->ref);
    uint32_t pins = pins_for(op->flags);
    bool write = !(op->flags & GNTMAP_readonly);
    if (entry == NULL)
        return GNTST_bad_gntref;
    struct active *a = active_of(op->ref);
    if (a == NULL)
        return GNTST_no_space;
    if (a->pins & pins << PINS_MOST)
        return GNTST_general_error;
    if (a->pins == 0 || (write && !(a->pins & PINS_WRITE))) {
        int16_t status = mark_used(entry, write, a->pins != 0);
        if (status != GNTST_okay)
            return status;
    }
    if (a->pins == 0) {
        a->mfn = entry->frame;
        if (!grant_frame_is_own(a->mfn)) {
            unmark_used(entry, a, write);
            return GNTST_bad_page;
        }
    }
    *ret_mfn = a->mfn;
    if ((write && table_in_use(a->mfn)) ||
        (op->flags & GNTMAP_host_map && !map_host(v, op->host_addr, a->mfn, op->flags))) {
        unmark_used(entry, a, write);
        return GNTST_general_error;
    }
    a->pins += pins;
    return GNTST_okay;
}

void grant_map(struct vcpu *v, struct gnttab_map_grant_ref *op)
{
    uint32_t mfn;
    if (pins_for(op->flags) == 0) {
        op->status = GNTST_bad_gntref;
        return;
    }
    if (op->dom != grant_own_domain()) {
        op->status = op->dom == 0 ? GNTST_general_error : GNTST_bad_domain;
        return;
    }
    uint32_t handle = take_handle();
    if (handle == NO_HANDLE) {
        op->status = GNTST_no_space;
        return;
    }
    op->status = map(v, op, &mfn);
    if (op->status != GNTST_okay) {
        give_handle(handle);
        return;
    }
    *mapping_of(handle) = (struct mapping){(uint16_t)op->flags, (uint16_t)op->ref};
    op->handle = handle;
    op->dev_bus_addr = (uint64_t)mfn << PAGE_SHIFT;
}

int16_t grant_unmap(struct vcpu *v, struct grant_unmap *op)
{
    op->done = 0;
    if (op->handle >= handle_count || mapping_of(op->handle)->flags == 0)
        return GNTST_bad_handle;
    struct mapping *m = mapping_of(op->handle);
    const struct active *a = active[m->ref / GRANTS_A_FRAME] + m->ref % GRANTS_A_FRAME;
    uint32_t done = 0;
    bool device = op->dev_bus_addr != 0 && m->flags & GNTMAP_device_map;
    if (device && op->dev_bus_addr != (uint64_t)a->mfn << PAGE_SHIFT)
        return GNTST_bad_dev_addr;
    if (op->host_addr != 0 && m->flags & GNTMAP_host_map) {
        int16_t status = unmap_host(v, op, a->mfn, m->flags);
        if (status != GNTST_okay)
            return status;
        done |= GNTMAP_host_map;
    }
    if (device)
        done |= GNTMAP_device_map;
    if (done == 0)
        return GNTST_okay;
    m->flags &= (uint16_t)~done;
    op->ref = m->ref;
    op->done = (uint16_t)(done | (m->flags & GNTMAP_readonly));
    op->last = !(m->flags & (GNTMAP_device_map | GNTMAP_host_map));
    if (op->last)
        m->flags = 0;
    return GNTST_okay;
}

void grant_unmap_finish(const struct grant_unmap *op)
{
    if (op->done == 0)
        return;
    struct active *a = active[op->ref / GRANTS_A_FRAME] + op->ref % GRANTS_A_FRAME;
    a->pins -= pins_for(op->done);
    unmark_used(grant_entry(op->ref), a, !(op->done & GNTMAP_readonly));
    if (op->last)
        give_handle(op->handle);
}
