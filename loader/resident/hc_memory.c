/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * memory_op: what memory there is, giving frames back, getting others, and exchanging single frames
 * for contiguous ones (what a dom0 needs for DMA).
 *
 * Frames come from the pool of those that the guest has given back; an exchange may use the very
 * frames that it puts in.  Source: public/memory.h; Xen common/memory.c (do_memory_op,
 * memory_exchange, populate_physmap, decrease_reservation), arch/x86/mm.c: arch_memory_op.
 */
#include "event.h"
#include "frame_pool.h"
#include "pagetable.h"
#include "spinlock.h"

#define RESERVATION_FIELDS(at, member)                                                             \
    FIELD((at) + 0, 4, struct xen_memory_exchange, member.extent_start),                           \
        FIELD((at) + 4, 4, struct xen_memory_exchange, member.nr_extents),                         \
        FIELD((at) + 8, 4, struct xen_memory_exchange, member.extent_order),                       \
        FIELD((at) + 12, 4, struct xen_memory_exchange, member.mem_flags),                         \
        FIELD((at) + 16, 2, struct xen_memory_exchange, member.domid)

LAYOUT(exchange_layout, 44, struct xen_memory_exchange, RESERVATION_FIELDS(0, in),
       RESERVATION_FIELDS(20, out), FIELD(40, 4, struct xen_memory_exchange, nr_exchanged));
LAYOUT(reservation_layout, 20, struct xen_memory_reservation,
       FIELD(0, 4, struct xen_memory_reservation, extent_start),
       FIELD(4, 4, struct xen_memory_reservation, nr_extents),
       FIELD(8, 4, struct xen_memory_reservation, extent_order),
       FIELD(12, 4, struct xen_memory_reservation, mem_flags),
       FIELD(16, 2, struct xen_memory_reservation, domid));
LAYOUT(map_layout, 8, struct xen_memory_map, FIELD(0, 4, struct xen_memory_map, nr_entries),
       FIELD(4, 4, struct xen_memory_map, buffer));
LAYOUT(foreign_map_layout, 12, struct xen_foreign_memory_map,
       FIELD(0, 2, struct xen_foreign_memory_map, domid),
       FIELD(4, 4, struct xen_foreign_memory_map, map.nr_entries),
       FIELD(8, 4, struct xen_foreign_memory_map, map.buffer));
LAYOUT(list_layout, 12, struct xen_machphys_mfn_list,
       FIELD(0, 4, struct xen_machphys_mfn_list, max_extents),
       FIELD(4, 4, struct xen_machphys_mfn_list, extent_start),
       FIELD(8, 4, struct xen_machphys_mfn_list, nr_extents));
LAYOUT(machphys_layout, 12, struct xen_machphys_mapping,
       FIELD(0, 4, struct xen_machphys_mapping, v_start),
       FIELD(4, 4, struct xen_machphys_mapping, v_end),
       FIELD(8, 4, struct xen_machphys_mapping, max_mfn));

#define COMMAND_MASK  0x3fu /* bits above hold the extent to go on from */
#define COMMAND_SHIFT 6
#define ORDER_MAX     18 /* as Xen lets a domain with hardware ask for */

/* One extent may be exchanged for 2^this smaller ones: Linux undoes its largest, of 4 MiB. */
#define EXCHANGE_SPLIT_MAX 12
#define E820_SIZE          20
#define E820_MAX           1024 /* entries of a map that a guest sets */
#define M2P_SIZE_64        (UINT64_C(1) << 38)
#define M2P_SIZE_PAE       (UINT64_C(16) << 20)
#define M2P_SIZE_32        (UINT64_C(4) << 20)
#define NO_FRAME           (~UINT64_C(0))
#define SHARED_MAX_PFN_32  2316 /* shared_info.arch.max_pfn of 32-bit guests (xen-x86_32.h) */

static struct spinlock lock;
static struct frame_pool pool;
static uint64_t guest_pages; /* frames that the guest has */
static uint8_t *set_map;     /* of set_memory_map: E820_MAX entries twice, NULL before the first */
static uint32_t set_map_at, set_map_count;

void memory_op_init(void)
{
    pool = (struct frame_pool){.frame = layer.frame, .count = layer.frame_count};
    guest_pages = layer.nr_pages;
    /* The reserve: an exchange whose own frames are of no use (too high, or on both sides of a seam
     * of the p2m) needs others first. */
    uint64_t frames = layer.handover->dma_reserve >> PAGE_SHIFT;
    uint64_t first = (layer.arena_end >> PAGE_SHIFT) - frames;
    if (frames == 0 || first << PAGE_SHIFT < layer.arena_next)
        return;
    layer.arena_end = first << PAGE_SHIFT;
    for (uint64_t mfn = first; mfn < first + frames; mfn++) {
        frame_clear(mfn, FRAME_LAYER);
        frame_pool_put(&pool, mfn);
    }
}

