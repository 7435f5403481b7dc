/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile guest on the 64-bit resident layer: hypercalls with arguments of the right shape and
 * wrong values, in between traps, interrupts, time, other vCPUs and what a kernel stores itself.
 * The machine is a model (tests/machine/); the layer's files are the product's.
 *
 * Input: one byte for the machine (role, width, CPUs, room), then operations, each of as many bytes
 * as it takes; what is missing reads as zero.
 *
 * After each operation:
 *   what is returned is an answer or an errno;
 *   frames keep their owners, nothing that is the layer's was written (the model faults);
 *   no entry of a table in use names a frame that it must not, unless the guest stored it itself;
 *   roots in use are the guest's and carry the hypervisor's entries;
 *   the guest's frame has its own privilege level, interrupts on and no I/O privilege.
 * A guest that crashes, switches off or sleeps for good ends the run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "descriptors.h"
#include "entry.h"
#include "frame_pool.h"
#include "machine.h"
#include "memory.h"
#include "pagetable.h"
#include "trap.h"
#include "context.h"

#include <xen/arch-x86/xen-mca.h>

#define OPERATIONS 48
#define PAGE_ARGS  12u /* guest pages: arguments, inner arguments of a multicall, lists */
#define PAGE_INNER 14u
#define PAGE_LISTS 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- the input --------------------------------------------------------------------------------
 */

static const uint8_t *input;
static size_t input_left;

static uint64_t take(size_t bytes)
{
    uint64_t value = 0;
    size_t size = bytes < input_left ? bytes : input_left;
    memcpy(&value, input, size);
    input += size;
    input_left -= size;
    return value;
}

static uint64_t a_number(size_t bytes)
{
    static const uint64_t interesting[32] = {
        ~UINT64_C(0), 0x10,       0x7ff0,     0x7ff1,    0x1000,  0xfff,     0xffff,
        0x7fffffff,   0x80000000, 0xffffffff, 256,       255,     512,       511,
        128,          1024,       4096,       8192,      7168,    65536,     0xfee00,
        0xe033,       0xe02b,     0xe019,     0xe021,    1000000, 100000000, 1u << 30,
        1ull << 40,   1ull << 62, 1ull << 63, 0xf5800000};
    uint8_t kind = (uint8_t)take(1);
    if (kind < 0xc0)
        return kind & 63;
    return kind < 0xe0 ? interesting[kind & 31] : take(bytes);
}

static uint64_t a_frame(void)
{
    uint8_t kind = (uint8_t)take(1), i = (uint8_t)take(1);
    switch (kind & 15) {
    default:
        return FRAME_GUEST + i % GUEST_PAGES;
    case 5:
    case 6:
    case 7:
        return FRAME_GUEST + i % GUEST_TABLES;
    case 8:
        return FRAME_LOW + i % (FRAME_LOW_END - FRAME_LOW);
    case 9:
        return FRAME_ARENA + i;
    case 10:
        return FRAME_IMAGE + i % (FRAME_ARENA - FRAME_IMAGE);
    case 11:
        return FRAME_SHARED + i % 3;
    case 12: /* what the layer took last: grant frames */
        return (layer.arena_next >> PAGE_SHIFT) - 1 - i % 8;
    case 13:
        return i & 1 ? DEVICE_MEMORY >> PAGE_SHIFT : 0xfee00;
    case 14:
        return layer.frame_count + i;
    case 15:
        return take(8);
    }
}

static uint64_t an_entry(void)
{
    uint8_t flags = (uint8_t)take(1);
    uint64_t entry = (a_frame() << PAGE_SHIFT & PTE_ADDR) | (flags & 0x7e);
    if (!(flags & 1))
        entry |= PTE_P;
    if ((flags & 0xc0) == 0xc0)
        entry |= PTE_PS;
    return flags & 0x80 ? entry ^ take(1) << 56 : entry;
}

