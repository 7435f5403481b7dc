/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With the word `ring3` on the command line, 32-bit guests only: what a kernel of 2006 does after
 * its start of day.  Traps in the kernel and in user space at ring 3, entered by the iret hypercall
 * and by the CPU's own iret; events by callback from block, kernel and user loops; timer; page
 * tables made, pinned, linked and taken back many times; GDT, task switched flag, failsafe.
 * Sources: xen/include/public/arch-x86/xen-x86_32.h, xen.h, event_channel.h, sched.h.
 */
#include "pv.h"

#ifdef __i386__
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define call      call_by_page
#define KERNEL_CS 0xe019
#define KERNEL_DS 0xe021
#define USER_CS   0xe02b
#define USER_DS   0xe033
#define ROUNDS    200u
#define OWN_CODE  0x0b /* entry 1 of our GDT, ring 3 */
#define OWN_DATA  0x11 /* entry 2, ring 1 */

struct taken { /* the last trap */
    uint32_t count, vector, error, cs, ss, esp, mask;
};

/* Pushed by the stubs below. */
struct trap_frame {
    uint32_t edi, esi, ebp, esp_unused, ebx, edx, ecx, eax, vector, error, eip, cs, eflags, esp, ss;
};

static char shared_page[4096] __attribute__((aligned(4096)));
static char user_code[4096] __attribute__((aligned(4096)));
static char user_stack[4096] __attribute__((aligned(4096)));
static char table_page[4096] __attribute__((aligned(4096)));
static char gdt_page[4096] __attribute__((aligned(4096)));
static char kernel_stack[8192] __attribute__((aligned(16)));
static volatile struct taken taken;
static struct failsafe_frame failsafe; /* the last one */
static volatile uint32_t upcalls, upcalls_in_user;
static evtchn_port_t timer_port;
static bool failsafe_is_known;
uint32_t ring3_resume, ring3_saved_esp; /* used by the assembler part */

/* DS, ES, FS, GS as the handler finds them; what the stub pushed; what the failsafe callback gets:
 * the four that were to be loaded, and a trap's frame, with esp and ss from user space only. */
struct failsafe_frame {
    uint32_t found[4], pushed[8], segment[4], eip, cs, eflags, esp, ss;
};

bool ring3_trap(struct trap_frame *f);
bool ring3_upcall(uint32_t cs);
bool ring3_failsafe(const struct failsafe_frame *f);
void ring3_enter(uint32_t eip, uint32_t cs, uint32_t esp, uint32_t by_hypercall);

/* A trap from user space ends ring3_enter(); one from the kernel goes on at ring3_resume. */
__asm__(".macro stub n, code\n"
        "ring3_stub_\\n: .ifeq \\code\n pushl $0\n .endif\n pushl $\\n\n jmp ring3_common\n"
        ".endm\n"
        ".text\n"
        "stub 0, 0\n stub 3, 0\n stub 6, 0\n stub 7, 0\n stub 13, 1\n stub 14, 1\n stub 128, 0\n"
        "ring3_common: pusha\n"
        "movl $0xe021, %eax\n movl %eax, %ds\n movl %eax, %es\n cld\n"
        "pushl %esp\n call ring3_trap\n addl $4, %esp\n"
        "testb %al, %al\n jnz ring3_leave\n"
        "popa\n addl $8, %esp\n iret\n"
        "ring3_event: pusha\n"
        "movl $0xe021, %eax\n movl %eax, %ds\n movl %eax, %es\n cld\n"
        "pushl 36(%esp)\n call ring3_upcall\n addl $4, %esp\n"
        "testb %al, %al\n jnz ring3_leave\n"
        "popa\n pushl %eax\n movl $23, %eax\n int $0x82\n"
        "ring3_bad: pusha\n"
        "movl %ds, %eax\n movl %es, %ebx\n movl %fs, %ecx\n movl %gs, %edx\n"
        "pushl %edx\n pushl %ecx\n pushl %ebx\n pushl %eax\n"
        "movl $0xe021, %eax\n movl %eax, %ds\n movl %eax, %es\n cld\n"
        "pushl %esp\n call ring3_failsafe\n addl $20, %esp\n"
        "testb %al, %al\n jnz ring3_leave\n"
        "popa\n addl $16, %esp\n iret\n"
        "ring3_leave: movl ring3_saved_esp, %esp\n popa\n ret\n"
        ".globl ring3_enter\n"
        "ring3_enter: pusha\n movl %esp, ring3_saved_esp\n"
        "movl 36(%esp), %eax\n movl 40(%esp), %ecx\n movl 44(%esp), %edx\n movl 48(%esp), %ebx\n"
        "pushl $0xe033\n pushl %edx\n pushl $0x202\n pushl %ecx\n pushl %eax\n"
        "testl %ebx, %ebx\n jnz 1f\n iret\n"
        "1: pushl %eax\n movl $23, %eax\n int $0x82\n"
        /* What runs at ring 3, each up to the next. */
        "user_call: movl $0xe033, %eax\n movl %eax, %ds\n movl $0x1234, %eax\n int $0x80\n"
        "user_cli: cli\n"
        "user_peek: movl $0xe033, %eax\n movl %eax, %ds\n movl ring3_saved_esp, %eax\n"
        "user_hypercall: xorl %eax, %eax\n int $0x82\n"
        "user_int3: int3\n"
        "user_ud: ud2\n"
        "user_out: outb %al, $0x80\n"
        "user_loop: jmp user_loop\n"
        "user_end:\n");

