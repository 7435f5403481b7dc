/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * 64-bit guests: every way from user space, 64- and 32-bit, into the kernel and the frame that it
 * finds; then, by pv_delivery.c and pv_effects.c, what comes unasked or later; MSRs and CPUID as a
 * kernel sees them.  Results are printed for compare-xen. Source:
 * xen/include/public/arch-x86/xen-x86_64.h, xen.h.
 */
#include "pv.h"

#ifndef __i386__
#include "pv_cpu.h"

#include <xen/callback.h>

#define LOW  0x10000000ul /* a page of 32-bit code, and its stack */
#define USER 0x67u

struct cpu_target {
    unsigned long ip, cs, flags, sp, ss;
};

struct cpu_frame cpu_last;
unsigned cpu_count, cpu_mask;
unsigned long cpu_frame_at;
char cpu_user_stack[4096] __attribute__((aligned(4096)));
static char shared_page[4096] __attribute__((aligned(4096)));
/* Whole pages: under Xen in QEMU 7.2 it depends on the place of its top within one whether a
 * handler of SYSCALL finds user space's direction flag. */
char cpu_kernel_stack[8192] __attribute__((aligned(4096)));
static char code_page[4096] __attribute__((aligned(4096)));
static pte_t low_tables[3][512] __attribute__((aligned(4096)));

unsigned long cpu_saved_sp, cpu_live_flags;
void cpu_taken(const struct cpu_frame *f);
void cpu_enter(const struct cpu_target *to); /* comes back through a trap */
bool cpu_rdmsr(unsigned msr, unsigned long *ret);
bool cpu_wrmsr(unsigned msr, unsigned long value);
extern char cpu_stub_1[], cpu_stub_3[], cpu_stub_6[], cpu_stub_7[], cpu_stub_13[], cpu_stub_14[],
    cpu_stub_128[], cpu_stub_129[], cpu_stub_1001[], cpu_stub_1002[];
extern char cpu_user[], cpu_int81[], cpu_int3[], cpu_sysenter[], cpu_hlt[], cpu_user_end[];

__asm__(".macro cpustub n, code\n"
        "cpu_stub_\\n: pushfq\n popq cpu_live_flags\n popq %rcx\n popq %r11\n .ifeq \\code\n pushq "
        "$0\n .endif\n"
        "pushq $\\n\n jmp cpu_common\n"
        ".endm\n"
        ".text\n"
        "cpustub 1, 0\n cpustub 2, 0\n cpustub 3, 0\n cpustub 6, 0\n cpustub 7, 0\n"
        "cpustub 13, 1\n cpustub 14, 1\n cpustub 128, 0\n cpustub 129, 0\n cpustub 1000, 0\n"
        "cpustub 1001, 0\n cpustub 1002, 0\n cpustub 1003, 0\n"
        ".macro cpusave\n"
        "pushq %rbx\n pushq %rbp\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
        "movq %rsp, cpu_saved_sp\n"
        ".endm\n"
        ".macro cpuback\n"
        "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbp\n popq %rbx\n ret\n"
        ".endm\n"
        "cpu_common: cld\n movq %rsp, %rdi\n andq $-16, %rsp\n call cpu_taken\n"
        "movq cpu_saved_sp, %rsp\n xorl %eax, %eax\n cpuback\n"
        ".globl cpu_enter\n"
        "cpu_enter: cpusave\n"
        "pushq 32(%rdi)\n pushq 24(%rdi)\n pushq 16(%rdi)\n pushq 8(%rdi)\n pushq (%rdi)\n"
        "pushq $0\n pushq $0\n pushq $0\n pushq $0x55\n"
        "movl $23, %eax\n syscall\n"
        ".globl cpu_rdmsr\n"
        "cpu_rdmsr: cpusave\n movl %edi, %ecx\n rdmsr\n shlq $32, %rdx\n orq %rdx, %rax\n"
        "movq %rax, (%rsi)\n movl $1, %eax\n cpuback\n"
        ".globl cpu_wrmsr\n"
        "cpu_wrmsr: cpusave\n movl %edi, %ecx\n movl %esi, %eax\n movq %rsi, %rdx\n"
        "shrq $32, %rdx\n wrmsr\n movl $1, %eax\n cpuback\n"
        /* Good at any address and in either width of code, but for what stands in 64-bit only. */
        "cpu_user:\n"
        "cpu_syscall: syscall\n ud2\n"
        "cpu_int80: int $0x80\n ud2\n"
        "cpu_int81: int $0x81\n ud2\n"
        "cpu_int3: int3\n ud2\n"
        "cpu_sysenter: sysenter\n ud2\n"
        "cpu_nops: nop\n nop\n nop\n nop\n ud2\n"
        "cpu_hlt: hlt\n ud2\n"
        "cpu_user_end:\n"
        ".globl cpu_stub_2, cpu_stub_1000, cpu_stub_1003, cpu_syscall, cpu_int80, cpu_nops\n");

