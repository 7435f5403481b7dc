/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The planner for Xen PV guests: which class and layer, where everything stands, and the steps.
 * Order: what may be refused early; what is in memory already (ramdisks); what is kept from the
 * guest (layer, m2p, hand-over); the guest's frames and region; contents.
 * Source: xen/arch/x86/pv/dom0_build.c (dom0_construct) for role dom0, tools/libs/guest/ for domU.
 */
#include "pv_parts.h"

#include "memory_map.h"
#include "pv_abi.h"
#include "pv_memory.h"

#define MIB      UINT64_C(0x100000)
#define FOUR_GIB (UINT64_C(1) << 32)

#define FEATURE_SUPERVISOR_MODE (1u << 3)
#define FEATURE_DOM0            (1u << 11)

static const char *const class_name[] = {
    [GUEST_PV64] = "64-bit PV",
    [GUEST_PV32PAE] = "32-bit PAE PV",
    [GUEST_PV32] = "32-bit PV",
};

static bool serves(const struct resident_header *header, enum guest_class class)
{
    return header && (header->classes >> class & 1);
}

/* The layer that serves `class` on this CPU: the 64-bit one where the CPU can run it. */
static bool choose_layer(const struct plan_input *input, enum guest_class class,
                         struct pv_work *work)
{
    work->class = class;
    if (input->cpu->long_mode && serves(input->resident64, class)) {
        work->layer64 = true;
        work->header = input->resident64;
        work->image_at = input->resident64_at;
        return true;
    }
    work->layer64 = false;
    work->header = input->resident32;
    work->image_at = input->resident32_at;
    return class != GUEST_PV64 && serves(input->resident32, class);
}

static enum refusal_id choose_class(struct pv_work *work, struct refusal *why)
{
    const struct plan_input *input = work->input;
    enum pae_mode pae = input->info->pae;
    enum guest_class class = GUEST_PV64;

    if (!input->image->elf.is_64bit) {
        class = pae == PAE_NO ? GUEST_PV32 : GUEST_PV32PAE;
        if (class == GUEST_PV32PAE && !input->cpu->pae) {
            if (pae != PAE_BIMODAL)
                return REFUSE(why, PV_NEEDS_PAE, .str = {input->cpu->vendor});
            class = GUEST_PV32;
        }
    } else if (!input->cpu->long_mode) {
        return REFUSE(why, PV_NEEDS_LONG_MODE, .str = {input->cpu->vendor});
    }
    if (!input->cpu->tsc)
        return REFUSE(why, PV_NEEDS_TSC, .str = {input->cpu->vendor});
    if (choose_layer(input, class, work))
        return REFUSE_NONE;
    if (pae == PAE_BIMODAL && class == GUEST_PV32PAE && choose_layer(input, GUEST_PV32, work))
        return REFUSE_NONE;
    return REFUSE(why, PV_NO_LAYER, .str = {class_name[class]});
}

static enum refusal_id check_layer(const struct resident_header *header, struct refusal *why)
{
    if (header->magic != RESIDENT_MAGIC || header->version != HANDOVER_VERSION)
        return REFUSE(why, PV_LAYER_INVALID, .num = {header->magic, header->version});
    if (header->image_size > header->memory_size || (header->memory_size & PAGE_MASK) ||
        header->entry_offset >= header->image_size)
        return REFUSE(why, PV_LAYER_INVALID, .num = {header->image_size, header->memory_size});
    return REFUSE_NONE;
}

static enum refusal_id check_guest(struct pv_work *work, struct refusal *why)
{
    const struct plan_input *input = work->input;
    const struct guest_info *info = input->info;

    if (info->features_required & FEATURE_SUPERVISOR_MODE)
        return REFUSE(why, PV_SUPERVISOR_MODE, .num = {info->features_required});
    if (!work->dom0 && (info->features_required & FEATURE_DOM0))
        return REFUSE(why, PV_ONLY_DOM0, .num = {info->features_required});
    if (work->dom0 && info->supported_given && !(info->features_supported & FEATURE_DOM0))
        return REFUSE(why, PV_NOT_DOM0, .num = {info->features_supported});
    work->hole_start = 0;
    if (work->class == GUEST_PV32)
        work->hole_start = HV32_START;
    if (work->class == GUEST_PV32PAE) {
        work->hole_start = HV32PAE_START;
        if (info->hv_start_low.given && info->hv_start_low.value > HV32PAE_START)
            return REFUSE(why, PV_HOLE_TOO_HIGH, .num = {info->hv_start_low.value, HV32PAE_START});
    }
    return REFUSE_NONE;
}

