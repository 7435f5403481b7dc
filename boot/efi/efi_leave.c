/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The last moments: ExitBootServices with a plan that fits the map of that moment, our own page
 * tables and stack, apply, and the jump to the mover.  UEFI 2.10 section 7.4.6.
 */
#include "efi_leave.h"

#include "apply.h"
#include "bytes.h"
#include "handoff.h"
#include "mover_image.h"

#define TRIES     8
#define TABLE_GIB (WORKSPACE_TABLES - 4) /* identity map: as many GiB as there are tables for */

void efi_switch(uint64_t root, void *stack_top, void (*function)(void *), void *argument)
    __attribute__((noreturn)); /* switch64.asm, switch32.asm */
void efi_enter_mover(uint32_t entry, uint32_t region) __attribute__((noreturn));

static void *reach(struct machine *machine, uint64_t at, uint64_t size)
{
    (void)machine;
    (void)size;
    return (void *)(UINTN)at;
}

/* 2 MiB pages for [0, TABLE_GIB GiB).  Long mode only. */
static uint64_t identity_tables(struct workspace *space)
{
    uint64_t(*table)[512] = (uint64_t(*)[512])space->tables;
    memset(space->tables, 0, sizeof(space->tables));
    table[0][0] = (UINTN)table[1] | 3;
    for (unsigned gib = 0; gib < TABLE_GIB; gib++) {
        table[1][gib] = (UINTN)table[2 + gib] | 3;
        for (uint64_t i = 0; i < 512; i++)
            table[2 + gib][i] = (((uint64_t)gib << 30) + (i << 21)) | 0x83;
    }
    return (UINTN)table[0];
}

static void finish(void *argument)
{
    struct workspace *space = argument;
    struct machine machine = {.reach = reach,
                              .mover = mover_image,
                              .mover_size = (uint32_t)(mover_image_end - mover_image)};
    apply_build(&space->plan, &space->prepare.input, &machine);
    uint32_t region = (uint32_t)space->plan.handoff;
    efi_enter_mover(region + HANDOFF_CODE + (sizeof(UINTN) == 8 ? MOVER_ENTRY_64 : MOVER_ENTRY_32),
                    region);
}

enum refusal_id efi_leave(struct efi_app *app, struct workspace *space, struct refusal *why)
{
    uint64_t image_end = (UINTN)app->loaded->ImageBase + app->loaded->ImageSize;
    if (image_end > (uint64_t)TABLE_GIB << 30)
        return REFUSE(why, EFI_IMAGE_ABOVE_4G, .num = {image_end, (uint64_t)TABLE_GIB << 30});
    uint64_t root = identity_tables(space);

    /* Planning calls no firmware, so the map's key stays good from here to ExitBootServices(). */
    for (uint32_t attempt = 0; attempt < TRIES; attempt++) {
        enum refusal_id id = workspace_read_map(app, space, why);
        if (!id)
            id = plan_make(&space->prepare.input, space->plan.mode, &space->plan, why);
        if (id)
            return REFUSE(why, EFI_MAP_CHANGED, .num = {attempt + 1}, .str = {refusal_name(id)});
        EFI_STATUS status = app->services->ExitBootServices(app->image, space->map.key);
        if (!EFI_ERROR(status)) {
            space->left = true;
            efi_switch(root, space->stack + WORKSPACE_STACK_SIZE, finish, space);
        }
    }
    return REFUSE(why, EFI_MAP_CHANGED, .num = {TRIES}, .str = {"ExitBootServices failed"});
}
