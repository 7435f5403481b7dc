/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The layer's consoles (layer.c).
 */
#ifndef RESIDENT_VOICE_H
#define RESIDENT_VOICE_H

#include <stdbool.h>

/* Opens the stage's consoles again; layer_out is usable from then on. */
void voice_init(void);

/* Set when all other CPUs were stopped for a report: nothing waits for them any more. */
extern bool voice_alone;

#endif
