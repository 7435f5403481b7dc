/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With the word `vcpus`, 64-bit and 32-bit PAE guests: a second vCPU switched on with contexts that
 * cannot be loaded, with a good one, and twice; then it works: events and its timer, mappings
 * changed under it, switched off while it runs.  Each answer is printed for compare-xen.  With
 * `bad-both` and `bad-writer` the first one crashes while the second one does, or writes; with
 * `watchdog-second` a watchdog fires that the second one has set while the first one sleeps for
 * good. Source: xen/include/public/vcpu.h, arch-x86/xen.h struct vcpu_guest_context.
 */
#include "pv.h"

#if PAE
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define NOT_CANONICAL 0x8000000000000000ul
#define ROUNDS        200u
#define STATES        (1u << RUNSTATE_running | 1u << RUNSTATE_blocked)

/* The other CPU may be one that an emulator does not run. */
#define PATIENCE_NS UINT64_C(20000000000)

enum command { GO_OFF, COUNT, READ, SET_TIMER, WAIT, CRASH, WRITE, SET_WATCHDOG };

static vcpu_guest_context_t context;
static char stack[4096] __attribute__((aligned(4096)));
static char shared_page[4096] __attribute__((aligned(4096)));
static char window[4096] __attribute__((aligned(4096)));
static char content[2][4096] __attribute__((aligned(4096)));
static volatile unsigned second_runs, second_upcalls, second_counter;
static volatile enum command command;
static volatile unsigned asked, answered, answer;
static const volatile char *volatile look_at;
static struct vcpu_runstate_info run_states; /* of the second */

static long vcpu_op(unsigned operation, unsigned vcpu, const void *arg)
{
    return call(__HYPERVISOR_vcpu_op, operation, vcpu, (unsigned long)arg, 0);
}

static void tell(const char *name, long result)
{
    print("guest: vcpu, %s = 0x%lx\n", name, (unsigned long)result);
}

static shared_info_t *shared(void)
{
    return (shared_info_t *)shared_page;
}

static uint64_t now_ns(void)
{
    return time_by(&shared()->vcpu_info[0].time);
}

static void yield(void)
{
    call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
}

/* ---- the second vCPU ------------------------------------------------------------------------ */

void second(void);
void second_upcall(void);
unsigned long second_stack_top;
extern char second_event[];

/* Its upcalls do not return to what they interrupted, but to the start. */
#ifdef __i386__
__asm__(".text\n"
        "second_event: movl second_stack_top, %esp\n"
        "call second_upcall\n call second\n");
#else
__asm__(".text\n"
        "second_event: movq second_stack_top, %rsp\n"
        "call second_upcall\n call second\n");
#endif

/* It starts with a data segment that cannot be loaded: the failsafe callback is entered instead,
 * with what is named below on the stack; then come DS and GS as it finds them. */
extern char second_failsafe[];
#ifdef __i386__
#define FAILSAFE_WORDS 7
static const char *const failsafe_name[] = {"ds", "es", "fs", "gs", "eip", "cs", "eflags"};
__asm__(".text\n"
        "second_failsafe: movl %esp, %esi\n movl %ds, %eax\n movl %gs, %ebx\n"
        "movl $0xe021, %ecx\n movl %ecx, %ds\n movl %ecx, %es\n"
        "movl $failsafe_frame, %edi\n movl $7, %ecx\n cld\n rep movsl\n"
        "stosl\n movl %ebx, %eax\n stosl\n"
        "movl second_stack_top, %esp\n call second\n");
#else
#define FAILSAFE_WORDS 11
static const char *const failsafe_name[] = {"rcx", "r11", "ds",     "es",  "fs", "gs",
                                            "rip", "cs",  "rflags", "rsp", "ss"};
__asm__(".text\n"
        "second_failsafe: movq %rsp, %rsi\n movl %ds, %eax\n movl %gs, %ebx\n"
        "movq $failsafe_frame, %rdi\n movl $11, %ecx\n cld\n rep movsq\n"
        "stosq\n movl %ebx, %eax\n stosq\n"
        "movq second_stack_top, %rsp\n call second\n");
#endif
unsigned long failsafe_frame[FAILSAFE_WORDS + 2];

static void tell_failsafe(void)
{
    for (unsigned i = 0; i < FAILSAFE_WORDS; i++)
        print("guest: vcpu, failsafe %s = 0x%lx\n", failsafe_name[i], failsafe_frame[i]);
    print("guest: vcpu, failsafe finds = ds 0x%lx gs 0x%lx\n", failsafe_frame[FAILSAFE_WORDS],
          failsafe_frame[FAILSAFE_WORDS + 1]);
}

