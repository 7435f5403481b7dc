/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The domU console page (public/io/console.h) and the queue of typed characters.  Pure state; the
 * page belongs to a hostile guest, whose indexes are read once and checked.
 */
#ifndef RESIDENT_CONSOLE_RING_H
#define RESIDENT_CONSOLE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "out.h"

#include <xen/io/console.h>

#define CONSOLE_INPUT_SIZE 1024

struct console_input {
    uint32_t head, count;
    char text[CONSOLE_INPUT_SIZE];
};

/* Drops the character when the queue is full. */
void console_input_put(struct console_input *input, char c);
/* Takes up to `size` characters; returns how many. */
uint32_t console_input_take(struct console_input *input, char *to, uint32_t size);

/* Prints what the guest wrote and hands over input.  True when an index was moved: the guest wants
 * an event.  Indexes that make no sense are left alone. */
bool console_ring_move(struct xencons_interface *ring, struct console_input *input,
                       struct out *out);

#endif
