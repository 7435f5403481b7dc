/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Eight threads of one process map, protect, drop and unmap memory (the test of TLB flushes across
 * CPUs), contend for a lock and hand a byte round by pipes.  A page that reads anything but what
 * its thread put there, a byte that goes astray, or a clock that runs backwards from one CPU to
 * another, fails.  Argument: rounds per thread (40).
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define PAGE    4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long done, rounds = 40;
static const char *volatile bad;
static struct timespec last; /* the latest time that any thread has read; under the lock */
static int ring[THREADS][2];

static void one_round(unsigned *seed)
{
    size_t size = (1 + (size_t)rand_r(seed) % 16) * PAGE;
    char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        bad = "mmap";
        return;
    }
    for (size_t at = 0; at < size; at += PAGE) {
        if (p[at] != 0)
            bad = "a new page is not empty";
        p[at] = (char)(at / PAGE + 1);
    }
    mprotect(p, PAGE, PROT_READ);
    for (size_t at = 0; at < size; at += PAGE)
        if (p[at] != (char)(at / PAGE + 1))
            bad = "a page lost its contents";
    madvise(p, size, MADV_DONTNEED);
    for (size_t at = 0; at < size; at += PAGE)
        if (p[at] != 0)
            bad = "a dropped page is not empty";
    munmap(p, size);
}

static void count_round(void)
{
    struct timespec now;
    pthread_mutex_lock(&lock);
    done++;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < last.tv_sec || (now.tv_sec == last.tv_sec && now.tv_nsec < last.tv_nsec))
        bad = "the clock ran backwards";
    last = now;
    pthread_mutex_unlock(&lock);
}

/* To the next thread, from the one before: all are woken in every round. */
static void hand_on(size_t self, long round)
{
    unsigned char sent = (unsigned char)(self + (size_t)round), got = 0;
    unsigned char due = (unsigned char)((self + THREADS - 1) % THREADS + (size_t)round);
    if (write(ring[(self + 1) % THREADS][1], &sent, 1) != 1 || read(ring[self][0], &got, 1) != 1 ||
        got != due)
        bad = "a byte went astray";
}

static void *run(void *argument)
{
    size_t self = (size_t)argument;
    unsigned seed = (unsigned)self;
    for (long i = 0; i < rounds; i++) {
        one_round(&seed);
        count_round();
        hand_on(self, i);
    }
    return NULL;
}

int main(int count, char **words)
{
    pthread_t thread[THREADS];
    if (count > 1)
        rounds = atol(words[1]);
    for (size_t i = 0; i < THREADS; i++)
        if (pipe(ring[i]) != 0)
            return 2;
    for (size_t i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, run, (void *)i) != 0)
            return 2;
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    if (done != THREADS * rounds && !bad)
        bad = "rounds are missing";
    printf("shootdown: %ld rounds: %s\n", done, bad ? bad : "all right");
    if (bad)
        puts("shootdown: FAILED");
    return bad != NULL;
}
