/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a PV start leaves in memory beside the region itself: start_info for the guest, the
 * hand-over record with its tables for the resident layer; see pv_parts.h.
 * The blob holds first the record and its tables, which go to plan->info, then start_info, which
 * goes into the region.
 */
#include "pv_parts.h"

#include "bytes.h"
#include "plan_parts.h"
#include "pv_abi.h"
#include "pv_memory.h"
#include "start_info.h"

#define TEXT_COLUMNS  80
#define TEXT_ROWS     25
#define ALIGN_SLACK   64
#define LAYER_REGIONS 8 /* regions that place_layer() adds */

uint64_t pv_handover_size(const struct pv_work *work)
{
    const struct boot_record *record = work->input->record;
    /* Each frame range that is taken out or put in front adds at most one run. */
    uint64_t runs = (uint64_t)work->plan->pv.run_count + LAYER_REGIONS + RECORD_MODULE_MAX;

    if (runs > PLAN_RUN_MAX)
        runs = PLAN_RUN_MAX;
    return sizeof(struct handover) + record->map.count * sizeof(struct handover_memory) +
           runs * sizeof(struct handover_run) + strlen(parts_arguments(record)) + 1 +
           start_info_size(work->class) + PV_SYMBOL_HEADER_SIZE + ALIGN_SLACK;
}

static uint32_t handover_flags(const struct pv_work *work)
{
    const struct options *options = work->input->options;
    const enum pae_mode pae = work->input->info->pae;
    uint32_t flags = work->dom0 ? HANDOVER_DOM0 : 0;

    if (options->vga)
        flags |= HANDOVER_CONSOLE_VGA;
    if (options->debugcon)
        flags |= HANDOVER_CONSOLE_DEBUGCON;
    if (options->on_refusal == ON_REFUSAL_POWEROFF)
        flags |= HANDOVER_POWEROFF_ON_CRASH;
    if (options->on_refusal == ON_REFUSAL_REBOOT)
        flags |= HANDOVER_REBOOT_ON_CRASH;
    if (pae == PAE_EXTENDED_CR3 || (pae == PAE_BIMODAL && work->class == GUEST_PV32PAE))
        flags |= HANDOVER_EXTENDED_CR3;
    return flags;
}

/* The machine address of the guest's hypercall page, 0 when it has none. */
static enum refusal_id find_hypercall_page(struct pv_work *work, uint64_t *ret, struct refusal *why)
{
    const struct guest_info *info = work->input->info;
    const struct pv_plan *pv = &work->plan->pv;
    uint64_t va = info->hypercall_page.value, offset, at, count;

    *ret = 0;
    if (!info->hypercall_page.given)
        return REFUSE_NONE;
    offset = va - pv->v_start;
    if (va < pv->v_start || pv->v_end - pv->v_start < HYPERCALL_PAGE_SIZE ||
        offset > pv->v_end - pv->v_start - HYPERCALL_PAGE_SIZE ||
        !pv_memory_find(pv, offset >> PAGE_SHIFT, &at, &count) ||
        ((offset & PAGE_MASK) && count < 2))
        return REFUSE(why, PV_HYPERCALL_PAGE, .num = {va, pv->v_start, pv->v_end});
    *ret = at + (offset & PAGE_MASK);
    return REFUSE_NONE;
}

