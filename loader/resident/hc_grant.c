/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * grant_table_op, version 1: the guest gets a real table to write grants into; there is no other
 * domain that could use them or grant anything.  The guest may copy between its own frames, and
 * copy and map (grant_map.c) those that it grants to itself.
 *
 * Source: public/grant_table.h; Xen common/grant_table.c.  set_version(2) is -ENOSYS, as from a Xen
 * without version 2: all known guests then stay with version 1.
 */
#include "event.h"
#include "grant.h"
#include "pagetable.h"

#define GRANT_OPS_MAX UINT32_C(0x10000)
#define UNMAP_BATCH   16 /* for one flush of all TLBs */
#define COMMAND_BITS  12 /* above: where Xen goes on, which only cache_flush does by them */

LAYOUT(setup_layout, 16, struct gnttab_setup_table, FIELD(0, 2, struct gnttab_setup_table, dom),
       FIELD(4, 4, struct gnttab_setup_table, nr_frames),
       FIELD(8, 2, struct gnttab_setup_table, status),
       FIELD(12, 4, struct gnttab_setup_table, frame_list));
LAYOUT(copy_layout, 24, struct gnttab_copy, FIELD(0, 4, struct gnttab_copy, source.u),
       FIELD(4, 2, struct gnttab_copy, source.domid),
       FIELD(6, 2, struct gnttab_copy, source.offset), FIELD(8, 4, struct gnttab_copy, dest.u),
       FIELD(12, 2, struct gnttab_copy, dest.domid), FIELD(14, 2, struct gnttab_copy, dest.offset),
       FIELD(16, 2, struct gnttab_copy, len), FIELD(18, 2, struct gnttab_copy, flags),
       FIELD(20, 2, struct gnttab_copy, status));

struct spinlock grant_lock;
static void *frame[GRANT_FRAMES_MAX];
static uint32_t frame_count;

domid_t grant_own_domain(void)
{
    return layer.dom0 ? 0 : GUEST_DOMAIN;
}

static bool is_self(domid_t domain)
{
    return domain == DOMID_SELF || domain == grant_own_domain();
}

/* Makes the table at least so long; false when there is no memory left. */
static bool grow(uint32_t count)
{
    while (frame_count < count) {
        void *page = layer_pages(1);
        if (page == NULL)
            return false;
        frame_set(pointer_maddr(page) >> PAGE_SHIFT, FRAME_SPECIAL);
        frame[frame_count++] = page;
    }
    return true;
}

volatile grant_entry_v1_t *grant_entry(grant_ref_t ref)
{
    uint32_t index = ref / GRANTS_A_FRAME;
    if (index >= frame_count && (index > 0 || !grow(1))) /* Xen begins with one */
        return NULL;
    return (grant_entry_v1_t *)frame[index] + ref % GRANTS_A_FRAME;
}

/* With a PFN, or shared by the layer: shared_info, the table itself. */
bool grant_frame_is_own(uint64_t mfn)
{
    if (mfn >= layer.frame_count)
        return false;
    return frame_state(mfn) & FRAME_SPECIAL || (frame_is_guest(mfn) && frame_has_pfn(mfn));
}

