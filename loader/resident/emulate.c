/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Decodes and carries out what faulted with #GP at CPL 1 (or 3): privileged instructions of the
 * guest's kernel, port I/O where it is not direct, INT n, SYSENTER of its user space.
 *
 * Source: Intel SDM vol. 2; which instructions and what they give: the behaviour of
 * xen/arch/x86/pv/emul-priv-op.c and emul-inv-op.c.
 */
#include "emulate.h"
#include "machine_setup.h"
#include "bounce.h"
#include "descriptors.h"
#include "entry.h"
#include "pagetable.h"
#include "trap.h"

#define CR0_TS       UINT64_C(8)
#define CR0_SEEN     UINT64_C(0x80050033) /* PG AM WP NE ET MP PE */
#define CR4_TSD      UINT64_C(4)
#define CR4_DE       UINT64_C(8)
#define CR4_FSGSBASE UINT64_C(0x10000)
#define CR4_OSXSAVE  UINT64_C(0x40000)

struct instruction {
    uint8_t byte[15];
    uint32_t size; /* bytes that could be read */
    uint32_t at;
    uint8_t rex;
    bool operand16, rep;
    bool based; /* FS or GS, or 32-bit addresses */
};

static uint64_t *register_of(struct frame *f, uint32_t number)
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

static bool next(struct instruction *in, uint8_t *ret)
{
    if (in->at >= in->size)
        return false;
    *ret = in->byte[in->at++];
    return true;
}

static enum emulation finish(struct vcpu *v, struct frame *f, const struct instruction *in)
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

/* ---- control and debug registers ------------------------------------------------------------- */

static bool control_read(struct vcpu *v, uint32_t reg, uint64_t *ret)
{
    switch (reg) {
    case 0:
        *ret = CR0_SEEN | (v->task_switched ? CR0_TS : 0);
        return true;
    case 2:
        *ret = 0;
        if (layer.compat)
            memcpy(ret, (const void *)(v->info + 8), 4);
        else
            memcpy(ret, (const void *)(v->info + offsetof(struct vcpu_info, arch.cr2)), 8);
        return true;
    case 3:
        *ret = v->kernel_root;
        if (layer.compat) { /* frame number rotated by 12 bits, so that it fits */
            uint64_t mfn = v->kernel_root >> PAGE_SHIFT;
            *ret = (uint32_t)(mfn << 12 | mfn >> 20);
        }
        return true;
    case 4:
        *ret = v->cr4;
        return true;
    default:
        return false;
    }
}

static bool control_write(struct vcpu *v, uint32_t reg, uint64_t value)
{
    const uint64_t own = CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE;
    uint64_t real;
    uint32_t leaf[4];
    switch (reg) {
    case 0: /* only TS is the guest's; Xen refuses what changes more */
        if ((value ^ CR0_SEEN) & ~CR0_TS)
            return false;
        task_switched_set(v, (value & CR0_TS) != 0);
        return true;
    case 2:
        memcpy((void *)(v->info + (layer.compat ? 8 : offsetof(struct vcpu_info, arch.cr2))),
               &value, layer.compat ? 4 : 8);
        return true;
    case 3:
        if (layer.compat)
            value = (uint64_t)((uint32_t)value >> 12 | (uint32_t)value << 20) << PAGE_SHIFT;
        return root_set(v, value >> PAGE_SHIFT) == 0;
    case 4: /* TSD and FSGSBASE are real; the rest of what a guest may choose is always on where the
             * CPU has it, and what it has not is not said */
        real = cpu_cr4();
        guest_cpuid(v, 7, 0, leaf);
        if (!(leaf[1] & 1) || layer.compat)
            value &= ~CR4_FSGSBASE;
        v->cr4 = (v->cr4 & ~own) | (value & own & (real | CR4_TSD | CR4_DE | CR4_FSGSBASE));
        cpu_set_cr4((real & ~(CR4_TSD | CR4_FSGSBASE)) | (value & (CR4_TSD | CR4_FSGSBASE)));
        return true;
    default:
        return false;
    }
}

