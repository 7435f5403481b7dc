/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Ten seconds by the kernel's clock and by its timers, to 1 %: against the PC's real-time clock
 * where there is /dev/rtc0, which no interrupt or TSC drives; else the timers against the clock
 * alone. Every reading is an interval (clock before, clock after), so that a machine that shares
 * its CPUs makes the result coarse but never wrong; too coarse a result is taken again, three times
 * at most.  With an argument, lines a second apart, for somebody outside to time them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/rtc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TICK    0.01
#define SECONDS 10

static volatile sig_atomic_t expiries;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void on_expiry(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    expiries += 1 + info->si_overrun;
}

/* When the RTC's second changes next: after *first, not later than *last; false without an RTC. */
static int next_second(int rtc, double *first, double *last)
{
    struct rtc_time time;
    int old = -1;
    for (;;) {
        double before = now();
        if (ioctl(rtc, RTC_RD_TIME, &time) != 0)
            return 0;
        *last = now();
        if (old >= 0 && time.tm_sec != old)
            return 1;
        old = time.tm_sec;
        *first = before;
    }
}

/* 1 right, 0 wrong, -1 too coarse to tell. */
static int measure(int rtc)
{
    double a0, a1, b0, b1;
    expiries = 0;
    if (rtc >= 0) {
        if (!next_second(rtc, &a0, &a1))
            return 0;
    } else {
        a0 = a1 = now();
    }
    int before = expiries;
    double ticks_start = now();
    if (rtc >= 0) {
        for (int i = 0; i < SECONDS; i++)
            if (!next_second(rtc, &b0, &b1))
                return 0;
    } else {
        struct timespec left = {SECONDS, 0};
        while (nanosleep(&left, &left) != 0)
            ;
        b0 = b1 = now();
    }
    double ticks = (expiries - before) * TICK, ticks_took = now() - ticks_start;
    double low = b0 - a1, high = b1 - a0, limit = SECONDS * 0.01;
    printf("clock: %d s %s are %.3f to %.3f s by the clock, timers made %.2f s of %.3f\n", SECONDS,
           rtc >= 0 ? "of the RTC" : "of sleep", low, high, ticks, ticks_took);
    double late = rtc >= 0 ? limit : 2; /* the machine's own CPUs may be shared */
    if (high < SECONDS - limit || low > SECONDS + late)
        return 0;
    if (low < SECONDS - limit || high > SECONDS + late)
        return -1;
    double lost = ticks_took - ticks;
    if (lost < -ticks_took * 0.01)
        return 0;
    return lost <= ticks_took * 0.01 ? 1 : -1;
}

/* Each line waits for its own time, so that a late one makes no other late. */
static int tell_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    for (int i = 0; i <= 2 * SECONDS; i++) {
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
        printf("clock: second %d\n", i);
        fflush(stdout);
        time.tv_sec++;
    }
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return tell_seconds();
    struct sigaction action = {.sa_sigaction = on_expiry, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    struct itimerspec period = {{0, (long)(TICK * 1e9)}, {0, (long)(TICK * 1e9)}};
    timer_t timer;
    int result = -1, rtc = open("/dev/rtc0", O_RDONLY);

    sigaction(SIGALRM, &action, NULL);
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
        timer_settime(timer, 0, &period, NULL) != 0)
        return 2;
    for (int turn = 0; turn < 3 && result < 0; turn++)
        result = measure(rtc);
    puts(result == 1  ? "clock: right to 1 %"
         : result < 0 ? "clock: FAILED: the machine is too busy to tell"
                      : "clock: FAILED");
    return result != 1;
}