void second_upcall(void)
{
    vcpu_info_t *info = &shared()->vcpu_info[1];
    info->evtchn_upcall_pending = 0;
    unsigned long words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 8 * sizeof(long); i++)
        if (words >> i & 1)
            __atomic_store_n(&shared()->evtchn_pending[i], 0, __ATOMIC_SEQ_CST);
    second_upcalls++;
}

static void write_for_ever(void)
{
    static const char line[] =
        "guest: the second vCPU writes this line again and again, all of it, "
        "longer than what is written in one go: 0123456789abcdefghijklmno\n";
    for (;;) {
        second_counter++;
        call(__HYPERVISOR_console_io, CONSOLEIO_write, sizeof(line) - 1, (unsigned long)line, 0);
    }
}

static void wait_shortly(void)
{
    struct sched_poll poll = {.timeout = time_by(&shared()->vcpu_info[1].time) + 20000};
    call(__HYPERVISOR_sched_op, SCHEDOP_poll, (unsigned long)&poll, 0, 0);
}

/* When the first one sleeps. */
static void set_watchdog(void)
{
    struct sched_watchdog op = {.timeout = 1};
    for (uint64_t end = now_ns() + 500000000; now_ns() < end;)
        yield();
    call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (unsigned long)&op, 0, 0);
    for (;;)
        yield();
}

/* Does what it is asked for; goes off when it is to, and comes back here. */
void second(void)
{
    struct vcpu_set_singleshot_timer past = {.timeout_abs_ns = 1};
    second_runs++;
    for (;;) {
        unsigned now = asked; /* before the command: not to answer for another one */
        shared()->vcpu_info[1].evtchn_upcall_mask = 0;
        switch (command) {
        case GO_OFF:
            vcpu_op(VCPUOP_down, 1, 0);
            second_runs++;
            break;
        case COUNT:
            second_counter++;
            break;
        case READ:
            answer = (unsigned char)*look_at;
            break;
        case SET_TIMER:
            command = COUNT; /* its upcall starts all over */
            vcpu_op(VCPUOP_set_singleshot_timer, 1, &past);
            break;
        case WAIT:
            wait_shortly();
            break;
        case CRASH:
            second_counter++;
            while (answered != asked)
                ;
            __asm__ volatile("ud2");
            break;
        case WRITE:
            write_for_ever();
            break;
        case SET_WATCHDOG:
            set_watchdog();
        }
        answered = now;
    }
}

/* ---- what the first one does ---------------------------------------------------------------- */

static void good_context(void)
{
    unsigned long root = frame_of((const void *)start_info->pt_base);
    context = (vcpu_guest_context_t){.flags = VGCF_in_kernel};
    second_stack_top = (unsigned long)stack + sizeof(stack) - 16;
    context.user_regs.eflags = 0x202;
    context.kernel_sp = (unsigned long)stack + sizeof(stack);
    context.event_callback_eip = (unsigned long)second_event;
#ifdef __i386__
    context.user_regs.eip = (unsigned long)second;
    context.user_regs.esp = (unsigned long)stack + sizeof(stack) - 8;
    context.user_regs.cs = 0xe019;
    context.user_regs.ss = context.user_regs.ds = context.user_regs.es = 0xe021;
    context.kernel_ss = 0xe021;
    context.event_callback_cs = 0xe019;
    context.ctrlreg[3] = root << 12 | root >> 20;
#else
    context.user_regs.rip = (unsigned long)second;
    context.user_regs.rsp = (unsigned long)stack + sizeof(stack) - 8;
    context.user_regs.cs = 0xe033;
    context.user_regs.ss = context.user_regs.ds = context.user_regs.es = 0xe02b;
    context.kernel_ss = 0xe02b;
    context.ctrlreg[3] = root << 12;
#endif
}

static void try(const char *name)
{
    tell(name, vcpu_op(VCPUOP_initialise, 1, &context));
    good_context();
}

static void wait_until_off(unsigned runs)
{
    for (uint64_t end = now_ns() + PATIENCE_NS; second_runs < runs && now_ns() < end;)
        yield();
    for (uint64_t end = now_ns() + PATIENCE_NS; vcpu_op(VCPUOP_is_up, 1, 0) == 1 && now_ns() < end;)
        yield();
    check_equal("runs of the second vCPU", second_runs, runs);
}

