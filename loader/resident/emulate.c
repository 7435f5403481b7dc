/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decodes and carries out what faulted with #GP at CPL 1 (or 3): privileged instructions of the
 * guest's kernel, port I/O where it is not direct, INT n, SYSENTER of its user space.  Registers,
 * ports and far transfers are files of their own (instruction.h).
 *
 * Source: Intel SDM vol. 2; which instructions and what they give: the behaviour of
 * xen/arch/x86/pv/emul-priv-op.c and emul-inv-op.c.
 */
#include "instruction.h"

#include "bounce.h"
#include "entry.h"
#include "pagetable.h"
#include "trap.h"

uint64_t *instruction_register(struct frame *f, uint32_t number)
{
    uint64_t *const at[16] = {&f->rax, &f->rcx, &f->rdx, &f->rbx, &f->rsp, &f->rbp,
                              &f->rsi, &f->rdi, &f->r8,  &f->r9,  &f->r10, &f->r11,
                              &f->r12, &f->r13, &f->r14, &f->r15};
    return at[number & 15];
}

static bool fetch(struct vcpu *v, const struct frame *f, struct instruction *ret)
{
    memset(ret, 0, sizeof(*ret));
    uint32_t in_page = (uint32_t)(PAGE_SIZE - (f->rip & PAGE_MASK));
    uint32_t size = in_page < sizeof(ret->byte) ? in_page : sizeof(ret->byte);
    if (!guest_read(v, ret->byte, f->rip, size))
        return false;
    ret->size = size;
    if (size < sizeof(ret->byte) &&
        guest_read(v, ret->byte + size, f->rip + size, sizeof(ret->byte) - size))
        ret->size = sizeof(ret->byte);
    return true;
}

enum emulation instruction_done(struct vcpu *v, struct frame *f, const struct instruction *in)
{
    f->rip += in->at;
    if (layer.compat)
        f->rip = (uint32_t)f->rip;
    f->rflags &= ~FLAG_RF;
    if (f->rflags & FLAG_TF) {
        v->debugreg[6] |= UINT64_C(1) << 14;
        inject_trap(v, 1, 0);
    }
    return EMULATE_DONE;
}

static enum emulation two_byte(struct vcpu *v, struct frame *f, struct instruction *in)
{
    uint8_t opcode, modrm;
    uint64_t value;
    uint32_t leaf[4];
    if (!instruction_next(in, &opcode))
        return EMULATE_NOT_OURS;
    switch (opcode) {
    case 0x01:
        if (!instruction_next(in, &modrm))
            return EMULATE_NOT_OURS;
        if (modrm == 0xd1 && !(v->cr4 & CR4_OSXSAVE)) {
            inject_trap(v, 6, 0);
            return EMULATE_DONE;
        }
        if (modrm == 0xd1) { /* xsetbv */
            value = (f->rdx << 32) | (uint32_t)f->rax;
            if ((uint32_t)f->rcx != 0 || !xsetbv_fixup(0, value))
                return EMULATE_NOT_OURS;
            v->xcr0 = value;
            return instruction_done(v, f, in);
        }
        if (modrm == 0xf9) { /* rdtscp under TSD */
            value = cpu_tsc();
            f->rax = (uint32_t)value;
            f->rdx = value >> 32;
            f->rcx = 0;
            return instruction_done(v, f, in);
        }
        if ((modrm & 0xf8) == 0xf0) { /* lmsw reg: MP EM TS, and PE can only be set */
            value = *instruction_register(f, (modrm & 7) | (in->rex & 1 ? 8 : 0));
            if (!control_write(v, 0, (CR0_SEEN & ~UINT64_C(14)) | (value & 15)))
                return EMULATE_NOT_OURS;
            return instruction_done(v, f, in);
        }
        return EMULATE_NOT_OURS;
    case 0x06: /* clts */
        task_switched_set(v, false);
        return instruction_done(v, f, in);
    case 0x09: /* wbinvd */
        cpu_wbinvd();
        return instruction_done(v, f, in);
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
        return emulate_move_special(v, f, in, opcode);
    case 0x30: /* wrmsr */
        value = (f->rdx << 32) | (uint32_t)f->rax;
        if (!guest_wrmsr(v, (uint32_t)f->rcx, value))
            return EMULATE_NOT_OURS;
        return instruction_done(v, f, in);
    case 0x31: /* rdtsc under TSD */
        value = cpu_tsc();
        f->rax = (uint32_t)value;
        f->rdx = value >> 32;
        return instruction_done(v, f, in);
    case 0x32: /* rdmsr */
        if (!guest_rdmsr(v, (uint32_t)f->rcx, &value))
            return EMULATE_NOT_OURS;
        f->rax = (uint32_t)value;
        f->rdx = value >> 32;
        return instruction_done(v, f, in);
    case 0xa2: /* cpuid, where the CPU can make it fault */
        guest_cpuid(v, (uint32_t)f->rax, (uint32_t)f->rcx, leaf);
        f->rax = leaf[0];
        f->rbx = leaf[1];
        f->rcx = leaf[2];
        f->rdx = leaf[3];
        return instruction_done(v, f, in);
    default:
        return EMULATE_NOT_OURS;
    }
}