enum refusal_id pv_place(struct pv_work *work, const char *name, enum region_kind kind,
                         uint64_t size, uint64_t *ret, struct refusal *why)
{
    bool from_top = kind != REGION_TARGET;

    size = (size + PAGE_MASK) & ~PAGE_MASK;
    if (size >= FOUR_GIB ||
        !plan_find(work->plan, work->input->record, size, PAGE_SIZE, MIB, 0, from_top, ret))
        return REFUSE(why, PV_NO_ROOM, .num = {size >> 10}, .str = {name});
    return plan_add_region(work->plan, name, kind, (struct range){*ret, *ret + size}, NULL, why);
}

/* Frames below 4 GiB that a dom0 guest gets only in exchange, for DMA (Linux: swiotlb-xen).  Where
 * RAM goes on above 4 GiB, what the stage keeps below it is replaced by frames from above, so the
 * guest's low PFNs are not all low frames: a sixteenth, at most 128 MiB, as Xen keeps.  Elsewhere
 * only seams of the p2m need help. */
static uint64_t dma_reserve(const struct pv_work *work, const struct memory_map *map)
{
    const uint64_t seams = UINT64_C(2) << 20, most = UINT64_C(128) << 20;
    uint64_t low = 0;
    if (!work->dom0 || work->class != GUEST_PV64)
        return 0;
    if (memory_map_ram_end(map) <= FOUR_GIB)
        return seams;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_entry *entry = &map->entry[i];
        if (entry->type == MEMORY_RAM && entry->start < FOUR_GIB)
            low += (entry->end < FOUR_GIB ? entry->end : FOUR_GIB) - entry->start;
    }
    low = align_down_u64(low >> 4, seams);
    return low < seams ? seams : low > most ? most : low;
}

/* What stays behind the guest.  The largest first: near the top of RAM below 4 GiB. */
static enum refusal_id place_layer(struct pv_work *work, struct refusal *why)
{
    const struct resident_header *header = work->header;
    const struct memory_map *map = &work->input->record->map;
    struct pv_plan *pv = &work->plan->pv;
    uint64_t frames = (memory_map_ram_end(map) + PAGE_MASK) >> PAGE_SHIFT;
    uint64_t per_cpu, per_frame;
    enum refusal_id id;

    work->cpu_count = work->input->options->vcpus;
    if (!work->cpu_count)
        work->cpu_count = work->input->cpu->count ? work->input->cpu->count : 1;
    if (frames > M2P64_MFN_MAX)
        frames = M2P64_MFN_MAX;
    if (!checked_mul_u64(work->cpu_count, header->arena_per_cpu, &per_cpu) ||
        !checked_mul_u64(frames, header->arena_bits_per_frame, &per_frame) || per_cpu > FOUR_GIB ||
        per_frame >> 3 > FOUR_GIB)
        return REFUSE(why, PV_NO_ROOM, .num = {FOUR_GIB >> 10}, .str = {"the layer's arena"});
    work->dma_reserve = dma_reserve(work, map);
    work->arena_size = (header->arena_fixed + per_cpu + (per_frame >> 3) + PAGE_MASK) & ~PAGE_MASK;
    work->arena_size += work->dma_reserve;
    pv->m2p_size = pv_memory_m2p_pages(map, work->class) << PAGE_SHIFT;

    id = pv_place(work, "m2p", REGION_LAYER, pv->m2p_size, &pv->m2p, why);
    if (!id && work->arena_size)
        id = pv_place(work, "layer arena", REGION_LAYER, work->arena_size, &work->arena, why);
    if (!id)
        id = pv_place(work, "resident layer", REGION_LAYER, header->memory_size, &work->layer, why);
    if (!id)
        id = plan_add_copy(work->plan, work->layer, work->image_at, header->image_size, why);
    if (!id)
        id = plan_add_zero(work->plan, work->layer + header->image_size,
                           header->memory_size - header->image_size, why);
    if (!id)
        id = pv_place(work, "shared_info", REGION_LAYER, PAGE_SIZE, &pv->shared_info, why);
    if (!id)
        id = pv_place_symbols(work, why);
    if (!id)
        id = pv_place(work, "hand-over", REGION_LAYER, pv_handover_size(work), &work->plan->info,
                      why);
    if (!id)
        id = pv_place(work, "hand-off", REGION_HANDOFF, HANDOFF_SIZE, &work->plan->handoff, why);
    return id;
}

