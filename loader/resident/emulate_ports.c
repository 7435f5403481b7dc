/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Port I/O of the guest where it is not direct: IN, OUT, INS, OUTS.
 *
 * Source: Intel SDM vol. 1 19.5 (privilege and bitmap); ports that read as ones: the behaviour of
 * xen/arch/x86/pv/emul-priv-op.c.
 */
#include "instruction.h"

#include "descriptors.h"
#include "machine_setup.h"

static uint32_t port_read(uint16_t port, uint32_t size)
{
    if (port_is_kept(port, size))
        return ~UINT32_C(0); /* as on Xen: reads give ones, writes are lost */
    return size == 1 ? port_read8(port) : size == 2 ? port_read16(port) : port_read32(port);
}

static void port_write(uint16_t port, uint32_t value, uint32_t size)
{
    if (port_is_kept(port, size))
        return;
    if (size == 1)
        port_write8(port, (uint8_t)value);
    else if (size == 2)
        port_write16(port, (uint16_t)value);
    else
        port_write32(port, value);
}

bool iopl_enough(const struct vcpu *v)
{
    return v->iopl >= (!v->kernel_mode ? 3 : iopl_is_architectural() ? 0 : 1);
}

/* By I/O privilege, or by the bitmap, which Xen looks at for a kernel too. */
static bool port_allowed(const struct vcpu *v, uint32_t port, uint32_t size)
{
    if (iopl_enough(v))
        return true;
    if (port + size > v->io_ports)
        return false;
    for (uint32_t at = port; at < port + size; at++)
        if (v->tss->map.user[at / 8] >> (at % 8) & 1)
            return false;
    return true;
}

/* One element of ins (6C, 6D) or outs (6E, 6F); the address is flat. */
static bool string_element(struct vcpu *v, struct frame *f, uint8_t opcode, uint32_t size)
{
    uint16_t port = (uint16_t)f->rdx;
    uint64_t *pointer = opcode & 2 ? &f->rsi : &f->rdi;
    uint32_t value = 0;
    if (opcode & 2) {
        if (!guest_read(v, &value, *pointer, size))
            return false;
        port_write(port, value, size);
    } else {
        value = port_read(port, size);
        if (!guest_write(v, *pointer, &value, size))
            return false;
    }
    *pointer += f->rflags & FLAG_DF ? -(uint64_t)size : size;
    if (layer.compat)
        *pointer = (uint32_t)*pointer;
    return true;
}

static enum emulation port_string(struct vcpu *v, struct frame *f, struct instruction *in,
                                  uint8_t opcode, uint32_t size)
{
    uint64_t *pointer = opcode & 2 ? &f->rsi : &f->rdi;
    uint64_t left = in->rep ? (layer.compat ? (uint32_t)f->rcx : f->rcx) : 1;
    for (; left; left--) {
        if (!string_element(v, f, opcode, size)) {
            f->rcx = in->rep ? left : f->rcx;
            inject_page_fault(v, opcode & 2 ? 0 : 2, *pointer);
            return EMULATE_DONE;
        }
    }
    if (in->rep)
        f->rcx = 0;
    return instruction_done(v, f, in);
}

enum emulation emulate_port_io(struct vcpu *v, struct frame *f, struct instruction *in,
                               uint8_t opcode)
{
    uint32_t size = opcode & 1 ? (in->operand16 ? 2 : 4) : 1, port = (uint16_t)f->rdx;
    uint64_t mask = size == 4 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * size)) - 1;
    uint8_t immediate;
    if (opcode >= 0xe4 && opcode <= 0xe7) {
        if (!instruction_next(in, &immediate))
            return EMULATE_NOT_OURS;
        port = immediate;
    }
    if (!port_allowed(v, port, size))
        return EMULATE_NOT_OURS;
    if (opcode < 0x70)
        return port_string(v, f, in, opcode, size);
    if (opcode & 2)
        port_write((uint16_t)port, (uint32_t)f->rax, size);
    else
        f->rax = (f->rax & ~mask) | port_read((uint16_t)port, size);
    return instruction_done(v, f, in);
}
