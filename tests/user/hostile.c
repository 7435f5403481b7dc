/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A user program that tries to get at the kernel and at what is below it: every INT n, privileged
 * instructions, segment loads, far returns and iret with odd selectors, non-canonical addresses,
 * SYSENTER, flags, single step, the hypervisor's address range.  Each attempt must end in a signal
 * or without effect; the last line says so.  Runs as init's child in the test ramdisk.
 */
#define _GNU_SOURCE
#define WHO "hostile"
#include "hostile.h"

#include <stddef.h>
#include <sys/user.h>

/* All that could mean something, and some of the rest. */
#define SELECTORS(s)                                                                               \
    for (uint32_t s = 0; s < 0x10000; s += s < 0x100 || (s >= 0xe000 && (s < 0xe080 || !brief))    \
                                               ? 1                                                 \
                                           : brief ? 509                                           \
                                                   : 61)

static int run_here(const void *bytes, size_t size)
{
    attempts++;
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        call_code(bytes, size);
        quiet++;
    } else {
        signals++;
    }
    return number;
}

/* The same in a child, which no signal handler saves: its end. */
static int run_in_child(const void *bytes, size_t size)
{
    int status = 0;
    attempts++;
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < CAUGHT; i++)
            signal(caught[i], SIG_DFL);
        alarm(2);
        call_code(bytes, size);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        signals++;
    else
        quiet++;
    return status;
}

static void privileged(void)
{
    privileged_in_both();
    MUST("mov rax, cr0", 0x0f, 0x20, 0xc0);
    MUST("mov rax, cr3", 0x0f, 0x20, 0xd8);
    MUST("mov rax, cr4", 0x0f, 0x20, 0xe0);
    MUST("mov cr3, rax", 0x0f, 0x22, 0xd8);
    MUST("mov cr8, rax", 0x44, 0x0f, 0x22, 0xc0);
    MUST("mov rax, dr7", 0x0f, 0x21, 0xf8);
    MUST("mov dr7, rax", 0x0f, 0x23, 0xf8);
    MUST("swapgs", 0x0f, 0x01, 0xf8);
    MUST("sysret", 0x48, 0x0f, 0x07);
    MUST("icebp", 0xf1);
    MUST("rdpmc", 0x31, 0xc9, 0x0f, 0x33);
    MUST("far jump through memory", 0xff, 0x2c, 0x25, 0, 0, 0, 0);
}

static void software_interrupts(void)
{
    for (int n = 0; n < 256; n++) {
        uint8_t b[] = {0x31, 0xc0, 0xcd, (uint8_t)n}; /* xor eax, eax; int n */
        if (n == 0x80) {
            b[0] = 0x6a, b[1] = 20, b[2] = 0x58; /* push 20; pop rax: getpid */
            uint8_t with[] = {0x6a, 20, 0x58, 0xcd, 0x80};
            run_here(with, sizeof(with));
            continue;
        }
        if (run_here(b, sizeof(b)) == 0) {
            printf(WHO ": FAILED: int %#x had no fault\n", n);
            bad++;
        }
    }
    /* As a hypercall of a 32-bit kernel would look: console_io, shutdown. */
    for (uint32_t number = 0; number < 64; number++) {
        uint8_t b[7] = {0xb8, 0, 0, 0, 0, 0xcd, 0x82};
        memcpy(b + 1, &number, 4);
        must_fault("int 0x82", b, sizeof(b));
    }
}

/* Not the user's; the last ones are no addresses at all. */
static const uint64_t foreign[] = {0xffff800000000000, 0xffff808000000000, 0xffff80c000000000,
                                   0xffff810000000000, 0xffff870000000000, 0xffff888000000000,
                                   0xffffffff81000000, 0xfffffffffffff000, 0x800000000000,
                                   0x8000000000000000, 0xffff7fffffffffff};
#define FOREIGN (sizeof(foreign) / sizeof(foreign[0]))

static void hole(void)
{
    for (size_t i = 0; i < FOREIGN; i++) {
        uint8_t read[13] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 0x8b, 0x00};
        uint8_t write[13] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0x48, 0x89, 0x00};
        uint8_t jump[12] = {0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0};
        uint8_t push[] = {0x48, 0x89, 0xe1, 0x48, 0xbc, 0,    0,    0,   0,
                          0,    0,    0,    0,    0x50, 0x48, 0x89, 0xcc};
        memcpy(read + 2, &foreign[i], 8);
        memcpy(write + 2, &foreign[i], 8);
        memcpy(jump + 2, &foreign[i], 8);
        memcpy(push + 5, &foreign[i], 8);
        must_fault("read", read, sizeof(read));
        must_fault("write", write, sizeof(write));
        must_fault("jump", jump, sizeof(jump));
        must_fault("push", push, sizeof(push));
    }
}

