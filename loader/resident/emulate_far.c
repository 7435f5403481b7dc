/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Far returns, jumps and calls of a 64-bit kernel to code selectors of level 3: its own code, as
 * the guest numbers it on Xen.
 *
 * Source: Intel SDM vol. 2 (RET, JMP, CALL; 2.1.5 and 2.2.1.6 for the memory operand).
 */
#include "instruction.h"

#include "trap.h"

enum emulation emulate_far_return(struct vcpu *v, struct frame *f, const struct instruction *in)
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
        if (!instruction_next(in, &byte))
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
        if (!instruction_next(in, &sib))
            return false;
        uint32_t index = (sib >> 3 & 7) | (in->rex & 2 ? 8 : 0);
        base = sib & 7;
        if (index != 4)
            address = *instruction_register(f, index) << (sib >> 6);
        has_base = mod != 0 || base != 5;
    }
    if (has_base)
        address += *instruction_register(f, base | (in->rex & 1 ? 8 : 0));
    if ((mod == 1 || mod == 2 || !has_base) && !next_signed(in, mod == 1 ? 1 : 4, &displacement))
        return false;
    *ret = address + displacement + (relative ? f->rip + in->at : 0);
    return true;
}

enum emulation emulate_far_transfer(struct vcpu *v, struct frame *f, struct instruction *in)
{
    uint32_t size = in->rex & 8 ? 8 : 4;
    uint64_t at, to = 0, back[2];
    uint32_t narrow[2];
    uint16_t selector;
    uint8_t modrm;
    if (layer.compat || in->operand16 || !instruction_next(in, &modrm))
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
