/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the files of the hypercall fuzzer share.
 */
#ifndef TESTS_FUZZ_HYPERCALLS_H
#define TESTS_FUZZ_HYPERCALLS_H

#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

/* ---- input.c: the fuzzer's bytes; zero when there are none left ---- */
void input_start(const uint8_t *data, size_t size);
bool input_ended(void);
uint64_t take(size_t bytes); /* at most eight, little-endian */
uint64_t a_number(size_t bytes);
uint64_t a_frame(void);    /* MFN */
uint64_t an_entry(void);   /* of a page table */
uint64_t an_address(void); /* guest virtual */
uint64_t a_place(void);    /* machine address of eight bytes in a frame */
uint64_t a_descriptor(void);

/* ---- calls.c ---- */
/* Arguments and fields, a letter each:
 *   C the line's command, or a byte   B pointer to the fields   N how many elements these are
 *   n number   R raw   V virtual address   E page-table entry   P place of an entry, with command
 *   p place   Q descriptor   D domain   O pointer or none   F flags of update_va_mapping
 *   M frame   G entries of a GDT   T time   v vCPU   x DOMID_XEN
 * Fields also: 1 2 4 8 number of that size, l of a long, q event channel, I interface version, K
 * small command, _ four bytes in 64-bit guests, L and Y pointers to lists of frames and ports, H a
 * call of a multicall, X a vCPU's context, A frame, number or address, m a frame in eight bytes,
 * i the IO-APIC's address in a long, J interface version of mca, h address or place of an entry and
 * b bus address in eight bytes, g grant, o the guest's own domain. */
struct call {
    uint8_t number;
    int16_t command;
    const char *arguments, *fields;
};
extern const struct call call[];
extern const uint32_t call_count;

/* ---- build.c ---- */
#define PAGE_ARGS  12u /* guest pages: arguments, inner arguments of a multicall */
#define PAGE_INNER 14u

struct buffer {
    uint8_t bytes[8192];
    uint32_t size;
};
/* Appends the low `size` bytes of value; nothing where they do not fit. */
void put(struct buffer *b, uint64_t value, uint32_t size);
uint32_t long_size(void); /* the guest's, in bytes */
/* As the guest stores it: by its own page tables, from an offset in one of its pages on.  Its
 * virtual address; whether it could be written is not said. */
uint64_t store(uint32_t page, uint64_t offset, const void *from, uint64_t size);
/* Arguments as registers of the guest; some 64-bit ones take two of a 32-bit guest.  Memory that
 * they point to is at `page`. */
void build(const struct call *c, uint64_t argument[6], uint32_t page);

/* ---- check.c: each aborts with what is wrong ---- */
void check_start(void);
void check_all(void);
void check_memory(void); /* of it what is left to hold after a guest's end: frames and tables */
void check_answer(uint64_t number, int64_t answer);
extern bool faulted; /* the last operation was a fault: a table may have become writable by it */

/* ---- guest.c ---- */
void guest_start(void);
void operate(void);

#endif