/* QEMU gives the error code of a refused INT n as n * 16 + 2: it is made n * 8 + 2 here. */
static enum emulation soft_interrupt(struct vcpu *v, struct frame *f, struct instruction *in,
                                     uint8_t vector)
{
    const struct trap_entry *entry = &v->trap[vector];
    if (entry->address && (entry->flags & 3) >= (v->kernel_mode ? 1 : 3)) {
        f->rip += in->at;
        f->error = vector;
        return EMULATE_SOFT_INTERRUPT;
    }
    f->error = vector * 8u + 2;
    return EMULATE_NOT_OURS;
}

static enum emulation user_fault(struct vcpu *v, struct frame *f, struct instruction *in,
                                 uint8_t opcode)
{
    uint8_t second;
    if (opcode != 0x0f || !instruction_next(in, &second) || second != 0x34 || cpu_is_amd())
        return EMULATE_NOT_OURS;
    /* SYSENTER does not say where it came from, nor by which stack: what Xen shows. */
    f->rip = f->rsp = 0;
    f->cs = 3;
    f->ss = SEL_USER_SS;
    f->rflags &= ~FLAG_TF;
    if (!v->sysenter.address)
        return EMULATE_NOT_OURS; /* #GP with this frame, error code 0 */
    bounce_callback(v, &v->sysenter, "SYSENTER");
    return EMULATE_DONE;
}

enum emulation emulate_privileged(struct vcpu *v, struct frame *f)
{
    struct instruction in;
    uint8_t byte;
    if (!fetch(v, f, &in))
        return EMULATE_NOT_OURS;
    for (;;) {
        if (!instruction_next(&in, &byte))
            return EMULATE_NOT_OURS;
        if (byte == 0x66)
            in.operand16 = true;
        else if (byte == 0xf2 || byte == 0xf3)
            in.rep = true;
        else if (byte == 0x64 || byte == 0x65 || byte == 0x67)
            in.based = true;
        else if (byte != 0x2e && byte != 0x36 && byte != 0x3e && byte != 0x26)
            break;
    }
    if (!layer.compat && (byte & 0xf0) == 0x40 && f->cs != SEL_USER32CS) {
        in.rex = byte;
        if (!instruction_next(&in, &byte))
            return EMULATE_NOT_OURS;
    }
    if (byte == 0xcd) {
        uint8_t vector;
        return instruction_next(&in, &vector) ? soft_interrupt(v, f, &in, vector)
                                              : EMULATE_NOT_OURS;
    }
    if (byte == 0xcc)
        return soft_interrupt(v, f, &in, 3);
    if ((byte >= 0x6c && byte <= 0x6f) || (byte >= 0xe4 && byte <= 0xe7) ||
        (byte >= 0xec && byte <= 0xef))
        return emulate_port_io(v, f, &in, byte);
    /* cli and sti do not reach the mask: as on Xen they do nothing, with I/O privilege. */
    if (byte == 0xfa || byte == 0xfb)
        return iopl_enough(v) ? instruction_done(v, f, &in) : EMULATE_NOT_OURS;
    if (!v->kernel_mode)
        return user_fault(v, f, &in, byte);
    switch (byte) {
    case 0x0f:
        return two_byte(v, f, &in);
#ifdef __x86_64__
    case 0xcb:
        return emulate_far_return(v, f, &in);
    case 0xff:
        return emulate_far_transfer(v, f, &in);
#endif
    case 0x8e: /* mov ss, …: flat selectors that are not of level 1 keep what is there */
        if (!instruction_next(&in, &byte) || (byte & 0xf8) != 0xd0)
            return EMULATE_NOT_OURS;
#ifdef __x86_64__
        if (!layer.compat &&
            !is_kernel_data((uint16_t)*instruction_register(f, (byte & 7) | (in.rex & 1 ? 8 : 0))))
            return EMULATE_NOT_OURS;
#endif
        return instruction_done(v, f, &in);
    default:
        return EMULATE_NOT_OURS;
    }
}

bool emulate_forced_cpuid(struct vcpu *v, struct frame *f)
{
    static const uint8_t prefix[7] = {0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2};
    const struct instruction in = {.at = sizeof(prefix)};
    uint8_t code[7];
    uint32_t leaf[4];
    if (!guest_read(v, code, f->rip, sizeof(code)) || memcmp(code, prefix, sizeof(code)) != 0)
        return false;
    guest_cpuid(v, (uint32_t)f->rax, (uint32_t)f->rcx, leaf);
    f->rax = leaf[0];
    f->rbx = leaf[1];
    f->rcx = leaf[2];
    f->rdx = leaf[3];
    (void)instruction_done(v, f, &in);
    return true;
}
