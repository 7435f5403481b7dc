/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Included first into every file of the layer: all symbols are the program's own, so that code
 * reaches them RIP-relative and never through a table of absolute addresses.
 */
#ifndef RESIDENT_HIDDEN_H
#define RESIDENT_HIDDEN_H

#pragma GCC visibility push(hidden)

#endif
