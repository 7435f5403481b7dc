/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a broken kernel does with its traps and returns.  Always: iret frames that the CPU refuses,
 * each kind, and where the guest hears of it.  With a word `bad-…`: one of the ends that no error
 * number can answer, so that the hypervisor must end the domain with a report.
 * Sources: xen/include/public/arch-x86/xen-x86_64.h, xen-x86_32.h, xen.h.
 */
#include "pv.h"
#include "pv_bad.h"

#include <xen/event_channel.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>

#ifdef __i386__
#define KERNEL_CS 0xe019ul
#define KERNEL_SS 0xe021ul
#define USER_CS   0xe02bul
#define USER_SS   0xe033ul
#define NOWHERE   0xd0000000ul
#else
#define KERNEL_CS 0xe030ul
#define KERNEL_SS 0xe028ul
#define USER_CS   0xe033ul
#define USER_SS   0xe02bul
#define NOWHERE   0x40000000ul
#endif

extern char own_page[];
static char empty_root[4096] __attribute__((aligned(4096)));
static char shared_page[4096] __attribute__((aligned(4096)));
static char kernel_stack[8192] __attribute__((aligned(4096)));

static struct bad_frame taken;

/* For the assembler part. */
void bad_taken(const struct bad_frame *f);
unsigned long bad_saved_sp;
extern char bad_stub_1[], bad_stub_3[], bad_stub_6[], bad_stub_10[], bad_stub_11[], bad_stub_12[],
    bad_stub_13[], bad_stub_14[], bad_failsafe[], bad_user[], bad_cli[], bad_in[], bad_far[],
    bad_touch[], bad_spin[], bad_late[], bad_stub_2[];
struct xennmi_callback bad_nmi; /* what bad_late registers */

#ifdef __i386__
__asm__(
    ".macro badstub n, code\n"
    "bad_stub_\\n: .ifeq \\code\n pushl $0\n .endif\n pushl $\\n\n jmp bad_common\n"
    ".endm\n"
    ".text\n"
    "badstub 1, 0\n badstub 2, 0\n badstub 3, 0\n badstub 6, 0\n badstub 10, 1\n badstub 11, 1\n"
    "badstub 12, 1\n badstub 13, 1\n badstub 14, 1\n"
    "bad_failsafe: addl $16, %esp\n pushl $0\n pushl $1000\n"
    "bad_common: cld\n movl $0xe021, %eax\n movl %eax, %ds\n movl %eax, %es\n"
    "pushl %esp\n call bad_taken\n"
    "movl bad_saved_sp, %esp\n popa\n ret\n"
    ".globl bad_return\n"
    "bad_return: movl 4(%esp), %edx\n pusha\n movl %esp, bad_saved_sp\n"
    "pushl 16(%edx)\n pushl 12(%edx)\n pushl 8(%edx)\n pushl 4(%edx)\n pushl (%edx)\n"
    "pushl $0x55\n movl $23, %eax\n int $0x82\n"
    "bad_user: ud2\nbad_cli: cli; ud2\nbad_in: inb $0x80, %al; ud2\n"
    "bad_touch: movb own_page, %al; ud2\nbad_spin: pause; jmp bad_spin\n"
    "bad_late: movl $28, %eax; xorl %ebx, %ebx; movl $bad_nmi, %ecx; int $0x82; ud2\n"
    "bad_all_known: pushl $pv_bad_check\n movl $0x01beef01, %eax\n movl $0x02beef02, %ebx\n"
    "movl $0x03beef03, %ecx\n movl $0x04beef04, %edx\n movl $0x05beef05, %esi\n"
    "movl $0x06beef06, %edi\n movl $0x07beef07, %ebp\n"
    "bad_known: ud2\n"
    ".byte 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10\n");