static enum emulation move_special(struct vcpu *v, struct frame *f, struct instruction *in,
                                   uint8_t opcode)
{
    uint8_t modrm;
    if (!next(in, &modrm))
        return EMULATE_NOT_OURS;
    uint32_t reg = (modrm >> 3 & 7) | (in->rex & 4 ? 8 : 0);
    uint64_t *general = register_of(f, (modrm & 7) | (in->rex & 1 ? 8 : 0));
    uint64_t value = layer.compat ? (uint32_t)*general : *general;
    bool fine;
    if ((opcode & 1) && (reg > 7 || ((reg & 6) == 4 && v->cr4 & CR4_DE))) {
        inject_trap(v, 6, 0); /* no such debug register */
        return EMULATE_DONE;
    }
    switch (opcode) {
    case 0x20:
        fine = control_read(v, reg, &value);
        break;
    case 0x21:
        fine = debugreg_read(v, reg, &value);
        break;
    case 0x22:
        fine = control_write(v, reg, value);
        break;
    default:
        fine = debugreg_write(v, reg, value) == 0;
        break;
    }
    if (!fine)
        return EMULATE_NOT_OURS;
    if (opcode == 0x20 || opcode == 0x21)
        *general = value;
    return finish(v, f, in);
}

/* ---- port I/O where it is not direct ------------------------------------------------------------
 */

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

/* Has what runs now the guest's I/O privilege?  The kernel is of level 1, or of 0 if it wants so.
 */
static bool iopl_enough(const struct vcpu *v)
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
    return finish(v, f, in);
}

/* Direct port access is off for domU, for 32-bit kernels, and for user space beyond its bitmap. */
static enum emulation port_io(struct vcpu *v, struct frame *f, struct instruction *in,
                              uint8_t opcode)
{
    uint32_t size = opcode & 1 ? (in->operand16 ? 2 : 4) : 1, port = (uint16_t)f->rdx;
    uint64_t mask = size == 4 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * size)) - 1;
    uint8_t immediate;
    if (opcode >= 0xe4 && opcode <= 0xe7) {
        if (!next(in, &immediate))
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
    return finish(v, f, in);
}

/* ---- 0F xx
 * ------------------------------------------------------------------------------------------ */

static enum emulation two_byte(struct vcpu *v, struct frame *f, struct instruction *in)
{
    uint8_t opcode, modrm;
    uint64_t value;
    uint32_t leaf[4];
    if (!next(in, &opcode))
        return EMULATE_NOT_OURS;
    switch (opcode) {
    case 0x01:
        if (!next(in, &modrm))
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
            return finish(v, f, in);
        }
        if (modrm == 0xf9) { /* rdtscp under TSD */
            value = cpu_tsc();
            f->rax = (uint32_t)value;
            f->rdx = value >> 32;
            f->rcx = 0;
            return finish(v, f, in);
        }
        if ((modrm & 0xf8) == 0xf0) { /* lmsw reg: MP EM TS, and PE can only be set */
            value = *register_of(f, (modrm & 7) | (in->rex & 1 ? 8 : 0));
            if (!control_write(v, 0, (CR0_SEEN & ~UINT64_C(14)) | (value & 15)))
                return EMULATE_NOT_OURS;
            return finish(v, f, in);
        }
        return EMULATE_NOT_OURS;
    case 0x06: /* clts */
        task_switched_set(v, false);
        return finish(v, f, in);
    case 0x09: /* wbinvd */
        cpu_wbinvd();
        return finish(v, f, in);
    case 0x20:
    case 0x21:
    case 0x22:
    case 0x23:
        return move_special(v, f, in, opcode);
    case 0x30: /* wrmsr */
        value = (f->rdx << 32) | (uint32_t)f->rax;
        if (!guest_wrmsr(v, (uint32_t)f->rcx, value))
            return EMULATE_NOT_OURS;
        return finish(v, f, in);
    case 0x31: /* rdtsc under TSD */
        value = cpu_tsc();
        f->rax = (uint32_t)value;
        f->rdx = value >> 32;
        return finish(v, f, in);
    case 0x32: /* rdmsr */
        if (!guest_rdmsr(v, (uint32_t)f->rcx, &value))
            return EMULATE_NOT_OURS;
        f->rax = (uint32_t)value;
        f->rdx = value >> 32;
        return finish(v, f, in);
    case 0xa2: /* cpuid, where the CPU can make it fault */
        guest_cpuid(v, (uint32_t)f->rax, (uint32_t)f->rcx, leaf);
        f->rax = leaf[0];
        f->rbx = leaf[1];
        f->rcx = leaf[2];
        f->rdx = leaf[3];
        return finish(v, f, in);
    default:
        return EMULATE_NOT_OURS;
    }
}

