/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * grant_table_op, version 1: the guest gets a real table to write grants into; there is no other
 * domain that could use them or grant anything, so mapping fails per operation.  The guest may copy
 * between its own frames, and those that it grants to itself.
 *
 * Source: public/grant_table.h; Xen common/grant_table.c.  set_version(2) is -ENOSYS, as from a Xen
 * without version 2: all known guests then stay with version 1.
 */
#include "event.h"
#include "pagetable.h"
#include "spinlock.h"

#define GRANT_FRAMES_MAX 64 /* Xen's default */
#define GRANT_OPS_MAX    UINT32_C(0x10000)

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

static struct spinlock lock;
static void *frame[GRANT_FRAMES_MAX];
static uint32_t frame_count;

static domid_t own_domain(void)
{
    return layer.dom0 ? 0 : GUEST_DOMAIN;
}

static bool is_self(domid_t domain)
{
    return domain == DOMID_SELF || domain == own_domain();
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
    spin_lock(&lock);
    op.status = setup(v, &op);
    spin_unlock(&lock);
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

#define GRANTS_A_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))

/* The frame that an entry of the table grants to this domain itself. */
static int16_t granted_frame(grant_ref_t ref, bool write, uint64_t *ret)
{
    uint32_t page = ref / GRANTS_A_FRAME;
    if (page >= frame_count)
        return GNTST_bad_gntref;
    /* The guest may be writing it: each field is read once. */
    const volatile grant_entry_v1_t *shared =
        (grant_entry_v1_t *)frame[page] + ref % GRANTS_A_FRAME;
    grant_entry_v1_t entry = {shared->flags, shared->domid, shared->frame};
    if ((entry.flags & GTF_type_mask) != GTF_permit_access || entry.domid != own_domain() ||
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
    if (!frame_is_guest(*ret) || !frame_has_pfn(*ret))
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
    memmove((uint8_t *)frame_pointer(to) + op->dest.offset,
            (const uint8_t *)frame_pointer(from) + op->source.offset, op->len);
    return GNTST_okay;
}

static long copy(struct vcpu *v, uint64_t arg, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct gnttab_copy op = {.status = 0};
        if (!guest_read_struct(v, &op, arg, i, &copy_layout))
            return -XEN_EFAULT;
        spin_lock(&lock);
        op.status = copy_one(&op);
        spin_unlock(&lock);
        if (!guest_write_struct(v, arg, i, &op, &copy_layout))
            return -XEN_EFAULT;
    }
    return 0;
}

/* ---- what nobody else is there for ---------------------------------------------------------- */

/* Operations whose only answer is a status in each element: size of one and place of the status,
 * 32- and 64-bit guests. */
struct refused_op {
    uint8_t command;
    uint8_t size[2], status_at[2];
    int16_t status;
};

static const struct refused_op refused[] = {
    {GNTTABOP_map_grant_ref, {32, 32}, {18, 18}, GNTST_general_error},
    {GNTTABOP_unmap_grant_ref, {24, 24}, {20, 20}, GNTST_bad_handle},
    {GNTTABOP_transfer, {16, 24}, {12, 16}, GNTST_bad_domain},
    {GNTTABOP_unmap_and_replace, {24, 24}, {20, 20}, GNTST_bad_handle},
};

/* gnttab_map_grant_ref, of the same form in either width. */
struct map_words {
    uint64_t host_addr;
    uint32_t flags;
    grant_ref_t ref;
    domid_t dom;
};

_Static_assert(offsetof(struct gnttab_map_grant_ref, flags) == offsetof(struct map_words, flags),
               "map_grant_ref.flags");
_Static_assert(offsetof(struct gnttab_map_grant_ref, dom) == offsetof(struct map_words, dom),
               "map_grant_ref.dom");
#ifdef __x86_64__
_Static_assert(sizeof(struct gnttab_map_grant_ref) == 32, "map_grant_ref");
_Static_assert(offsetof(struct gnttab_map_grant_ref, status) == 18, "map_grant_ref.status");
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "unmap_grant_ref");
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, status) == 20, "unmap_grant_ref.status");
_Static_assert(sizeof(struct gnttab_copy) == 40, "gnttab_copy");
_Static_assert(sizeof(struct gnttab_unmap_and_replace) == 24, "unmap_and_replace");
_Static_assert(offsetof(struct gnttab_unmap_and_replace, status) == 20, "unmap_and_replace.status");
#endif

static long refuse(struct vcpu *v, const struct refused_op *op, uint64_t arg, uint64_t count)
{
    uint32_t width = layer.compat ? 0 : 1;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at;
        int16_t status = op->status;
        struct map_words map;
        if (!checked_add_u64(arg, i * op->size[width], &at))
            return -XEN_EFAULT;
        if (op->command == GNTTABOP_map_grant_ref) {
            if (!guest_read(v, &map, at, sizeof(map)))
                return -XEN_EFAULT;
            if (!(map.flags & (GNTMAP_device_map | GNTMAP_host_map)))
                status = GNTST_bad_gntref;
            else if (map.dom != own_domain() && map.dom != 0)
                status = GNTST_bad_domain;
        }
        if (!guest_write(v, at + op->status_at[width], &status, sizeof(status)))
            return -XEN_EFAULT;
    }
    return 0;
}

long hc_grant_table_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t command = (uint32_t)args->arg[0];
    uint64_t arg = args->arg[1], count = args->arg[2] & 0xffffffffu;
    if (count > GRANT_OPS_MAX)
        return -XEN_EINVAL;
    switch (command) {
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
    default:
        break;
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i].command == command)
            return refuse(v, &refused[i], arg, count);
    }
    return -XEN_ENOSYS;
}