static uint64_t an_address(void)
{
    uint8_t kind = (uint8_t)take(1), i = (uint8_t)take(1);
    uint64_t page = guest_base() + i % GUEST_MAPPED * PAGE_SIZE;
    switch (kind & 15) {
    default:
        return page + (kind >> 4) * 64;
    case 10:
        return page + PAGE_SIZE - 1 - (kind >> 4);
    case 11:
        return layer.compat ? COMPAT_HOLE + i * 8 : HOLE_START + i * PAGE_SIZE;
    case 12:
        return page + GUEST_MAPPED * PAGE_SIZE;
    case 13:
        return i;
    case 14:
        return ~UINT64_C(0) - i;
    case 15:
        return take(8);
    }
}

/* A machine address of eight bytes in a frame. */
static uint64_t a_place(void)
{
    static const uint16_t slot[8] = {0, 3, 256, 271, 272, 510, 511, COMPAT_HOLE_SLOT};
    uint8_t i = (uint8_t)take(1);
    uint64_t index = i < 0x80 ? i : i < 0xf8 ? slot[i & 7] : take(2) & 511;
    return a_frame() << PAGE_SHIFT | index * 8;
}

static uint64_t a_descriptor(void)
{
    uint64_t number = a_number(8);
    return number & 1 ? UINT64_C(0x00cf9b000000ffff) | (number & 3) << 45 : take(8);
}

/* ---- what calls take ---------------------------------------------------------------------------
 */

/* Arguments and fields, a letter each:
 *   C the line's command, or a byte   B pointer to the fields   N how many elements these are
 *   n number   R raw   V virtual address   E page-table entry   P place of an entry, with command
 *   p place   Q descriptor   D domain   O pointer or none   F flags of update_va_mapping
 *   M frame   G entries of a GDT   T time   v vCPU
 * Fields also: 1 2 4 8 number of that size, l of a long, q event channel, I interface version, K
 * small command, _ four bytes in 64-bit guests, L and Y pointers to lists of frames and ports, H a
 * call of a multicall, X a vCPU's context, A frame, number or address, m a frame in eight bytes,
 * i the IO-APIC's address in a long, J interface version of mca. */