/* Asks the second one and waits until it has done so at least once. */
static bool ask(enum command what)
{
    command = what;
    asked++;
    for (uint64_t end = now_ns() + PATIENCE_NS; answered != asked && now_ns() < end;)
        yield();
    return answered == asked;
}

static void refused_contexts(void)
{
    tell("initialise from nowhere", vcpu_op(VCPUOP_initialise, 1, (const void *)~0xfffful));
#ifndef __i386__
    good_context();
    context.user_regs.rip = NOT_CANONICAL;
    try("RIP not canonical");
    context.event_callback_eip = NOT_CANONICAL;
    try("event callback not canonical");
    context.failsafe_callback_eip = NOT_CANONICAL;
    try("failsafe callback not canonical");
    context.syscall_callback_eip = NOT_CANONICAL;
    try("syscall callback not canonical");
    context.fs_base = NOT_CANONICAL;
    try("FS base not canonical");
    context.gs_base_kernel = NOT_CANONICAL;
    try("kernel GS base not canonical");
    context.gs_base_user = NOT_CANONICAL;
    try("user GS base not canonical");
    context.trap_ctxt[20].address = NOT_CANONICAL;
    try("trap handler not canonical");
#endif
    good_context();
    context.gdt_ents = 8000;
    try("GDT of 8000 entries");
    context.gdt_ents = 512;
    context.gdt_frames[0] = ~0ul >> 12;
    try("GDT of no frame");
    context.gdt_ents = 512;
    context.gdt_frames[0] = frame_of((const void *)start_info->pt_base);
    try("GDT in a page table");
    context.ldt_ents = 8193;
    try("LDT of 8193 entries");
    context.ldt_ents = 1;
    context.ldt_base = 0x1008;
    try("LDT across a page");
    context.ctrlreg[3] = 0;
    try("no root");
    context.ctrlreg[3] = ~0xffful & ~0ul >> (sizeof(long) - 4) * 4;
    try("root of no frame");
    ((pte_t *)window)[0] = 0xfffffffff067;
    context.ctrlreg[3] = frame_of(window) << 12;
    try("root that is no page table");
    ((pte_t *)window)[0] = 0;
#ifndef __i386__
    context.ctrlreg[1] = 0xfffffffff000;
    try("user root of no frame");
#endif
}

static void on_and_off(void)
{
    tell("up after all these", vcpu_op(VCPUOP_up, 1, 0));
    context.user_regs.ds = 0xf00b;
    context.user_regs.es = 0;
    context.user_regs.fs = 3;
#ifdef __i386__
    context.user_regs.gs = 0xe021;
    context.failsafe_callback_cs = 0xe019;
#else
    context.user_regs.gs = 0xe02b;
    context.user_regs.rcx = 0x1111;
    context.user_regs.r11 = 0x2222;
#endif
    context.failsafe_callback_eip = (unsigned long)second_failsafe;
    try("good");
    try("good again");
    tell("up", vcpu_op(VCPUOP_up, 1, 0));
    wait_until_off(1);
    tell_failsafe();
    tell("up again", vcpu_op(VCPUOP_up, 1, 0));
    wait_until_off(2);
    try("good, once it was up");
    tell("down of one that is off", vcpu_op(VCPUOP_down, 1, 0));
    tell("up of one that is on", vcpu_op(VCPUOP_up, 0, 0));
    tell("is_up 1", vcpu_op(VCPUOP_is_up, 1, 0));
    tell("a timer of another vCPU", vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0));
}

static void events(void)
{
    struct evtchn_bind_ipi ipi = {.vcpu = 1};
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER, .vcpu = 1};
    unsigned before = second_upcalls;
    tell("bind_ipi on the second",
         call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (unsigned long)&ipi, 0, 0));
    tell("bind_virq timer on the second",
         call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (unsigned long)&virq, 0, 0));
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct evtchn_send send = {.port = ipi.port};
        unsigned now = second_upcalls;
        call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (unsigned long)&send, 0, 0);
        for (uint64_t end = now_ns() + PATIENCE_NS; second_upcalls == now && now_ns() < end;)
            yield();
    }
    check_true("every IPI came", second_upcalls - before >= ROUNDS);
    vcpu_op(VCPUOP_stop_periodic_timer, 1, 0);
    ask(COUNT);
    before = second_upcalls;
    command = SET_TIMER;
    for (uint64_t end = now_ns() + PATIENCE_NS; second_upcalls == before && now_ns() < end;)
        yield();
    check_true("the second one's timer came to it", second_upcalls != before);
    check_equal("events of the first", shared()->vcpu_info[0].evtchn_pending_sel, 0);
    ask(COUNT);
}