extern char ring3_stub_0[], ring3_stub_3[], ring3_stub_6[], ring3_stub_7[], ring3_stub_13[],
    ring3_stub_14[], ring3_stub_128[], ring3_event[], ring3_bad[];
extern char user_call[], user_cli[], user_peek[], user_hypercall[], user_int3[], user_ud[],
    user_out[], user_loop[], user_end[];

static shared_info_t *shared(void)
{
    return (shared_info_t *)shared_page;
}

bool ring3_trap(struct trap_frame *f)
{
    bool user = (f->cs & 3) == 3;
    taken.count++;
    taken.vector = f->vector;
    taken.error = f->error;
    taken.cs = f->cs & 0xffff;
    taken.mask = f->cs >> 16;
    taken.esp = user ? f->esp : 0;
    taken.ss = user ? f->ss : 0;
    f->eip = ring3_resume;
    return user;
}

bool ring3_upcall(uint32_t cs)
{
    vcpu_info_t *info = &shared()->vcpu_info[0];
    info->evtchn_upcall_pending = 0;
    unsigned long words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 32; i++)
        if (words >> i & 1)
            __atomic_store_n(&shared()->evtchn_pending[i], 0, __ATOMIC_SEQ_CST);
    upcalls++;
    bool user = (cs & 3) == 3;
    upcalls_in_user += user;
    if (user)
        info->evtchn_upcall_mask = 0; /* no iret will do it */
    return user;
}

bool ring3_failsafe(const struct failsafe_frame *f)
{
    taken.count++;
    taken.vector = 1000;
    failsafe = *f;
    return (f->cs & 3) == 3;
}

/* ---- traps ---------------------------------------------------------------------------------- */

static void set_traps(void)
{
    static const struct trap_info none;
    struct trap_info traps[] = {
        {0, 0, KERNEL_CS, (uintptr_t)ring3_stub_0},
        {3, 3, KERNEL_CS, (uintptr_t)ring3_stub_3},
        {6, 0, KERNEL_CS, (uintptr_t)ring3_stub_6},
        {7, 4, KERNEL_CS, (uintptr_t)ring3_stub_7},
        {13, 0, KERNEL_CS, (uintptr_t)ring3_stub_13},
        {14, 0, KERNEL_CS, (uintptr_t)ring3_stub_14},
        {0x80, 3, KERNEL_CS, (uintptr_t)ring3_stub_128},
        none,
    };
    check_equal("set_trap_table",
                (uint64_t)call(__HYPERVISOR_set_trap_table, (uintptr_t)traps, 0, 0, 0), 0);
    check_equal("set_callbacks",
                (uint64_t)call(__HYPERVISOR_set_callbacks, KERNEL_CS, (uintptr_t)ring3_event,
                               KERNEL_CS, (uintptr_t)ring3_bad),
                0);
    check_equal("stack_switch",
                (uint64_t)call(__HYPERVISOR_stack_switch, KERNEL_DS,
                               (uintptr_t)kernel_stack + sizeof(kernel_stack), 0, 0),
                0);
}

#define KERNEL_TRAP(code)                                                                          \
    __asm__ volatile("movl $1f, ring3_resume\n" code "\n1:" : : : "eax", "memory")