static int16_t setup(struct vcpu *v, const struct gnttab_setup_table *op)
{
    if (!is_self(op->dom))
        return op->dom == 0 ? GNTST_permission_denied : GNTST_bad_domain;
    if (op->nr_frames > GRANT_FRAMES_MAX || !grow(op->nr_frames))
        return GNTST_general_error;
    uint32_t size = layer.compat ? 4 : 8;
    for (uint32_t i = 0; i < op->nr_frames; i++) {
        uint64_t mfn = pointer_maddr(frame[i]) >> PAGE_SHIFT;
        if (!guest_write(v, (uintptr_t)op->frame_list.p + i * size, &mfn, size))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static long setup_table(struct vcpu *v, uint64_t arg, uint64_t count)
{
    struct gnttab_setup_table op;
    if (count != 1)
        return -XEN_EINVAL;
    if (!guest_read_struct(v, &op, arg, 0, &setup_layout))
        return -XEN_EFAULT;
    spin_lock(&grant_lock);
    op.status = setup(v, &op);
    spin_unlock(&grant_lock);
    return guest_write_struct(v, arg, 0, &op, &setup_layout) ? 0 : -XEN_EFAULT;
}

static long query_size(struct vcpu *v, uint64_t arg, uint64_t count)
{
    struct gnttab_query_size op;
    if (count != 1)
        return -XEN_EINVAL;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    op.status = is_self(op.dom) ? GNTST_okay : GNTST_bad_domain;
    if (op.status == GNTST_okay) {
        op.nr_frames = frame_count ? frame_count : 1; /* Xen begins with one */
        op.max_nr_frames = GRANT_FRAMES_MAX;
    }
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

static long set_version(struct vcpu *v, uint64_t arg)
{
    struct gnttab_set_version op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    long rc = op.version == 1 ? 0 : op.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
    op.version = 1; /* what is in force, also after an error */
    return guest_write(v, arg, &op, sizeof(op)) ? rc : -XEN_EFAULT;
}

static long get_version(struct vcpu *v, uint64_t arg)
{
    struct gnttab_get_version op;
    if (!guest_read(v, &op, arg, sizeof(op)))
        return -XEN_EFAULT;
    if (!is_self(op.dom))
        return -XEN_ESRCH;
    op.version = 1;
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
}

/* ---- copies --------------------------------------------------------------------------------- */

/* The frame that an entry of the table grants to this domain itself. */
static int16_t granted_frame(grant_ref_t ref, bool write, uint64_t *ret)
{
    const volatile grant_entry_v1_t *shared = grant_entry(ref);
    if (shared == NULL)
        return GNTST_bad_gntref;
    /* Each field is read once. */
    grant_entry_v1_t entry = {shared->flags, shared->domid, shared->frame};
    if ((entry.flags & GTF_type_mask) != GTF_permit_access || entry.domid != grant_own_domain() ||
        (write && (entry.flags & GTF_readonly)))
        return GNTST_general_error;
    *ret = entry.frame;
    return GNTST_okay;
}

static int16_t copy_frame(const struct gnttab_copy *op, bool write, uint64_t *ret)
{
    bool granted = op->flags & (write ? GNTCOPY_dest_gref : GNTCOPY_source_gref);
    int16_t status = GNTST_okay;
    *ret = write ? op->dest.u.gmfn : op->source.u.gmfn;
    if (granted)
        status = granted_frame(write ? op->dest.u.ref : op->source.u.ref, write, ret);
    if (status != GNTST_okay)
        return status;
    if (!grant_frame_is_own(*ret))
        return GNTST_bad_page;
    return write && table_in_use(*ret) ? GNTST_general_error : GNTST_okay;
}

static int16_t copy_domain(domid_t domain, bool granted)
{
    if (domain != DOMID_SELF && !granted)
        return GNTST_permission_denied;
    return is_self(domain) ? GNTST_okay : GNTST_bad_domain;
}

static int16_t copy_one(const struct gnttab_copy *op)
{
    uint64_t from, to;
    int16_t status = copy_domain(op->source.domid, op->flags & GNTCOPY_source_gref);
    if (status == GNTST_okay)
        status = copy_domain(op->dest.domid, op->flags & GNTCOPY_dest_gref);
    if (status == GNTST_okay)
        status = copy_frame(op, false, &from);
    if (status == GNTST_okay)
        status = copy_frame(op, true, &to);
    if (status != GNTST_okay)
        return status;
    if (op->source.offset + op->len > PAGE_SIZE || op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    memmove((uint8_t *)maddr_pointer(to << PAGE_SHIFT) + op->dest.offset,
            (const uint8_t *)maddr_pointer(from << PAGE_SHIFT) + op->source.offset, op->len);
    return GNTST_okay;
}

static long copy(struct vcpu *v, uint64_t arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct gnttab_copy op = {.status = 0};
        if (!guest_read_struct(v, &op, arg, i, &copy_layout))
            return -XEN_EFAULT;
        spin_lock(&grant_lock);
        op.status = copy_one(&op);
        spin_unlock(&grant_lock);
        if (!guest_write_struct(v, arg, i, &op, &copy_layout))
            return -XEN_EFAULT;
    }
    return 0;
}

/* ---- mappings ------------------------------------------------------------------------------- */

#ifdef __x86_64__
/* Of the same form in either width. */
_Static_assert(sizeof(struct gnttab_map_grant_ref) == 32, "map_grant_ref");
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "unmap_grant_ref");
_Static_assert(sizeof(struct gnttab_unmap_and_replace) == 24, "unmap_and_replace");
_Static_assert(sizeof(struct gnttab_swap_grant_ref) == 12, "swap_grant_ref");
_Static_assert(sizeof(struct gnttab_cache_flush) == 16, "cache_flush");
_Static_assert(sizeof(struct gnttab_copy) == 40, "gnttab_copy");
#endif

static long map(struct vcpu *v, uint64_t arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct gnttab_map_grant_ref op;
        if (!guest_read(v, &op, arg + i * sizeof(op), sizeof(op)))
            return -XEN_EFAULT;
        spin_lock(&grant_lock);
        grant_map(v, &op);
        spin_unlock(&grant_lock);
        if (!guest_write(v, arg + i * sizeof(op), &op, sizeof(op)))
            return -XEN_EFAULT;
    }
    return 0;
}

_Static_assert(offsetof(struct gnttab_unmap_grant_ref, status) ==
                   offsetof(struct gnttab_unmap_and_replace, status),
               "unmap status");
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, handle) ==
                   offsetof(struct gnttab_unmap_and_replace, handle),
               "unmap handle");