static const struct call {
    uint8_t number;
    int16_t command;
    const char *arguments, *fields;
} call[] = {
    {0, -1, "B", "112_V"},
    {1, -1, "BNOD", "PE"},
    {1, -1, "BNOD", "PE"},
    {2, -1, "BG", "M"},
    {3, -1, "RR", ""},
    {4, -1, "VVVV", ""},
    {5, -1, "n", ""},
    {6, -1, "Cn", ""},
    {7, XENPF_settime32, "B", "CI4448"},
    {7, XENPF_settime64, "B", "CI8448"},
    {7, XENPF_enter_acpi_sleep, "B", "CI22444"},
    {7, XENPF_get_cpuinfo, "B", "CI4444"},
    {7, -1, "B", "CI4444"},
    {8, -1, "nR", ""},
    {9, -1, "n", ""},
    {10, -1, "pQ", ""},
    {12, XENMEM_increase_reservation, "CB", "Ll442"},
    {12, XENMEM_decrease_reservation, "CB", "Ll442"},
    {12, XENMEM_populate_physmap, "CB", "Ll442"},
    {12, XENMEM_exchange, "CB", "Ll44D2_Ll44D2_l"},
    {12, XENMEM_machine_memory_map, "CB", "4_V"},
    {12, XENMEM_machphys_mapping, "CB", "lll"},
    {12, XENMEM_current_reservation, "CB", "D"},
    {12, -1, "CB", "D24l"},
    {13, -1, "BN", "H"},
    {14, -1, "VEF", ""},
    {14, -1, "VEF", ""},
    {15, -1, "T", ""},
    {16, -1, "B", "K444"},
    {17, -1, "CB", "4"},
    {18, 0, "CnV", ""},
    {18, 1, "CnV", ""},
    {19, -1, "B", "K_l44"},
    {20, GNTTABOP_setup_table, "CBN", "D242_L"},
    {20, GNTTABOP_query_size, "CBN", "D2442"},
    {20, GNTTABOP_set_version, "CBN", "4"},
    {20, GNTTABOP_get_version, "CBN", "D24"},
    {20, GNTTABOP_map_grant_ref, "CBN", "844D2488"},
    {20, GNTTABOP_copy, "CBN", "lD24lD2422"},
    {20, -1, "CBN", "8888"},
    {21, 0, "Cn", ""},
    {21, 1, "Cn", ""},
    {22, -1, "VEFD", ""},
    {24, VCPUOP_initialise, "CvB", "X"},
    {24, VCPUOP_up, "Cv", ""},
    {24, VCPUOP_down, "Cv", ""},
    {24, VCPUOP_is_up, "Cv", ""},
    {24, VCPUOP_get_runstate_info, "CvV", ""},
    {24, VCPUOP_register_runstate_memory_area, "CvB", "V"},
    {24, VCPUOP_set_periodic_timer, "CvB", "T"},
    {24, VCPUOP_stop_periodic_timer, "Cv", ""},
    {24, VCPUOP_set_singleshot_timer, "CvB", "T4"},
    {24, VCPUOP_stop_singleshot_timer, "Cv", ""},
    {24, VCPUOP_register_vcpu_info, "CvB", "m44"},
    {24, VCPUOP_send_nmi, "Cv0", ""},
    {24, VCPUOP_register_vcpu_time_memory_area, "CvB", "V"},
    {24, VCPUOP_get_physid, "CvV", ""},
    {24, -1, "CvB", "88"},
    {25, -1, "CV", ""},
    {25, -1, "CR", ""},
    {26, -1, "BNOD", "K_MA"},
    {26, -1, "BNOD", "K_MA"},
    {26, MMUEXT_PIN_L1_TABLE, "BNOD", "C_MA"},
    {26, MMUEXT_PIN_L2_TABLE, "BNOD", "C_MA"},
    {26, MMUEXT_PIN_L3_TABLE, "BNOD", "C_MA"},
    {26, MMUEXT_PIN_L4_TABLE, "BNOD", "C_MA"},
    {26, MMUEXT_NEW_BASEPTR, "BNOD", "C_MA"},
    {26, MMUEXT_NEW_USER_BASEPTR, "BNOD", "C_MA"},
    {26, MMUEXT_UNPIN_TABLE, "BNOD", "C_MA"},
    {26, MMUEXT_TLB_FLUSH_MULTI, "BNOD", "C_MA"},
    {26, MMUEXT_INVLPG_MULTI, "BNOD", "C_VV"},
    {26, MMUEXT_SET_LDT, "BNOD", "C_Vl"},
    {26, MMUEXT_CLEAR_PAGE, "BNOD", "C_MM"},
    {26, MMUEXT_COPY_PAGE, "BNOD", "C_MM"},
    {28, 0, "CB", "V"},
    {28, 1, "CB", "V"},
    {29, SCHEDOP_yield, "C", ""},
    {29, SCHEDOP_block, "C", ""},
    {29, SCHEDOP_shutdown, "CB", "4"},
    {29, SCHEDOP_poll, "CB", "Y4_T"},
    {29, -1, "CB", "4"},
    {30, 0, "CB", "22_VV"},
    {30, 1, "CB", "22_VV"},
    {32, EVTCHNOP_bind_interdomain, "CB", "D2q4"},
    {32, EVTCHNOP_bind_virq, "CB", "4v4"},
    {32, EVTCHNOP_bind_pirq, "CB", "444"},
    {32, EVTCHNOP_close, "CB", "q"},
    {32, EVTCHNOP_send, "CB", "q"},
    {32, EVTCHNOP_status, "CB", "D2q444"},
    {32, EVTCHNOP_alloc_unbound, "CB", "DD4"},
    {32, EVTCHNOP_bind_ipi, "CB", "v4"},
    {32, EVTCHNOP_bind_vcpu, "CB", "qv"},
    {32, EVTCHNOP_unmask, "CB", "q"},
    {32, EVTCHNOP_reset, "CB", "D"},
    {32, -1, "CB", "444"},
    {33, PHYSDEVOP_eoi, "CB", "4"},
    {33, PHYSDEVOP_irq_status_query, "CB", "44"},
    {33, PHYSDEVOP_set_iopl, "CB", "4"},
    {33, PHYSDEVOP_set_iobitmap, "CB", "V4"},
    {33, PHYSDEVOP_apic_read, "CB", "i44"},
    {33, PHYSDEVOP_apic_write, "CB", "i44"},
    {33, PHYSDEVOP_map_pirq, "CB", "D2444444_8"},
    {33, PHYSDEVOP_unmap_pirq, "CB", "D24"},
    {33, PHYSDEVOP_restore_msi, "CB", "11"},
    {33, PHYSDEVOP_restore_msi_ext, "CB", "211"},
    {33, PHYSDEVOP_setup_gsi, "CB", "411"},
    {33, PHYSDEVOP_get_free_pirq, "CB", "44"},
    {33, PHYSDEVOP_pci_device_add, "CB", "2114114"},
    {33, PHYSDEVOP_prepare_msix, "CB", "211"},
    {33, -1, "CB", "4444"},
    {40, -1, "CB", "44"},
    {48, XEN_MC_fetch, "B", "CJ4444"},
    {48, XEN_MC_physcpuinfo, "B", "CJ4_V"},
    {48, -1, "B", "CJ44"},
    {23, -1, "", ""},
    {11, -1, "RRRRRR", ""},
};
#define CALLS (sizeof(call) / sizeof(call[0]))