static bool is_self(domid_t domain)
{
    return domain == DOMID_SELF || domain == (layer.dom0 ? 0 : GUEST_DOMAIN);
}

static uint64_t frame_limit(uint32_t mem_flags)
{
    uint32_t bits = XENMEMF_get_address_bits(mem_flags);
    return bits <= PAGE_SHIFT || bits >= 52 ? UINT64_MAX : UINT64_C(1) << (bits - PAGE_SHIFT);
}

static uint32_t pfn_size(void)
{
    return layer.compat ? 4 : 8;
}

static bool read_pfn(struct vcpu *v, uint64_t list, uint64_t index, uint64_t *ret)
{
    uint64_t value = 0, at;
    if (index > UINT32_MAX || !checked_add_u64(list, index * pfn_size(), &at) ||
        !guest_read(v, &value, at, pfn_size()))
        return false;
    *ret = value;
    return true;
}

static bool write_pfn(struct vcpu *v, uint64_t list, uint64_t index, uint64_t value)
{
    uint64_t at;
    return index <= UINT32_MAX && checked_add_u64(list, index * pfn_size(), &at) &&
           guest_write(v, at, &value, pfn_size());
}

/* ---- frames in and out -------------------------------------------------------------------- */

/* A frame that the guest has and that nothing depends on. */
static bool may_give_back(uint64_t mfn)
{
    return frame_is_guest(mfn) &&
           !(frame_state(mfn) & (FRAME_FREE | FRAME_SPECIAL | FRAME_LEVEL | FRAME_PINNED));
}

/* The m2p still names their old PFNs afterwards: forget() when they are gone for good. */
static bool put_back(uint64_t mfn, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!may_give_back(mfn + i))
            return false;
    }
    for (uint64_t i = 0; i < count; i++)
        frame_pool_put(&pool, mfn + i);
    guest_pages -= count;
    return true;
}

static void forget(uint64_t mfn, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (mfn + i < layer.frame_count && frame_state(mfn + i) & FRAME_FREE)
            (void)m2p_set(mfn + i, NO_FRAME);
    }
}

static bool give_back(uint64_t mfn, uint64_t count)
{
    if (!put_back(mfn, count))
        return false;
    forget(mfn, count);
    return true;
}

static uint64_t take(uint32_t order, uint64_t limit)
{
    uint64_t mfn = frame_pool_get(&pool, order, limit);
    if (mfn != NO_FRAME)
        guest_pages += UINT64_C(1) << order;
    return mfn;
}

static long decrease(struct vcpu *v, const struct xen_memory_reservation *op, uint64_t start)
{
    uint64_t list = (uintptr_t)op->extent_start.p, i;
    for (i = start; i < op->nr_extents; i++) {
        uint64_t mfn;
        if (!read_pfn(v, list, i, &mfn) || !give_back(mfn, UINT64_C(1) << op->extent_order))
            break;
    }
    return (long)i;
}

/* XENMEM_increase_reservation, and populate_physmap which names PFNs for the frames. */
static long increase(struct vcpu *v, const struct xen_memory_reservation *op, uint64_t start,
                     bool populate)
{
    uint64_t list = (uintptr_t)op->extent_start.p, i;
    uint64_t count = UINT64_C(1) << op->extent_order;
    for (i = start; i < op->nr_extents; i++) {
        uint64_t pfn = 0;
        if (populate && !read_pfn(v, list, i, &pfn))
            break;
        uint64_t mfn = take(op->extent_order, frame_limit(op->mem_flags));
        if (mfn == NO_FRAME)
            break;
        for (uint64_t n = 0; n < count; n++) {
            memset(maddr_pointer((mfn + n) << PAGE_SHIFT), 0, PAGE_SIZE);
            if (populate)
                (void)m2p_set(mfn + n, pfn + n);
        }
        if ((populate || list != 0) && !write_pfn(v, list, i, mfn))
            break;
    }
    return (long)i;
}

