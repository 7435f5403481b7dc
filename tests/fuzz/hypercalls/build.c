/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A line of calls.c with the fuzzer's bytes: its arguments, and in guest memory what these point
 * to.
 */
#include "hypercalls.h"

#include "entry.h"
#include "grant.h"

#include <xen/arch-x86/xen-mca.h>

#define PAGE_LISTS 16u /* guest page for lists of frames and ports */

uint32_t long_size(void)
{
    return layer.compat ? 4 : 8;
}

void put(struct buffer *b, uint64_t value, uint32_t size)
{
    if (b->size + size > sizeof(b->bytes))
        return;
    memcpy(b->bytes + b->size, &value, size);
    b->size += size;
}

uint64_t store(uint32_t page, uint64_t offset, const void *from, uint64_t size)
{
    uint64_t at = guest_base() + page * PAGE_SIZE + offset;
    (void)copy_to_guest(at, from, size);
    return at;
}

static uint64_t a_list(bool frames)
{
    struct buffer list = {.size = 0};
    uint8_t count = (uint8_t)take(1);
    for (uint32_t i = 0; i < count % 16u; i++) {
        if (frames)
            put(&list, count & 0x10 ? take(1) : a_frame(), long_size());
        else
            put(&list, a_number(4), 4);
    }
    return store(PAGE_LISTS, 0, list.bytes, list.size);
}

/* Its entry is filled as a guest does it, or left as it is. */
static uint64_t a_grant(void)
{
    uint8_t ref = (uint8_t)take(1), how = (uint8_t)take(1);
    volatile grant_entry_v1_t *entry = how & 3 ? grant_entry(ref & 15) : NULL;
    if (entry == NULL)
        return how & 4 ? ref : a_number(4);
    entry->domid = grant_own_domain();
    entry->frame = (uint32_t)a_frame();
    entry->flags = how & 8 ? (uint16_t)take(1) : GTF_permit_access | (how & GTF_readonly);
    return ref & 15;
}

static void put_context(struct buffer *b)
{
    static struct vcpu_guest_context context;
    memset(&context, 0, sizeof(context));
    context.user_regs.rip = an_address();
    context.user_regs.rsp = an_address();
    context.kernel_sp = an_address();
    context.ctrlreg[3] = (take(1) & 1 ? a_frame() : FRAME_GUEST) << PAGE_SHIFT;
    context.ctrlreg[1] = take(1) & 1 ? a_frame() << PAGE_SHIFT : 0;
    context.gdt_ents = a_number(8);
    for (uint64_t i = 0; i < context.gdt_ents && i < 4 * 512; i += 512)
        context.gdt_frames[i / 512] = a_frame();
    context.ldt_ents = a_number(8);
    context.ldt_base = an_address();
    for (uint32_t i = (uint32_t)take(1) & 7; i > 0; i--) {
        uint64_t value = a_number(8), at = take(2) % (sizeof(context) / 8);
        memcpy((uint8_t *)&context + at * 8, &value, 8);
    }
    memcpy(b->bytes, &context, sizeof(context));
    b->size = sizeof(context);
}