static uint64_t page_limit(const struct pv_work *work, uint64_t available)
{
    uint64_t limit = work->input->options->memory_limit >> PAGE_SHIFT;

    return limit && limit < available ? limit : available;
}

static enum refusal_id make_layout(struct pv_work *work, struct refusal *why)
{
    const struct guest_info *info = work->input->info;
    const struct placement *placement = work->input->placement;
    struct pv_plan *pv = &work->plan->pv;
    uint64_t available;
    enum refusal_id id = pv_memory_collect(work->input->record, work->plan, pv, &available, why);

    if (id)
        return id;
    work->nr_pages = page_limit(work, available);
    struct pv_layout_request request = {
        .class = work->class,
        .domu = !work->dom0,
        .virt_base = placement->base,
        .kernel_end = placement->base + work->kernel_end,
        .initrd_pages = work->initrd_pages,
        .initrd_mapped = !info->mod_start_pfn,
        .nr_pages = work->nr_pages,
        .p2m_address = info->init_p2m.value,
        .hole_start = work->hole_start,
    };
    request.p2m_outside = info->init_p2m.given && work->class == GUEST_PV64 &&
                          pv_layout_p2m_fits(info->init_p2m.value, work->nr_pages);
    /* A hypercall page that is not aligned may reach out of the kernel: nothing else stands there.
     */
    if (info->hypercall_page.given && info->hypercall_page.value >= placement->base &&
        info->hypercall_page.value < request.kernel_end &&
        request.kernel_end - info->hypercall_page.value < HYPERCALL_PAGE_SIZE)
        request.kernel_end = info->hypercall_page.value + HYPERCALL_PAGE_SIZE;
    id = pv_layout_make(&request, &work->layout, why);
    if (!id && pv_layout_p2m_in_region(&work->layout)) {
        request.p2m_outside = false;
        id = pv_layout_make(&request, &work->layout, why);
    }
    if (!id && info->init_p2m.given && !request.p2m_outside)
        plan_warn(work->plan,
                  "INIT_P2M 0x%llx cannot be honoured: the p2m list stands in the initial region",
                  (unsigned long long)info->init_p2m.value);
    if (!id && work->layout.fixed_pages > work->nr_pages)
        id = REFUSE(why, PV_MEMORY_TOO_SMALL,
                    .num = {work->nr_pages << 2, work->layout.fixed_pages << 2});
    return id;
}

/* A block of frames for [start, start + pages) as a temporary region, so that nothing else is put
 * there; the elements' own regions replace it later. */
static enum refusal_id place_block(struct pv_work *work, const char *name, uint64_t pages,
                                   uint64_t *ret, struct refusal *why)
{
    return pv_place(work, name, REGION_TARGET, pages << PAGE_SHIFT, ret, why);
}

/* Chooses frames for everything that has a purpose and makes the p2m. */
static enum refusal_id assign_frames(struct pv_work *work, struct refusal *why)
{
    const struct pv_layout *layout = &work->layout;
    struct pv_plan *pv = &work->plan->pv;
    struct p2m_run head[RECORD_MODULE_MAX + 4];
    uint64_t own_pages = layout->region_pages - (layout->initrd ? work->initrd_pages : 0);
    uint64_t before = layout->initrd ? layout->initrd_pfn : own_pages;
    uint64_t block, p2m = 0;
    uint32_t count = 0, regions;
    enum refusal_id id = pv_place_ramdisks(work, why);

    if (id)
        return id;
    regions = work->plan->region_count;
    id = place_block(work, "the initial region", own_pages, &block, why);
    if (!id && layout->p2m_table_pages)
        id = place_block(work, "the p2m", layout->p2m_pages + layout->p2m_table_pages, &p2m, why);
    if (id)
        return id;
    work->plan->region_count = regions;

