/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * hostile.c for 32-bit user space: every INT n, privileged instructions, segment loads, far jumps
 * and iret with odd selectors (into 64-bit code too, and from there at the hypervisor's addresses),
 * SYSCALL and SYSENTER with wild registers, flags, wild signal returns, single step.  Each attempt
 * must end in a signal or without effect; the last line says so.  Built with -m32.
 */
#define _GNU_SOURCE
#define WHO "hostile32"
#include "hostile.h"

#define CODE64 0x33 /* Linux's selector of 64-bit user code */
#define FLAGS  0x3cffd7u

/* The segment registers and flags that C needs, whatever an attempt left. */
static void restore(uint16_t ds, uint16_t gs)
{
    __asm__ volatile("mov %0, %%ds\n mov %0, %%es\n mov %1, %%gs\n cld\n"
                     "pushf\n andl $~0x44500, (%%esp)\n popf"
                     :
                     : "r"((uint32_t)ds), "r"((uint32_t)gs)
                     : "memory", "cc");
}

/* In a process of its own, which the attempt may ruin: 0 when nothing happened, else the signal. */
static int run(const void *bytes, size_t size)
{
    attempts++;
    pid_t pid = fork();
    if (pid == 0) {
        for (size_t i = 0; i < CAUGHT; i++)
            signal(caught[i], SIG_DFL);
        alarm(2); /* it may go round and round in what it has spoilt */
        call_code(bytes, size);
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status)) {
        signals++;
        return WTERMSIG(status);
    }
    quiet++;
    return 0;
}

/* For what only faults. */
static int run_here(const void *bytes, size_t size)
{
    uint16_t ds, gs;
    __asm__ volatile("mov %%ds, %0\n mov %%gs, %1" : "=r"(ds), "=r"(gs));
    static uint16_t kept_ds, kept_gs;
    kept_ds = ds;
    kept_gs = gs;
    attempts++;
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        call_code(bytes, size);
        quiet++;
    } else {
        signals++;
    }
    restore(kept_ds, kept_gs);
    return number;
}

static void privileged(void)
{
    privileged_in_both();
    MUST("mov eax, cr0", 0x0f, 0x20, 0xc0);
    MUST("mov cr3, eax", 0x0f, 0x22, 0xd8);
    MUST("mov cr4, eax", 0x0f, 0x22, 0xe0);
    MUST("mov eax, dr7", 0x0f, 0x21, 0xf8);
    MUST("mov dr7, eax", 0x0f, 0x23, 0xf8);
    MUST("sysret", 0x0f, 0x07);
    MUST("vmrun", 0x0f, 0x01, 0xd8);
    MUST("rsm", 0x0f, 0xaa);
    MUST("ud2 xen cpuid is none of it: ud2 xen", 0x0f, 0x0b, 'x', 'e', 'n', 0x90);
    MUST("bound", 0x31, 0xc0, 0x48, 0x68, 0, 0, 0, 0, 0x68, 0, 0, 0, 0, 0x62, 0x04, 0x24);
    static const uint8_t vmcall[] = {0x0f, 0x01, 0xc1}, vmmcall[] = {0x0f, 0x01, 0xd9};
    run_here(vmcall, sizeof(vmcall)); /* a hypervisor below may answer */
    run_here(vmmcall, sizeof(vmmcall));
    /* pop ss with a kernel's and the hypervisor's selector. */
    MUST("pop ss, 0x18", 0x6a, 0x18, 0x17);
    MUST("pop ss, 0xe010", 0x68, 0x10, 0xe0, 0, 0, 0x17);
}

