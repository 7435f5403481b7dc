/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's consoles (layer.c).
 */
#ifndef RESIDENT_VOICE_H
#define RESIDENT_VOICE_H

#include <stdbool.h>

/* One speaker at a time on the consoles; nothing else may be taken inside. In a report it takes
 * nothing: the other CPUs stand still, maybe in the middle of a line. */
struct voice {
    bool alone;
};
struct voice voice_take(void);
void voice_give(struct voice voice);

/* All other CPUs were stopped for a report: its lines begin at the start of one. */
void voice_report(void);

#endif