static void put_field(struct buffer *b, char letter, const struct call *c, uint32_t page)
{
    uint64_t inner[6] = {0};
    switch (letter) {
    case '1':
    case '2':
    case '4':
    case '8':
        put(b, a_number((size_t)(letter - '0')), (uint32_t)(letter - '0'));
        break;
    case 'l':
        put(b, a_number(long_size()), long_size());
        break;
    case '_':
        if (!layer.compat)
            put(b, 0, 4);
        break;
    case 'C':
        put(b, c->command >= 0 ? (uint64_t)c->command : take(1), 4);
        break;
    case 'K':
        put(b, take(1) % 24, 4);
        break;
    case 'I':
        put(b, XENPF_INTERFACE_VERSION, 4);
        break;
    case 'J':
        put(b, XEN_MCA_INTERFACE_VERSION, 4);
        break;
    case 'D':
        put(b, take(1) & 7 ? DOMID_SELF : a_number(2), 2);
        break;
    case 'v':
        put(b, a_number(4) & 3, 4);
        break;
    case 'q':
        put(b, a_number(4), 4);
        break;
    case 'E':
        put(b, an_entry(), 8);
        break;
    case 'P':
        put(b, a_place() | (take(1) & 3), 8);
        break;
    case 'M':
        put(b, a_frame(), long_size());
        break;
    case 'm':
        put(b, a_frame(), 8);
        break;
    case 'b':
        put(b, a_frame() << PAGE_SHIFT, 8);
        break;
    case 'h':
        put(b, take(1) & 1 ? an_address() : a_place(), 8);
        break;
    case 'g':
        put(b, a_grant(), 4);
        break;
    case 'o':
        put(b, grant_own_domain(), 2);
        break;
    case 'A':
        put(b, take(1) & 1 ? a_frame() : take(1) & 1 ? an_address() : a_number(8), long_size());
        break;
    case 'V':
        put(b, an_address(), long_size());
        break;
    case 'i':
        put(b, take(1) & 7 ? IOAPIC_MEMORY : a_number(4), long_size());
        break;
    case 'T':
        put(b, take(1) & 1 ? machine_cpu[0].timer_due + a_number(8) : a_number(8), 8);
        break;
    case 'L':
    case 'Y':
        put(b, a_list(letter == 'L'), long_size());
        break;
    case 'H':
        c = &call[take(1) % call_count];
        put(b, c->number, long_size());
        put(b, 0, long_size());
        if (page == PAGE_ARGS)
            build(c, inner, PAGE_INNER);
        for (int i = 0; i < 6; i++)
            put(b, inner[i], long_size());
        break;
    case 'X':
        put_context(b);
        break;
    default:
        abort();
    }
}

void build(const struct call *c, uint64_t argument[6], uint32_t page)
{
    static struct buffer buffers[2];
    struct buffer *b = &buffers[page == PAGE_INNER];
    uint32_t count = *c->fields ? 1 + (uint32_t)take(1) % 4 : 0, next = 0;
    b->size = 0;
    for (uint32_t i = 0; i < count; i++)
        for (const char *letter = c->fields; *letter; letter++)
            put_field(b, *letter, c, page);
    for (const char *letter = c->arguments; *letter && next < 6; letter++) {
        uint64_t value = 0;
        bool two = false;
        switch (*letter) {
        case '0':
            break;
        case 'C':
            value = c->command >= 0 ? (uint64_t)c->command : take(1);
            break;
        case 'B': {
            /* Mostly at the start of a page, or so that it crosses into the next. */
            uint8_t at = (uint8_t)take(1);
            memset(b->bytes + b->size, 0, b->size + 16 < sizeof(b->bytes) ? 16 : 0);
            value = store(page, at < 0xc0 ? 0 : PAGE_SIZE - (at & 63), b->bytes, b->size + 16);
            break;
        }
        case 'N':
            value = take(1) & 7 ? count : a_number(4);
            break;
        case 'n':
        case 'G':
            value = a_number(4) & 0xffff;
            break;
        case 'R':
            value = a_number(8);
            break;
        case 'V':
            value = an_address();
            break;
        case 'E':
            value = an_entry();
            two = true;
            break;
        case 'p':
            value = a_place();
            two = true;
            break;
        case 'Q':
            value = a_descriptor();
            two = true;
            break;
        case 'T':
            value = a_number(8);
            two = true;
            break;
        case 'D':
            value = take(1) & 7 ? DOMID_SELF : a_number(2);
            break;
        case 'x':
            value = take(1) & 7 ? DOMID_XEN : a_number(2);
            break;
        case 'O':
            value = take(1) & 1 ? an_address() : 0;
            break;
        case 'F':
            value = take(1) & 7;
            value |= value & 4 ? an_address() & ~UINT64_C(7) : 0;
            break;
        case 'v':
            value = take(1) & 3;
            break;
        default:
            abort();
        }
        argument[next++] = layer.compat ? (uint32_t)value : value;
        if (layer.compat && two && next < 6)
            argument[next++] = value >> 32;
    }
}