void cpu_taken(const struct cpu_frame *f)
{
    cpu_last = *f;
    cpu_frame_at = (unsigned long)f;
    cpu_mask = cpu_shared()->vcpu_info[0].evtchn_upcall_mask;
    cpu_count++;
}

shared_info_t *cpu_shared(void)
{
    return (shared_info_t *)shared_page;
}

long cpu_callback(unsigned type, const void *address, unsigned flags)
{
    struct callback_register op = {
        .type = (uint16_t)type, .flags = (uint16_t)flags, .address = (unsigned long)address};
    return call(__HYPERVISOR_callback_op, CALLBACKOP_register, (unsigned long)&op, 0, 0);
}

/* The three kinds of system call. */
static void system_calls(bool any)
{
    check_equal("system calls",
                (uint64_t)(cpu_callback(CALLBACKTYPE_syscall, any ? cpu_stub_1000 : NULL, 0) |
                           cpu_callback(CALLBACKTYPE_syscall32, any ? cpu_stub_1001 : NULL, 0) |
                           cpu_callback(CALLBACKTYPE_sysenter, any ? cpu_stub_1002 : NULL, 0)),
                0);
}

static void handlers(void)
{
    static const struct trap_info traps[] = {
        {1, 0, KERNEL_CS, (unsigned long)cpu_stub_1},
        {3, 3, KERNEL_CS, (unsigned long)cpu_stub_3},
        {6, 0, KERNEL_CS, (unsigned long)cpu_stub_6},
        {7, 4, KERNEL_CS, (unsigned long)cpu_stub_7},
        {13, 0, KERNEL_CS, (unsigned long)cpu_stub_13},
        {14, 0, KERNEL_CS, (unsigned long)cpu_stub_14},
        {0x80, 3, KERNEL_CS, (unsigned long)cpu_stub_128},
        {0x81, 0, KERNEL_CS, (unsigned long)cpu_stub_129},
        {0, 0, 0, 0},
    };
    call(__HYPERVISOR_set_trap_table, (unsigned long)traps, 0, 0, 0);
    check_equal("callbacks registered",
                (uint64_t)cpu_callback(CALLBACKTYPE_event, cpu_stub_1003, 0), 0);
    system_calls(true);
    call(__HYPERVISOR_stack_switch, KERNEL_SS,
         (unsigned long)cpu_kernel_stack + sizeof(cpu_kernel_stack), 0, 0);
    struct mmuext_op root = {.cmd = MMUEXT_NEW_USER_BASEPTR,
                             .arg1.mfn = frame_of((const void *)start_info->pt_base)};
    check_equal("user root",
                (uint64_t)call(__HYPERVISOR_mmuext_op, (unsigned long)&root, 1, 0, DOMID_SELF), 0);
}

void cpu_try(const char *name, unsigned long ip, unsigned long cs, unsigned long flags,
             unsigned long sp, unsigned how)
{
    const struct cpu_target to = {ip, cs, flags | 2, sp,
                                  (cs & 3) == 3 ? USER_SS : KERNEL_SS & ~3ul};
    unsigned before = cpu_count;
    cpu_last = (struct cpu_frame){.vector = 99};
    cpu_enter(&to);
    /* SYSENTER says neither where it came from nor by which stack. */
    bool told = (cpu_last.cs & 0xffff) != 3;
    print("guest: cpu %s = vector %u error 0x%lx ip 0x%lx cs 0x%lx flags 0x%lx sp 0x%lx ss 0x%lx, "
          "%u, handler's flags 0x%lx, mask %u",
          name, (unsigned)cpu_last.vector, how & NO_ERROR ? 0 : cpu_last.error,
          told ? cpu_last.ip - ip : cpu_last.ip, cpu_last.cs, cpu_last.flags & ~0x10000ul,
          told ? cpu_last.sp - sp : cpu_last.sp, cpu_last.ss, cpu_count - before,
          cpu_live_flags & 0x54700, cpu_mask);
    if (cpu_last.vector == 14)
        print(", cr2 0x%lx", cpu_shared()->vcpu_info[0].arch.cr2);
    print("\n");
}