/* WRGSBASE and WRFSBASE with each, then a look through it; #UD where the CPU or the kernel has
 * none. FS is the C library's. */
static void bases(void)
{
    for (size_t i = 0; i < FOREIGN; i++) {
        uint8_t b[] = {0x48, 0xb8, 0,    0,    0,    0, 0, 0, 0, 0, /* mov rax */
                       0xf3, 0x48, 0x0f, 0xae, 0xd8,                /* wrgsbase rax */
                       0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0};   /* mov rax, gs:[0] */
        memcpy(b + 2, &foreign[i], 8);
        must_fault("gs base", b, sizeof(b));
        b[14] = 0xd0;
        b[15] = 0x64;
        if (!WIFSIGNALED(run_in_child(b, sizeof(b)))) {
            printf(WHO ": FAILED: fs base %#llx had no fault\n", (unsigned long long)foreign[i]);
            bad++;
        }
    }
}

static void segments(void)
{
    /* mov es/ss/ds/gs, ax; fs is the thread's, left out. */
    static const uint8_t reg[] = {0xc0, 0xd0, 0xd8, 0xe8};
    for (size_t r = 0; r < sizeof(reg); r++)
        SELECTORS(s)
        {
            uint8_t b[] = {0xb8, (uint8_t)s, (uint8_t)(s >> 8), 0, 0, 0x8e, reg[r]};
            run_here(b, sizeof(b));
        }
    /* retf to every selector: goes on behind it or faults. */
    SELECTORS(s)
    {
        if (s == 0x23 || s == 0xe023)
            continue; /* 32-bit code: would go on in another mode */
        uint8_t b[] = {0x68, (uint8_t)s, (uint8_t)(s >> 8),
                       0,    0, /* push s */
                       0x48, 0x8d,       0x05,
                       3,    0,          0,
                       0,                       /* lea rax, [rip+3] */
                       0x50, 0x48,       0xcb}; /* push rax; retfq */
        run_here(b, sizeof(b));
    }
    SELECTORS(s)
    {
        if (s == 0x23 || s == 0xe023)
            continue;
        uint8_t b[] = {0x48, 0x89,       0xe1, /* mov rcx, rsp */
                       0x6a, 0x2b,       0x51, /* push 0x2b; push rcx */
                       0x68, 0xff,       0x7f,
                       0xff, 0x7f, /* push flags: IOPL, NT, TF… */
                       0x68, (uint8_t)s, (uint8_t)(s >> 8),
                       0,    0, /* push s */
                       0x48, 0x8d,       0x05,
                       3,    0,          0,
                       0,    0x50,       0x48,
                       0xcf, /* lea; push; iretq */
                       0x90};
        b[8] = 0x7e; /* no TF here */
        run_here(b, sizeof(b));
        __asm__ volatile("pushf; pop %%rax; and $~0x44400, %%eax; push %%rax; popf" ::
                             : "rax", "cc", "memory");
    }
}

static void syscalls(void)
{
    /* SYSCALL with wild stack pointers and numbers; the number is one that does not exist. */
    static const uint64_t sp[] = {0,
                                  1,
                                  0x800000000000,
                                  0xffff800000000000,
                                  0xffff808000000000,
                                  0xffffffffffffffff,
                                  0xffffffff81000000};
    for (size_t i = 0; i < sizeof(sp) / sizeof(sp[0]); i++) {
        uint8_t b[] = {0x49, 0x89, 0xe1,                            /* mov r9, rsp */
                       0x48, 0xbc, 0,    0, 0, 0,    0,    0, 0, 0, /* mov rsp, imm */
                       0xb8, 0xff, 0x0f, 0, 0, 0x0f, 0x05,          /* mov eax; syscall */
                       0x4c, 0x89, 0xcc};                           /* mov rsp, r9 */
        memcpy(b + 5, &sp[i], 8);
        run_here(b, sizeof(b));
    }
    /* With the trap flag, with DF, with AC. */
    for (uint32_t flag = 1; flag < 0x400000; flag <<= 1) {
        uint8_t b[] = {
            0x9c, 0x58, 0x48, 0x0d, 0, 0,    0,    0,    0x50, 0x9d, /* pushf; or rax; popf */
            0xb8, 0xff, 0x0f, 0,    0, 0x0f, 0x05, 0x0f, 0xa2, 0x90};
        memcpy(b + 4, &flag, 4);
        run_here(b, sizeof(b));
        __asm__ volatile("cld; pushf; pop %%rax; and $~0x44500, %%eax; push %%rax; popf" ::
                             : "rax", "cc", "memory");
    }
    /* SYSENTER, which on some processors works here too: every stack with every frame pointer. */
    for (size_t i = 0; i < sizeof(sp) / sizeof(sp[0]); i++)
        for (size_t j = 0; j < sizeof(sp) / sizeof(sp[0]); j++) {
            uint8_t b[] = {0x48, 0xbc, 0,    0,    0,    0,    0,    0,    0,   0, /* mov rsp */
                           0x48, 0xbd, 0,    0,    0,    0,    0,    0,    0,   0, /* mov rbp */
                           0x48, 0x89, 0xe1, 0x48, 0x89, 0xea, /* mov rcx, rsp; mov rdx, rbp */
                           0xb8, 0xff, 0x0f, 0,    0,    0x0f, 0x34, 0x0f, 0x0b};
            memcpy(b + 2, &sp[i], 8);
            memcpy(b + 12, &sp[j], 8);
            run_in_child(b, sizeof(b));
        }
    uint8_t forced[] = {0x53, 0x31, 0xc0, 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2, 0x5b};
    run_here(forced, sizeof(forced));
}

