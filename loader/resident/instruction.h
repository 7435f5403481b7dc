/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An instruction of the guest's on its way through the files that carry it out: emulate.c reads it
 * and its prefixes, and hands on what it does not do itself.
 *
 * Each emulate_ function gives EMULATE_DONE with the guest's state changed, or EMULATE_NOT_OURS
 * with nothing changed but, for SYSENTER, the frame as Xen shows it.
 */
#ifndef RESIDENT_INSTRUCTION_H
#define RESIDENT_INSTRUCTION_H

#include "emulate.h"

#define CR0_SEEN    UINT64_C(0x80050033) /* PG AM WP NE ET MP PE */
#define CR4_OSXSAVE UINT64_C(0x40000)

struct instruction {
    uint8_t byte[15];
    uint32_t size; /* bytes that could be read */
    uint32_t at;
    uint8_t rex;
    bool operand16, rep;
    bool based; /* FS or GS, or 32-bit addresses */
};

/* The general register of a number as instructions have it, REX's bit included. */
uint64_t *instruction_register(struct frame *f, uint32_t number);

/* The next byte; false when there is none that the guest could execute. */
static inline MUST_USE bool instruction_next(struct instruction *in, uint8_t *ret)
{
    if (in->at >= in->size)
        return false;
    *ret = in->byte[in->at++];
    return true;
}

/* It is carried out: the guest goes on behind it, single step included. */
enum emulation instruction_done(struct vcpu *v, struct frame *f, const struct instruction *in);

/* Control and debug registers, 0F 20 to 0F 23 (emulate_control.c); control_write() is false for
 * what Xen refuses. */
enum emulation emulate_move_special(struct vcpu *v, struct frame *f, struct instruction *in,
                                    uint8_t opcode);
MUST_USE bool control_write(struct vcpu *v, uint32_t reg, uint64_t value);

/* Port I/O where it is not direct (emulate_ports.c): off for domU, for 32-bit kernels, and for user
 * space beyond its bitmap. */
enum emulation emulate_port_io(struct vcpu *v, struct frame *f, struct instruction *in,
                               uint8_t opcode);
/* Has what runs now the guest's I/O privilege?  The kernel is of level 1, or of 0 if it wants so.
 */
bool iopl_enough(const struct vcpu *v);

/* A 64-bit kernel's far return, and its far jump or call through memory (FF /5, /3), to a selector
 * of level 3 (emulate_far.c): within one level on Xen, an outer return for the CPU here. */
enum emulation emulate_far_return(struct vcpu *v, struct frame *f, const struct instruction *in);
enum emulation emulate_far_transfer(struct vcpu *v, struct frame *f, struct instruction *in);

#endif
