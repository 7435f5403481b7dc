/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The UEFI application: choose, read, parse, plan and print while the firmware still serves us, so
 * that a refusal goes back to it with a status; then leave boot services, apply and hand off.
 */
#include "efi_app.h"

#include "apply.h"
#include "bytes.h"
#include "efi_leave.h"
#include "efi_workspace.h"
#include "prepare.h"

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

/* Constructors of the distribution's libraries (efi.ld). */
extern void (*efi_constructors[])(void), (*efi_constructors_end[])(void);

static enum refusal_id prepare_everything(struct efi_app *app, struct workspace *space,
                                          struct out *out, struct refusal *why)
{
    enum refusal_id id = efi_choose(app, out, &space->choice, why);
    if (id)
        return id;
    options_parse(space->choice.options, &space->options);
    workspace_consoles(app, space, out);
    id = efi_record_fill(app, &space->choice, &space->record, why);
    if (!id)
        id = workspace_prepare(app, space, why);
    return id;
}

/* What the user asked to happen instead of coming back (on-refusal=, debug-exit=). */
static void end(struct efi_app *app, const struct options *options)
{
    if (options->debug_exit)
        __asm__ volatile("outl %0, %1" : : "a"(1), "d"(options->debug_exit));
    if (options->on_refusal == ON_REFUSAL_REBOOT)
        app->table->RuntimeServices->ResetSystem(EfiResetCold, EFI_LOAD_ERROR, 0, NULL);
    if (options->on_refusal == ON_REFUSAL_POWEROFF)
        app->table->RuntimeServices->ResetSystem(EfiResetShutdown, EFI_LOAD_ERROR, 0, NULL);
}

EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    struct efi_app app = {image, table, table->BootServices, NULL};
    EFI_GUID loaded_guid = LOADED_IMAGE_PROTOCOL;
    struct workspace *space = NULL;
    struct refusal why;
    struct out firmware;

    efi_console_init(&app, &firmware);
    for (void (**constructor)(void) = efi_constructors; constructor != efi_constructors_end;
         constructor++)
        (*constructor)();
    /* Reading files can take longer than the firmware's watchdog of five minutes. */
    app.services->SetWatchdogTimer(0, 0, 0, NULL);
    if (EFI_ERROR(app.services->HandleProtocol(image, &loaded_guid, (void **)&app.loaded))) {
        out_text(&firmware, "paravane: the firmware does not say where this image is loaded\n");
        return EFI_UNSUPPORTED;
    }
    enum refusal_id id = workspace_make(&app, &firmware, &space, &why);
    struct out *out = id ? &firmware : &space->out;
    if (!id)
        id = prepare_everything(&app, space, out, &why);
    if (!id && space->options.plan_only) {
        out_text(out, "paravane: plan only: back to the firmware\n");
        workspace_give_back(space);
        return EFI_SUCCESS;
    }
    if (!id) {
        report_entering(&space->prepare.report, &space->plan);
        id = efi_leave(&app, space, &why); /* comes back only with a refusal */
    }
    report_refusal(out, &why);
    out_text(out, "paravane: back to the firmware\n");
    if (space) {
        end(&app, &space->options);
        workspace_give_back(space);
    }
    return EFI_LOAD_ERROR;
}