#else
__asm__(
    ".macro badstub n, code\n"
    "bad_stub_\\n: popq %rcx\n popq %r11\n .ifeq \\code\n pushq $0\n .endif\n"
    "pushq $\\n\n jmp bad_common\n"
    ".endm\n"
    ".text\n"
    "badstub 1, 0\n badstub 2, 0\n badstub 3, 0\n badstub 6, 0\n badstub 10, 1\n badstub 11, 1\n"
    "badstub 12, 1\n badstub 13, 1\n badstub 14, 1\n"
    "bad_failsafe: addq $48, %rsp\n pushq $0\n pushq $1000\n"
    "bad_common: cld\n movq %rsp, %rdi\n andq $-16, %rsp\n call bad_taken\n"
    "movq bad_saved_sp, %rsp\n"
    "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbp\n popq %rbx\n ret\n"
    ".globl bad_return\n"
    "bad_return: pushq %rbx\n pushq %rbp\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
    "movq %rsp, bad_saved_sp\n"
    "pushq 32(%rdi)\n pushq 24(%rdi)\n pushq 16(%rdi)\n pushq 8(%rdi)\n pushq (%rdi)\n"
    "pushq $0\n pushq $0\n pushq $0\n pushq $0x55\n"
    "movl $23, %eax\n syscall\n"
    "bad_user: ud2\nbad_cli: cli; ud2\nbad_in: inb $0x80, %al; ud2\n"
    "bad_far: pushq $0xe033\n pushq $1f\n lretq\n1: ud2\n"
    "bad_touch: movb own_page(%rip), %al; ud2\nbad_spin: pause; jmp bad_spin\n"
    "bad_late: movl $28, %eax; xorl %edi, %edi; leaq bad_nmi(%rip), %rsi; syscall; ud2\n"
    "bad_all_known: leaq pv_bad_check(%rip), %rax\n pushq %rax\n"
    ".macro known reg, n\n movabsq $0x\\n\\()00beefcafe00\\n, %\\reg\n.endm\n"
    "known rax, 01\n known rbx, 02\n known rcx, 03\n known rdx, 04\n known rsi, 05\n"
    "known rdi, 06\n known rbp, 07\n known r8, 08\n known r9, 09\n known r10, 10\n"
    "known r11, 11\n known r12, 12\n known r13, 13\n known r14, 14\n known r15, 15\n"
    "bad_known: ud2\n"
    ".byte 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10\n");
#endif

const struct bad_frame *bad_last(void)
{
    return &taken;
}

void bad_taken(const struct bad_frame *f)
{
    taken = *f;
#ifdef __i386__
    if ((f->cs & 3) != 3)
        taken.sp = taken.ss = 0; /* no change of ring: the frame ends before */
#endif
}

static void set_traps(bool any)
{
    static const struct trap_info traps[] = {
        {1, 0, KERNEL_CS, (uintptr_t)bad_stub_1},
        {3, 1, KERNEL_CS, (uintptr_t)bad_stub_3},
        {6, 0, KERNEL_CS, (uintptr_t)bad_stub_6},
        {10, 0, KERNEL_CS, (uintptr_t)bad_stub_10},
        {11, 0, KERNEL_CS, (uintptr_t)bad_stub_11},
        {12, 0, KERNEL_CS, (uintptr_t)bad_stub_12},
        {13, 0, KERNEL_CS, (uintptr_t)bad_stub_13},
        {14, 0, KERNEL_CS, (uintptr_t)bad_stub_14},
        {0, 0, 0, 0},
    };
    check_equal("trap table set",
                (uint64_t)call(__HYPERVISOR_set_trap_table, any ? (uintptr_t)traps : 0, 0, 0, 0),
                0);
}

static void set_callbacks(unsigned long event, unsigned long failsafe)
{
#ifdef __i386__
    check_equal("callbacks set",
                (uint64_t)call(__HYPERVISOR_set_callbacks, KERNEL_CS, event, KERNEL_CS, failsafe),
                0);
#else
    check_equal("callbacks set", (uint64_t)call(__HYPERVISOR_set_callbacks, event, failsafe, 0, 0),
                0);
#endif
}

static void set_stack(unsigned long top)
{
    check_equal("stack set", (uint64_t)call(__HYPERVISOR_stack_switch, KERNEL_SS, top, 0, 0), 0);
}

/* ---- returns that fail ---------------------------------------------------------------------- */

struct bad_case {
    const char *name;
    struct bad_iret to;
};

