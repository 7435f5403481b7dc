/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the parts of the benchmark guest share: the doors of entry.asm and entry32.asm, hypercalls,
 * ticks, reports on the console.  Addresses are virtual, which in this guest are pseudo-physical.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

/* An address that no page table maps, in either width. */
#define NOWHERE ((const void *)(sizeof(long) == 8 ? (unsigned long)0x7fff00000000 : 0xe0000000ul))

void bench_main(const struct start_info *info, uint64_t entry_tsc);
void vcpus_bench(const struct start_info *info); /* smp.c */

/* The assembler part: entries that the kernel registers; touch() reads a byte with an instruction
 * of two bytes; user_run() makes `count` system calls from user space. */
void event_entry(void);
void fault_entry(void);
void syscall_entry(void);
void user_run(unsigned long count);
void touch(const void *address);

/* Prints "bench: NAME=0xVALUE". */
void report(const char *name, uint64_t value);
/* Powers the machine off. */
void end(void);
/* Returns `result`, or reports a negative one under the name `what` and ends. */
long expect(const char *what, long result);
/* The machine frame behind a page of the guest. */
unsigned long frame_of(const void *address);
/* Maps `entry` at the page `at` and flushes it from the TLB: update_va_mapping's result. */
long map(const void *at, uint64_t entry);

static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

static inline uint32_t since(uint64_t from)
{
    return (uint32_t)(ticks() - from);
}

static inline long call(unsigned long number, unsigned long a, unsigned long b, unsigned long c,
                        unsigned long d)
{
    long result;
#ifdef __x86_64__
    register unsigned long r10 __asm__("r10") = d;
    register unsigned long r8 __asm__("r8") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
                     : "0"(number)
                     : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x82"
                     : "=a"(result), "+b"(a), "+c"(b), "+d"(c), "+S"(d)
                     : "0"(number)
                     : "memory");
#endif
    return result;
}

#endif