static long reservation_op(struct vcpu *v, uint32_t command, uint64_t start, uint64_t arg)
{
    struct xen_memory_reservation op;
    if (!guest_read_struct(v, &op, arg, 0, &reservation_layout))
        return (long)start;
    if (op.nr_extents > UINT32_MAX || start >= op.nr_extents || op.extent_order > ORDER_MAX ||
        !is_self(op.domid))
        return (long)start;
    spin_lock(&lock);
    long done = command == XENMEM_decrease_reservation
                    ? decrease(v, &op, start)
                    : increase(v, &op, start, command == XENMEM_populate_physmap);
    spin_unlock(&lock);
    return done;
}

/* Frames that put_back() has just taken, unless they have been given out again. */
static void take_back(uint64_t mfn, uint64_t count)
{
    for (uint64_t n = 0; n < count; n++) {
        if (mfn + n < layer.frame_count && frame_state(mfn + n) & FRAME_FREE) {
            frame_pool_take(&pool, mfn + n);
            guest_pages++;
        }
    }
}

/* One chunk of an exchange: in_count extents go in, out_count come out. */
static long exchange_chunk(struct vcpu *v, const struct xen_memory_exchange *op, uint64_t chunk,
                           uint32_t in_count, uint32_t out_count)
{
    uint64_t in_list = (uintptr_t)op->in.extent_start.p;
    uint64_t out_list = (uintptr_t)op->out.extent_start.p;
    uint64_t in_size = UINT64_C(1) << op->in.extent_order;
    uint64_t out_size = UINT64_C(1) << op->out.extent_order;
    static uint64_t out_mfn[1u << EXCHANGE_SPLIT_MAX]; /* under the lock */
    uint64_t mfn, pfn;
    long status = 0;

    /* All of them first: a chunk is exchanged whole or not at all. */
    uint32_t given = 0;
    while (status == 0 && given < in_count) {
        if (!read_pfn(v, in_list, chunk * in_count + given, &mfn))
            status = -XEN_EFAULT;
        else if (!put_back(mfn, in_size))
            status = -XEN_EINVAL;
        else
            given++;
    }
    uint32_t taken = 0;
    while (status == 0 && taken < out_count) {
        out_mfn[taken] = take(op->out.extent_order, frame_limit(op->out.mem_flags));
        if (out_mfn[taken] == NO_FRAME)
            status = -XEN_ENOMEM;
        else
            taken++;
    }
    if (status != 0) {
        /* Back to where it was; the m2p has not been touched. */
        for (uint32_t i = 0; i < taken; i++)
            (void)put_back(out_mfn[i], out_size);
        for (uint32_t i = 0; i < given; i++) {
            if (read_pfn(v, in_list, chunk * in_count + i, &mfn))
                take_back(mfn, in_size);
        }
        return status;
    }
    for (uint32_t i = 0; i < in_count; i++) {
        if (read_pfn(v, in_list, chunk * in_count + i, &mfn))
            forget(mfn, in_size);
    }
    for (uint32_t i = 0; i < out_count; i++) {
        if (!read_pfn(v, out_list, chunk * out_count + i, &pfn)) {
            status = -XEN_EFAULT;
            continue;
        }
        for (uint64_t n = 0; n < out_size; n++)
            (void)m2p_set(out_mfn[i] + n, pfn + n);
        if (!write_pfn(v, out_list, chunk * out_count + i, out_mfn[i]))
            status = -XEN_EFAULT;
    }
    return status;
}

static long exchange(struct vcpu *v, uint64_t arg)
{
    struct xen_memory_exchange op;
    if (!guest_read_struct(v, &op, arg, 0, &exchange_layout))
        return -XEN_EFAULT;
    if (op.in.extent_order > ORDER_MAX || op.out.extent_order > ORDER_MAX)
        return -XEN_EPERM;
    uint64_t in_frames, out_frames;
    if (op.nr_exchanged > op.in.nr_extents || op.in.domid != op.out.domid ||
        !is_self(op.in.domid) || op.in.nr_extents > UINT32_MAX || op.out.nr_extents > UINT32_MAX)
        return -XEN_EINVAL;
    in_frames = op.in.nr_extents << op.in.extent_order;
    out_frames = op.out.nr_extents << op.out.extent_order;
    if (in_frames != out_frames)
        return -XEN_EINVAL;
    uint32_t in_count = 1, out_count = 1;
    if (op.in.extent_order <= op.out.extent_order)
        in_count = 1u << (op.out.extent_order - op.in.extent_order);
    else
        out_count = 1u << (op.in.extent_order - op.out.extent_order);
    if (out_count > 1u << EXCHANGE_SPLIT_MAX)
        return -XEN_EPERM;
    if (op.nr_exchanged % in_count != 0)
        return -XEN_EINVAL;

    long status = 0;
    uint64_t chunk = op.nr_exchanged / in_count, chunks = op.in.nr_extents / in_count;
    spin_lock(&lock);
    while (status == 0 && chunk < chunks) {
        status = exchange_chunk(v, &op, chunk, in_count, out_count);
        if (status == 0)
            chunk++;
    }
    spin_unlock(&lock);
    op.nr_exchanged = chunk * in_count;
    return guest_write_struct(v, arg, 0, &op, &exchange_layout) ? status : -XEN_EFAULT;
}

