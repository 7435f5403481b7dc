/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * /init of the benchmark ramdisk: prints the TSC of its first instruction, what a few things that
 * every program does cost in TSC ticks (with QEMU's -icount: instructions), and powers off.
 * Static, without a C library, so that the same bytes run under every kernel.
 */
#include <stdint.h>

#include <asm/unistd.h>
#include <linux/reboot.h>

#define LOOPS   200
#define PAGES   512
#define PAGE    4096
#define WORKERS 8

#define PROT_READ_WRITE       3
#define MAP_PRIVATE_ANONYMOUS 0x22
#define SIGCHLD               17

void init_main(uint64_t entry_tsc, const char *const *argument);

__asm__(".globl _start\n"
        "_start:\n"
        "    rdtsc\n"
        "    shl $32, %rdx\n"
        "    or %rdx, %rax\n"
        "    mov %rax, %rdi\n"
        "    lea 8(%rsp), %rsi\n"
        "    and $-16, %rsp\n"
        "    call init_main\n");

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

static long call6(long number, long a, long b, long c, long d, long e)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static long call(long number, long a, long b, long c)
{
    return call6(number, a, b, c, 0, 0);
}

static void report(const char *name, uint64_t value)
{
    char line[80] = "\nbench: ", digits[24];
    unsigned used = 8, count = 0;

    while (*name)
        line[used++] = *name++;
    line[used++] = '=';
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        line[used++] = digits[--count];
    line[used++] = '\n';
    call(__NR_write, 1, (long)line, used);
}

static void end(void)
{
    call6(__NR_reboot, (long)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
          (long)LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
    call(__NR_exit, 1, 0, 0);
}

static long need(const char *what, long result)
{
    if (result < 0) {
        report(what, (uint64_t)-result);
        end();
    }
    return result;
}

static void forks(void)
{
    uint64_t start = ticks();

    for (int i = 0; i < LOOPS / 4; i++) {
        long child = need("fork failed", call6(__NR_clone, SIGCHLD, 0, 0, 0, 0));
        if (!child)
            call(__NR_exit, 0, 0, 0);
        need("wait failed", call6(__NR_wait4, child, 0, 0, 0, 0));
    }
    report("fork, exit, wait", (ticks() - start) / (LOOPS / 4));
}

/* Two processes pass a byte to and fro: two context switches a turn. */
static void pipes(void)
{
    int there[2], back[2];
    char byte = 0;

    need("pipe failed", call(__NR_pipe, (long)there, 0, 0));
    need("pipe failed", call(__NR_pipe, (long)back, 0, 0));
    long child = need("fork failed", call6(__NR_clone, SIGCHLD, 0, 0, 0, 0));
    if (!child) {
        for (int i = 0; i < LOOPS; i++) {
            call(__NR_read, there[0], (long)&byte, 1);
            call(__NR_write, back[1], (long)&byte, 1);
        }
        call(__NR_exit, 0, 0, 0);
    }
    uint64_t start = ticks();
    for (int i = 0; i < LOOPS; i++) {
        call(__NR_write, there[1], (long)&byte, 1);
        call(__NR_read, back[0], (long)&byte, 1);
    }
    report("context switch by a pipe", (ticks() - start) / LOOPS / 2);
    call6(__NR_wait4, child, 0, 0, 0, 0);
}

/* The same amount of work however many CPUs there are: WORKERS processes, each its share. */
static void worker(void)
{
    uint64_t sum = 0;

    for (int round = 0; round < 8; round++) {
        for (uint64_t i = 0; i < 4000000; i++)
            sum = sum * 6364136223846793005u + i;
        volatile char *memory =
            (volatile char *)need("mmap failed", call6(__NR_mmap, 0, PAGES * PAGE, PROT_READ_WRITE,
                                                       MAP_PRIVATE_ANONYMOUS, -1));
        for (int i = 0; i < PAGES; i++)
            memory[i * PAGE] = (char)sum;
        need("munmap failed", call(__NR_munmap, (long)memory, PAGES * PAGE, 0));
        long child = need("fork failed", call6(__NR_clone, SIGCHLD, 0, 0, 0, 0));
        if (!child)
            call(__NR_exit, 0, 0, 0);
        need("wait failed", call6(__NR_wait4, child, 0, 0, 0, 0));
    }
}

static void parallel(void)
{
    uint64_t start = ticks();

    for (int i = 0; i < WORKERS; i++)
        if (!need("fork failed", call6(__NR_clone, SIGCHLD, 0, 0, 0, 0))) {
            worker();
            call(__NR_exit, 0, 0, 0);
        }
    for (int i = 0; i < WORKERS; i++)
        need("wait failed", call6(__NR_wait4, -1, 0, 0, 0, 0));
    report("parallel work", ticks() - start);
}

void init_main(uint64_t entry_tsc, const char *const *argument)
{
    uint64_t start;

    report("userspace tsc", entry_tsc);
    /* The kernel hands on the words of its command line that it does not know. */
    for (argument++; *argument; argument++)
        if ((*argument)[0] == 'w' && (*argument)[1] == 'o') {
            parallel();
            report("init done", 1);
            end();
        }

    start = ticks();
    for (int i = 0; i < LOOPS; i++)
        call(__NR_getppid, 0, 0, 0);
    report("getppid", (ticks() - start) / LOOPS);

    volatile char *memory =
        (volatile char *)need("mmap failed", call6(__NR_mmap, 0, PAGES * PAGE, PROT_READ_WRITE,
                                                   MAP_PRIVATE_ANONYMOUS, -1));
    start = ticks();
    for (int i = 0; i < PAGES; i++)
        memory[i * PAGE] = 1;
    report("page of fresh memory touched", (ticks() - start) / PAGES);

    forks();
    pipes();
    report("init done", 1);
    end();
}
