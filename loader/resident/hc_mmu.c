/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Hypercalls on page tables: mmu_update, update_va_mapping, mmuext_op.
 *
 * Source: Xen's public xen.h (struct mmu_update, struct mmuext_op, UVMF_…); results as
 * do_mmu_update, do_update_va_mapping and do_mmuext_op give them (xen/arch/x86/mm.c).
 */
#include "descriptors.h"
#include "memory.h"
#include "pagetable.h"
#include "recorded.h"

#define BATCH      32u
#define PREEMPTED  0x80000000u /* MMU_UPDATE_PREEMPTED: a continuation, on Xen */
#define ALL_VCPUS  (~UINT64_C(0))
#define EVERYTHING (~UINT64_C(0))

static bool domain_is_self(uint64_t domain)
{
    uint16_t id = (uint16_t)domain;
    return id == DOMID_SELF || id == DOMID_IO || (id == 0 && layer.dom0);
}

/* As much of a value as an entry holds: what is checked is what will be stored. */
static uint64_t entry_value(uint64_t value)
{
    return entry_width() == 4 ? (uint32_t)value : value;
}

/* Stores `value` at machine address `at`, in whatever kind of frame that is. */
static long store_entry(uint64_t at, uint64_t value, bool keep_accessed)
{
    uint64_t mfn = at >> PAGE_SHIFT;
    value = entry_value(value);
    if (!frame_is_guest(mfn))
        return -XEN_EINVAL;
    int level = frame_level(frame_state(mfn));
    if (!level) {
        entry_write(at, value);
        return 0;
    }
    if (entry_is_ours(level, at))
        return -XEN_EINVAL;
    long rc = level == 1                   ? leaf_check(value)
              : level == 3 && layer.compat ? top_link_check(value)
                                           : table_link_check(mfn, level, value);
    if (rc)
        return rc;
    if (keep_accessed)
        entry_write_keep(at, value);
    else
        entry_write(at, value);
    entry_stored(level, at, value);
    return 0;
}

static long update_one(const struct mmu_update *update)
{
    switch (update->ptr & 3) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE:
        return store_entry(update->ptr & ~UINT64_C(3), update->val, false);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return store_entry(update->ptr & ~UINT64_C(3), update->val, true);
    default: /* MMU_MACHPHYS_UPDATE */
        return m2p_set(update->ptr >> PAGE_SHIFT, update->val) ? 0 : -XEN_EINVAL;
    }
}

/* ---- frames of DOMID_XEN: a dom0 may map those of the m2p, to read ----------------------------
 */

static bool domain_is_xen(uint64_t domain)
{
    return layer.dom0 && (uint16_t)domain == DOMID_XEN;
}

/* An L1 entry at machine address `at`. */
static long map_m2p(uint64_t at, uint64_t value)
{
    const struct handover *handover = layer.handover;
    value = entry_value(value);
    uint64_t table = at >> PAGE_SHIFT, mfn = entry_mfn(value);
    if (!(value & PTE_P))
        return store_entry(at, value, false);
    if (!frame_is_guest(table) || frame_level(frame_state(table)) != 1)
        return -XEN_EINVAL;
    if (mfn >= layer.frame_count || !(frame_state(mfn) & FRAME_RAM))
        return -XEN_EPERM;
    if (mfn - (handover->m2p >> PAGE_SHIFT) >= handover->m2p_size >> PAGE_SHIFT || value & PTE_RW)
        return -XEN_EBUSY;
    entry_write(at, value);
    return 0;
}

static long update_m2p(struct vcpu *v, uint64_t list, uint32_t count, uint32_t *ret_done)
{
    for (; *ret_done < count; (*ret_done)++) {
        struct mmu_update one;
        if (!guest_read(v, &one, list + *ret_done * UINT64_C(16), sizeof(one)))
            return -XEN_EFAULT;
        long rc = (one.ptr & 3) == MMU_MACHPHYS_UPDATE ? -XEN_EINVAL
                                                       : map_m2p(one.ptr & ~UINT64_C(3), one.val);
        if (rc) {
            record_element(v, *ret_done, one.ptr, one.val, 0);
            return rc;
        }
    }
    return 0;
}

static long write_done(struct vcpu *v, uint64_t gva, uint32_t done)
{
    return !gva || guest_write(v, gva, &done, sizeof(done)) ? 0 : -XEN_EFAULT;
}

