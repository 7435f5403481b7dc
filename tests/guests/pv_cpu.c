/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * 64-bit guests: every way from user space, 64- and 32-bit, into the kernel and the frame that it
 * finds; NMI, breakpoints, single step, #NM, an upcall out of block; then MSRs and CPUID as a
 * kernel sees them.  Results are printed for compare-xen.
 * Source: xen/include/public/arch-x86/xen-x86_64.h, xen.h, nmi.h; Intel SDM vol. 3 17.2.
 */
#include "pv.h"

#ifndef __i386__
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define KERNEL_CS 0xe030ul
#define KERNEL_SS 0xe02bul
#define USER_CS   0xe033ul
#define USER_CS32 0xe023ul
#define USER_SS   0xe02bul
#define LOW       0x10000000ul /* a page of 32-bit code, and its stack */
#define USER      0x67u

struct cpu_frame {
    unsigned long vector, error, ip, cs, flags, sp, ss;
};
struct cpu_target {
    unsigned long ip, cs, flags, sp, ss;
};

static struct cpu_frame taken;
static unsigned taken_count;
static char shared_page[4096] __attribute__((aligned(4096)));
static char kernel_stack[8192] __attribute__((aligned(16)));
static char user_stack[4096] __attribute__((aligned(4096)));
static char code_page[4096] __attribute__((aligned(4096)));
static pte_t low_tables[3][512] __attribute__((aligned(4096)));
static volatile unsigned watched;

unsigned long cpu_saved_sp, cpu_live_flags;
void cpu_taken(const struct cpu_frame *f);
void cpu_enter(const struct cpu_target *to); /* comes back through a trap */
bool cpu_rdmsr(unsigned msr, unsigned long *ret);
bool cpu_wrmsr(unsigned msr, unsigned long value);
extern char cpu_stub_1[], cpu_stub_2[], cpu_stub_3[], cpu_stub_6[], cpu_stub_7[], cpu_stub_13[],
    cpu_stub_14[], cpu_stub_128[], cpu_stub_129[], cpu_stub_1000[], cpu_stub_1001[],
    cpu_stub_1002[], cpu_stub_1003[];
extern char cpu_user[], cpu_syscall[], cpu_int80[], cpu_int81[], cpu_int3[], cpu_sysenter[],
    cpu_nops[], cpu_hlt[], cpu_read[], cpu_fpu[], cpu_user_end[];

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
        "cpu_fpu: fninit\n ud2\n"
        "cpu_user_end:\n"
        "cpu_read: movl watched, %eax\n nop\n ud2\n");

void cpu_taken(const struct cpu_frame *f)
{
    taken = *f;
    taken_count++;
}

static shared_info_t *shared(void)
{
    return (shared_info_t *)shared_page;
}

static long callback(unsigned type, const void *address)
{
    struct callback_register op = {.type = (uint16_t)type, .address = (unsigned long)address};
    return call(__HYPERVISOR_callback_op, CALLBACKOP_register, (unsigned long)&op, 0, 0);
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
                (uint64_t)(callback(CALLBACKTYPE_event, cpu_stub_1003) |
                           callback(CALLBACKTYPE_syscall, cpu_stub_1000) |
                           callback(CALLBACKTYPE_syscall32, cpu_stub_1001) |
                           callback(CALLBACKTYPE_sysenter, cpu_stub_1002)),
                0);
    call(__HYPERVISOR_stack_switch, KERNEL_SS, (unsigned long)kernel_stack + sizeof(kernel_stack),
         0, 0);
    struct mmuext_op root = {.cmd = MMUEXT_NEW_USER_BASEPTR,
                             .arg1.mfn = frame_of((const void *)start_info->pt_base)};
    check_equal("user root",
                (uint64_t)call(__HYPERVISOR_mmuext_op, (unsigned long)&root, 1, 0, DOMID_SELF), 0);
}

/* What cannot be compared: QEMU gives another error code for a refused INT n. */
#define NO_ERROR 1u

static void enter(const char *name, unsigned long ip, unsigned long cs, unsigned long flags,
                  unsigned long sp, unsigned how)
{
    const struct cpu_target to = {ip, cs, flags | 2, sp,
                                  (cs & 3) == 3 ? USER_SS : KERNEL_SS & ~3ul};
    unsigned before = taken_count;
    taken = (struct cpu_frame){.vector = 99};
    cpu_enter(&to);
    /* SYSENTER says neither where it came from nor by which stack. */
    bool told = taken.vector != 1002;
    print("guest: cpu %s = vector %u error 0x%lx ip 0x%lx cs 0x%lx flags 0x%lx sp 0x%lx ss 0x%lx, "
          "%u, handler's flags 0x%lx\n",
          name, (unsigned)taken.vector, how & NO_ERROR ? 0 : taken.error,
          told ? taken.ip - ip : taken.ip, taken.cs, taken.flags & ~0x10000ul,
          told ? taken.sp - sp : 0, taken.ss, taken_count - before, cpu_live_flags & 0x54700);
}

#define FROM_64(name, what, flags, how)                                                            \
    enter("user, " name, (unsigned long)(what), USER_CS, flags,                                    \
          (unsigned long)user_stack + sizeof(user_stack), how)
#define FROM_KERNEL(name, what, flags, how)                                                        \
    enter("kernel, " name, (unsigned long)(what), KERNEL_CS, flags,                                \
          (unsigned long)user_stack + sizeof(user_stack), how)