static volatile uint16_t new_cs, new_ss;
static volatile uint64_t new_rip, new_flags;

static void spoil(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)number;
    (void)info;
    greg_t *g = uc->uc_mcontext.gregs;
    g[REG_CSGSFS] = (g[REG_CSGSFS] & 0x0000ffffffff0000) | new_cs | (greg_t)new_ss << 48;
    if (new_rip)
        g[REG_RIP] = (greg_t)new_rip;
    g[REG_EFL] |= (greg_t)new_flags;
}

/* sigreturn to selectors and addresses that the CPU refuses: the kernel's iret fails. */
static void bad_returns(void)
{
    struct sigaction action = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    static const uint16_t cs[] = {0x33,   0,      3,      0x10,   0x1b,   0x2b,   0x4b,
                                  0xe008, 0xe00b, 0xe019, 0xe02b, 0xe039, 0xe03b, 0xe041,
                                  0xe043, 0xe048, 0xe058, 0xffff, 0x7,    0xf};
    static const uint64_t rip[] = {0, 0x800000000000, 0xffff808000000000, 0xffffffffffffffff};
    for (size_t c = 0; c < sizeof(cs) / sizeof(cs[0]); c++)
        for (size_t s = 0; s < sizeof(cs) / sizeof(cs[0]); s++)
            for (size_t r = 0; r < sizeof(rip) / sizeof(rip[0]); r++) {
                if (brief && (s + 2 * r) % 8 != c % 8)
                    continue;
                pid_t pid = fork();
                if (pid == 0) {
                    new_cs = cs[c];
                    new_ss = cs[s];
                    new_rip = rip[r];
                    new_flags = 0x4000 | 0x3000 | 0x20000;
                    raise(SIGUSR1);
                    _exit(0);
                }
                waitpid(pid, NULL, 0);
                attempts++;
            }
}

static uint16_t own_ss __attribute__((aligned(4)));

/* Loads of SS from a watched word, whose trap a processor keeps for after the next instruction: the
 * one that enters the kernel. */
static void watched_stack(void)
{
    int status, traps = 0;
    __asm__ volatile("mov %%ss, %0" : "=m"(own_ss));
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        for (int i = 0; i < 20; i++) {
            long number = 110; /* getppid */
            __asm__ volatile("mov %1, %%ss\n syscall"
                             : "+a"(number)
                             : "m"(own_ss)
                             : "rcx", "r11", "memory");
            number = 64; /* the same of 32-bit programs */
            __asm__ volatile("mov %1, %%ss\n int $0x80" : "+a"(number) : "m"(own_ss) : "memory");
            __asm__ volatile("mov %0, %%ss\n int3" : : "m"(own_ss) : "memory");
        }
        _exit(7);
    }
    waitpid(pid, &status, 0);
    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), &own_ss);
    if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), 0x70001) != 0)
        printf(WHO ": no data breakpoint\n"); /* DR0: reads and writes of two bytes */
    while (WIFSTOPPED(status) && traps < 1000) {
        ptrace(PTRACE_CONT, pid, 0, 0);
        waitpid(pid, &status, 0);
        traps++;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7 || traps < 20) {
        printf(WHO ": FAILED: watched stack segment: %d traps, status %#x\n", traps, status);
        bad++;
    }
    printf(WHO ": %d traps at a watched stack segment\n", traps);
}

static void one_call(void)
{
    getppid();
}

int main(int count, char **word)
{
    read_words(count, word);
    make_code();
    catch_signals();
    privileged();
    puts(WHO ": privileged instructions done");
    software_interrupts();
    puts(WHO ": INT n done");
    hole();
    puts(WHO ": addresses done");
    bases();
    syscalls();
    puts(WHO ": system calls done");
    single_step(one_call, 200);
    watched_stack();
    bad_returns();
    puts(WHO ": bad returns done");
    segments();
    return verdict();
}
