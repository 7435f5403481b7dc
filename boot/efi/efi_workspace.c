/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The application's memory and the way from the record to the plan; see efi_workspace.h.
 */
#include "efi_workspace.h"

#include "bytes.h"
#include "stage.h"
#include "memory_map.h"
#include "record_efi.h"
#include "resident_images.h"

/* switch64.asm, switch32.asm */
uint64_t efi_set_canary_base(void *block);
void efi_restore_canary_base(uint64_t before);

static void put_both(struct out *out, const char *text, size_t size)
{
    struct workspace *space = out->context;
    if (!space->left)
        space->firmware->put(space->firmware, text, size);
    if (space->use_console)
        space->console.out.put(&space->console.out, text, size);
}

/* Copies a layer's image behind the workspace; NULL when it is not built in. */
static const struct resident_header *take_image(const uint8_t *start, const uint8_t *end,
                                                uint8_t **to)
{
    size_t size = (size_t)(end - start);
    uint8_t *copy = *to;
    if (!size)
        return NULL;
    memcpy(copy, start, size);
    *to += (size + 15) & ~(size_t)15;
    return (const struct resident_header *)copy;
}

enum refusal_id workspace_make(struct efi_app *app, struct out *firmware, struct workspace **ret,
                               struct refusal *why)
{
    uint64_t size = sizeof(struct workspace) + 64 +
                    (uint64_t)(resident64_image_end - resident64_image) +
                    (uint64_t)(resident32_image_end - resident32_image);
    uint64_t at;

    size = (size + PAGE_MASK) & ~PAGE_MASK;
    if (!efi_allocate(app, size, &at))
        return REFUSE(why, EFI_NO_MEMORY, .num = {size}, .str = {"the application itself"});
    struct workspace *space = (struct workspace *)(UINTN)at;
    memset(space, 0, (size_t)size);
    space->size = size;
    space->firmware = firmware;
    space->out = (struct out){put_both, space};
    space->canary_base_before = efi_set_canary_base(space->canary);
    cpu_read(&space->cpu);

    struct plan_input *input = &space->prepare.input;
    uint8_t *images = (uint8_t *)(((UINTN)(space + 1) + 15) & ~(UINTN)15);
    input->resident64 = take_image(resident64_image, resident64_image_end, &images);
    input->resident64_at = (UINTN)input->resident64;
    input->resident32 = take_image(resident32_image, resident32_image_end, &images);
    input->resident32_at = (UINTN)input->resident32;
    *ret = space;
    return REFUSE_NONE;
}

void workspace_give_back(const struct workspace *space)
{
    efi_restore_canary_base(space->canary_base_before);
}

void workspace_consoles(struct efi_app *app, struct workspace *space, struct out *firmware)
{
    const struct options *options = &space->options;
    space->firmware = firmware == &space->out ? space->firmware : firmware;
    if (!options->uart_count && !options->debugcon)
        return;
    bool doubled = efi_console_has_serial(app);
    console_init(&space->console, options->uart, doubled ? 0 : options->uart_count, options->baud,
                 false, options->debugcon, NULL);
    space->use_console = true;
}

enum refusal_id workspace_read_map(struct efi_app *app, struct workspace *space,
                                   struct refusal *why)
{
    struct boot_record *record = &space->record;
    if (EFI_ERROR(efi_map_read(app, &space->map)))
        return REFUSE(why, EFI_NO_MEMORY, .num = {space->map.capacity}, .str = {"its memory map"});
    record->efi.map = (UINTN)space->map.data;
    record->efi.map_size = (uint32_t)space->map.size;
    record->efi.map_entry_size = (uint32_t)space->map.entry_size;
    record->efi.map_entry_version = space->map.entry_version;
    return record_efi_map((struct view){space->map.data, space->map.size}, space->map.entry_size,
                          &record->map, why);
}

/* The image may be anywhere; only a part below 4 GiB could be in the plan's way. */
static struct range image_range(const struct efi_app *app)
{
    struct range whole, low = {0, EFI_BELOW_4G + 1};
    if (!range_from_size((UINTN)app->loaded->ImageBase, app->loaded->ImageSize, &whole))
        return (struct range){0, 0};
    return range_intersect(whole, low);
}

enum refusal_id workspace_prepare(struct efi_app *app, struct workspace *space, struct refusal *why)
{
    struct prepare *prepare = &space->prepare;
    struct boot_record *record = &space->record;
    uint64_t at, size;

    if (!efi_allocate_largest(app, &at, &size))
        return REFUSE(why, EFI_NO_MEMORY, .num = {PAGE_SIZE}, .str = {"unpacking"});
    space->memory =
        (struct unpack_memory){.data = (uint8_t *)(UINTN)at, .size = size, .at = maddr(at)};
    if (!efi_map_prepare(app, &space->map))
        return REFUSE(why, EFI_NO_MEMORY, .num = {space->map.capacity}, .str = {"its memory map"});
    record->keep[0].name = "EFI memory map";
    record->keep[0].range = (struct range){
        (UINTN)space->map.data,
        ((UINTN)space->map.data + space->map.capacity + PAGE_MASK) & ~(UINTN)PAGE_MASK};
    record->keep_count = 1;
    enum refusal_id id = workspace_read_map(app, space, why);
    if (id)
        return id;

    prepare->report = (struct report){&space->out, space->options.log};
    prepare->memory = &space->memory;
    prepare->image = &space->image;
    prepare->info = &space->info;
    prepare->placement = &space->placement;
    prepare->plan = &space->plan;
    prepare->map = &record->map;
    space->plan.blob = space->blob;
    space->plan.blob_at = (UINTN)space->blob;
    space->plan.blob_size = sizeof(space->blob);
    prepare->input.record = record;
    prepare->input.options = &space->options;
    prepare->input.cpu = &space->cpu;
    prepare->input.stage = (struct range){(UINTN)space, (UINTN)space + space->size};
    prepare->input.stage_image = image_range(app);
    return prepare_boot(prepare, why);
}
