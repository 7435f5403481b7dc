/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * GDT window, IDT, TSS and LDT of the 32-bit layer, and its one vCPU.
 *
 * The GDT window is 64 KiB: pages 0-13 alias the guest's own GDT frames, page 14 holds the reserved
 * selectors (what Xen has there, plus ours), page 15 is empty.  A double fault is a task of its
 * own, so that it is reported even when the layer's stack is bad.
 *
 * Source: Intel SDM vol. 3 chapters 2.5, 3.4.5, 6.11, 7.2, vol. 1 19.5; Xen's xen-x86_32.h.
 */
#include "descriptors.h"
#include "entry.h"
#include "memory.h"
#include "msr.h"

#define EFER_NXE       UINT64_C(0x800)
#define CR0_VALUE      UINT64_C(0x80050033) /* PG AM WP NE ET MP PE */
#define CR4_DE         UINT64_C(0x8)
#define CR4_PAE        UINT64_C(0x20)
#define CR4_MCE        UINT64_C(0x40)
#define CR4_OSFXSR     UINT64_C(0x200)
#define CR4_OSXMMEXCPT UINT64_C(0x400)
#define CR4_OSXSAVE    UINT64_C(0x40000)
#define SEL_FAULT_TSS  0xe060
#define GDT_PAGES      14
#define WRITABLE       (PTE_P | PTE_RW | PTE_A | PTE_D)

/* Descriptors, SDM 3.4.5: P, DPL, S, type; flat 4 GiB. */
#define CODE32(dpl) (UINT64_C(0x00cf9b000000ffff) | (uint64_t)(dpl) << 45)
#define DATA32(dpl) (UINT64_C(0x00cf93000000ffff) | (uint64_t)(dpl) << 45)
#define GATE        0x8e /* present, DPL 0, 32-bit interrupt gate */
#define TASK_GATE   0x85

struct gate {
    uint16_t offset_low, selector;
    uint8_t zero, type;
    uint16_t offset_high;
};