/* ---- building them -----------------------------------------------------------------------------
 */

struct buffer {
    uint8_t bytes[8192];
    uint32_t size;
};

static uint32_t long_size(void)
{
    return layer.compat ? 4 : 8;
}

static void put(struct buffer *b, uint64_t value, uint32_t size)
{
    if (b->size + size > sizeof(b->bytes))
        return;
    memcpy(b->bytes + b->size, &value, size);
    b->size += size;
}

/* As the guest stores it: by its own page tables. */
static uint64_t store(uint32_t page, uint64_t offset, const void *from, uint64_t size)
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

static void build(const struct call *c, uint64_t argument[6], uint32_t page);

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
        c = &call[take(1) % CALLS];
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

/* Arguments as registers of the guest; some 64-bit ones take two of a 32-bit guest. */
static void build(const struct call *c, uint64_t argument[6], uint32_t page)
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

/* ---- what must hold -----------------------------------------------------------------------------
 */

#define fail(...)                                                                                  \
    do {                                                                                           \
        fprintf(stderr, "wrong: " __VA_ARGS__);                                                    \
        fputc('\n', stderr);                                                                       \
        abort();                                                                                   \
    } while (0)

#define WATCHED (FRAME_END - FRAME_GUEST)

/* Of each of the guest's frames that is a table: its level and its entries when last looked at. */
static uint8_t watched_level[WATCHED];
static uint64_t watched[WATCHED][512];
static uint8_t owner[FRAME_END];
static bool faulted; /* the last operation was a fault: a table may have become writable by it */

/* What the guest stores itself is its own affair. */
static void on_guest_write(uint64_t maddr, uint64_t size)
{
    uint64_t mfn = maddr >> PAGE_SHIFT;
    if (mfn >= FRAME_GUEST && mfn < FRAME_END)
        memcpy((uint8_t *)watched[mfn - FRAME_GUEST] + (maddr & PAGE_MASK), machine_at(maddr),
               size);
}

static void check_entry(uint64_t mfn, uint8_t level_bits, uint32_t index, uint64_t old,
                        uint64_t new)
{
    int level = frame_level(level_bits);
    uint64_t target = (new &PTE_ADDR) >> PAGE_SHIFT;
    uint8_t state = target < layer.frame_count ? layer.frame[target] : 0;
    uint64_t at = mfn << PAGE_SHIFT | index * 8;
    if (!(new &PTE_P) || entry_is_ours(level, at))
        return;
    if (level == 1) {
        if (state & FRAME_LAYER && !(state & FRAME_SPECIAL))
            fail("L1 entry %#lx names the layer's frame %#lx", (long)at, (long)target);
        bool more = new &PTE_RW && (!(old & PTE_RW) || (old ^ new) & PTE_ADDR);
        if (state & FRAME_PINNED && more && !faulted)
            fail("L1 entry %#lx makes table %#lx writable", (long)at, (long)target);
        return;
    }
    if (new &PTE_PS && level < 4)
        fail("L%d entry %#lx is a large page at %#lx", level, (long)at, (long)target);
    if (!frame_is_guest(target))
        fail("L%d entry %#lx names frame %#lx, not the guest's", level, (long)at, (long)target);
}

