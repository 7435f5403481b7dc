/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Carrying out a checked plan; see apply.h.
 */
#include "apply.h"

#include "bytes.h"
#include "handoff.h"
#include "pv_build.h"

void apply_build(const struct plan *plan, const struct plan_input *input, struct machine *machine)
{
    const struct options *options = input->options;

    if (plan->mode == MODE_PV)
        pv_build(plan, input, machine);
    if (machine->mover)
        apply_handoff(plan, input->cpu, machine->mover, machine->mover_size,
                      options->uart_count ? options->uart[0] : 0, options->log == LOG_DEBUG,
                      machine->reach(machine, plan->handoff, HANDOFF_SIZE));
}

void apply_steps(const struct plan *plan, struct machine *machine)
{
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->step[i];
        void *to = machine->reach(machine, step->to, step->size);
        if (step->kind == STEP_ZERO)
            memset(to, 0, (size_t)step->size);
        else
            memmove(to, machine->reach(machine, step->from, step->size), (size_t)step->size);
    }
}
