/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A user program that works a kernel hard: processes, copy-on-write, mmap and mprotect, signals,
 * threads and futexes, timers, pipes.  Built statically for 64 and 32 bits; runs in the test
 * ramdisk.  storm [NAME...]    prints `storm64: NAME ok` (or storm32) a part, status 1 when one
 * failed.  Each part checks results, not only that calls return.  STORM_LATE=MS in the environment:
 * how late a timer may be where the machine's own CPUs are shared (100); it is never early, never
 * lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static const char *failure;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failure = #condition;                                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

static void part_processes(void)
{
    unsigned sum = 0, expected = 0;

    for (unsigned i = 0; i < 1000; i++) {
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0)
            _exit((int)(i * 7 % 251));
        int status;
        EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status));
        sum += (unsigned)WEXITSTATUS(status);
        expected += i * 7 % 251;
    }
    EXPECT(sum == expected);

    /* Many at once, each with a grandchild. */
    for (unsigned i = 0; i < 60; i++) {
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            int status = 1;
            pid_t grandchild = fork();
            if (grandchild == 0)
                _exit(42);
            waitpid(grandchild, &status, 0);
            _exit(WIFEXITED(status) && WEXITSTATUS(status) == 42 ? 0 : 1);
        }
    }
    for (unsigned i = 0; i < 60; i++) {
        int status = 1;
        EXPECT(wait(&status) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

static void part_cow(void)
{
    enum { PAGES = 512 };
    uint32_t *memory =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED);
    for (unsigned i = 0; i < PAGES; i++)
        memory[i * (PAGE / 4)] = i;
    for (unsigned round = 0; round < 8; round++) {
        pid_t child = fork();
        EXPECT(child >= 0);
        if (child == 0) {
            for (unsigned i = 0; i < PAGES; i++)
                memory[i * (PAGE / 4)] += 1000 + round;
            for (unsigned i = 0; i < PAGES; i++)
                if (memory[i * (PAGE / 4)] != i + 1000 + round)
                    _exit(1);
            _exit(0);
        }
        int status;
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
    }
    for (unsigned i = 0; i < PAGES; i++)
        EXPECT(memory[i * (PAGE / 4)] == i);
    munmap(memory, PAGES * PAGE);
}

/* Loop counters that must survive the jump are volatile. */
static sigjmp_buf jump;
static volatile sig_atomic_t faults, signals;
static void *volatile fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    faults++;
    fault_address = info->si_addr;
    siglongjmp(jump, 1);
}

static void part_mprotect(void)
{
    enum { PAGES = 64 };
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);

    for (volatile unsigned round = 0; round < 50; round++) {
        volatile char *memory =
            mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(memory != MAP_FAILED);
        for (unsigned i = 0; i < PAGES; i++)
            memory[i * PAGE] = (char)i;
        unsigned page = round % PAGES;
        volatile char *target = memory + page * PAGE;
        EXPECT(mprotect((void *)target, PAGE, PROT_READ) == 0);
        EXPECT(*target == (char)page);
        int before = faults;
        if (sigsetjmp(jump, 1) == 0) {
            *target = 1;
            EXPECT(!"write to a read-only page went through");
        }
        EXPECT(faults == before + 1 && fault_address == (void *)target);
        EXPECT(mprotect((void *)target, PAGE, PROT_NONE) == 0);
        if (sigsetjmp(jump, 1) == 0) {
            (void)*target;
            EXPECT(!"read of an inaccessible page went through");
        }
        EXPECT(faults == before + 2);
        EXPECT(mprotect((void *)target, PAGE, PROT_READ | PROT_WRITE) == 0);
        *target = 5;
        for (unsigned i = 0; i < PAGES; i++)
            EXPECT(memory[i * PAGE] == (i == page ? 5 : (char)i));
        EXPECT(munmap((void *)memory, PAGES * PAGE) == 0);
        if (sigsetjmp(jump, 1) == 0) {
            (void)*target;
            EXPECT(!"read of an unmapped page went through");
        }
        EXPECT(faults == before + 3);
    }
}

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void part_signals(void)
{
    signal(SIGUSR1, on_signal);
    signals = 0;
    for (unsigned i = 0; i < 5000; i++)
        EXPECT(raise(SIGUSR1) == 0);
    EXPECT(signals == 5000);

    /* Synchronous exceptions find their way: #DE, #UD, #BP. */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    static const int kinds[] = {SIGFPE, SIGILL, SIGTRAP};
    for (volatile unsigned kind = 0; kind < 3; kind++) {
        sigaction(kinds[kind], &action, NULL);
        int before = faults;
        if (sigsetjmp(jump, 1) == 0) {
            volatile int zero = 0;
            switch (kind) {
            case 0:
                zero = 7 / zero;
                break;
            case 1:
                __asm__ volatile("ud2");
                break;
            case 2:
                __asm__ volatile("int3");
                break;
            }
        }
        EXPECT(faults == before + 1);
    }

    /* Between processes. */
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0)
        for (;;)
            pause();
    EXPECT(kill(child, SIGKILL) == 0);
    int status;
    EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGKILL);
}