/* ---- INT n
 * ---------------------------------------------------------------------------------------------- */

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

#ifdef __x86_64__
/* A 64-bit kernel's far return to a selector of level 3, where it would be on Xen: within one level
 * there, an outer return for the CPU here. */
static enum emulation far_return(struct vcpu *v, struct frame *f, const struct instruction *in)
{
    uint64_t to[2] = {0};
    uint32_t narrow[2];
    if (layer.compat)
        return EMULATE_NOT_OURS;
    if (in->rex & 8) {
        if (!guest_read(v, to, f->rsp, sizeof(to)))
            return EMULATE_NOT_OURS;
    } else {
        if (in->operand16 || !guest_read(v, narrow, f->rsp, sizeof(narrow)))
            return EMULATE_NOT_OURS;
        to[0] = narrow[0];
        to[1] = narrow[1];
    }
    if ((to[1] & 3) != 3 || !is_kernel_code((uint16_t)to[1]) ||
        (uint64_t)((int64_t)(to[0] << 16) >> 16) != to[0])
        return EMULATE_NOT_OURS;
    f->rip = to[0];
    f->rsp += in->rex & 8 ? sizeof(to) : sizeof(narrow);
    return EMULATE_DONE;
}

static bool next_signed(struct instruction *in, uint32_t size, uint64_t *ret)
{
    uint64_t value = 0;
    uint8_t byte;
    for (uint32_t i = 0; i < size; i++) {
        if (!next(in, &byte))
            return false;
        value |= (uint64_t)byte << (8 * i);
    }
    *ret = size == 1 ? (uint64_t)(int8_t)value : (uint64_t)(int32_t)value;
    return true;
}

/* Address of a 64-bit memory operand behind its ModRM byte, as the last part of the instruction;
 * segments with a base are not followed (SDM vol. 2, 2.1.5 and 2.2.1.6). */
static bool memory_operand(struct frame *f, struct instruction *in, uint8_t modrm, uint64_t *ret)
{
    uint32_t mod = modrm >> 6, base = modrm & 7;
    uint64_t address = 0, displacement = 0;
    bool relative = mod == 0 && base == 5, has_base = !relative;
    uint8_t sib;
    if (mod == 3 || in->based)
        return false;
    if (base == 4) {
        if (!next(in, &sib))
            return false;
        uint32_t index = (sib >> 3 & 7) | (in->rex & 2 ? 8 : 0);
        base = sib & 7;
        if (index != 4)
            address = *register_of(f, index) << (sib >> 6);
        has_base = mod != 0 || base != 5;
    }
    if (has_base)
        address += *register_of(f, base | (in->rex & 1 ? 8 : 0));
    if ((mod == 1 || mod == 2 || !has_base) && !next_signed(in, mod == 1 ? 1 : 4, &displacement))
        return false;
    *ret = address + displacement + (relative ? f->rip + in->at : 0);
    return true;
}