static void report(const char *name)
{
    print(
        "guest: iret, %s = vector %u error 0x%lx ip 0x%lx cs 0x%lx flags 0x%lx sp 0x%lx ss 0x%lx\n",
        name, (unsigned)taken.vector, taken.error, taken.ip, taken.cs, taken.flags, taken.sp,
        taken.ss);
}

static void failing_returns(void)
{
    const unsigned long ip = (unsigned long)bad_user, sp = (unsigned long)kernel_stack + 4096;
    const struct bad_case cases[] = {
        {"user, good", {ip, USER_CS, 2, sp, USER_SS}},
        {"user, wild flags", {ip, USER_CS, 0x3a7ed7, sp, USER_SS}},
        {"user, CS beyond the table", {ip, 0xf00b, 2, sp, USER_SS}},
        {"user, CS of the hypervisor", {ip, 0xe00b, 2, sp, USER_SS}},
        {"user, null CS", {ip, 3, 2, sp, USER_SS}},
        {"user, CS of a data segment", {ip, USER_SS, 2, sp, USER_SS}},
        {"user, CS in no LDT", {ip, 7, 2, sp, USER_SS}},
        {"user, SS beyond the table", {ip, USER_CS, 2, sp, 0xf00b}},
        {"user, SS of the hypervisor", {ip, USER_CS, 2, sp, 0xe013}},
        {"user, SS of a code segment", {ip, USER_CS, 2, sp, USER_CS}},
        {"user, null SS", {ip, USER_CS, 2, sp, 0}},
        {"user, nothing at IP", {NOWHERE, USER_CS, 2, sp, USER_SS}},
#ifndef __i386__
        {"user, IP not canonical", {1ul << 63, USER_CS, 2, sp, USER_SS}},
        {"user, SP not canonical", {ip, USER_CS, 2, 1ul << 63, USER_SS}},
        {"kernel, IP not canonical", {1ul << 63, KERNEL_CS, 2, sp, KERNEL_SS}},
        {"kernel, null CS", {ip, 0, 2, sp, KERNEL_SS}},
        {"kernel, SS beyond the table", {ip, KERNEL_CS, 2, sp, 0xf008}},
        {"kernel, null SS", {ip, KERNEL_CS, 2, sp, 0}},
        {"kernel, nothing at SP", {ip, KERNEL_CS, 2, sp, KERNEL_SS}},
#endif
        {"kernel, good", {ip, KERNEL_CS, 2, sp, KERNEL_SS}},
        {"kernel, wild flags", {ip, KERNEL_CS, 0x3a7ed7, sp, KERNEL_SS}},
        {"kernel, CS beyond the table", {ip, 0xf008, 2, sp, KERNEL_SS}},
        {"kernel, CS of the hypervisor", {ip, 0xe008, 2, sp, KERNEL_SS}},
        {"kernel, CS of a data segment", {ip, KERNEL_SS, 2, sp, KERNEL_SS}},
        {"kernel, nothing at IP", {NOWHERE, KERNEL_CS, 2, sp, KERNEL_SS}},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        taken = (struct bad_frame){.vector = 99};
        bad_return(&cases[i].to);
        taken.ip -= taken.ip == ip ? ip : 0; /* the same in every guest */
        taken.sp -= taken.sp == sp ? sp : 0;
        report(cases[i].name);
    }
}

/* ---- I/O privilege -------------------------------------------------------------------------- */

/* Which of the instructions that need it a kernel's user space, and it itself, may use. */
static void privilege(const char *how, unsigned iopl, bool assisted)
{
    const unsigned long sp = (unsigned long)kernel_stack + 4096;
    const unsigned long flags = 2 | (assisted ? iopl << 12 : 0);
    struct physdev_set_iopl set = {.iopl = iopl};
    if (!assisted)
        check_equal(
            "set_iopl",
            (uint64_t)call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, (unsigned long)&set, 0, 0),
            0);
    for (unsigned i = 0; i < 4; i++) {
        const char *ip = i & 1 ? bad_in : bad_cli;
        struct bad_iret to = {(unsigned long)ip, i & 2 ? KERNEL_CS : USER_CS, flags, sp,
                              i & 2 ? KERNEL_SS : USER_SS};
        taken = (struct bad_frame){.vector = 99};
        bad_return(&to);
        print("guest: privilege by %s %u, %s in %s = vector %u after %u bytes, flags 0x%lx\n", how,
              iopl, i & 1 ? "in" : "cli", i & 2 ? "kernel" : "user space", (unsigned)taken.vector,
              (unsigned)(taken.ip - (unsigned long)ip), taken.flags);
    }
}