static long unmap_one(struct vcpu *v, uint64_t at, bool replace, struct grant_unmap *how)
{
    union {
        struct gnttab_unmap_grant_ref unmap;
        struct gnttab_unmap_and_replace replace;
    } op;
    if (!guest_read(v, &op, at, sizeof(op)))
        return -XEN_EFAULT;
    how->host_addr = op.unmap.host_addr;
    how->handle = op.unmap.handle;
    if (replace)
        how->new_addr = op.replace.new_addr;
    else
        how->dev_bus_addr = op.unmap.dev_bus_addr;
    spin_lock(&grant_lock);
    int16_t status = grant_unmap(v, how);
    spin_unlock(&grant_lock);
    at += offsetof(struct gnttab_unmap_grant_ref, status);
    return guest_write(v, at, &status, sizeof(status)) ? 0 : -XEN_EFAULT;
}

/* The flush waits for other CPUs, which may wait for the lock: not under it. */
static long unmap(struct vcpu *v, uint64_t arg, uint64_t count, bool replace)
{
    long rc = 0;
    for (uint64_t i = 0; i < count && rc == 0;) {
        struct grant_unmap how[UNMAP_BATCH];
        memset(how, 0, sizeof(how));
        uint32_t n = 0;
        while (n < UNMAP_BATCH && i < count && rc == 0)
            rc =
                unmap_one(v, arg + i++ * sizeof(struct gnttab_unmap_grant_ref), replace, &how[n++]);
        flush_vcpus(v, ~UINT64_C(0), ~UINT64_C(0));
        spin_lock(&grant_lock);
        for (uint32_t finished = 0; finished < n; finished++)
            grant_unmap_finish(&how[finished]);
        spin_unlock(&grant_lock);
    }
    return rc;
}

/* ---- small ones ----------------------------------------------------------------------------- */

static int16_t swap_one(const struct gnttab_swap_grant_ref *op)
{
    volatile grant_entry_v1_t *a = grant_entry(op->ref_a), *b = grant_entry(op->ref_b);
    if (a == NULL || b == NULL)
        return GNTST_bad_gntref;
    if (a == b)
        return GNTST_okay;
    if (grant_is_mapped(op->ref_a) || grant_is_mapped(op->ref_b))
        return GNTST_eagain;
    grant_entry_v1_t was = {a->flags, a->domid, a->frame};
    a->flags = b->flags;
    a->domid = b->domid;
    a->frame = b->frame;
    b->flags = was.flags;
    b->domid = was.domid;
    b->frame = was.frame;
    return GNTST_okay;
}