/* What the second one reads where the first one has just mapped another page. */
static unsigned wrong_reads(bool by_mask)
{
    const unsigned long everybody = ~0ul;
    unsigned wrong = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *page = content[round & 1];
        pte_t entry = own(page, 0x63);
        ((volatile char *)content[round & 1])[5] = (char)round;
        if (by_mask) {
            struct mmuext_op op = {.cmd = round & 2 ? MMUEXT_INVLPG_MULTI : MMUEXT_TLB_FLUSH_MULTI,
                                   .arg1.linear_addr = (unsigned long)window};
            set_xen_guest_handle(op.arg2.vcpumask, (void *)&everybody);
            wrong += map_flags(window, entry, 0) != 0;
            wrong += call(__HYPERVISOR_mmuext_op, (unsigned long)&op, 1, 0, DOMID_SELF) != 0;
        } else {
            wrong += map_flags(window, entry, UVMF_INVLPG | UVMF_ALL) != 0;
        }
        look_at = window + 5;
        wrong += !ask(READ) || answer != (unsigned char)round;
    }
    return wrong;
}

#ifdef __i386__
/* A new GiB in the root that both use: a table made of a page of ours, its first page `content`. */
static void new_gib(void)
{
    static pte_t directory[512] __attribute__((aligned(4096)));
    static pte_t table[512] __attribute__((aligned(4096)));
    const pte_t *root = (const pte_t *)start_info->pt_base;
    unsigned slot = 0;
    while (slot < 3 && root[slot] & PTE_PRESENT)
        slot++;
    if (slot == 3)
        return;
    table[7] = own(content[0], 0x63);
    directory[0] = own(table, 0x67);
    check_equal("table read-only", map_flags(table, own(table, 0x61), UVMF_INVLPG), 0);
    check_equal("directory read-only", map_flags(directory, own(directory, 0x61), UVMF_INVLPG), 0);
    check_equal("the root's new entry",
                update((uint64_t)frame_of(root) << 12 | slot * 8, own(directory, 1)), 0);
    look_at = (const volatile char *)(((unsigned long)slot << 30) + 7 * 4096 + 5);
    content[0][5] = 99;
    check_true("asked to look there", ask(READ));
    check_equal("the second vCPU sees the new GiB", answer, 99);
    ask(COUNT);
}
#endif

static void mappings(void)
{
    check_equal("wrong reads after a flush of all", wrong_reads(false), 0);
    check_equal("wrong reads after a flush by mask", wrong_reads(true), 0);
#ifdef __i386__
    new_gib();
#endif
    check_true("asked to count", ask(COUNT));
    check_equal("mapped as it was", map_flags(window, own(window, 0x63), UVMF_INVLPG | UVMF_ALL),
                0);
}

/* The low half first: the flag is in the other. */
static uint64_t entry_time(void)
{
    const volatile uint32_t *half = (const volatile void *)&run_states.state_entry_time;
    uint64_t low = half[0];
    return low | (uint64_t)half[1] << 32;
}

/* The second one's run states, as another CPU reads them while they change (public/vcpu.h): what
 * counts as whole is whole. */
static bool read_whole(unsigned *ret_state, uint64_t *ret_entered, uint64_t *ret_sum)
{
    const volatile struct vcpu_runstate_info *run = &run_states;
    uint64_t entered = entry_time(), sum = 0;
    *ret_state = (unsigned)run->state;
    for (unsigned i = 0; i < 4; i++)
        sum += run->time[i];
    if (entered & XEN_RUNSTATE_UPDATE || entry_time() != entered)
        return false;
    *ret_entered = entered;
    *ret_sum = sum;
    return true;
}