static void from_user(void)
{
    FROM_64("syscall", cpu_syscall, 0, 0);
    FROM_64("syscall with DF, AC and IF clear", cpu_syscall, 0x40400, 0);
    FROM_64("syscall with TF", cpu_syscall, 0x100, 0);
    FROM_64("int 80", cpu_int80, 0x200, 0);
    FROM_64("int 80 with TF", cpu_int80, 0x100, 0);
    FROM_64("int 80 with NT", cpu_int80, 0x4200, 0);
    FROM_64("int 81, of level 0", cpu_int81, 0, NO_ERROR);
    FROM_64("int3", cpu_int3, 0, 0);
    FROM_64("single step", cpu_nops, 0x100, 0);
    FROM_64("hlt", cpu_hlt, 0, 0);
    FROM_64("sysenter", cpu_sysenter, 0, 0);
    FROM_KERNEL("int 80", cpu_int80, 0, 0);
    FROM_KERNEL("int3", cpu_int3, 0, 0);
    FROM_KERNEL("single step", cpu_nops, 0x100, 0);
    system_calls(false);
    FROM_64("syscall, no callback", cpu_syscall, 0, 0);
    FROM_64("sysenter, no callback", cpu_sysenter, 0, 0);
    system_calls(true);
}

#define FROM_32(name, what, flags, how)                                                            \
    cpu_try("32-bit user, " name, LOW + (unsigned long)((what)-cpu_user), USER_CS32, flags,        \
            LOW + 4096, how)

static void from_user32(void)
{
    const pte_t *root = (const pte_t *)start_info->pt_base;
    if (root[0] & PTE_PRESENT)
        return; /* a guest that lies there itself */
    for (unsigned i = 0; i < (unsigned)(cpu_user_end - cpu_user); i++)
        code_page[i] = cpu_user[i];
    low_tables[2][LOW >> 12 & 511] = own(code_page, USER);
    low_tables[1][LOW >> 21 & 511] = own(low_tables[2], USER);
    low_tables[0][LOW >> 30 & 511] = own(low_tables[1], USER);
    for (unsigned i = 0; i < 3; i++)
        check_equal("table read-only", (uint64_t)map(low_tables[i], own(low_tables[i], 0x61)), 0);
    check_equal("low code linked",
                (uint64_t)update((uint64_t)frame_of(root) << 12, own(low_tables[0], USER)), 0);
    FROM_32("int 80", cpu_int80, 0x200, 0);
    FROM_32("int3", cpu_int3, 0, 0);
    FROM_32("syscall", cpu_syscall, 0, 0);
    FROM_32("sysenter", cpu_sysenter, 0, 0);
    FROM_32("single step", cpu_nops, 0x100, 0);
    FROM_32("int 81", cpu_int81, 0, NO_ERROR);
    FROM_32("hlt", cpu_hlt, 0, 0);
    system_calls(false);
    FROM_32("syscall, no callback", cpu_syscall, 0, 0);
    FROM_32("sysenter, no callback", cpu_sysenter, 0, 0);
    system_calls(true);
}

/* ---- MSRs, CPUID ---------------------------------------------------------------------------- */