static void kernel_traps(void)
{
    uint32_t before = taken.count;
    KERNEL_TRAP("ud2");
    check_equal("#UD in the kernel", taken.vector, 6);
    check_equal("CS of a trap in the kernel", taken.cs, KERNEL_CS);
    KERNEL_TRAP("int3");
    check_equal("#BP in the kernel", taken.vector, 3);
    KERNEL_TRAP("movl 0x1000, %%eax");
    check_equal("#PF in the kernel", taken.vector, 14);
    check_equal("its error code", taken.error, 0);
    check_equal("its address", shared()->vcpu_info[0].arch.cr2, 0x1000);
    KERNEL_TRAP("movl $0xe008, %%eax\n movl %%eax, %%ds");
    check_equal("#GP for a selector of the hypervisor", taken.vector, 13);
    check_equal("its error code", taken.error, 0xe008);
    check_equal("fpu_taskswitch", (uint64_t)call(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0), 0);
    KERNEL_TRAP("fninit");
    check_equal("#NM", taken.vector, 7);
    check_equal("events were masked before it", taken.mask,
                shared()->vcpu_info[0].evtchn_upcall_mask);
    check_equal("traps taken", taken.count - before, 5);
}

static void user(const char *from, uint32_t vector, uint32_t error, const char *what)
{
    uintptr_t eip = (uintptr_t)user_code + (uintptr_t)(from - user_call);
    uintptr_t esp = (uintptr_t)user_stack + 4096;
    for (uint32_t by_hypercall = 0; by_hypercall < 2; by_hypercall++) {
        uint32_t before = taken.count;
        ring3_enter(eip, USER_CS, esp, by_hypercall);
        check_equal("one trap", taken.count - before, 1);
        check_equal(what, taken.vector, vector);
        check_equal("its error code", taken.error, error);
        check_equal("CS of user space", taken.cs, USER_CS);
        check_equal("SS of user space", taken.ss & 0xffff, USER_DS);
        check_equal("ESP of user space", taken.esp, esp);
    }
}

/* DS, ES, FS, GS. */
static void read_segments(uint16_t ret[4])
{
    __asm__("movw %%ds, %0\n movw %%es, %1\n movw %%fs, %2\n movw %%gs, %3"
            : "=rm"(ret[0]), "=rm"(ret[1]), "=rm"(ret[2]), "=rm"(ret[3]));
}

static void user_traps(void)
{
    for (unsigned i = 0; i < (unsigned)(user_end - user_call); i++)
        user_code[i] = user_call[i];
    check_equal("user code mapped", (uint64_t)map(user_code, own(user_code, 0x67)), 0);
    check_equal("user stack mapped", (uint64_t)map(user_stack, own(user_stack, 0x67)), 0);
    user(user_call, 0x80, 0, "system call by INT 80");
    user(user_cli, 13, 0, "cli in user space");
    user(user_peek, 14, 5, "user space reads the kernel");
    check_equal("its address", shared()->vcpu_info[0].arch.cr2, (uintptr_t)&ring3_saved_esp);
    user(user_hypercall, 13, 0x82 * 8 + 2, "hypercall of user space");
    user(user_int3, 3, 0, "int3 in user space");
    user(user_ud, 6, 0, "ud2 in user space");
    user(user_out, 13, 0, "port of user space");

    uint16_t segment[4];
    read_segments(segment);
    uint32_t before = taken.count;
    ring3_enter((uintptr_t)user_code, 0xf00b, (uintptr_t)user_stack + 4096, 1);
    /* A 64-bit hypervisor lets the guest take the fault, a 32-bit one calls back. */
    check_true("a bad CS ends in #GP or the failsafe callback",
               taken.vector == 1000 || (taken.vector == 13 && taken.error == 0xf008));
    check_equal("once", taken.count - before, 1);
    failsafe_is_known = taken.vector == 1000;
    if (!failsafe_is_known)
        return;
    for (unsigned i = 0; i < 4; i++) {
        check_equal("a segment as it was at the iret", failsafe.segment[i], segment[i]);
        check_equal("and as the callback finds it", failsafe.found[i], 0);
    }
    check_equal("EIP of the place that was not entered", failsafe.eip, (uintptr_t)user_code);
    check_equal("its CS", failsafe.cs & 0xffff, 0xf00b);
    check_equal("its flags", failsafe.eflags & ~0xd5u, 0x202);
    check_equal("its ESP", failsafe.esp, (uintptr_t)user_stack + 4096);
    check_equal("its SS", failsafe.ss & 0xffff, USER_DS);
}