/* Far jump or call through memory (FF /5, /3) to a selector of level 3, as far_return(). */
static enum emulation far_transfer(struct vcpu *v, struct frame *f, struct instruction *in)
{
    uint32_t size = in->rex & 8 ? 8 : 4;
    uint64_t at, to = 0, back[2];
    uint32_t narrow[2];
    uint16_t selector;
    uint8_t modrm;
    if (layer.compat || in->operand16 || !next(in, &modrm))
        return EMULATE_NOT_OURS;
    bool is_call = (modrm >> 3 & 7) == 3;
    if ((!is_call && (modrm >> 3 & 7) != 5) || !memory_operand(f, in, modrm, &at) ||
        !guest_read(v, &to, at, size) || !guest_read(v, &selector, at + size, sizeof(selector)))
        return EMULATE_NOT_OURS;
    if ((selector & 3) != 3 || !is_kernel_code(selector) ||
        (uint64_t)((int64_t)(to << 16) >> 16) != to)
        return EMULATE_NOT_OURS;
    if (is_call) {
        back[0] = f->rip + in->at;
        back[1] = SEL_USER64CS;
        narrow[0] = (uint32_t)back[0];
        narrow[1] = SEL_USER64CS;
        if (!guest_write(v, f->rsp - 2 * size, size == 8 ? (const void *)back : narrow, 2 * size))
            return EMULATE_NOT_OURS;
        f->rsp -= 2 * size;
    }
    f->rip = to;
    return EMULATE_DONE;
}
#endif

static enum emulation user_fault(struct vcpu *v, struct frame *f, struct instruction *in,
                                 uint8_t opcode)
{
    uint8_t second;
    if (opcode == 0x0f && next(in, &second) && second == 0x34 && v->sysenter.address &&
        !cpu_is_amd()) {
        /* SYSENTER does not say where it came from, nor by which stack: what Xen shows. */
        f->rip = f->rsp = 0;
        f->cs = 3;
        f->ss = SEL_USER_SS;
        f->rflags &= ~FLAG_TF;
        bounce_callback(v, &v->sysenter, "SYSENTER");
        return EMULATE_DONE;
    }
    return EMULATE_NOT_OURS;
}

enum emulation emulate_privileged(struct vcpu *v, struct frame *f)
{
    struct instruction in;
    uint8_t byte;
    if (!fetch(v, f, &in))
        return EMULATE_NOT_OURS;
    for (;;) {
        if (!next(&in, &byte))
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
        if (!next(&in, &byte))
            return EMULATE_NOT_OURS;
    }
    if (byte == 0xcd) {
        uint8_t vector;
        return next(&in, &vector) ? soft_interrupt(v, f, &in, vector) : EMULATE_NOT_OURS;
    }
    if (byte == 0xcc)
        return soft_interrupt(v, f, &in, 3);
    if ((byte >= 0x6c && byte <= 0x6f) || (byte >= 0xe4 && byte <= 0xe7) ||
        (byte >= 0xec && byte <= 0xef))
        return port_io(v, f, &in, byte);
    /* cli and sti do not reach the mask: as on Xen they do nothing, with I/O privilege. */
    if (byte == 0xfa || byte == 0xfb)
        return iopl_enough(v) ? finish(v, f, &in) : EMULATE_NOT_OURS;
    if (!v->kernel_mode)
        return user_fault(v, f, &in, byte);
    switch (byte) {
    case 0x0f:
        return two_byte(v, f, &in);
#ifdef __x86_64__
    case 0xcb:
        return far_return(v, f, &in);
    case 0xff:
        return far_transfer(v, f, &in);
#endif
    case 0x8e: /* mov ss, …: flat selectors that are not of level 1 keep what is there */
        if (!next(&in, &byte) || (byte & 0xf8) != 0xd0)
            return EMULATE_NOT_OURS;
#ifdef __x86_64__
        if (!layer.compat &&
            !is_kernel_data((uint16_t)*register_of(f, (byte & 7) | (in.rex & 1 ? 8 : 0))))
            return EMULATE_NOT_OURS;
#endif
        return finish(v, f, &in);
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
    (void)finish(v, f, &in);
    return true;
}