long hc_mmu_update(struct vcpu *v, const struct hypercall_args *args)
{
    struct mmu_update batch[BATCH];
    uint32_t count = (uint32_t)args->arg[1] & ~PREEMPTED, done = 0;
    long rc = 0;
    if (!domain_is_self(args->arg[3])) {
        if (!domain_is_xen(args->arg[3]))
            return -XEN_ESRCH;
        rc = update_m2p(v, args->arg[0], count, &done);
    }
    while (done < count && rc == 0) {
        uint32_t part = count - done < BATCH ? count - done : BATCH;
        /* The last page may hold fewer than a batch: then one by one, to the one that is missing.
         */
        if (!guest_read(v, batch, args->arg[0] + done * UINT64_C(16), part * sizeof(batch[0]))) {
            part = 1;
            if (!guest_read(v, batch, args->arg[0] + done * UINT64_C(16), sizeof(batch[0]))) {
                rc = -XEN_EFAULT;
                break;
            }
        }
        for (uint32_t i = 0; i < part; i++) {
            rc = update_one(&batch[i]);
            if (rc) {
                record_element(v, done, batch[i].ptr, batch[i].val, 0);
                break;
            }
            done++;
        }
    }
    long written = write_done(v, args->arg[2], done);
    return rc ? rc : written;
}