static void software_interrupts(void)
{
    for (int n = 0; n < 256; n++) {
        uint8_t b[] = {0x6a, 20, 0x58, 0xcd, (uint8_t)n}; /* push 20; pop eax: getpid; int n */
        if (run_here(b, sizeof(b)) == 0 && n != 0x80) {
            printf(WHO ": FAILED: int %#x had no fault\n", n);
            bad++;
        }
    }
    for (uint32_t number = 0; number < 64; number++) { /* as a 32-bit kernel's hypercall */
        uint8_t b[7] = {0xb8, 0, 0, 0, 0, 0xcd, 0x82};
        memcpy(b + 1, &number, 4);
        must_fault("int 0x82", b, sizeof(b));
    }
    MUST("into", 0xb8, 0xff, 0xff, 0xff, 0x7f, 0x83, 0xc0, 1, 0xce);
}

#define SELECTORS(s)                                                                               \
    for (uint32_t s = 0; s < 0x10000;                                                              \
         s += s < 0x80 || (s >= 0xe000 && s < 0xe080) ? 1 + 2 * brief : 509 + 8000 * brief)

/* The flags of iret are without VM: QEMU 7.2 takes it from level 3 too, into a mode that long mode
 * has not; no processor does. */
static void segments(void)
{
    static const uint8_t reg[] = {0xc0, 0xd0, 0xd8, 0xe0, 0xe8}; /* es ss ds fs gs */
    for (size_t r = 0; r < sizeof(reg); r++)
        SELECTORS(s)
        {
            if (reg[r] == 0xd8 && s >= 0x60 && s < 0x78)
                continue; /* a DS of the thread's own hangs Linux in QEMU, as dom0 of Xen too */
            uint8_t b[] = {0x66, 0xb8, (uint8_t)s, (uint8_t)(s >> 8), 0x8e, reg[r]};
            run(b, sizeof(b)); /* a base that is not 0 misleads all that follows */
        }
    SELECTORS(s)
    {
        uint8_t far_return[] = {0x68, (uint8_t)s, (uint8_t)(s >> 8),
                                0,    0,          0xe8,
                                0,    0,          0,
                                0, /* call next */
                                0x83, 0x04,       0x24,
                                5, /* add [esp], 5 */
                                0xcb, 0x90};
        uint8_t iret[] = {0x89, 0xe1, /* mov ecx, esp */
                          0x68, 0x2b,       0,
                          0,    0,          0x51, /* ss, esp */
                          0x68, 0x82,       0x7e,
                          0x21, 0, /* wild flags, see below */
                          0x68, (uint8_t)s, (uint8_t)(s >> 8),
                          0,    0, /* cs */
                          0xe8, 0,          0,
                          0,    0,          0x83,
                          0x04, 0x24,       5,
                          0xcf, 0x90};
        run(far_return, sizeof(far_return));
        run(iret, sizeof(iret));
    }
}

/* Far into 64-bit code, which looks at the hypervisor's addresses or calls it. */
static void wide(void)
{
    static const uint64_t at[] = {0xffff800000000000, 0xffff808000000000, 0xffff810000000000,
                                  0xffff870000000000, 0xffffffff81000000, 0x800000000000};
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        uint8_t read[] = {0x6a, CODE64, 0xe8, 0,    0,   0, 0, 0x83, 0x04, 0x24, 5, 0xcb, /* retf */
                          0x48, 0xb8,   0,    0,    0,   0, 0, 0,    0,    0, /* mov rax */
                          0x48, 0x8b,   0x00, 0x0f, 0x0b};
        memcpy(read + 14, &at[i], 8);
        if (run(read, sizeof(read)) == 0) {
            printf(WHO ": FAILED: %#llx was read\n", (unsigned long long)at[i]);
            bad++;
        }
        memcpy(read + 14, &at[i], 8);
        read[23] = 0x89; /* mov [rax], rax */
        if (run(read, sizeof(read)) == 0) {
            printf(WHO ": FAILED: %#llx was written\n", (unsigned long long)at[i]);
            bad++;
        }
    }
    for (uint32_t number = 0; number < 4; number++) {
        uint8_t b[] = {0x6a, CODE64, 0xe8, 0, 0, 0, 0,    0x83, 0x04, 0x24, 5,
                       0xcb, 0xb8,   0,    0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b};
        uint32_t none = 0xfff + number;
        memcpy(b + 13, &none, 4);
        run(b, sizeof(b));
    }
}

