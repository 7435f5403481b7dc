/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which modes the image offers: each is asked by opening the guest for it and making its plan, in a
 * preparation of its own, so that the answer is the stage's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "inspect.h"

/* Refusals that another machine, another role or another build of the stage would not make: the
 * image itself has what the mode needs. */
static bool is_the_machines(enum refusal_id id)
{
    static const enum refusal_id machines[] = {
        REFUSE_MULTIBOOT_NO_VIDEO,  REFUSE_NATIVE_NEEDS_LONG_MODE,
        REFUSE_PVH_NEEDS_LONG_MODE, REFUSE_PV_NEEDS_LONG_MODE,
        REFUSE_PV_NEEDS_PAE,        REFUSE_PV_NO_LAYER,
        REFUSE_PV_LAYER_INVALID,    REFUSE_PV_ONLY_DOM0,
        REFUSE_PV_NOT_DOM0,         REFUSE_PV_TOO_MANY_RUNS,
        REFUSE_PV_NO_ROOM,          REFUSE_PV_MEMORY_TOO_SMALL,
        REFUSE_PV_MODULE_TOO_HIGH,  REFUSE_PV_NEEDS_TSC,
    };
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
        if (id == machines[i])
            return true;
    /* 200 to 239: plan, memory and CPU (loader/refusal.def). */
    return id >= 200 && id < 240 && id != REFUSE_PLAN_NO_ELF;
}

static void ask(const struct inspection *in, struct mode_answer *answer)
{
    struct prepare prepare = in->prepare;
    struct options options = in->options;
    struct unpack_memory memory = make_workspace(in);
    uint8_t *workspace = memory.data;
    struct plan *plan = calloc(1, sizeof(*plan));
    struct guest_image *image = calloc(1, sizeof(*image));
    struct guest_info *info = calloc(1, sizeof(*info));
    struct placement *placement = calloc(1, sizeof(*placement));
    if (!plan || !image || !info || !placement)
        fail(INSPECT_INTERNAL, "out of memory");

    options.mode = answer->mode;
    if (answer->mode != in->options.mode)
        options.native = NATIVE_ANY;
    plan->blob = in->plan.blob;
    plan->blob_at = in->plan.blob_at;
    plan->blob_size = in->plan.blob_size;
    prepare.memory = &memory;
    prepare.image = image;
    prepare.info = info;
    prepare.placement = placement;
    prepare.plan = plan;
    prepare.input.options = &options;
    prepare.report.log = LOG_QUIET;

    answer->id = prepare_boot(&prepare, &answer->why);
    answer->offered = !answer->id || is_the_machines(answer->id);
    if (!answer->id) {
        answer->protocol = plan->protocol;
        answer->entry = plan->mode == MODE_PV ? plan->pv.entry : plan->exit.ip;
    }
    if (workspace)
        munmap(workspace, (size_t)range_size(in->workspace));
    free(image);
    free(info);
    free(placement);
    /* `plan` is kept: answer->protocol may point into its names. */
}

void modes_ask(struct inspection *in, bool record)
{
    static const enum mode modes[ANSWER_COUNT] = {MODE_NATIVE, MODE_PVH, MODE_PV};
    for (int i = 0; i < ANSWER_COUNT; i++) {
        in->answer[i].mode = modes[i];
        if (record)
            ask(in, &in->answer[i]);
        else
            in->answer[i] = (struct mode_answer){.mode = modes[i], .id = in->id, .why = in->why};
    }
}

static void put(struct out *out, const char *text, size_t size)
{
    fwrite(text, 1, size, out->context);
}

void modes_print(FILE *file, const struct inspection *in)
{
    struct out out = {put, file};
    for (int i = 0; i < ANSWER_COUNT; i++) {
        const struct mode_answer *answer = &in->answer[i];
        out_printf(&out, "mode %s: ", mode_name(answer->mode));
        if (!answer->id) {
            out_printf(&out, "offered (%s), entry 0x%llx\n",
                       answer->protocol ? answer->protocol : "no protocol",
                       (unsigned long long)answer->entry);
            continue;
        }
        out_printf(&out,
                   "%s: %s: ", answer->offered ? "offered, but not on this machine" : "not offered",
                   refusal_name(answer->id));
        refusal_print(&out, &answer->why);
        out_printf(&out, ". %s\n", refusal_advice(answer->id));
    }
}