/* No references are counted: a page can become a table after a vcpu_info was registered in it. */
static bool holds_info(uint64_t mfn)
{
    for (uint32_t id = 0; id < layer.cpu_count; id++)
        if (pointer_maddr((const void *)layer.vcpu[id]->info) >> PAGE_SHIFT == mfn)
            return true;
    return false;
}

/* Looks at what the last operation changed in tables that were tables before it. */
static void check_tables(void)
{
    for (uint32_t i = 0; i < WATCHED; i++) {
        uint64_t mfn = FRAME_GUEST + i;
        const uint64_t *entries = machine_at(mfn << PAGE_SHIFT);
        uint8_t level = layer.frame[mfn] & FRAME_LEVEL;
        bool was = watched_level[i] == level && level != 0;
        watched_level[i] = holds_info(mfn) ? 0 : level;
        if (!level || holds_info(mfn) || memcmp(watched[i], entries, PAGE_SIZE) == 0)
            continue;
        for (uint32_t n = 0; was && n < 512; n++)
            if ((watched[i][n] ^ entries[n]) & ~(PTE_A | PTE_D))
                check_entry(mfn, level, n, watched[i][n], entries[n]);
        memcpy(watched[i], entries, PAGE_SIZE);
    }
}

static void check_frames(void)
{
    for (uint64_t mfn = 0; mfn < layer.frame_count; mfn++) {
        uint8_t state = layer.frame[mfn];
        if ((state ^ owner[mfn]) & (FRAME_RAM | FRAME_LAYER))
            fail("frame %#lx changed its owner: %#x, was %#x", (long)mfn, state, owner[mfn]);
        if (state & FRAME_LAYER && state & (FRAME_LEVEL | FRAME_PINNED | FRAME_FREE))
            fail("the layer's frame %#lx is used by the guest: %#x", (long)mfn, state);
    }
}

static void check_root(uint64_t root)
{
    const uint64_t *entries = machine_at(root);
    if (!frame_is_guest(root >> PAGE_SHIFT))
        fail("root %#lx is not the guest's", (long)root);
    if (layer.compat)
        return;
    /* Only tables that the guest did not overwrite itself carry our entries. */
    uint64_t mfn = root >> PAGE_SHIFT;
    if (mfn < FRAME_GUEST || (layer.frame[mfn] & FRAME_LEVEL) != 4)
        return;
    for (uint32_t i = 0; i < HOLE_SLOTS; i++)
        if ((entries[HOLE_SLOT + i] ^ layer.slot[i]) & ~(PTE_A | PTE_D) &&
            entries[HOLE_SLOT + i] != watched[mfn - FRAME_GUEST][HOLE_SLOT + i])
            fail("root %#lx lost the hypervisor's entry %u", (long)root, HOLE_SLOT + i);
}

static void check_vcpu(const struct vcpu *v)
{
    const struct frame *f = v->frame;
    if (!v->online)
        return;
    if ((f->cs & 3) == 0) /* an SS of another level is what the CPU itself refuses */
        fail("vCPU %u: CS %#lx of level 0", v->id, (long)f->cs);
    if (f->rflags & (FLAG_IOPL | FLAG_VM) || !(f->rflags & FLAG_IF))
        fail("vCPU %u: flags %#lx", v->id, (long)f->rflags);
    if (!machine_at(pointer_maddr((const void *)v->info)))
        fail("vCPU %u: vcpu_info at %p", v->id, (const void *)v->info);
    if (v->debugreg[7] & 0x2000)
        fail("vCPU %u: DR7 %#lx", v->id, (long)v->debugreg[7]);
    for (uint32_t i = 0; i < 14; i++)
        if (v->gdt_frame[i] != ~UINT64_C(0) && !frame_is_guest(v->gdt_frame[i]))
            fail("vCPU %u: GDT frame %#lx", v->id, (long)v->gdt_frame[i]);
    check_root(v->kernel_root);
    if (v->user_root)
        check_root(v->user_root);
    else if (!v->kernel_mode && !layer.compat)
        fail("vCPU %u: user space without a page table", v->id);
    uint64_t cr3 = machine_cpu[v->id].cr3;
    uint64_t root = layer.compat ? v->compat_root : v->kernel_mode ? v->kernel_root : v->user_root;
    if (cr3 != root && cr3 != layer.root)
        fail("vCPU %u: CR3 %#lx, root %#lx", v->id, (long)cr3, (long)root);
}

