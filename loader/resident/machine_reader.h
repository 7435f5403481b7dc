/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * lib/reader.h over the layer's direct map: RAM and everything below 4 GiB.
 */
#ifndef RESIDENT_MACHINE_READER_H
#define RESIDENT_MACHINE_READER_H

#include "reader.h"

extern const struct reader machine_reader;

#endif