#ifndef __i386__
/* A far return by the selector that a kernel has under Xen. */
static void far_return(void)
{
    const unsigned long sp = (unsigned long)kernel_stack + 4096;
    const struct bad_iret to = {(unsigned long)bad_far, KERNEL_CS, 2, sp, KERNEL_SS};
    bad_return(&to);
    taken.ip -= (unsigned long)bad_far;
    taken.sp -= sp;
    report("kernel, far return");
}
#endif

static void privileges(void)
{
    for (unsigned iopl = 0; iopl < 4; iopl++)
        privilege("set_iopl", iopl, false);
    long offered =
        call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl, 0, 0);
    print("guest: architectural IOPL = %u\n", (unsigned)-offered);
    for (unsigned iopl = 0; iopl < 4 && offered == 0; iopl++)
        privilege("flags", iopl, true);
    call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_architectural_iopl, 0, 0);
    struct physdev_set_iopl kernel_only = {.iopl = 1};
    call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, (unsigned long)&kernel_only, 0, 0);
    unsigned long cr4;
    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    print("guest: cr4 = 0x%lx\n", cr4);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void end_trap(void)
{
    set_traps(false);
    __asm__ volatile("ud2");
}

/* Everything that the report shows of it is known: what tests.cfg expects in report-…. */
static void end_known(void)
{
    const struct bad_iret touch = {(unsigned long)bad_touch, KERNEL_CS, 2,
                                   (unsigned long)kernel_stack + 4096, KERNEL_SS};
    check_equal("not mapped", (uint64_t)map(own_page, 0x12340e0), 0);
    taken = (struct bad_frame){.vector = 99};
    bad_return(&touch);
    check_equal("a page fault", taken.vector, 14);
    set_traps(false);
    __asm__ volatile("jmp bad_all_known");
}

/* Refused calls, then so much else that they are no longer among the last. */
static void end_refused(void)
{
    uint64_t at;
    pte_t same = *entry_of(own_page, &at);
    const struct mmu_update list[2] = {{.ptr = at, .val = same},
                                       {.ptr = 0x7ffff000 | MMU_MACHPHYS_UPDATE, .val = 0x5555}};
    check_true("an unknown call is refused", call(99, 1, 2, 3, 4) < 0);
    for (unsigned i = 0; i < 3; i++)
        check_true("a foreign frame is refused",
                   call(__HYPERVISOR_mmu_update, (uintptr_t)list, 2, 0, DOMID_SELF) < 0);
    check_true("a pin is refused", extended(MMUEXT_PIN_L1_TABLE, 0x7ffff, 0) < 0);
    for (unsigned i = 0; i < 40; i++)
        call(__HYPERVISOR_console_io, CONSOLEIO_write, 1, (uintptr_t) "\n", 0);
    call(__HYPERVISOR_console_io, CONSOLEIO_write, 1, NOWHERE, 0);
    end_trap();
}

/* Somebody from outside ends these: the CPU, or the hypervisor's own code. */
static void end_user_spin(void)
{
    const struct bad_iret to = {(unsigned long)bad_spin, USER_CS, 2,
                                (unsigned long)kernel_stack + 4096, USER_SS};
    const char *page = (const char *)(to.ip & ~4095ul);
    check_equal("code for user space", (uint64_t)map(page, own(page, 0x65)), 0);
    bad_return(&to);
}

static void end_kernel_spin(void)
{
    const struct bad_iret to = {(unsigned long)bad_spin, KERNEL_CS, 2,
                                (unsigned long)kernel_stack + 4096, KERNEL_SS};
    bad_return(&to);
}

