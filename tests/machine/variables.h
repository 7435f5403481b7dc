/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Included first into the layer's files: their variables lie in sections of their own, so that
 * machine_restore() can put all of them back.  Compilers that cannot do it can start a machine
 * once.
 */
#ifndef MACHINE_VARIABLES_H
#define MACHINE_VARIABLES_H

#ifdef __clang__
#pragma clang section bss = "layer_bss" data = "layer_data"
#endif

#endif