    head[count++] = (struct p2m_run){0, block >> PAGE_SHIFT, before};
    for (uint32_t i = 0; i < work->piece_count; i++)
        head[count++] = (struct p2m_run){0, work->piece[i].at >> PAGE_SHIFT, work->piece[i].pages};
    head[count++] = (struct p2m_run){0, (block >> PAGE_SHIFT) + before, own_pages - before};
    head[count++] = (struct p2m_run){0, p2m >> PAGE_SHIFT,
                                     p2m ? layout->p2m_pages + layout->p2m_table_pages : 0};
    return pv_memory_assign(pv, head, count, work->nr_pages, why);
}

static void fill_pv_plan(struct pv_work *work)
{
    const struct pv_layout *layout = &work->layout;
    struct pv_plan *pv = &work->plan->pv;

    pv->v_start = layout->v_start;
    pv->v_end = layout->v_end;
    pv->pt_pfn = pv_layout_pfn(layout, layout->page_tables);
    pv->pt_count = layout->page_table_pages;
    pv->p2m_pfn = layout->p2m_pfn;
    pv->p2m_pages = layout->p2m_pages;
    pv->p2m_virtual = layout->p2m;
    pv->p2m_table_pfn = layout->p2m_table_pfn;
    pv->p2m_table_count = layout->p2m_table_pages;
    pv->p2m_apart = layout->p2m_apart;
    pv->start_info_pfn = pv_layout_pfn(layout, layout->start_info);
    pv->stack_pfn = pv_layout_pfn(layout, layout->stack);
    pv->initrd_pfn = layout->initrd_pfn;
    pv->initrd_size = work->initrd_size;
    pv->console_pfn = layout->console ? pv_layout_pfn(layout, layout->console) : 0;
    pv->xenstore_pfn = layout->xenstore ? pv_layout_pfn(layout, layout->xenstore) : 0;
    pv->entry = work->input->placement->entry_virtual.v;
    pv->stack_top = layout->stack + PAGE_SIZE;
}

enum refusal_id plan_pv(const struct plan_input *input, struct plan *ret, struct refusal *why)
{
    struct pv_work work = {
        .input = input,
        .plan = ret,
        .dom0 = input->options->role == ROLE_DOM0,
    };
    uint64_t available;
    enum refusal_id id;

    if (!input->image->has_elf || !input->info || !input->placement)
        return REFUSE(why, PV_NO_ELF, .str = {input->image->container});
    /* What the image lacks is said before what this CPU or this stage lacks. */
    id = guest_info_check_pv(&input->image->elf, input->info, why);
    if (!id)
        id = placement_check_pv(input->placement, input->info, why);
    if (!id)
        id = choose_class(&work, why);
    if (!id)
        id = check_layer(work.header, why);
    if (!id)
        id = check_guest(&work, why);
    if (id)
        return id;
    ret->pv.class = work.class;
    ret->pv.hardware_pae = !work.layer64;
    ret->protocol = work.class == GUEST_PV64      ? "pv64"
                    : work.class == GUEST_PV32PAE ? "pv32pae"
                                                  : "pv32";
    work.kernel_end = input->placement->physical.end;
    pv_reserve_symbol_block(&work);

    id = pv_memory_collect(input->record, ret, &ret->pv, &available, why);
    if (!id)
        id = pv_take_ramdisks(&work, why);
    if (!id)
        id = place_layer(&work, why);
    if (!id)
        id = make_layout(&work, why);
    if (!id)
        id = assign_frames(&work, why);
    if (id)
        return id;
    fill_pv_plan(&work);
    id = pv_add_contents(&work, why);
    if (!id)
        id = pv_add_handover(&work, why);
    if (!id)
        id = pv_add_symbol_block(&work, why);
    if (id)
        return id;
    ret->exit = (struct exit_state){
        .kind = work.layer64 ? EXIT_RESIDENT64 : EXIT_RESIDENT32,
        .ip = work.layer + work.header->entry_offset,
    };
    if (work.layer64)
        ret->exit.di = ret->pv.handover;
    else
        ret->exit.ax = ret->pv.handover;
    return REFUSE_NONE;
}