static void check_all(void)
{
    check_frames();
    for (uint32_t id = 0; id < layer.cpu_count; id++)
        check_vcpu(layer.vcpu[id]);
    check_tables();
}

/* Calls whose answer may be more than 0. */
static bool may_be_positive(uint64_t number)
{
    return number == __HYPERVISOR_memory_op || number == __HYPERVISOR_get_debugreg ||
           number == __HYPERVISOR_xen_version || number == __HYPERVISOR_console_io ||
           number == __HYPERVISOR_vcpu_op;
}

static void check_answer(uint64_t number, int64_t answer)
{
    if (number == __HYPERVISOR_iret || number == __HYPERVISOR_multicall ||
        (number == __HYPERVISOR_get_debugreg && answer != -XEN_ENODEV))
        return;
    if (answer < -133 || (answer > 0 && !may_be_positive(number)))
        fail("hypercall %lu answers %ld", (long)number, (long)answer);
}

/* ---- what a guest does --------------------------------------------------------------------------
 */

static void do_hypercall(struct vcpu *v)
{
    const struct call *c = &call[take(1) % CALLS];
    uint64_t a[6] = {0};
    struct frame *f = v->frame;
    build(c, a, PAGE_ARGS);
    if (c->number == __HYPERVISOR_iret) {
        struct buffer stack = {.size = 0};
        static const uint16_t code[] = {0xe033, 0xe030, 0xe023, 0xe019, 0xe02b, 0};
        put(&stack, take(1), long_size());
        for (int i = 0; i < 3 && !layer.compat; i++)
            put(&stack, a_number(8), 8);
        put(&stack, an_address(), long_size());
        put(&stack, take(1) & 7 ? code[take(1) % 6] : a_number(8), long_size());
        put(&stack, a_number(8), long_size());
        put(&stack, an_address(), long_size());
        put(&stack, take(1) & 7 ? 0xe02b : a_number(8), long_size());
        f->rsp = store(GUEST_STACK, 0x800, stack.bytes, stack.size);
    }
    f->rax = c->number;
    if (layer.compat) {
        uint64_t *const to[6] = {&f->rbx, &f->rcx, &f->rdx, &f->rsi, &f->rdi, &f->rbp};
        for (int i = 0; i < 6; i++)
            *to[i] = a[i];
    } else {
        uint64_t *const to[6] = {&f->rdi, &f->rsi, &f->rdx, &f->r10, &f->r8, &f->r9};
        for (int i = 0; i < 6; i++)
            *to[i] = a[i];
    }
    hypercall_entry(f);
    int64_t answer = layer.compat ? (int32_t)f->rax : (int64_t)f->rax;
    if (machine_verbose)
        fprintf(stderr, "vCPU %u: %s(%#lx, %#lx, %#lx, %#lx) = %ld\n", v->id,
                hypercall_name(c->number), (long)a[0], (long)a[1], (long)a[2], (long)a[3],
                (long)answer);
    check_answer(c->number, answer);
}

/* A kernel fills a page of its own that is no table: data, or entries of one to be. */
static void do_store(void)
{
    uint64_t mfn = FRAME_GUEST + take(1) % GUEST_PAGES, at = take(1) * 8, count = take(1) % 16;
    uint8_t *page = machine_at(mfn << PAGE_SHIFT);
    bool entries = take(1) & 1;
    for (; count > 0 && at < PAGE_SIZE; count--, at += 8) {
        uint64_t value = entries ? an_entry() : take(8);
        if (!(layer.frame[mfn] & FRAME_LEVEL))
            memcpy(page + at, &value, 8);
    }
}