/* ---- events --------------------------------------------------------------------------------- */

static uint64_t now(void)
{
    return time_by(&shared()->vcpu_info[0].time);
}

static uint64_t arm(uint32_t ns)
{
    uint64_t at = now() + ns;
    check_equal("set_timer_op",
                (uint64_t)call(__HYPERVISOR_set_timer_op, (unsigned long)at,
                               (unsigned long)(at >> 32), 0, 0),
                0);
    return at;
}

static void events(void)
{
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
    struct evtchn_bind_ipi ipi = {.vcpu = 0};
    check_equal("no periodic timer",
                (uint64_t)call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0), 0);
    check_equal(
        "bind the timer",
        (uint64_t)call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (uintptr_t)&virq, 0, 0),
        0);
    check_equal(
        "bind an IPI",
        (uint64_t)call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uintptr_t)&ipi, 0, 0), 0);
    timer_port = virq.port;
    vcpu_info_t *info = &shared()->vcpu_info[0];

    /* Masked until the call unmasks: on a busy host a deadline passes before what waits for it. */
    info->evtchn_upcall_mask = 1;
    uint32_t before = upcalls;
    uint64_t deadline = arm(3000000);
    check_equal("no upcall before block", upcalls, before);
    check_equal("block", (uint64_t)call(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0), 0);
    check_true("block ended by an upcall", upcalls != before);
    check_true("not before the deadline", now() >= deadline);
    check_equal("block leaves events unmasked", info->evtchn_upcall_mask, 0);

    /* By the interface of before 2006-02, too: { cmd, union }. */
    struct {
        uint32_t cmd;
        struct evtchn_send send;
        uint32_t room[6];
    } old = {.cmd = EVTCHNOP_send, .send = {.port = ipi.port}};
    before = upcalls;
    check_equal("send, old form",
                (uint64_t)call(__HYPERVISOR_event_channel_op_compat, (uintptr_t)&old, 0, 0, 0), 0);
    check_equal("an event of our own", upcalls - before, 1);
    info->evtchn_upcall_mask = 1;
    check_equal(
        "send",
        (uint64_t)call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uintptr_t)&old.send, 0, 0),
        0);
    check_equal("no upcall while masked", upcalls - before, 1);
    info->evtchn_upcall_mask = 0;
    call(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    check_equal("it comes with the next hypercall", upcalls - before, 2);

    before = upcalls;
    arm(2000000);
    while (upcalls == before)
        ;
    check_equal("an upcall in a loop of the kernel", upcalls - before, 1);
    before = upcalls_in_user;
    info->evtchn_upcall_mask = 1; /* until the iret hypercall */
    arm(2000000);
    ring3_enter((uintptr_t)user_code + (uintptr_t)(user_loop - user_call), USER_CS,
                (uintptr_t)user_stack + 4096, 1);
    check_equal("an upcall in a loop of user space", upcalls_in_user - before, 1);
    info->evtchn_upcall_mask = 1;
    struct evtchn_close close = {.port = timer_port};
    check_equal(
        "the timer closed",
        (uint64_t)call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (uintptr_t)&close, 0, 0), 0);
}

/* ---- page tables ---------------------------------------------------------------------------- */

/* The machine address of the entry that maps the table for `at`. */
static uint64_t directory_entry(uintptr_t at)
{
    unsigned shift = PAE ? 21 : 22;
    const pte_t *top = (const pte_t *)start_info->pt_base;
    if (!PAE)
        return (uint64_t)frame_of(top) << 12 | (at >> shift) * sizeof(pte_t);
    return (PTE_FRAME(top[at >> 30]) << 12) | (at >> shift & 511) * sizeof(pte_t);
}