static void fill_machine(const struct pv_work *work, struct handover *h)
{
    const struct plan_input *input = work->input;
    const struct options *options = input->options;
    const struct framebuffer *fb = &input->record->framebuffer;
    const struct pv_plan *pv = &work->plan->pv;

    h->magic = HANDOVER_MAGIC;
    h->version = HANDOVER_VERSION;
    h->size = sizeof(*h);
    h->flags = handover_flags(work);
    h->guest_class = work->class;
    h->log_level = options->log;
    h->debug_exit = options->debug_exit;
    h->baud = options->baud;
    for (uint32_t i = 0; i < options->uart_count && i < OPTIONS_UART_MAX; i++)
        h->uart[i] = options->uart[i];
    h->cpu_count_max = work->cpu_count;
    h->layer = work->layer;
    h->layer_size = work->header->memory_size;
    h->arena = work->arena;
    h->arena_size = work->arena_size;
    h->dma_reserve = work->dma_reserve;
    h->m2p = pv->m2p;
    h->m2p_size = pv->m2p_size;
    h->rsdp = input->record->rsdp;
    h->efi_system_table = input->record->efi.is_64bit ? input->record->efi.system_table : 0;
    h->symbols = work->symbols;
    h->symbols_size = work->symbols_size;
    h->strings = work->strings;
    h->strings_size = work->strings_size;
    h->wall_clock = input->wall_clock;
    h->tsc_at_entry = input->tsc_at_entry;
    if (fb->kind == FRAMEBUFFER_RGB) {
        h->framebuffer = fb->address;
        h->framebuffer_pitch = fb->pitch;
        h->framebuffer_width = fb->width;
        h->framebuffer_height = fb->height;
        h->framebuffer_bpp = fb->bpp;
    }
    string_copy(h->trace, options->trace, sizeof(h->trace));
}

static uint64_t machine_page(const struct pv_plan *pv, uint64_t pfn)
{
    uint64_t at = 0;

    return pv_memory_find(pv, pfn, &at, NULL) ? at : 0;
}

static void fill_guest(const struct pv_work *work, uint64_t hypercall_page, struct handover *h)
{
    const struct guest_info *info = work->input->info;
    const struct pv_plan *pv = &work->plan->pv;

    h->nr_pages = pv->nr_pages;
    h->shared_info = pv->shared_info;
    if (!work->dom0) {
        h->console_mfn = machine_page(pv, pv->console_pfn) >> PAGE_SHIFT;
        h->xenstore_mfn = machine_page(pv, pv->xenstore_pfn) >> PAGE_SHIFT;
    }
    h->entry = pv->entry;
    h->stack_top = pv->stack_top;
    h->start_info = work->layout.start_info;
    h->start_info_maddr = machine_page(pv, pv->start_info_pfn);
    h->page_table_root = machine_page(pv, pv->pt_pfn);
    h->page_tables_pfn = pv->pt_pfn;
    h->page_tables_count = pv->pt_count;
    h->virt_base = pv->v_start;
    h->v_end = pv->v_end;
    h->hypercall_page = hypercall_page;
    h->hypercall_page_virtual = hypercall_page ? info->hypercall_page.value : 0;
    h->hv_start_low = work->hole_start;
    h->features_supported = info->features_supported;
    h->features_required = info->features_required;
}

static enum refusal_id add_tables(struct pv_work *work, struct handover *h, struct refusal *why)
{
    const struct boot_record *record = work->input->record;
    const struct pv_plan *pv = &work->plan->pv;
    const char *arguments = parts_arguments(record);
    uint32_t length = (uint32_t)strlen(arguments);
    struct handover_memory *map;
    struct handover_run *runs;
    char *text;
    enum refusal_id id;

    h->map_count = record->map.count;
    h->run_count = pv->run_count;
    id = plan_blob(work->plan, (uint32_t)(h->map_count * sizeof(*map)), 8, &map, &h->map, why);
    if (!id)
        id = plan_blob(work->plan, (uint32_t)(h->run_count * sizeof(*runs)), 8, &runs, &h->runs,
                       why);
    if (!id)
        id = plan_blob(work->plan, length + 1, 1, &text, &h->command_line, why);
    if (id)
        return id;
    for (uint32_t i = 0; i < h->map_count; i++)
        map[i] = (struct handover_memory){record->map.entry[i].start, record->map.entry[i].end,
                                          record->map.entry[i].type, 0};
    for (uint32_t i = 0; i < h->run_count; i++)
        runs[i] = (struct handover_run){pv->run[i].pfn, pv->run[i].mfn, pv->run[i].count};
    memcpy(text, arguments, length + 1);
    return REFUSE_NONE;
}