struct table_operand {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static struct gate idt[256] __attribute__((aligned(16)));
static uint64_t reserved[PAGE_SIZE / 8] __attribute__((aligned(4096))); /* page 14 */
static uint8_t empty[PAGE_SIZE] __attribute__((aligned(4096)));
static struct vcpu first;
static struct tss tss, fault_tss;
static struct frame first_frame;
static uint8_t fault_stack[4096];

static uint64_t image_maddr(const void *pointer)
{
    return layer.load + (uintptr_t)pointer - LAYER_BASE;
}

void idt_make(void)
{
    for (uint32_t vector = 0; vector < 256; vector++) {
        uint32_t address = (uint32_t)(uintptr_t)vector_stubs + vector * VECTOR_STUB_SIZE;
        idt[vector] = (struct gate){
            .offset_low = (uint16_t)address,
            .selector = SEL_LAYER_CS,
            .type = GATE,
            .offset_high = (uint16_t)(address >> 16),
        };
    }
    idt[8] = (struct gate){.selector = SEL_FAULT_TSS, .type = TASK_GATE};
}

void idt_set_dpl(uint8_t vector, uint8_t dpl)
{
    if (vector != 8)
        idt[vector].type = (uint8_t)(GATE | (dpl & 3) << 5);
}

static void put_descriptor(uint16_t selector, uint64_t descriptor)
{
    reserved[(selector & 0xfff) >> 3] = descriptor;
}

static void put_system(uint16_t selector, uint8_t type, uint32_t base, uint32_t limit)
{
    put_descriptor(selector, (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
                                 (uint64_t)(0x80 | type) << 40 |
                                 (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(base >> 24) << 56);
}

static void window(uint32_t page, uint64_t maddr)
{
    hole_map(GDT_BASE + page * PAGE_SIZE, maddr | WRITABLE);
}

void gdt_window_set(struct vcpu *v, uint32_t index, uint64_t mfn)
{
    window(index, mfn == ~UINT64_C(0) ? image_maddr(empty) : mfn << PAGE_SHIFT);
    v->gdt_frame[index] = mfn;
}

struct vcpu *cpu_block_make(uint32_t id)
{
    struct vcpu *v = &first;
    if (id != 0)
        return NULL;
    v->self = v;
    v->stack_top = (uintptr_t)layer_stack_top;
    v->frame = &first_frame;
    v->tss = &tss;
    tss.ss0 = SEL_LAYER_SS;
    tss.esp0 = (uintptr_t)layer_stack_top;
    tss.iomap_base = IOMAP_NONE;
    memset(tss.map.all_end, 0xff, sizeof(tss.map.all_end));
    memset(tss.map.user_end, 0xff, sizeof(tss.map.user_end));
    fault_tss = (struct tss){
        .cr3 = (uint32_t)layer.root,
        .eip = (uintptr_t)double_fault,
        .eflags = 2,
        .esp = (uintptr_t)(fault_stack + sizeof(fault_stack)),
        .cs = SEL_LAYER_CS,
        .ss = SEL_LAYER_SS,
        .ds = SEL_LAYER_SS,
        .es = SEL_LAYER_SS,
        .iomap_base = IOMAP_NONE,
    };

    put_descriptor(SEL_LAYER_CS, CODE32(0));
    put_descriptor(SEL_LAYER_SS, DATA32(0));
    put_descriptor(SEL_KERNEL32CS, CODE32(1));
    put_descriptor(SEL_KERNEL32DS, DATA32(1));
    put_descriptor(SEL_USER32_CODE, CODE32(3));
    put_descriptor(SEL_USER32_DATA, DATA32(3));
    put_system(SEL_TSS, 9, (uintptr_t)&tss, sizeof(tss) - 1);
    put_system(SEL_FAULT_TSS, 9, (uintptr_t)&fault_tss, 103);
    for (uint32_t i = 0; i < GDT_PAGES; i++)
        gdt_window_set(v, i, ~UINT64_C(0));
    window(GDT_PAGES, image_maddr(reserved));
    window(GDT_PAGES + 1, image_maddr(empty));
    return v;
}

/* As in the 64-bit layer: a window of ours, and pages that are not there read as empty. */
void ldt_load(struct vcpu *v, uint64_t base, uint32_t entries)
{
    uint16_t selector = 0;
    for (uint32_t page = 0; page * 512 < entries; page++) {
        uint64_t maddr;
        bool there = guest_translate(v, v->kernel_root, base + page * PAGE_SIZE, false, &maddr) &&
                     frame_is_guest(maddr >> PAGE_SHIFT);
        hole_map(LDT_BASE + page * PAGE_SIZE,
                 (there ? maddr & ~PAGE_MASK : image_maddr(empty)) | WRITABLE);
    }
    if (entries) {
        put_system(SEL_LDT, 2, LDT_BASE, entries * 8 - 1);
        selector = SEL_LDT;
    }
    cpu_lldt(selector);
    v->ldt_base = base;
    v->ldt_entries = entries;
}

static void load_control(void)
{
    uint32_t leaf1[4], extended[4] = {0};
    uint64_t cr4 = 0, efer;
    cpu_cpuid(1, 0, leaf1);
    cpu_cpuid(0x80000000, 0, extended);
    if (extended[0] >= 0x80000001)
        cpu_cpuid(0x80000001, 0, extended);
    if (leaf1[3] & 1u << 2)
        cr4 |= CR4_DE;
    if (layer_pae())
        cr4 |= CR4_PAE;
    if (leaf1[3] & 1u << 7)
        cr4 |= CR4_MCE;
    if (leaf1[3] & 1u << 24)
        cr4 |= CR4_OSFXSR;
    if (leaf1[3] & 1u << 25)
        cr4 |= CR4_OSXMMEXCPT;
    if (leaf1[2] & 1u << 26)
        cr4 |= CR4_OSXSAVE;
    cpu_set_cr4(cr4);
    if (cr4 & CR4_OSXSAVE && !xsetbv_fixup(0, XCR0_AT_START))
        say(SAY_DEBUG, "this CPU does not let XCR0 be set");
    cpu_set_cr0(CR0_VALUE);
    if (layer_pae() && extended[3] & 1u << 20 && cpu_rdmsr_safe(MSR_EFER, &efer) &&
        !cpu_wrmsr_safe(MSR_EFER, efer | EFER_NXE))
        say(SAY_DEBUG, "this CPU does not let NX be switched on");
    if (leaf1[3] & 1u << 11 && !cpu_wrmsr_safe(MSR_SYSENTER_CS, 0))
        say(SAY_DEBUG, "this CPU does not let SYSENTER be switched off");
}

void cpu_load(struct vcpu *v)
{
    struct table_operand gdtr = {0xffff, GDT_BASE};
    struct table_operand idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    load_tables(&gdtr, &idtr);
    load_control();
    cpu_ltr(SEL_TSS);
    ldt_load(v, 0, 0);
    cpu_set_dr7(0x400);
    cpu_set_dr6(0xffff0ff0);
    __asm__ volatile("fninit");
}

/* From entry32.asm, as a task: what was interrupted is in the other TSS. */
void trap_double_fault(void)
{
    struct frame f = {
        .vector = 8,
        .rip = tss.eip,
        .cs = tss.cs,
        .rflags = tss.eflags,
        .rsp = tss.esp,
        .ss = tss.ss,
        .rax = tss.eax,
        .rbx = tss.ebx,
        .rcx = tss.ecx,
        .rdx = tss.edx,
        .rsi = tss.esi,
        .rdi = tss.edi,
        .rbp = tss.ebp,
    };
    trap_fatal(&f);
}
