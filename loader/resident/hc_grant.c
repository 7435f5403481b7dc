/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * grant_table_op, version 1: the guest gets a real table to write grants into; there is no other
 * domain that could use them or grant anything, so mapping and copying fail per operation.
 *
 * Source: public/grant_table.h; Xen common/grant_table.c.  set_version(2) is -ENOSYS, as from a Xen
 * without version 2: all known guests then stay with version 1.
 */
#include "event.h"
#include "spinlock.h"

#define GRANT_FRAMES_MAX 64 /* Xen's default */
#define GRANT_OPS_MAX    UINT32_C(0x10000)

LAYOUT(setup_layout, 16, struct gnttab_setup_table, FIELD(0, 2, struct gnttab_setup_table, dom),
       FIELD(4, 4, struct gnttab_setup_table, nr_frames),
       FIELD(8, 2, struct gnttab_setup_table, status),
       FIELD(12, 4, struct gnttab_setup_table, frame_list));

static struct spinlock lock;
static void *frame[GRANT_FRAMES_MAX];
static uint32_t frame_count;

static bool is_self(domid_t domain)
{
    return domain == DOMID_SELF || domain == (layer.dom0 ? 0 : GUEST_DOMAIN);
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

static int16_t setup(struct vcpu *v, const struct gnttab_setup_table *op, bool *fault)
{
    if (!is_self(op->dom))
        return op->dom == 0 ? GNTST_permission_denied : GNTST_bad_domain;
    if (op->nr_frames > GRANT_FRAMES_MAX || !grow(op->nr_frames))
        return GNTST_general_error;
    uint32_t size = layer.compat ? 4 : 8;
    for (uint32_t i = 0; i < op->nr_frames; i++) {
        uint64_t mfn = pointer_maddr(frame[i]) >> PAGE_SHIFT;
        if (!guest_write(v, (uintptr_t)op->frame_list.p + i * size, &mfn, size))
            *fault = true;
    }
    return GNTST_okay;
}

static long setup_table(struct vcpu *v, uint64_t arg, uint64_t count)
{
    struct gnttab_setup_table op;
    bool fault = false;
    if (count != 1)
        return -XEN_EINVAL;
    if (!guest_read_struct(v, &op, arg, 0, &setup_layout))
        return -XEN_EFAULT;
    spin_lock(&lock);
    op.status = setup(v, &op, &fault);
    spin_unlock(&lock);
    return fault || !guest_write_struct(v, arg, 0, &op, &setup_layout) ? -XEN_EFAULT : 0;
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
    if (op.version == 2)
        return -XEN_ENOSYS;
    if (op.version != 1)
        return -XEN_EINVAL;
    return guest_write(v, arg, &op, sizeof(op)) ? 0 : -XEN_EFAULT;
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
    {GNTTABOP_copy, {24, 40}, {20, 36}, GNTST_general_error},
    {GNTTABOP_unmap_and_replace, {24, 24}, {20, 20}, GNTST_bad_handle},
};

#define MAP_DOMAIN_AT 16 /* in gnttab_map_grant_ref, either width */

_Static_assert(offsetof(struct gnttab_map_grant_ref, dom) == MAP_DOMAIN_AT, "map_grant_ref.dom");
#ifdef __x86_64__
_Static_assert(sizeof(struct gnttab_map_grant_ref) == 32, "map_grant_ref");
_Static_assert(offsetof(struct gnttab_map_grant_ref, status) == 18, "map_grant_ref.status");
_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "unmap_grant_ref");
_Static_assert(offsetof(struct gnttab_unmap_grant_ref, status) == 20, "unmap_grant_ref.status");
_Static_assert(sizeof(struct gnttab_copy) == 40, "gnttab_copy");
_Static_assert(offsetof(struct gnttab_copy, status) == 36, "gnttab_copy.status");
_Static_assert(sizeof(struct gnttab_unmap_and_replace) == 24, "unmap_and_replace");
_Static_assert(offsetof(struct gnttab_unmap_and_replace, status) == 20, "unmap_and_replace.status");
#endif

static long refuse(struct vcpu *v, const struct refused_op *op, uint64_t arg, uint64_t count)
{
    uint32_t width = layer.compat ? 0 : 1;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at;
        int16_t status = op->status;
        domid_t domain;
        if (!checked_add_u64(arg, i * op->size[width], &at))
            return -XEN_EFAULT;
        if (op->command == GNTTABOP_map_grant_ref) {
            if (!guest_read(v, &domain, at + MAP_DOMAIN_AT, sizeof(domain)))
                return -XEN_EFAULT;
            if (!is_self(domain) && domain != 0)
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
    default:
        break;
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (refused[i].command == command)
            return refuse(v, &refused[i], arg, count);
    }
    return -XEN_ENOSYS;
}
