/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * GDT window, IDT, TSS, LDT and the registers of one CPU, set up for a vCPU.
 *
 * The GDT window is 64 KiB per CPU: pages 0-13 alias the guest's own GDT frames, page 14 holds the
 * reserved selectors (what Xen has there, plus ours), page 15 is empty.
 *
 * Source: Intel SDM vol. 3 chapters 2.5, 3.4.5, 5.8.8, 6.14; AMD APM vol. 2 6.1 for the MSRs.
 */
#include "descriptors.h"
#include "entry.h"
#include "memory.h"
#include "msr.h"

#define EFER_SCE          1u
#define EFER_NXE          0x800u
#define CR0_VALUE         UINT64_C(0x80050033) /* PG AM WP NE ET MP PE */
#define CR4_PAE           UINT64_C(0x20)
#define CR4_OSFXSR        UINT64_C(0x200)
#define CR4_OSXMMEXCPT    UINT64_C(0x400)
#define CR4_OSXSAVE       UINT64_C(0x40000)
#define CR4_DE            UINT64_C(0x8)
#define CR4_MCE           UINT64_C(0x40)
#define RESERVED_GDT_PAGE 14
#define GDT_WINDOW        UINT64_C(0x10000)

/* Descriptors, SDM 3.4.5: P, DPL, S, type; flat 4 GiB. */
#define CODE64(dpl) (UINT64_C(0x00af9b000000ffff) | (uint64_t)(dpl) << 45)
#define CODE32(dpl) (UINT64_C(0x00cf9b000000ffff) | (uint64_t)(dpl) << 45)
#define DATA32(dpl) (UINT64_C(0x00cf93000000ffff) | (uint64_t)(dpl) << 45)

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct table_operand {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

static struct gate idt[256] __attribute__((aligned(16)));

void idt_make(void)
{
    static const uint8_t ist[32] = {[1] = IST_DB, [2] = IST_NMI, [8] = IST_DF, [18] = IST_MC};
    for (uint32_t vector = 0; vector < 256; vector++) {
        uint64_t address = (uint64_t)vector_stubs + vector * VECTOR_STUB_SIZE;
        idt[vector] = (struct gate){
            .offset_low = (uint16_t)address,
            .selector = SEL_LAYER_CS,
            .ist = vector < 32 ? ist[vector] : 0,
            .type = 0x8e, /* present, DPL 0, interrupt gate */
            .offset_middle = (uint16_t)(address >> 16),
            .offset_high = (uint32_t)(address >> 32),
        };
    }
}

void idt_set_dpl(uint8_t vector, uint8_t dpl)
{
    idt[vector].type = (uint8_t)(0x8e | (dpl & 3) << 5);
}

static uint64_t window(const struct vcpu *v)
{
    return GDT_BASE + v->id * GDT_WINDOW;
}

static void put_descriptor(uint64_t *page, uint16_t selector, uint64_t descriptor)
{
    page[(selector & 0xfff) >> 3] = descriptor;
}

static void put_system(uint64_t *page, uint16_t selector, uint8_t type, uint64_t base,
                       uint32_t limit)
{
    put_descriptor(page, selector,
                   (limit & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)(0x80 | type) << 40 |
                       (uint64_t)(limit >> 16 & 15) << 48 | (base >> 24 & 0xff) << 56);
    page[((selector & 0xfff) >> 3) + 1] = base >> 32;
}

static uint64_t *reserved_page(const struct vcpu *v)
{
    return (uint64_t *)(window(v) + RESERVED_GDT_PAGE * PAGE_SIZE);
}

/* A page of descriptors that are not present. */
static uint64_t empty_page(void)
{
    static uint8_t empty[PAGE_SIZE] __attribute__((aligned(4096)));
    return layer.load + ((uint64_t)empty - LAYER_BASE);
}

struct vcpu *cpu_block_make(uint32_t id)
{
    uint8_t *block = layer_pages_aligned(CPU_BLOCK_SIZE >> PAGE_SHIFT, CPU_BLOCK_SIZE);
    uint64_t *page = layer_pages(2);
    if (!block || !page)
        return NULL;
    struct vcpu *v = (struct vcpu *)block;
    v->self = v;
    v->id = id;
    v->stack_top = (uint64_t)block + CPU_STACK_TOP;
    v->frame = (struct frame *)v->stack_top - 1;
    v->tss = (struct tss *)(block + CPU_TSS);
    v->tss->rsp0 = v->stack_top;
    for (int i = 0; i < 4; i++)
        v->tss->ist[i] = (uint64_t)block + CPU_IST + (uint64_t)(i + 1) * PAGE_SIZE;
    v->tss->iomap_base = IOMAP_NONE;
    memset(v->tss->map.all_end, 0xff, sizeof(v->tss->map.all_end));
    memset(v->tss->map.user_end, 0xff, sizeof(v->tss->map.user_end));

    if (layer.compat) {
        uint64_t *l4 = layer_pages(1);
        v->compat_l3 = layer_pages(1);
        if (!l4 || !v->compat_l3)
            return NULL;
        l4[0] = pointer_maddr(v->compat_l3) | PTE_P | PTE_RW | PTE_US | PTE_A;
        v->compat_root = pointer_maddr(l4);
    }
    put_descriptor(page, SEL_LAYER_CS, CODE64(0));
    put_descriptor(page, SEL_LAYER_SS, DATA32(0));
    if (layer.compat) {
        put_descriptor(page, SEL_KERNEL32CS, CODE32(1));
        put_descriptor(page, SEL_KERNEL32DS, DATA32(1));
        put_descriptor(page, 0xe02b, CODE32(3));
        put_descriptor(page, 0xe033, DATA32(3));
    } else {
        put_descriptor(page, SEL_USER32CS, CODE32(3));
        put_descriptor(page, SEL_USER_SS, DATA32(3));
        put_descriptor(page, SEL_USER64CS, CODE64(3));
    }
    put_descriptor(page, SEL_KERNEL64CS, CODE64(1));
    put_descriptor(page, SEL_KERNEL64SS, DATA32(1));
    put_system(page, SEL_TSS, 9, (uint64_t)v->tss, sizeof(struct tss) - 1);

    uint64_t at = window(v) + RESERVED_GDT_PAGE * PAGE_SIZE;
    uint64_t flags = PTE_P | PTE_RW | PTE_A | PTE_D;
    if (!hole_map(at, pointer_maddr(page) | flags) ||
        !hole_map(at + PAGE_SIZE, (pointer_maddr(page) + PAGE_SIZE) | flags))
        return NULL;
    for (uint32_t i = 0; i < 14; i++)
        gdt_window_set(v, i, ~UINT64_C(0));
    for (uint32_t i = 0; i < 16; i++) /* the tables of the LDT window exist from now on */
        if (!hole_map(LDT_BASE + v->id * GDT_WINDOW + i * PAGE_SIZE, empty_page() | flags))
            return NULL;
    return v;
}

void gdt_window_set(struct vcpu *v, uint32_t index, uint64_t mfn)
{
    uint64_t entry =
        (mfn == ~UINT64_C(0) ? empty_page() : mfn << PAGE_SHIFT) | PTE_P | PTE_RW | PTE_A | PTE_D;
    if (!hole_map(window(v) + index * PAGE_SIZE, entry))
        layer_panic(NULL, "the arena has no room for the GDT window");
    v->gdt_frame[index] = mfn;
}

/* The LDT is reached through a window in our hole, since the guest's own address of it need not be
 * mapped in its user page table. Pages that are not there read as empty. */
void ldt_load(struct vcpu *v, uint64_t base, uint32_t entries)
{
    uint16_t selector = 0;
    uint64_t at = LDT_BASE + v->id * GDT_WINDOW;
    for (uint32_t page = 0; page * 512 < entries; page++) {
        uint64_t maddr;
        bool there = guest_translate(v, v->kernel_root, base + page * PAGE_SIZE, false, &maddr) &&
                     frame_is_guest(maddr >> PAGE_SHIFT) &&
                     descriptor_page_fix(maddr_pointer(maddr & ~PAGE_MASK));
        uint64_t entry = there ? maddr & ~PAGE_MASK : empty_page();
        if (!hole_map(at + page * PAGE_SIZE, entry | PTE_P | PTE_RW | PTE_A | PTE_D))
            layer_panic(NULL, "the arena has no room for the LDT window");
    }
    if (entries) {
        put_system(reserved_page(v), SEL_LDT, 2, at, entries * 8 - 1);
        selector = SEL_LDT;
    }
    cpu_lldt(selector);
    v->ldt_base = base;
    v->ldt_entries = entries;
}

void cpu_load(struct vcpu *v)
{
    struct table_operand gdtr = {0xffff, window(v)};
    struct table_operand idtr = {sizeof(idt) - 1, (uint64_t)idt};
    uint32_t leaf1[4], extended[4];

    cpu_cpuid(1, 0, leaf1);
    cpu_cpuid(0x80000001, 0, extended);

    uint64_t cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_DE;
    if (leaf1[2] & 1u << 26)
        cr4 |= CR4_OSXSAVE;
    if (leaf1[3] & 1u << 7)
        cr4 |= CR4_MCE;
    cpu_set_cr4(cr4);
    if (cr4 & CR4_OSXSAVE && !xsetbv_fixup(0, XCR0_AT_START))
        say(SAY_DEBUG, "this CPU does not let XCR0 be set");
    cpu_set_cr0(CR0_VALUE);
    cpu_wrmsr(MSR_EFER, (cpu_rdmsr(MSR_EFER) | EFER_SCE) & ~(uint64_t)EFER_NXE);
    if (extended[3] & 1u << 20)
        cpu_wrmsr(MSR_EFER, cpu_rdmsr(MSR_EFER) | EFER_NXE);

    load_tables(&gdtr, &idtr);
    /* A TSS that was loaded before is marked busy: make it available again. */
    put_system(reserved_page(v), SEL_TSS, 9, (uint64_t)v->tss, sizeof(struct tss) - 1);
    cpu_ltr(SEL_TSS);
    ldt_load(v, 0, 0);
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));

    cpu_wrmsr(MSR_FS_BASE, 0);
    cpu_wrmsr(MSR_GS_BASE, (uint64_t)v);
    cpu_wrmsr(MSR_KERNEL_GS, 0);
    /* STAR: SYSCALL loads CS = SEL_LAYER_CS and SS = CS + 8; SYSRET is never used. */
    cpu_wrmsr(MSR_STAR, (uint64_t)SEL_LAYER_CS << 32 | (uint64_t)SEL_USER32CS << 48);
    cpu_wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
    cpu_wrmsr(MSR_CSTAR, (uint64_t)syscall32_entry);
    cpu_wrmsr(MSR_FMASK, FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_RF);
    if (!cpu_wrmsr_safe(MSR_SYSENTER_CS, 0))
        say(SAY_DEBUG, "this CPU has no SYSENTER");

    cpu_set_dr7(0x400);
    cpu_set_dr6(0xffff0ff0);
    __asm__ volatile("fninit");
}