/* UVMF_FLUSHTYPE in bits 0-1; then UVMF_ALL, or a pointer to a mask of vCPUs, or this one only. */
static long flush_after(struct vcpu *v, uint64_t gva, uint64_t flags)
{
    uint64_t mask = UINT64_C(1) << v->id;
    uint64_t pointer = flags & ~(uint64_t)UVMF_FLUSHTYPE_MASK;
    if ((flags & UVMF_FLUSHTYPE_MASK) != UVMF_TLB_FLUSH &&
        (flags & UVMF_FLUSHTYPE_MASK) != UVMF_INVLPG)
        return 0;
    if (pointer == UVMF_ALL) {
        mask = ALL_VCPUS;
    } else if (pointer != UVMF_LOCAL) {
        uint32_t bytes = layer.compat ? 4 : 8;
        mask = 0;
        if (!guest_read(v, &mask, pointer, bytes))
            return -XEN_EFAULT;
    }
    flush_vcpus(v, mask, (flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG ? gva : EVERYTHING);
    return 0;
}

static long va_mapping(struct vcpu *v, uint64_t gva, uint64_t value, uint64_t flags)
{
    value = entry_value(value);
    long rc = leaf_check(value);
    if (rc)
        return rc;
    uint64_t leaf;
    if (!leaf_find(v->kernel_root, gva, &leaf))
        return -XEN_EINVAL;
    entry_write(leaf, value);
    entry_stored(1, leaf, value);
    return flush_after(v, gva, flags);
}

long hc_update_va_mapping(struct vcpu *v, const struct hypercall_args *args)
{
    if (layer.compat)
        return va_mapping(v, args->arg[0], args->arg[1] | args->arg[2] << 32, args->arg[3]);
    return va_mapping(v, args->arg[0], args->arg[1], args->arg[2]);
}

static long va_mapping_m2p(struct vcpu *v, uint64_t gva, uint64_t value, uint64_t flags)
{
    uint64_t leaf;
    if (!leaf_find(v->kernel_root, gva, &leaf))
        return -XEN_EINVAL;
    long rc = map_m2p(leaf, value);
    return rc ? rc : flush_after(v, gva, flags);
}

long hc_update_va_mapping_otherdomain(struct vcpu *v, const struct hypercall_args *args)
{
    uint64_t domain = args->arg[layer.compat ? 4 : 3];
    if (domain_is_self(domain))
        return hc_update_va_mapping(v, args);
    if (!domain_is_xen(domain))
        return -XEN_ESRCH;
    if (layer.compat)
        return va_mapping_m2p(v, args->arg[0], args->arg[1] | args->arg[2] << 32, args->arg[3]);
    return va_mapping_m2p(v, args->arg[0], args->arg[1], args->arg[2]);
}

/* ---- mmuext_op ------------------------------------------------------------------------------ */

struct extended {
    uint32_t cmd, pad;
    uint64_t arg1; /* mfn or linear address */
    uint64_t arg2; /* nr_ents (32 bits), source mfn or pointer to a mask */
};

static const struct layout_field extended_fields[] = {
    {0, 4, 0, 4, 1},
    {4, 4, 8, 8, 2},
};
static const struct layout extended_layout = {12, sizeof(struct extended), 2, extended_fields};

#ifdef __x86_64__
_Static_assert(sizeof(struct extended) == sizeof(struct mmuext_op), "mmuext_op");
#endif

static long pin(uint64_t mfn, int level)
{
    if (!frame_is_guest(mfn) || (frame_state(mfn) & FRAME_PINNED) || m2p_get(mfn) == ~UINT64_C(0))
        return -XEN_EINVAL;
    if (level > root_level() || table_conflicts(mfn, level))
        return -XEN_EINVAL;
    bool known = frame_level(frame_state(mfn)) == level;
    if (level == root_level()) {
        long rc = root_prepare(mfn); /* marks one that is new */
        if (rc)
            return rc;
    }
    if (known || level < root_level())
        table_mark(mfn, level);
    frame_set(mfn, FRAME_PINNED);
    return 0;
}

static long unpin(uint64_t mfn)
{
    if (!frame_is_guest(mfn) || !(frame_state(mfn) & FRAME_PINNED))
        return -XEN_EINVAL;
    frame_clear(mfn, FRAME_PINNED);
    return 0;
}

static bool read_mask(struct vcpu *v, uint64_t gva, uint64_t *ret)
{
    *ret = 0;
    return guest_read(v, ret, gva, layer.compat ? 4 : 8);
}

static long set_ldt(struct vcpu *v, uint64_t base, uint32_t entries)
{
    if (entries > 8192 || (base & PAGE_MASK) || (entries && base >= HOLE_START && base < HOLE_END))
        return -XEN_EINVAL;
    if (v->ldt_base != base || v->ldt_entries != entries || entries)
        ldt_load(v, base, entries);
    return 0;
}

static long clear_or_copy(const struct extended *op, bool copy)
{
    void *to = frame_pointer(op->arg1);
    const void *from = copy ? frame_pointer(op->arg2) : NULL;
    if (!to || (copy && !from) || (frame_state(op->arg1) & FRAME_LEVEL) ||
        !frame_has_pfn(op->arg1) || (copy && !frame_has_pfn(op->arg2)))
        return -XEN_EINVAL;
    if (copy)
        memcpy(to, from, PAGE_SIZE);
    else
        memset(to, 0, PAGE_SIZE);
    return 0;
}

static long extended_one(struct vcpu *v, const struct extended *op)
{
    uint64_t mask;
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        return pin(op->arg1, (int)(op->cmd - MMUEXT_PIN_L1_TABLE) + 1);
    case MMUEXT_UNPIN_TABLE:
        return unpin(op->arg1);
    case MMUEXT_NEW_BASEPTR:
        return root_set(v, op->arg1);
    case MMUEXT_NEW_USER_BASEPTR:
        return layer.compat ? -XEN_EOPNOTSUPP : user_root_set(v, op->arg1);
    case MMUEXT_TLB_FLUSH_LOCAL:
        flush_tlb_all();
        return 0;
    case MMUEXT_INVLPG_LOCAL:
        cpu_invlpg(op->arg1);
        return 0;
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
        if (!read_mask(v, op->arg2, &mask))
            return -XEN_EINVAL;
        flush_vcpus(v, mask, op->cmd == MMUEXT_INVLPG_MULTI ? op->arg1 : EVERYTHING);
        return 0;
    case MMUEXT_TLB_FLUSH_ALL:
        flush_vcpus(v, ALL_VCPUS, EVERYTHING);
        return 0;
    case MMUEXT_INVLPG_ALL:
        flush_vcpus(v, ALL_VCPUS, op->arg1);
        return 0;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        if (!layer.dom0)
            return -XEN_EACCES;
        cpu_wbinvd();
        return 0;
    case MMUEXT_SET_LDT:
        return set_ldt(v, op->arg1, (uint32_t)op->arg2);
    case MMUEXT_CLEAR_PAGE:
        return clear_or_copy(op, false);
    case MMUEXT_COPY_PAGE:
        return clear_or_copy(op, true);
    case MMUEXT_MARK_SUPER: /* no large pages for guests */
    case MMUEXT_UNMARK_SUPER:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}

long hc_mmuext_op(struct vcpu *v, const struct hypercall_args *args)
{
    uint32_t count = (uint32_t)args->arg[1] & ~PREEMPTED, done = 0;
    long rc = 0;
    if (!domain_is_self(args->arg[3]))
        return -XEN_ESRCH;
    for (; done < count; done++) {
        struct extended op;
        if (!guest_read_struct(v, &op, args->arg[0], done, &extended_layout)) {
            rc = -XEN_EFAULT;
            break;
        }
        rc = extended_one(v, &op);
        if (rc) {
            record_element(v, done, op.cmd, op.arg1, op.arg2);
            break;
        }
    }
    long written = write_done(v, args->arg[2], done);
    return rc ? rc : written;
}
