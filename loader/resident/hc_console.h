/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guest's console: console_io, a domU's ring, and input from the serial port.
 */
#ifndef RESIDENT_HC_CONSOLE_H
#define RESIDENT_HC_CONSOLE_H

#include "layer.h"

/* Prints what stands in the domU's ring and puts waiting input into it. */
void console_ring_serve(struct vcpu *v);

/* From the timer: looks for input. */
void console_poll(struct vcpu *v);

#endif
