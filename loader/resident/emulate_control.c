/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Control and debug registers as the guest's kernel reads and writes them.
 *
 * Source: Intel SDM vol. 2 (MOV), vol. 3 2.5; what they give: xen/arch/x86/pv/emul-priv-op.c.
 */
#include "instruction.h"

#include "pagetable.h"

#define CR0_TS       UINT64_C(8)
#define CR4_TSD      UINT64_C(4)
#define CR4_DE       UINT64_C(8)
#define CR4_FSGSBASE UINT64_C(0x10000)

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

bool control_write(struct vcpu *v, uint32_t reg, uint64_t value)
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

enum emulation emulate_move_special(struct vcpu *v, struct frame *f, struct instruction *in,
                                    uint8_t opcode)
{
    uint8_t modrm;
    if (!instruction_next(in, &modrm))
        return EMULATE_NOT_OURS;
    uint32_t reg = (modrm >> 3 & 7) | (in->rex & 4 ? 8 : 0);
    uint64_t *general = instruction_register(f, (modrm & 7) | (in->rex & 1 ? 8 : 0));
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
    return instruction_done(v, f, in);
}