/* The PC's text screen, where firmware without EFI left it, unless the loader told of another. */
static const struct framebuffer *video(const struct boot_record *record, struct framebuffer *text)
{
    if (record->framebuffer.kind == FRAMEBUFFER_RGB || record->framebuffer.kind == FRAMEBUFFER_TEXT)
        return &record->framebuffer;
    if (record->framebuffer.kind != FRAMEBUFFER_NONE || record->way == WAY_UEFI)
        return NULL;
    *text =
        (struct framebuffer){.kind = FRAMEBUFFER_TEXT, .width = TEXT_COLUMNS, .height = TEXT_ROWS};
    return text;
}

static enum refusal_id add_start_info(struct pv_work *work, struct refusal *why)
{
    const struct pv_layout *layout = &work->layout;
    const struct guest_info *info = work->input->info;
    struct plan *plan = work->plan;
    struct pv_plan *pv = &plan->pv;
    struct framebuffer text;
    uint32_t size = start_info_size(work->class);
    uint64_t page = machine_page(pv, pv->start_info_pfn);
    uint8_t *data;
    struct start_info_values values = {
        .class = work->class,
        .dom0 = work->dom0,
        .pae_suffix = work->class == GUEST_PV32PAE ||
                      (work->class == GUEST_PV64 && work->dom0 && info->pae != PAE_NO),
        .nr_pages = pv->nr_pages,
        .shared_info = pv->shared_info,
        .store_mfn = work->dom0 ? 0 : machine_page(pv, pv->xenstore_pfn) >> PAGE_SHIFT,
        .console_mfn = work->dom0 ? 0 : machine_page(pv, pv->console_pfn) >> PAGE_SHIFT,
        .pt_base = layout->page_tables,
        .nr_pt_frames = pv->pt_count,
        .mfn_list = pv->p2m_virtual,
        .mod_start = layout->initrd ? layout->initrd : layout->initrd_pfn,
        .mod_len = work->initrd_size,
        .mod_start_is_pfn = work->initrd_pages && !layout->initrd,
        .first_p2m_pfn = layout->p2m_apart ? pv->p2m_pfn
                         : work->dom0      ? layout->fixed_pages
                                           : 0,
        .nr_p2m_frames = layout->p2m_apart ? pv->p2m_pages + pv->p2m_table_count : 0,
        .command_line = parts_arguments(work->input->record),
        .framebuffer = work->dom0 ? video(work->input->record, &text) : NULL,
    };
    enum refusal_id id = plan_blob(plan, size, 8, &data, NULL, why);

    if (id)
        return id;
    if (!start_info_write(&values, data))
        plan_warn(plan, "the guest's command line of %u characters is cut at %u",
                  (unsigned)strlen(values.command_line), START_INFO_COMMAND_LINE_SIZE - 1);
    id = plan_add_copy(plan, page, plan->blob_at + (uint64_t)(data - plan->blob), size, why);
    if (!id)
        id = plan_add_zero(plan, page + size, PAGE_SIZE - size, why);
    return id;
}

enum refusal_id pv_add_handover(struct pv_work *work, struct refusal *why)
{
    struct plan *plan = work->plan;
    struct handover *h;
    uint64_t hypercall_page;
    enum refusal_id id = find_hypercall_page(work, &hypercall_page, why);

    if (!id)
        id = plan_blob(plan, sizeof(*h), 8, &h, &plan->pv.handover, why);
    if (id)
        return id;
    fill_machine(work, h);
    fill_guest(work, hypercall_page, h);
    id = add_tables(work, h, why);
    if (!id)
        id = plan_add_copy(plan, plan->info, plan->blob_at, plan->blob_used, why);
    if (!id)
        id = add_start_info(work, why);
    return id;
}