enum { THREADS = 8, TURNS = 20000 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long counter;
static __thread unsigned own;

static void *count(void *argument)
{
    for (unsigned i = 0; i < TURNS; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
        own++;
    }
    return own == TURNS ? argument : NULL;
}

static void part_threads(void)
{
    pthread_t thread[THREADS];

    counter = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&thread[i], NULL, count, (void *)(i + 1)) == 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        void *result;
        EXPECT(pthread_join(thread[i], &result) == 0 && result == (void *)(i + 1));
    }
    EXPECT(counter == (unsigned long)THREADS * TURNS);
}

static double now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static volatile sig_atomic_t expiries;

static void on_expiry(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    expiries += 1 + info->si_overrun;
}

static double may_be_late(void)
{
    const char *text = getenv("STORM_LATE");
    return text ? atof(text) / 1000 : 0.1;
}

static void part_timers(void)
{
    const double late = may_be_late();
    /* Expiries of 20 ms: those that come while a signal still waits are counted in it, so that
     * their sum is right however little of its CPUs the machine gets. */
    struct sigaction action = {.sa_sigaction = on_expiry, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec period = {{0, 20000000}, {0, 20000000}};
    timer_t timer;
    sigaction(SIGALRM, &action, NULL);
    expiries = 0;
    double start = now(CLOCK_MONOTONIC), wall = now(CLOCK_REALTIME);
    EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    EXPECT(timer_settime(timer, 0, &period, NULL) == 0);
    while (expiries < 100)
        usleep(20000);
    double due = expiries * 0.02; /* before the clock, which may be read late */
    double took = now(CLOCK_MONOTONIC) - start, wall_took = now(CLOCK_REALTIME) - wall;
    EXPECT(timer_delete(timer) == 0);
    EXPECT(took >= due && took < due + late);
    EXPECT(wall_took > due - 0.01 && wall_took < due + 0.01 + late);

    double before = now(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < 100000; i++) {
        double next = now(CLOCK_MONOTONIC);
        EXPECT(next >= before);
        before = next;
    }
    start = now(CLOCK_MONOTONIC);
    usleep(500000);
    took = now(CLOCK_MONOTONIC) - start;
    EXPECT(took >= 0.5 && took < 0.5 + late);
}

static void part_pipes(void)
{
    int there[2], back[2];
    EXPECT(pipe(there) == 0 && pipe(back) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        uint32_t value;
        close(there[1]);
        while (read(there[0], &value, sizeof(value)) == sizeof(value)) {
            value = value * 2654435761u + 1;
            if (write(back[1], &value, sizeof(value)) != sizeof(value))
                _exit(1);
        }
        _exit(0);
    }
    close(there[0]);
    for (uint32_t i = 0; i < 3000; i++) {
        uint32_t value = i;
        EXPECT(write(there[1], &value, sizeof(value)) == sizeof(value));
        EXPECT(read(back[0], &value, sizeof(value)) == sizeof(value));
        EXPECT(value == i * 2654435761u + 1);
    }
    close(there[1]);
    int status;
    EXPECT(waitpid(child, &status, 0) == child && status == 0);
    close(back[0]);
    close(back[1]);
}

/* Floating point state survives other processes' use of it. */
static void part_fpu(void)
{
    pid_t child[4];
    for (unsigned i = 0; i < 4; i++) {
        child[i] = fork();
        EXPECT(child[i] >= 0);
        if (child[i] == 0) {
            volatile double value = 1.0 + i;
            for (unsigned turn = 0; turn < 2000000; turn++)
                value = value * 1.0000001 / 1.0000001;
            _exit(value > 0.999 + i && value < 1.001 + i ? 0 : 1);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        int status;
        EXPECT(waitpid(child[i], &status, 0) == child[i] && status == 0);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {
    {"processes", part_processes}, {"cow", part_cow},         {"mprotect", part_mprotect},
    {"signals", part_signals},     {"threads", part_threads}, {"timers", part_timers},
    {"pipes", part_pipes},         {"fpu", part_fpu},
};

int main(int argc, char **argv)
{
    int failed = 0;

    setvbuf(stdout, NULL, _IONBF, 0); /* children must not repeat what is buffered */
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        int wanted = argc < 2;
        for (int word = 1; word < argc; word++)
            wanted |= strcmp(argv[word], parts[i].name) == 0;
        if (!wanted)
            continue;
        failure = NULL;
        parts[i].run();
        failed += failure != NULL;
        printf("storm%u: %s %s%s\n", (unsigned)sizeof(long) * 8, parts[i].name,
               failure ? "FAILED: " : "ok", failure ? failure : "");
    }
    return failed != 0;
}