/* ---- what there is ------------------------------------------------------------------------ */

/* Of a domain that may be asked about: 0, or what Xen answers for another. */
static long check_self(domid_t domain)
{
    return is_self(domain) ? 0 : domain == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

/* A PV guest says in its shared_info how many PFNs it uses; Xen takes its word. */
static long last_pfn(void)
{
    const volatile uint8_t *shared = (const volatile uint8_t *)layer.shared;
    uint64_t count =
        layer.compat
            ? *(const volatile uint32_t *)(shared + SHARED_MAX_PFN_32)
            : *(const volatile uint64_t *)(shared + offsetof(struct shared_info, arch.max_pfn));
    return count == 0 ? 0 : (long)(count - 1);
}

static long own_size(struct vcpu *v, uint32_t command, uint64_t arg)
{
    domid_t domain;
    if (!guest_read(v, &domain, arg, sizeof(domain)))
        return -XEN_EFAULT;
    long rc = check_self(domain);
    if (rc != 0)
        return rc;
    if (command == XENMEM_maximum_gpfn)
        return last_pfn();
    return (long)(command == XENMEM_maximum_reservation ? layer.nr_pages : guest_pages);
}

/* ---- the map that a toolstack, or a dom0 itself, sets for memory_map to give ----------------- */

static long set_memory_map(struct vcpu *v, uint64_t arg)
{
    struct xen_foreign_memory_map op;
    if (!guest_read_struct(v, &op, arg, 0, &foreign_map_layout))
        return -XEN_EFAULT;
    if (op.map.nr_entries > E820_MAX)
        return -XEN_EINVAL;
    long rc = check_self(op.domid);
    if (rc != 0)
        return rc;
    spin_lock(&lock);
    if (set_map == NULL)
        set_map = layer_pages((2 * E820_MAX * E820_SIZE + PAGE_MASK) >> PAGE_SHIFT);
    uint32_t at =
        E820_MAX * E820_SIZE - set_map_at; /* a list that cannot be read changes nothing */
    if (set_map == NULL) {
        rc = -XEN_ENOMEM;
    } else if (!guest_read(v, set_map + at, (uintptr_t)op.map.buffer.p,
                           (uint64_t)op.map.nr_entries * E820_SIZE)) {
        rc = -XEN_EFAULT;
    } else {
        set_map_at = at;
        set_map_count = op.map.nr_entries;
    }
    spin_unlock(&lock);
    return rc;
}

static long memory_map(struct vcpu *v, uint64_t arg)
{
    struct xen_memory_map op;
    long rc = 0;
    if (!guest_read_struct(v, &op, arg, 0, &map_layout))
        return -XEN_EFAULT;
    spin_lock(&lock);
    if (op.nr_entries > set_map_count)
        op.nr_entries = set_map_count;
    if (set_map_count == 0)
        rc = -XEN_ENOSYS; /* no toolstack has set one */
    else if (!guest_write(v, (uintptr_t)op.buffer.p, set_map + set_map_at,
                          (uint64_t)op.nr_entries * E820_SIZE) ||
             !guest_write_struct(v, arg, 0, &op, &map_layout))
        rc = -XEN_EFAULT;
    spin_unlock(&lock);
    return rc;
}

static long machine_memory_map(struct vcpu *v, uint64_t arg)
{
    struct xen_memory_map op;
    if (!layer.dom0)
        return -XEN_EPERM;
    if (!guest_read_struct(v, &op, arg, 0, &map_layout))
        return -XEN_EFAULT;
    const struct handover_memory *map =
        (const struct handover_memory *)(uintptr_t)layer.handover->map;
    uint32_t count = layer.handover->map_count;
    bool only_counted = op.buffer.p == NULL;
    if (op.nr_entries < count && !only_counted)
        return -XEN_EINVAL;
    for (uint32_t i = 0; i < count && !only_counted; i++) {
        struct {
            uint64_t address, size;
            uint32_t type;
        } __attribute__((packed)) entry = {map[i].start, map[i].end - map[i].start, map[i].type};
        _Static_assert(sizeof(entry) == E820_SIZE, "e820 entry");
        if (!guest_write(v, (uintptr_t)op.buffer.p + i * sizeof(entry), &entry, sizeof(entry)))
            return -XEN_EFAULT;
    }
    op.nr_entries = count;
    return guest_write_struct(v, arg, 0, &op, &map_layout) ? 0 : -XEN_EFAULT;
}

static long machphys_mapping(struct vcpu *v, uint64_t arg)
{
    uint64_t start = layer.compat ? layer.handover->hv_start_low : M2P_BASE;
    uint64_t size = layer.guest_class == GUEST_PV32 ? M2P_SIZE_32 : M2P_SIZE_PAE;
    if (!layer.compat)
        size = M2P_SIZE_64;
    struct xen_machphys_mapping op = {.v_start = start, .v_end = start + size};
    op.max_mfn = (size >> (layer.compat ? 2 : 3)) - 1;
    if (layer.dom0 && op.max_mfn >= layer.frame_count)
        op.max_mfn = layer.frame_count - 1; /* a domU may meet memory that comes later */
    return guest_write_struct(v, arg, 0, &op, &machphys_layout) ? 0 : -XEN_EFAULT;
}

/* The frame of the m2p's first page in that extent, 0 when it has no pages. */
static uint64_t m2p_extent(uint32_t extent)
{
    int level;
    uint64_t entry[WALK_MAX];
    uint64_t at = M2P_WRITE_BASE + extent * M2P_EXTENT_SIZE;
    uint32_t count = walk_read(layer.root, at, &level, entry);
    return count == (uint32_t)level && (entry[count - 1] & PTE_P) ? entry_mfn(entry[count - 1]) : 0;
}

/* What a dom0 may then map to read (hc_mmu.c), as far as the table goes.  An extent without RAM has
 * the frame of the one before. */
static long machphys_list(struct vcpu *v, uint64_t arg)
{
    struct xen_machphys_mfn_list op;
    if (!guest_read_struct(v, &op, arg, 0, &list_layout))
        return -XEN_EFAULT;
    uint64_t size = layer.frame_count * pfn_size(), last = 0;
    uint32_t i = 0;
    for (; i < op.max_extents && i * M2P_EXTENT_SIZE < size; i++) {
        uint64_t mfn = m2p_extent(i);
        last = mfn != 0 ? mfn : last;
        if (!write_pfn(v, (uintptr_t)op.extent_start.p, i, last))
            return -XEN_EFAULT;
    }
    op.nr_extents = i;
    return guest_write_struct(v, arg, 0, &op, &list_layout) ? 0 : -XEN_EFAULT;
}

/* What is only on x86; Xen does not know these by a number with an extent to go on from. */
static long memory_op_x86(struct vcpu *v, uint32_t command, uint64_t arg)
{
    switch (command) {
    case XENMEM_machine_memory_map:
        return machine_memory_map(v, arg);
    case XENMEM_machphys_mapping:
        return machphys_mapping(v, arg);
    case XENMEM_machphys_mfn_list:
        return machphys_list(v, arg);
    case XENMEM_memory_map:
        return memory_map(v, arg);
    case XENMEM_set_memory_map:
        return set_memory_map(v, arg);
    default:
        return -XEN_ENOSYS;
    }
}

long hc_memory_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t command = (uint32_t)args->arg[0] & COMMAND_MASK;
    uint64_t start = (args->arg[0] & 0xffffffffu) >> COMMAND_SHIFT;
    uint64_t arg = args->arg[1];
    switch (command) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return reservation_op(v, command, start, arg);
    case XENMEM_exchange:
        return start != 0 ? -XEN_EINVAL : exchange(v, arg);
    case XENMEM_maximum_ram_page:
        return start != 0 ? -XEN_EINVAL : (long)layer.frame_count;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return start != 0 ? -XEN_EINVAL : own_size(v, command, arg);
    case XENMEM_add_to_physmap:
    case XENMEM_remove_from_physmap: { /* for translated guests */
        domid_t domain;
        if (start != 0 && command == XENMEM_remove_from_physmap)
            return -XEN_EINVAL;
        if (!guest_read(v, &domain, arg, sizeof(domain)))
            return -XEN_EFAULT;
        return is_self(domain) ? -XEN_EACCES : -XEN_ESRCH;
    }
    default:
        return start != 0 ? -XEN_ENOSYS : memory_op_x86(v, command, arg);
    }
}
