/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the hostile programs of both widths share: a page of code, bytes run in it, what becomes of
 * them, and the counts of the last line.  The including file defines WHO, the start of its lines,
 * and run_here().
 */
#ifndef TESTS_USER_HOSTILE_H
#define TESTS_USER_HOSTILE_H

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static const int caught[] = {SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP, SIGSYS};
#define CAUGHT (sizeof(caught) / sizeof(caught[0]))

static sigjmp_buf back;
static uint8_t *code; /* a page, writable and executable */
static unsigned long attempts, signals, quiet, bad;
static uint32_t brief; /* 1: fewer of what there are thousands of, for a slow emulator */

/* Runs `size` bytes with a ret behind them in this process; 0 when nothing happened, else the
 * signal. */
static int run_here(const void *bytes, size_t size);

static void on_signal(int number)
{
    siglongjmp(back, number);
}

static void read_words(int count, char **word)
{
    brief = count > 1 && !strcmp(word[1], "brief");
}

/* The page, and lines that come out one by one. */
static void make_code(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* What run_here() needs: handlers on a stack of their own, as an attempt may spoil this one. */
static void catch_signals(void)
{
    stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < CAUGHT; i++)
        sigaction(caught[i], &action, NULL);
}

static void call_code(const void *bytes, size_t size)
{
    memcpy(code, bytes, size);
    code[size] = 0xc3; /* ret */
    ((void (*)(void))code)();
}

static void must_fault(const char *what, const void *bytes, size_t size)
{
    if (run_here(bytes, size) == 0) {
        printf(WHO ": FAILED: %s had no fault\n", what);
        bad++;
    }
}

#define MUST(what, ...)                                                                            \
    do {                                                                                           \
        static const uint8_t b[] = {__VA_ARGS__};                                                  \
        must_fault(what, b, sizeof(b));                                                            \
    } while (0)

/* What is the same in 64- and 32-bit code. */
static void privileged_in_both(void)
{
    MUST("hlt", 0xf4);
    MUST("cli", 0xfa);
    MUST("sti", 0xfb);
    MUST("rdmsr", 0x0f, 0x32);
    MUST("wrmsr", 0x0f, 0x30);
    MUST("clts", 0x0f, 0x06);
    MUST("wbinvd", 0x0f, 0x09);
    MUST("invd", 0x0f, 0x08);
    MUST("invlpg", 0x0f, 0x01, 0x3c, 0x24);
    MUST("lgdt", 0x0f, 0x01, 0x14, 0x24);
    MUST("lidt", 0x0f, 0x01, 0x1c, 0x24);
    MUST("lmsw", 0x0f, 0x01, 0xf0);
    MUST("ltr", 0x0f, 0x00, 0xd8);
    MUST("lldt", 0x0f, 0x00, 0xd0);
    MUST("sysexit", 0x0f, 0x35);
    MUST("xsetbv", 0x0f, 0x01, 0xd1);
    MUST("in al, 0x60", 0xe4, 0x60);
    MUST("out 0xf4, al", 0xe6, 0xf4);
    MUST("in al, dx", 0xec);
    MUST("insb", 0x6c);
    MUST("outsb", 0x6e);
    MUST("ud2", 0x0f, 0x0b);
    MUST("lock nop", 0xf0, 0x90);
}

/* A child that calls `body` often and is stepped through it: at least `least` steps must come, and
 * its end. */
static void single_step(void (*body)(void), int least)
{
    int status, steps = 0;
    pid_t pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        for (int i = 0; i < 50; i++)
            body();
        _exit(7);
    }
    waitpid(pid, &status, 0);
    while (WIFSTOPPED(status) && steps < 100000) {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        waitpid(pid, &status, 0);
        steps++;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 7 || steps < least) {
        printf(WHO ": FAILED: single step: %d steps, status %#x\n", steps, status);
        bad++;
    }
    printf(WHO ": %d single steps\n", steps);
}

/* The last line; the program's exit status. */
static int verdict(void)
{
    printf(WHO ": %lu attempts, %lu signals, %lu quiet, %lu bad\n", attempts, signals, quiet, bad);
    puts(bad ? WHO ": FAILED" : WHO ": all attempts contained");
    return bad != 0;
}

#endif