static void do_trap(struct vcpu *v)
{
    static const uint8_t usual[] = {13, 14, 14, 13, 6, 7, 1, 3, 0x80, 0x82};
    struct frame *f = v->frame;
    uint8_t kind = (uint8_t)take(1);
    f->vector = kind < 0x80 ? usual[kind % sizeof(usual)] : take(1);
    f->error = a_number(4) & 0xffff;
    f->rip = an_address();
    if (layer.compat)
        f->rip = (uint32_t)f->rip;
    else
        f->rip = (uint64_t)((int64_t)(f->rip << 16) >> 16);
    cpu_set_cr2(an_address());
    if (f->vector == 2 || f->vector == 8 || f->vector == 18)
        return;                           /* these have stacks and ends of their own */
    if (f->vector == 13 && take(1) & 1) { /* something to emulate */
        uint64_t code = take(8);
        (void)copy_to_guest(f->rip, &code, 8);
    }
    if (f->vector == 0x82)
        f->rax = call[take(1) % CALLS].number;
    faulted = true;
    trap_from_guest(f);
}

static void do_registers(struct vcpu *v)
{
    struct frame *f = v->frame;
    uint64_t *const to[] = {&f->rax, &f->rbx, &f->rcx, &f->rdx, &f->rsi, &f->rdi, &f->rbp, &f->r11};
    f->rsp = take(1) & 1 ? an_address() : guest_base() + (GUEST_STACK + 1) * PAGE_SIZE;
    *to[take(1) % 8] = a_number(8);
}

/* The guest's handler: the flag off, events on or off. */
static void do_events(struct vcpu *v)
{
    uint8_t bits = (uint8_t)take(1);
    v->info[0] = bits & 1;
    v->info[1] = bits >> 1 & 1;
}

static bool begun[MACHINE_CPUS];

/* A vCPU that was switched on starts where ap_start() waits. */
static struct vcpu *choose_vcpu(uint32_t id)
{
    struct vcpu *v = layer.vcpu[id % layer.cpu_count];
    if (!v->online)
        return cpu_vcpu();
    machine_be(v->id);
    if (v->id != 0 && !begun[v->id])
        vcpu_begin(v);
    begun[v->id] = true;
    return v;
}

static void operate(void)
{
    struct vcpu *v = cpu_vcpu();
    uint8_t kind = (uint8_t)take(1);
    faulted = false;
    if (kind < 0xa0) {
        if (v->kernel_mode)
            do_hypercall(v);
        else {
            v->frame->vector = layer.compat ? ENTRY_SYSCALL32 : ENTRY_SYSCALL;
            syscall_from_user(v->frame);
        }
    } else if (kind < 0xb8) {
        do_store();
        return;
    } else if (kind < 0xc4) {
        v = choose_vcpu(kind);
    } else if (kind < 0xcc) {
        machine_pass_time(take(3) << (kind & 7));
    } else if (kind < 0xd0) {
        machine_interrupt((uint8_t)(VECTOR_LAST - take(1) % 8));
    } else if (kind < 0xe0) {
        do_trap(v);
    } else if (kind < 0xf0) {
        do_registers(v);
    } else {
        do_events(v);
    }
    exit_work();
}

static uint32_t machine_of(uint8_t bits, struct machine_config *ret)
{
    *ret = (struct machine_config){
        .dom0 = bits & 1,
        .compat = bits & 2,
        .cpus = bits & 2 ? 1 : 3,
        .arena_pages = bits & 4 ? 6 : 200, /* 6: no room for all grant frames */
        .reserve_pages = bits & 1 ? 8 : 0,
    };
    return bits & 7;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made[MACHINE_STATES];
    struct machine_config config;
    jmp_buf escape;
    input = data;
    input_left = size;
    machine_verbose = getenv("VERBOSE") != NULL;
    uint32_t place = machine_of((uint8_t)take(1), &config);
    if (!made[place]) {
        machine_start(&config);
        machine_save(place);
        made[place] = true;
    } else {
        machine_restore(place);
    }
    machine_be(0);
    memset(begun, 0, sizeof(begun));
    memset(watched_level, 0, sizeof(watched_level));
    memcpy(owner, layer.frame, layer.frame_count);
    machine_on_guest_write = on_guest_write;
    machine_escape = &escape;
    check_all();
    if (setjmp(escape) == MACHINE_RUNS) {
        for (uint32_t i = 0; i < OPERATIONS && input_left > 0; i++) {
            operate();
            check_all();
        }
    }
    machine_escape = NULL;
    check_frames();
    check_tables();
    return 0;
}
