/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The way of the data from the boot record to a checked plan; see prepare.h.
 */
#include "prepare.h"

#include "memory_map.h"

static void phase(struct prepare *prepare, const char *name)
{
    if (prepare->phase)
        prepare->phase(prepare, name);
}

#define LONG_FILE (1u << 20) /* packed, bytes: what takes long enough to show that it goes on */
#define DOT       10u        /* percent */

static void show_progress(struct out *out, unsigned percent)
{
    if (percent == DOT)
        out_text(out, REPORT_PREFIX "unpacking ");
    if (percent % DOT == 0)
        out_text(out, percent == 100 ? ".\n" : ".");
}

static enum refusal_id open_image(struct prepare *prepare, bool need_elf, struct refusal *why)
{
    const struct boot_record *record = prepare->input.record;
    if (!record->module_count)
        return REFUSE(why, INFO_NO_MODULE);
    const struct boot_module *guest = &record->module[0];
    if (!guest->size)
        return REFUSE(why, BOOT_EMPTY_MODULE, .str = {guest->string});
    struct unpack_memory *memory = prepare->memory;
    memory->progress_out = prepare->report.out;
    memory->progress =
        guest->size >= LONG_FILE && prepare->report.log != LOG_QUIET ? show_progress : NULL;
    memory->percent = 0;
    enum refusal_id id = guest_image_open((struct view){guest->data, guest->size}, guest->start,
                                          need_elf, memory, prepare->image, why);
    if (memory->progress && memory->percent % 100 >= DOT) /* it stopped in the middle of the line */
        out_text(memory->progress_out, "\n");
    if (!id)
        prepare->input.image = prepare->image;
    return id;
}

static enum refusal_id read_info(struct prepare *prepare, struct refusal *why)
{
    prepare->input.info = NULL;
    prepare->input.placement = NULL;
    if (!prepare->image->has_elf)
        return REFUSE_NONE;
    enum refusal_id id = guest_info_read(&prepare->image->elf, prepare->info, why);
    if (!id)
        prepare->input.info = prepare->info;
    return id;
}

static enum refusal_id decide_addresses(struct prepare *prepare, struct refusal *why)
{
    const struct plan_input *input = &prepare->input;
    if (!prepare->image->has_elf)
        return REFUSE_NONE;
    enum refusal_id id =
        placement_decide(&prepare->image->elf, input->info, input->options,
                         memory_map_ram_end(&input->record->map), prepare->placement, why);
    if (!id)
        prepare->input.placement = prepare->placement;
    return id;
}

enum refusal_id prepare_boot(struct prepare *prepare, struct refusal *why)
{
    struct plan_input *input = &prepare->input;
    const struct report *report = &prepare->report;
    enum mode mode;

    report_start(report, input->record, input->options);
    report_memory(report, input->record);
    report_modules(report, input->record);
    phase(prepare, "print");

    /* A bzImage's inner ELF is only for pvh and pv; natively Linux unpacks itself. */
    bool need_elf = input->options->mode == MODE_PVH || input->options->mode == MODE_PV ||
                    (input->options->mode == MODE_NATIVE && input->options->native == NATIVE_ELF);
    enum refusal_id id = open_image(prepare, need_elf, why);
    if (id)
        return id;
    phase(prepare, "open");

    id = read_info(prepare, why);
    if (id) {
        report_guest(report, prepare->image, NULL);
        return id;
    }
    phase(prepare, "decide");
    report_guest(report, prepare->image, input->info);
    phase(prepare, "print");
    id = decide_addresses(prepare, why);
    if (id)
        return id;
    phase(prepare, "decide");
    if (input->placement)
        report_decision(report, input->placement);
    phase(prepare, "print");

    id = plan_choose_mode(input, input->options->mode, &mode, why);
    if (!id && mode != MODE_PV && prepare->map && input->options->memory_limit)
        memory_map_limit(prepare->map, input->options->memory_limit);
    if (!id)
        id = plan_make(input, mode, prepare->plan, why);
    if (id)
        return id;
    phase(prepare, "plan");
    report_mode(report, input->options, prepare->plan);
    report_plan(report, input, prepare->plan);
    phase(prepare, "print");
    return REFUSE_NONE;
}