static void from_user(void)
{
    FROM_64("syscall", cpu_syscall, 0, 0);
    FROM_64("syscall with DF, AC and IF clear", cpu_syscall, 0x40400, 0);
    FROM_64("syscall with TF", cpu_syscall, 0x100, 0);
    FROM_64("int 80", cpu_int80, 0x200, 0);
    FROM_64("int 80 with TF", cpu_int80, 0x100, 0);
    FROM_64("int 81, of level 0", cpu_int81, 0, NO_ERROR);
    FROM_64("int3", cpu_int3, 0, 0);
    FROM_64("single step", cpu_nops, 0x100, 0);
    FROM_64("hlt", cpu_hlt, 0, 0);
    FROM_64("sysenter", cpu_sysenter, 0, 0);
    FROM_KERNEL("int 80", cpu_int80, 0, 0);
    FROM_KERNEL("int3", cpu_int3, 0, 0);
    FROM_KERNEL("single step", cpu_nops, 0x100, 0);
}

#define FROM_32(name, what, flags, how)                                                            \
    enter("32-bit user, " name, LOW + (unsigned long)((what)-cpu_user), USER_CS32, flags,          \
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
}

/* ---- debug registers, NMI, #NM, upcall ----------------------------------------------------------
 */

static void tell_debug(void)
{
    print("guest: cpu, DR6 after it = 0x%lx\n",
          (unsigned long)call(__HYPERVISOR_get_debugreg, 6, 0, 0, 0));
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
}

static void debug(void)
{
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
    call(__HYPERVISOR_set_debugreg, 0, (unsigned long)cpu_nops + 2, 0, 0);
    call(__HYPERVISOR_set_debugreg, 1, (unsigned long)&watched, 0, 0);
    call(__HYPERVISOR_set_debugreg, 7, 0x401, 0, 0);
    FROM_64("breakpoint", cpu_nops, 0, 0);
    tell_debug();
    FROM_KERNEL("breakpoint", cpu_nops, 0, 0);
    call(__HYPERVISOR_set_debugreg, 7, 0xf00404, 0, 0); /* DR1: reads and writes of 4 bytes */
    FROM_64("watched word", cpu_read, 0, 0);
    FROM_KERNEL("watched word", cpu_read, 0, 0);
    call(__HYPERVISOR_set_debugreg, 7, 0x400, 0, 0);
    FROM_64("watched word no more", cpu_read, 0, 0);
    call(__HYPERVISOR_set_debugreg, 0, 0, 0, 0);
    call(__HYPERVISOR_set_debugreg, 1, 0, 0, 0);
    call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0);
}

/* The stubs leave by the stack that cpu_saved_sp has: so this must be a function of its own. */
static __attribute__((noinline)) void nmi(void)
{
    print("guest: cpu, NMI registered = %u\n", -(unsigned)callback(CALLBACKTYPE_nmi, cpu_stub_2));
    shared()->vcpu_info[0].evtchn_upcall_mask = 1;
    /* Comes with the return from the call, to the next instruction. */
    const struct cpu_target to = {(unsigned long)cpu_nops, KERNEL_CS, 2,
                                  (unsigned long)user_stack + sizeof(user_stack), KERNEL_SS & ~3ul};
    unsigned before = taken_count;
    unsigned long result = __HYPERVISOR_vcpu_op, first = VCPUOP_send_nmi, second = 0;
    __asm__ volatile("pushq %%rbx\n pushq %%rbp\n leaq 2f(%%rip), %%rax\n pushq %%rax\n"
                     "pushq %%rbx\n pushq %%rbp\n pushq %%r12\n pushq %%r13\n pushq %%r14\n"
                     "pushq %%r15\n movq %%rsp, cpu_saved_sp\n"
                     "movl $24, %%eax\n xorl %%edx, %%edx\n syscall\n ud2\n"
                     "2: popq %%rbp\n popq %%rbx\n"
                     : "+a"(result), "+D"(first), "+S"(second)
                     :
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
                       "cc");
    print("guest: cpu, NMI = vector %u cs 0x%lx ss 0x%lx, %u\n", (unsigned)taken.vector, taken.cs,
          taken.ss, taken_count - before);
    FROM_KERNEL("after the NMI", to.ip, 0, 0);
}

static void no_fpu(void)
{
    call(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0);
    FROM_64("#NM", cpu_fpu, 0x200, 0);
    unsigned long cr0;
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    print("guest: cpu, TS after #NM = %u\n", (unsigned)(cr0 >> 3 & 1));
    FROM_64("no #NM", cpu_fpu, 0x200, 0);
}

static void upcall(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (unsigned long)&ipi, 0, 0);
    struct evtchn_send send = {.port = ipi.port};
    struct evtchn_close close = {.port = ipi.port};
    shared()->vcpu_info[0].evtchn_upcall_mask = 1;
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (unsigned long)&send, 0, 0);
    check_equal("pending", shared()->vcpu_info[0].evtchn_upcall_pending, 1);
    FROM_64("upcall on the way to it", cpu_nops, 0x200, 0);
    check_equal("masked in the upcall", shared()->vcpu_info[0].evtchn_upcall_mask, 1);
    shared()->vcpu_info[0].evtchn_upcall_pending = 0;
    shared()->vcpu_info[0].evtchn_pending_sel = 0;
    shared()->evtchn_pending[0] = 0;
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (unsigned long)&close, 0, 0);
}

/* ---- MSRs, CPUID --------------------------------------------------------------------------------
 */

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
            print("guest: cpu msr 0x%x = vector %u\n", list[i], (unsigned)taken.vector);
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
    shared()->vcpu_info[0].evtchn_upcall_mask = 1;
    handlers();
    from_user();
    from_user32();
    debug();
    nmi();
    no_fpu();
    upcall();
    msrs();
    cpuids();
    call(__HYPERVISOR_set_trap_table, 0, 0, 0, 0);
    call(__HYPERVISOR_set_callbacks, 0, 0, 0, 0);
    shared()->vcpu_info[0].evtchn_upcall_mask = 1;
}
#else
void pv_cpu_check(void)
{
}
#endif