/* A dom0's own value for the register that switches off, which for this machine means nothing. */
static void end_sleep(void)
{
    struct xen_platform_op op = {.cmd = XENPF_enter_acpi_sleep,
                                 .interface_version = XENPF_INTERFACE_VERSION,
                                 .u.enter_acpi_sleep = {.val_a = 6 << 10, .sleep_state = 5}};
    call(__HYPERVISOR_platform_op, (unsigned long)&op, 0, 0, 0);
}

static void end_call_spin(void)
{
    for (;;)
        call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
}

/* The NMI of the machine, for a kernel that has a callback for it. */
static void hardware_nmi(void)
{
    const struct bad_iret to = {(unsigned long)bad_spin, KERNEL_CS, 2,
                                (unsigned long)kernel_stack + 4096, KERNEL_SS};
    bad_nmi.handler_address = (unsigned long)bad_stub_2;
    check_equal("NMI callback set",
                (uint64_t)call(__HYPERVISOR_nmi_op, XENNMI_register_callback,
                               (unsigned long)&bad_nmi, 0, 0),
                0);
    print("guest: waits for an NMI\n");
    bad_return(&to);
    print("guest: NMI = vector %u error 0x%lx cs 0x%lx, %u in the loop\n", (unsigned)taken.vector,
          taken.error, taken.cs, taken.ip - (unsigned long)bad_spin < 4);
    call(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, 0, 0, 0);
}

/* For one that has none, nothing happens until it has. */
static void late_nmi(void)
{
    const unsigned long sp = (unsigned long)kernel_stack + 4096;
    const struct bad_iret to = {(unsigned long)bad_late, KERNEL_CS, 2, sp, KERNEL_SS};
    volatile unsigned long *reason = &((shared_info_t *)shared_page)->arch.nmi_reason;
    print("guest: NMI reasons so far = 0x%lx\n", *reason);
    *reason = 0;
    taken = (struct bad_frame){.vector = 99};
    print("guest: waits without a callback\n");
    while (*reason == 0)
        call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    print("guest: NMI reason = 0x%lx\n", *reason);
    check_equal("no trap", taken.vector, 99);
    bad_nmi.handler_address = (unsigned long)bad_stub_2;
    bad_return(&to);
    print("guest: NMI registered late = vector %u cs 0x%lx, behind the call %u\n",
          (unsigned)taken.vector, taken.cs, taken.ip - (unsigned long)bad_late < 32);
    *reason = 0;
    taken = (struct bad_frame){.vector = 99};
    bad_return(&to);
    print("guest: no NMI for no reason = vector %u\n", (unsigned)taken.vector);
    call(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, 0, 0, 0);
}

static void nmis(void)
{
    uint64_t unused;
    check_equal("shared_info mapped",
                (uint64_t)map(shared_page, (pte_t)start_info->shared_info | PTE_OWN), 0);
    if (option((const char *)start_info->cmd_line, "nmi-callback", &unused))
        hardware_nmi();
    if (option((const char *)start_info->cmd_line, "nmi-none", &unused))
        late_nmi();
    check_equal("shared_info unmapped", (uint64_t)map(shared_page, own(shared_page, PTE_OWN)), 0);
}

static void end_stack(void)
{
#ifdef __i386__
    __asm__ volatile("movl %0, %%esp; ud2" : : "r"(NOWHERE));
#else
    __asm__ volatile("movq %0, %%rsp; ud2" : : "r"(NOWHERE));
#endif
}

static void end_kernel_stack(void)
{
    const struct bad_iret to = {(unsigned long)bad_user, USER_CS, 2, NOWHERE, USER_SS};
    set_stack(NOWHERE);
    bad_return(&to);
}

static void end_handler(void)
{
    static const struct trap_info traps[] = {
        {6, 0, KERNEL_CS, NOWHERE}, {14, 0, KERNEL_CS, NOWHERE}, {0, 0, 0, 0}};
    check_equal("trap table set",
                (uint64_t)call(__HYPERVISOR_set_trap_table, (uintptr_t)traps, 0, 0, 0), 0);
    __asm__ volatile("ud2");
}