static void run_states_read(void)
{
    struct vcpu_register_runstate_memory_area area = {0};
    uint64_t entered = 0, sum = 0, last = 0, lag = 0;
    unsigned state = 0, seen = 0, wrong = 0, changes = 0;
    set_xen_guest_handle(area.addr.h, &run_states);
    tell("runstate_update_flag",
         call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0, 0));
    tell("area of the second", vcpu_op(VCPUOP_register_runstate_memory_area, 1, &area));
    ask(WAIT);
    for (uint64_t end = now_ns() + PATIENCE_NS;
         (changes < ROUNDS || ~seen & STATES) && now_ns() < end;) {
        if (!read_whole(&state, &entered, &sum) || entered == last)
            continue;
        /* The first may be what the registering wrote, with the times up to then. */
        wrong += changes > 1 && (entered < last || entered - sum != lag);
        last = entered;
        lag = entered - sum;
        seen |= 1u << (state & 31);
        changes++;
    }
    check_equal("run states seen", seen & STATES, STATES);
    check_true("changes seen", changes >= ROUNDS);
    check_equal("torn", wrong, 0);
    ask(COUNT);
    area.addr.p = 0;
    tell("no area", vcpu_op(VCPUOP_register_runstate_memory_area, 1, &area));
}

/* Off by the first one, in the middle of its work: it stands still, and goes on when it may. */
static void off_by_another(void)
{
    ask(COUNT);
    tell("down of one that runs", vcpu_op(VCPUOP_down, 1, 0));
    tell("is_up 1, then", vcpu_op(VCPUOP_is_up, 1, 0));
    unsigned now = second_counter, same = 0;
    for (uint64_t end = now_ns() + PATIENCE_NS; same < 20000 && now_ns() < end;) {
        yield();
        same = second_counter == now ? same + 1 : 0;
        now = second_counter;
    }
    check_true("it stands still", same == 20000);
    check_equal("a flush while it is off",
                map_flags(window, own(window, 0x63), UVMF_INVLPG | UVMF_ALL), 0);
    tell("up of one that was switched off", vcpu_op(VCPUOP_up, 1, 0));
    for (uint64_t end = now_ns() + PATIENCE_NS; second_counter == now && now_ns() < end;)
        yield();
    check_true("it goes on", second_counter != now);
    check_true("it still answers", ask(COUNT));
}

static void crash_beside(enum command what, const char *word)
{
    uint64_t unused;
    if (!option((const char *)start_info->cmd_line, word, &unused))
        return;
    print("guest: now %s\n", word);
    unsigned now = second_counter;
    command = what;
    asked++;
    while (second_counter < now + 3 - 2 * (what == CRASH))
        yield();
    asked = answered; /* both go on at once */
    __asm__ volatile("ud2");
}

static void sleep_for_good(void)
{
    uint64_t unused;
    struct sched_poll op = {.nr_ports = 0};
    if (!option((const char *)start_info->cmd_line, "watchdog-second", &unused))
        return;
    print("guest: sleeps beside a watchdog\n");
    vcpu_op(VCPUOP_stop_periodic_timer, 0, 0);
    command = SET_WATCHDOG;
    call(__HYPERVISOR_sched_op, SCHEDOP_poll, (unsigned long)&op, 0, 0);
    check_true("nothing wakes it", false);
}

void pv_vcpus_check(void)
{
    uint64_t unused;
    if (!option((const char *)start_info->cmd_line, "vcpus", &unused))
        return;
    check_equal("shared_info mapped",
                map_flags(shared_page, (pte_t)start_info->shared_info | 0x63, 0), 0);
    tell("is_up 0", vcpu_op(VCPUOP_is_up, 0, 0));
    tell("is_up 1", vcpu_op(VCPUOP_is_up, 1, 0));
    tell("is_up 2", vcpu_op(VCPUOP_is_up, 2, 0));
    tell("up without context", vcpu_op(VCPUOP_up, 1, 0));
    tell("down of one that is off", vcpu_op(VCPUOP_down, 1, 0));
    tell("initialise of the first", vcpu_op(VCPUOP_initialise, 0, &context));
    refused_contexts();
    on_and_off();
    command = COUNT;
    tell("up to work", vcpu_op(VCPUOP_up, 1, 0));
    check_true("it works", ask(COUNT));
    events();
    mappings();
    run_states_read();
    off_by_another();
    crash_beside(CRASH, "bad-both");
    crash_beside(WRITE, "bad-writer");
    sleep_for_good();
    command = GO_OFF;
    for (uint64_t end = now_ns() + PATIENCE_NS; vcpu_op(VCPUOP_is_up, 1, 0) == 1 && now_ns() < end;)
        yield();
    check_equal("off at the end", (uint64_t)vcpu_op(VCPUOP_is_up, 1, 0), 0);
    check_equal("shared_info unmapped", map_flags(shared_page, own(shared_page, 0x63), UVMF_INVLPG),
                0);
}
#else
void pv_vcpus_check(void)
{
}
#endif
