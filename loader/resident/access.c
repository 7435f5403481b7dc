/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Guest memory as the layer reaches it: by virtual address with fault fix-up, by table walk, and
 * structs of 32-bit guests widened field by field.
 */
#include "layer.h"
#include "entry.h"

bool cpu_rdmsr_safe(uint32_t msr, uint64_t *ret)
{
    return rdmsr_fixup(msr, ret);
}

bool cpu_wrmsr_safe(uint32_t msr, uint64_t value)
{
    return wrmsr_fixup(msr, value);
}

/* Not wrapping, canonical enough, and not in our hole (32-bit guests: below 4 GiB). */
static bool range_is_guest(uint64_t gva, uint64_t size)
{
    uint64_t end;
    if (!checked_add_u64(gva, size, &end))
        return false;
#ifdef __x86_64__
    if (layer.compat)
        return end <= UINT64_C(1) << 32;
#endif
    return end <= HOLE_START || (gva >= HOLE_END && !layer.compat);
}

bool guest_read(struct vcpu *v, void *to, uint64_t gva, uint64_t size)
{
    (void)v;
    return range_is_guest(gva, size) && copy_from_guest(to, (uintptr_t)gva, size) == 0;
}

bool guest_write(struct vcpu *v, uint64_t gva, const void *from, uint64_t size)
{
    (void)v;
    return range_is_guest(gva, size) && copy_to_guest((uintptr_t)gva, from, size) == 0;
}

/* Little-endian: the low bytes are the value. */
static void widen(void *to, const uint8_t *from, const struct layout *layout)
{
    memset(to, 0, layout->size64);
    for (uint16_t i = 0; i < layout->field_count; i++) {
        const struct layout_field *field = &layout->field[i];
        uint32_t size = field->size < field->to_size ? field->size : field->to_size;
        for (uint32_t n = 0; n == 0 || n < field->count; n++)
            memcpy((uint8_t *)to + field->to + n * field->to_size,
                   from + field->from + n * field->size, size);
    }
}

static void narrow(uint8_t *to, const void *from, const struct layout *layout)
{
    for (uint16_t i = 0; i < layout->field_count; i++) {
        const struct layout_field *field = &layout->field[i];
        uint32_t size = field->size < field->to_size ? field->size : field->to_size;
        for (uint32_t n = 0; n == 0 || n < field->count; n++)
            memcpy(to + field->from + n * field->size,
                   (const uint8_t *)from + field->to + n * field->to_size, size);
    }
}

static bool element_address(uint64_t gva, uint64_t index, uint64_t size, uint64_t *ret)
{
    uint64_t offset;
    return checked_mul_u64(index, (uint32_t)size, &offset) && checked_add_u64(gva, offset, ret);
}

bool guest_read_struct(struct vcpu *v, void *to, uint64_t gva, uint64_t index,
                       const struct layout *layout)
{
    uint8_t narrow_form[LAYOUT_SIZE_MAX];
    uint64_t at;
    if (!element_address(gva, index, layer.compat ? layout->size32 : layout->size64, &at))
        return false;
    if (!layer.compat)
        return guest_read(v, to, at, layout->size64);
    if (layout->size32 > sizeof(narrow_form) || !guest_read(v, narrow_form, at, layout->size32))
        return false;
    widen(to, narrow_form, layout);
    return true;
}

bool guest_write_struct(struct vcpu *v, uint64_t gva, uint64_t index, const void *from,
                        const struct layout *layout)
{
    uint8_t narrow_form[LAYOUT_SIZE_MAX];
    uint64_t at;
    if (!element_address(gva, index, layer.compat ? layout->size32 : layout->size64, &at))
        return false;
    if (!layer.compat)
        return guest_write(v, at, from, layout->size64);
    /* Padding and fields that we do not know keep what the guest had there. */
    if (layout->size32 > sizeof(narrow_form) || !guest_read(v, narrow_form, at, layout->size32))
        return false;
    narrow(narrow_form, from, layout);
    return guest_write(v, at, narrow_form, layout->size32);
}
