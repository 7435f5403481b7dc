/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's one state object and its voice: consoles and the log.
 */
#include "layer.h"
#include "console.h"
#include "spinlock.h"
#include "voice.h"

struct layer layer;
struct out *layer_out;

static struct console console;
bool voice_alone;

void voice_init(void)
{
    const struct handover *handover = layer.handover;
    uint32_t count = 0;
    while (count < 4 && handover->uart[count])
        count++;
    console_init(&console, handover->uart, count, handover->baud,
                 (handover->flags & HANDOVER_CONSOLE_VGA) != 0,
                 (handover->flags & HANDOVER_CONSOLE_DEBUGCON) != 0,
                 maddr_keep(0xb8000, PAGE_SIZE));
    layer_out = &console.out;
}

static bool audible(enum log_level_layer level)
{
    return layer_out && layer.handover->log_level >= (uint32_t)level;
}

void say(enum log_level_layer level, const char *format, ...)
{
    static struct spinlock lock;
    va_list args;
    if (!audible(level))
        return;
    /* In a report the other CPUs stand still, maybe in the middle of a line. */
    bool alone = voice_alone;
    if (!alone)
        spin_lock(&lock);
    out_text(layer_out, "paravane: ");
    va_start(args, format);
    out_vprintf(layer_out, format, args);
    va_end(args);
    out_text(layer_out, "\n");
    if (!alone)
        spin_unlock(&lock);
}