/* A table for 0xd0000000, where nothing is; it maps user_code again at its second entry. */
static void churn(void)
{
    const uintptr_t at = 0xd0000000;
    volatile char *alias = (volatile char *)at + 4096;
    uint64_t link = directory_entry(at);
    unsigned long table = frame_of(table_page);
    unsigned bad = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        ((pte_t *)table_page)[1] = own(user_code, 0x63);
        bad += map(table_page, own(table_page, 0x61)) != 0;
        bad += extended(MMUEXT_PIN_L1_TABLE, table, 0) != 0;
        bad += update(link, (uint64_t)table << 12 | 0x67) != 0;
        *alias = (char)round;
        bad += user_code[0] != (char)round;
        bad += map((const void *)(at + 4096), own(user_stack, 0x63)) != 0;
        *alias = (char)~round;
        bad += user_stack[0] != (char)~round || user_code[0] != (char)round;
        bad += update(link, 0) != 0;
        bad += extended(MMUEXT_TLB_FLUSH_LOCAL, 0, 0) != 0;
        bad += extended(MMUEXT_UNPIN_TABLE, table, 0) != 0;
        bad += map(table_page, own(table_page, 0x63)) != 0;
        KERNEL_TRAP("movl 0xd0001000, %%eax");
        bad += taken.vector != 14;
        ((pte_t *)table_page)[1] = 0;
    }
    check_equal("page tables made and taken back, failures", bad, 0);
    /* A root with the CPU's and the hypervisor's eyes: load the same again. */
    check_equal(
        "new base pointer",
        (uint64_t)extended(MMUEXT_NEW_BASEPTR, frame_of((const void *)start_info->pt_base), 0), 0);
}

static void gdt(void)
{
    unsigned long frames[1] = {frame_of(gdt_page)};
    uint16_t loaded;
    ((uint64_t *)gdt_page)[1] = 0x00cff3000000ffffull; /* data, ring 3 */
    check_equal("GDT page read-only", (uint64_t)map(gdt_page, own(gdt_page, 0x61)), 0);
    check_equal("set_gdt", (uint64_t)call(__HYPERVISOR_set_gdt, (uintptr_t)frames, 512, 0, 0), 0);
    __asm__ volatile("movl %1, %%fs; movw %%fs, %0" : "=r"(loaded) : "r"(OWN_CODE));
    check_equal("a selector of our own", loaded, OWN_CODE);
    uint64_t at = (uint64_t)frames[0] << 12 | 16, data = 0x00cff2000000ffffull;
    check_equal("update_descriptor", (uint64_t)descriptor(at, data), 0);
    check_equal("descriptor written", ((uint64_t *)gdt_page)[2], data);
}

/* A segment whose descriptor a hypercall takes away.  A 32-bit hypervisor loads all four on its way
 * out, finds it and calls back; a 64-bit one does not touch them. */
static void bad_segments(void)
{
    const uint64_t at = (uint64_t)frame_of(gdt_page) << 12 | 16, data = 0x00cff2000000ffffull;
    for (unsigned which = 0; which < 4; which++) {
        uint16_t want[4], got[4];
        check_equal("a descriptor", (uint64_t)descriptor(at, data), 0);
        switch (which) {
        case 0:
            __asm__ volatile("movl %0, %%ds" : : "r"(OWN_DATA));
            break;
        case 1:
            __asm__ volatile("movl %0, %%es" : : "r"(OWN_DATA));
            break;
        case 2:
            __asm__ volatile("movl %0, %%fs" : : "r"(OWN_DATA));
            break;
        default:
            __asm__ volatile("movl %0, %%gs" : : "r"(OWN_DATA));
        }
        read_segments(want);
        uint32_t before = taken.count;
        check_equal("no descriptor", (uint64_t)descriptor(at, 0), 0);
        check_equal("failsafe callbacks", taken.count - before, failsafe_is_known);
        read_segments(got);
        for (unsigned i = 0; i < 4; i++) {
            check_equal("a segment that was to be loaded",
                        failsafe_is_known ? failsafe.segment[i] : got[i], want[i]);
            check_equal("is found empty", failsafe_is_known ? failsafe.found[i] : 0, 0);
        }
        if (failsafe_is_known) {
            check_equal("CS of the kernel", failsafe.cs,
                        KERNEL_CS | (uint32_t)shared()->vcpu_info[0].evtchn_upcall_mask << 16);
            check_true("EIP behind the hypercall's instruction",
                       failsafe.eip - (uintptr_t)hypercall_bare < 64);
        }
        __asm__ volatile("movl %0, %%ds\n movl %0, %%es\n movl %0, %%fs\n movl %0, %%gs"
                         :
                         : "r"(KERNEL_DS));
    }
}

void pv_ring3_check(void)
{
    uint64_t unused;
    if (!option((const char *)start_info->cmd_line, "ring3", &unused))
        return;
    check_equal("shared_info mapped",
                (uint64_t)map(shared_page, (pte_t)start_info->shared_info | 0x63), 0);
    set_traps();
    kernel_traps();
    user_traps();
    events();
    churn();
    gdt();
    field("traps taken", taken.count);
    bad_segments();
}
#else
void pv_ring3_check(void)
{
}
#endif