static void end_event(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    struct evtchn_send send;
    shared_info_t *shared = (shared_info_t *)(uintptr_t)own_page;
    set_callbacks(0, 0);
    check_equal("shared_info mapped",
                (uint64_t)map(own_page, (pte_t)start_info->shared_info | 0x63), 0);
    check_equal(
        "IPI bound",
        (uint64_t)call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (unsigned long)&ipi, 0, 0),
        0);
    shared->vcpu_info[0].evtchn_upcall_mask = 0;
    send.port = ipi.port;
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (unsigned long)&send, 0, 0);
}

static void end_return(void)
{
    const struct bad_iret to = {(unsigned long)bad_user, 0xf00b, 2, 0, USER_SS};
    set_traps(false);
    set_callbacks(0, 0);
    bad_return(&to);
}

static void end_frame(void)
{
#ifdef __i386__
    __asm__ volatile("movl %0, %%esp; movl $23, %%eax; int $0x82" : : "r"(NOWHERE) : "eax");
#else
    __asm__ volatile("movq %0, %%rsp; movl $23, %%eax; syscall" : : "r"(NOWHERE) : "rax");
#endif
}

#ifndef __i386__
static void end_no_user(void)
{
    const struct bad_iret to = {(unsigned long)bad_user, USER_CS, 2, 0, USER_SS};
    check_equal("no user root", (uint64_t)extended(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
    bad_return(&to);
}
#endif

/* A root that maps nothing of the guest: where the kernel runs, too. */
static void end_root(void)
{
#ifdef __i386__
    /* The last GiB must be there: it holds the hypervisor's own part. */
    static char last_gib[4096] __attribute__((aligned(4096)));
    pte_t *root = (pte_t *)empty_root;
    if (PAE) {
        check_equal("table read-only", (uint64_t)map(last_gib, own(last_gib, 0x61)), 0);
        root[3] = own(last_gib, 1);
    }
#endif
    check_equal("root read-only", (uint64_t)map(empty_root, own(empty_root, 0x61)), 0);
    check_equal("root pinned",
                (uint64_t)extended(sizeof(long) == 8 ? MMUEXT_PIN_L4_TABLE
                                   : PAE             ? MMUEXT_PIN_L3_TABLE
                                                     : MMUEXT_PIN_L2_TABLE,
                                   frame_of(empty_root), 0),
                0);
    extended(MMUEXT_NEW_BASEPTR, frame_of(empty_root), 0);
}

static const struct {
    const char *word;
    void (*end)(void);
} ends[] = {
    {"bad-trap", end_trap},           {"bad-stack", end_stack},
    {"bad-event", end_event},         {"bad-kernel-stack", end_kernel_stack},
    {"bad-handler", end_handler},     {"bad-return", end_return},
    {"bad-frame", end_frame},         {"bad-root", end_root},
    {"bad-known", end_known},         {"bad-refused", end_refused},
    {"bad-user-spin", end_user_spin}, {"bad-kernel-spin", end_kernel_spin},
    {"bad-call-spin", end_call_spin}, {"bad-sleep", end_sleep},
#ifndef __i386__
    {"bad-no-user", end_no_user},
#endif
};

void pv_bad_check(void)
{
    uint64_t unused;
    set_traps(true);
    set_callbacks(0, (unsigned long)bad_failsafe);
    set_stack((unsigned long)kernel_stack + sizeof(kernel_stack));
#ifndef __i386__
    check_equal(
        "user root",
        (uint64_t)extended(MMUEXT_NEW_USER_BASEPTR, frame_of((const void *)start_info->pt_base), 0),
        0);
#endif
    failing_returns();
#ifndef __i386__
    far_return();
#endif
    pv_instructions_check();
    privileges();
    nmis();
    for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (!option((const char *)start_info->cmd_line, ends[i].word, &unused))
            continue;
        print("guest: now %s\n", ends[i].word);
        ends[i].end();
        check_true("the domain was ended", false);
    }
    set_traps(false);
    set_callbacks(0, 0);
}