static void msrs(void)
{
    static const uint32_t list[] = {
        0x17,       0x1b,       0x2a,       0x3a,       0x48,       0x49,       0x79,
        0x8b,       0xc1,       0xce,       0xcf,       0xfe,       0x10a,      0x10b,
        0x122,      0x123,      0x140,      0x174,      0x175,      0x176,      0x179,
        0x17a,      0x17b,      0x186,      0x198,      0x199,      0x19a,      0x19c,
        0x1a0,      0x1a2,      0x1ad,      0x1b0,      0x1d9,      0x200,      0x250,
        0x277,      0x2ff,      0x345,      0x38d,      0x38f,      0x400,      0x401,
        0x404,      0x480,      0x560,      0x600,      0x606,      0x611,      0x6e0,
        0x802,      0x830,      0xd90,      0xda0,      0x40000000, 0x40000200, 0xc0000080,
        0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
        0xc0000103, 0xc0000104, 0xc0010004, 0xc0010010, 0xc0010015, 0xc001001f, 0xc0010058,
        0xc0010062, 0xc0010064, 0xc0010114, 0xc0010117, 0xc0011020, 0xc0011029, 0xdeadbeef};
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        unsigned long value = 0;
        if (cpu_rdmsr(list[i], &value))
            print("guest: cpu msr 0x%x = 0x%lx\n", list[i], value);
        else
            print("guest: cpu msr 0x%x = vector %u\n", list[i], (unsigned)cpu_last.vector);
        if (list[i] == 0x1b || list[i] == 0x830 || (list[i] >= 0xc0000100 && list[i] <= 0xc0000103))
            continue;
        bool fine = cpu_wrmsr(list[i], value);
        print("guest: cpu msr 0x%x written = %u\n", list[i], fine);
    }
    unsigned long seen = 0;
    print("guest: cpu msr FS not canonical = %u\n", cpu_wrmsr(0xc0000100, 1ul << 63));
    print("guest: cpu msr GS not canonical = %u\n", cpu_wrmsr(0xc0000101, 1ul << 63));
    print("guest: cpu msr kernel GS not canonical = %u\n", cpu_wrmsr(0xc0000102, 1ul << 63));
    print("guest: cpu msr FS = %u\n", cpu_wrmsr(0xc0000100, 0x1234000));
    cpu_rdmsr(0xc0000100, &seen);
    check_equal("FS base", seen, 0x1234000);
    print("guest: cpu msr kernel GS = %u\n", cpu_wrmsr(0xc0000102, 0x5678000));
    cpu_rdmsr(0xc0000102, &seen);
    check_equal("user GS base", seen, 0x5678000);
    cpu_wrmsr(0xc0000100, 0);
    cpu_wrmsr(0xc0000102, 0);
    print("guest: cpu msr EFER with LMSLE = %u\n", cpu_wrmsr(0xc0000080, 0x2d01));
    print("guest: cpu msr PAT of nonsense = %u\n", cpu_wrmsr(0x277, 0x0202020202020202));
}

static void cpuid(uint32_t leaf, uint32_t subleaf)
{
    uint32_t a = leaf, b, c = subleaf, d;
    __asm__ volatile("ud2\n .ascii \"xen\"\n cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (leaf == 1)
        b &= 0xff00ffff; /* logical processors */
    if ((leaf & 0x7fffffff) == 1) {
        print("guest: cpu MTRR by leaf 0x%x = %u\n", leaf, d >> 12 & 1);
        d &= ~0x1000u;
    }
    print("guest: cpu id 0x%x.%u = 0x%08x 0x%08x 0x%08x 0x%08x\n", leaf, subleaf, a, b, c, d);
}

static void cpuids(void)
{
    static const uint32_t list[][2] = {
        {0, 0},          {1, 0},          {5, 0},          {6, 0},          {7, 0},
        {0xa, 0},        {0xd, 0},        {0xd, 1},        {0x80000000, 0}, {0x80000001, 0},
        {0x80000007, 0}, {0x80000008, 0}, {0x8000000a, 0}, {0x40000000, 0}, {0x40000001, 0},
        {0x40000002, 0}, {0x40000003, 0}, {0x40000005, 0}};
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        cpuid(list[i][0], list[i][1]);
}

void pv_cpu_check(void)
{
    check_equal("shared_info mapped",
                (uint64_t)map(shared_page, (pte_t)start_info->shared_info | 0x63), 0);
    cpu_shared()->vcpu_info[0].evtchn_upcall_mask = 1;
    handlers();
    from_user();
    from_user32();
    pv_delivery_check();
    msrs();
    cpuids();
    pv_effects_check();
    call(__HYPERVISOR_set_trap_table, 0, 0, 0, 0);
    call(__HYPERVISOR_set_callbacks, 0, 0, 0, 0);
    cpu_shared()->vcpu_info[0].evtchn_upcall_mask = 1;
}
#else
void pv_cpu_check(void)
{
}
#endif
