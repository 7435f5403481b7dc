/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the model share, and nobody else uses.
 */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include "machine.h"

#define MODEL_HZ         UINT64_C(1000000000) /* of the TSC */
#define MODEL_LAPIC_TICK 16u                  /* TSC ticks of one of the local APIC's timer */
#define MODEL_WAITS      64u                  /* halts in a run, before it counts as asleep */
#define MODEL_MSI        0x40u                /* the device's capabilities in its configuration */
#define MODEL_MSIX       0x60u

struct model {
    uint64_t clock; /* TSC */
    uint32_t waits;
    uint32_t pci_address;
    uint8_t pci[256]; /* configuration space of the one device */
};

extern struct model model;

_Noreturn void model_end(enum machine_end end);
void model_memory_make(void);
void model_m2p_frames(bool open);
void model_variables_anew(void);

#endif