static void syscalls(void)
{
    static const uint32_t esp[] = {0, 1, 0x1000, 0x7fffffff, 0xf5800000, 0xfffffff0, 0xffffffff};
    static const uint8_t how[][2] = {{0x0f, 0x05}, {0x0f, 0x34}, {0xcd, 0x80}};
    for (size_t h = 0; h < 3; h++)
        for (size_t i = 0; i < sizeof(esp) / sizeof(esp[0]); i++) {
            uint8_t b[] = {0xbc, 0,    0,    0, 0, 0xbd,      0,         0,    0,
                           0, /* mov esp; mov ebp */
                           0xb8, 0xff, 0x0f, 0, 0, how[h][0], how[h][1], 0x0f, 0x0b};
            memcpy(b + 1, &esp[i], 4);
            memcpy(b + 6, &esp[i], 4);
            run(b, sizeof(b));
        }
    /* With each flag; ebp is a good stack here. */
    for (size_t h = 0; h < 3; h++)
        for (uint32_t flag = 1; flag < 0x400000; flag <<= 1) {
            uint8_t b[] = {0x9c, 0x58, 0x0d, 0, 0, 0,         0,         0x50, 0x89, 0xe5, 0x9d,
                           0xb8, 0xff, 0x0f, 0, 0, how[h][0], how[h][1], 0x0f, 0xa2, 0x90};
            memcpy(b + 3, &flag, 4);
            run(b, sizeof(b));
        }
}

static volatile uint32_t new_cs, new_ss, new_eip;

static void spoil(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    (void)number;
    (void)info;
    uc->uc_mcontext.gregs[REG_CS] = (greg_t)new_cs;
    uc->uc_mcontext.gregs[REG_SS] = (greg_t)new_ss;
    uc->uc_mcontext.gregs[REG_DS] = (greg_t)new_ss;
    uc->uc_mcontext.gregs[REG_FS] = (greg_t)new_cs;
    if (new_eip)
        uc->uc_mcontext.gregs[REG_EIP] = (greg_t)new_eip;
    uc->uc_mcontext.gregs[REG_EFL] |= FLAGS & ~0x100;
}

static void bad_returns(void)
{
    static const uint16_t selector[] = {0x23,   0,      3,      0x10,   0x18,   0x33,
                                        0x4b,   0xe008, 0xe019, 0xe021, 0xe023, 0xe02b,
                                        0xe033, 0xe039, 0xe041, 0xe048, 0xffff, 7};
    struct sigaction action = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    for (size_t c = 0; c < sizeof(selector) / sizeof(selector[0]); c++)
        for (size_t s = 0; s < sizeof(selector) / sizeof(selector[0]); s++) {
            if (brief && s % 6 != c % 6)
                continue;
            pid_t pid = fork();
            if (pid == 0) {
                new_cs = selector[c];
                new_ss = selector[s];
                new_eip = s & 1 ? 0xf5800000 : 0;
                raise(SIGUSR1);
                _exit(0);
            }
            waitpid(pid, NULL, 0);
            attempts++;
        }
}

static void one_call(void)
{
    int number = 20; /* getpid */
    __asm__ volatile("int $0x80" : "+a"(number) : : "memory");
}

int main(int count, char **word)
{
    read_words(count, word);
    make_code();
    /* First what runs in processes of its own, which signals are to end. */
    syscalls();
    puts(WHO ": system calls done");
    wide();
    puts(WHO ": 64-bit code done");
    single_step(one_call, 150);
    bad_returns();
    puts(WHO ": bad returns done");
    catch_signals();
    privileged();
    puts(WHO ": privileged instructions done");
    software_interrupts();
    puts(WHO ": INT n done");
    segments();
    return verdict();
}