static long swap(struct vcpu *v, uint64_t arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct gnttab_swap_grant_ref op;
        uint64_t at = arg + i * sizeof(op);
        if (!guest_read(v, &op, at, sizeof(op)))
            return -XEN_EFAULT;
        spin_lock(&grant_lock);
        op.status = swap_one(&op);
        spin_unlock(&grant_lock);
        if (!guest_write(v, at + offsetof(struct gnttab_swap_grant_ref, status), &op.status,
                         sizeof(op.status)))
            return -XEN_EFAULT;
    }
    return 0;
}

/* Of a frame of the guest's own.  x86 writes back, and cannot forget without. */
static long flush_one(const struct gnttab_cache_flush *op, bool again)
{
    uint64_t mfn = op->a.dev_bus_addr >> PAGE_SHIFT;
    if (op->offset >= PAGE_SIZE || op->offset + op->length > PAGE_SIZE ||
        op->op & ~(GNTTAB_CACHE_INVAL | GNTTAB_CACHE_CLEAN))
        return -XEN_EINVAL;
    if (op->length == 0 || op->op == 0)
        return again ? -XEN_EILSEQ : 0;
    if (mfn >= layer.frame_count)
        return -XEN_EINVAL;
    if (!grant_frame_is_own(mfn))
        return -XEN_EPERM;
    if (!(op->op & GNTTAB_CACHE_CLEAN))
        return -XEN_EOPNOTSUPP;
    cpu_wbinvd(); /* more than is asked for */
    return 0;
}

static long cache_flush(struct vcpu *v, uint64_t arg, uint64_t count, bool again)
{
    for (uint64_t i = 0; i < count; i++) {
        struct gnttab_cache_flush op;
        if (!guest_read(v, &op, arg + i * sizeof(op), sizeof(op)))
            return -XEN_EFAULT;
        long rc = flush_one(&op, again);
        if (rc != 0)
            return rc;
        again = false;
    }
    return 0;
}

/* To another domain: there is none. */
static long transfer(struct vcpu *v, uint64_t arg, uint64_t count)
{
    const int16_t status = GNTST_bad_domain;
    uint32_t size = layer.compat ? 16 : 24, at = layer.compat ? 12 : 16;
    for (uint64_t i = 0; i < count; i++)
        if (!guest_write(v, arg + i * size + at, &status, sizeof(status)))
            return -XEN_EFAULT;
    return 0;
}

long hc_grant_table_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t command = (uint32_t)args->arg[0];
    uint64_t arg = args->arg[1], count = args->arg[2] & 0xffffffffu;
    if (count > GRANT_OPS_MAX)
        return -XEN_EINVAL;
    if (command >> COMMAND_BITS) {
        bool again = (command & ((1u << COMMAND_BITS) - 1)) == GNTTABOP_cache_flush;
        return again ? cache_flush(v, arg, count, true) : -XEN_EINVAL;
    }
    switch (command) {
    case GNTTABOP_map_grant_ref:
        return map(v, arg, count);
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_unmap_and_replace:
        return unmap(v, arg, count, command == GNTTABOP_unmap_and_replace);
    case GNTTABOP_setup_table:
        return setup_table(v, arg, count);
    case GNTTABOP_query_size:
        return query_size(v, arg, count);
    case GNTTABOP_set_version:
        return set_version(v, arg);
    case GNTTABOP_get_version:
        return get_version(v, arg);
    case GNTTABOP_copy:
        return copy(v, arg, count);
    case GNTTABOP_swap_grant_ref:
        return swap(v, arg, count);
    case GNTTABOP_cache_flush:
        return cache_flush(v, arg, count, false);
    case GNTTABOP_transfer:
        return transfer(v, arg, count);
    default:
        return -XEN_ENOSYS;
    }
}
