/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's one state object and its voice: consoles and the log.
 */
#include "layer.h"
#include "console.h"
#include "spinlock.h"
#include "start.h"
#include "voice.h"

struct layer layer;
struct out *layer_out;

static struct console console;
static void (*console_put)(struct out *out, const char *text, size_t size);
static struct spinlock voice_lock;
static bool in_report, in_line;

/* Behind layer_out: remembers whether a line was left open. */
static void put(struct out *out, const char *text, size_t size)
{
    if (size == 0)
        return;
    in_line = true; /* a report may stop this CPU in the middle */
    console_put(out, text, size);
    in_line = text[size - 1] != '\n';
}

/* Opens the stage's consoles again; layer_out is usable from then on. */
static void voice_init(void)
{
    const struct handover *handover = layer.handover;
    uint32_t count = 0;
    while (count < 4 && handover->uart[count])
        count++;
    console_init(&console, handover->uart, count, handover->baud,
                 (handover->flags & HANDOVER_CONSOLE_VGA) != 0,
                 (handover->flags & HANDOVER_CONSOLE_DEBUGCON) != 0,
                 maddr_keep(0xb8000, PAGE_SIZE));
    console_put = console.out.put;
    console.out.put = put;
    layer_out = &console.out;
}

void handover_check(uint32_t classes)
{
    const struct handover *handover = layer.handover;
    if (handover->magic == HANDOVER_MAGIC)
        voice_init();
    if (handover->magic != HANDOVER_MAGIC || handover->version != HANDOVER_VERSION ||
        handover->size != sizeof(struct handover))
        layer_panic(NULL, "hand-over record version %u of %u bytes, expected %u of %u",
                    handover->version, handover->size, HANDOVER_VERSION,
                    (uint32_t)sizeof(struct handover));
    if (handover->guest_class > 31 || !(classes >> handover->guest_class & 1))
        layer_panic(NULL, "guest class %u is not served by this layer", handover->guest_class);
    if (handover->flags & HANDOVER_EXTENDED_CR3)
        layer.vm_assist = 1u << VMASST_TYPE_pae_extended_cr3;
}

struct voice voice_take(void)
{
    struct voice voice = {in_report};
    if (!voice.alone)
        spin_lock(&voice_lock);
    return voice;
}

void voice_give(struct voice voice)
{
    if (!voice.alone)
        spin_unlock(&voice_lock);
}

void voice_report(void)
{
    if (in_report)
        return;
    in_report = true;
    if (layer_out && in_line)
        out_text(layer_out, "\n");
}

static bool audible(enum log_level_layer level)
{
    return layer_out && layer.handover->log_level >= (uint32_t)level;
}

void say(enum log_level_layer level, const char *format, ...)
{
    va_list args;
    if (!audible(level))
        return;
    struct voice voice = voice_take();
    out_text(layer_out, "paravane: ");
    va_start(args, format);
    out_vprintf(layer_out, format, args);
    va_end(args);
    out_text(layer_out, "\n");
    voice_give(voice);
}
