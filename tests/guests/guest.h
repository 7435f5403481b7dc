/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the test guests share: the state saved at entry, output, checks.
 *
 * One set of sources becomes every guest of guests.cfg (make-guest compiles it per variant).  Each
 * door (Multiboot 1, Multiboot 2, plain ELF, PVH, PV) prints its start of day as lines of
 * `guest: field = value` and checks it; the last line is `guest: all checks passed` or
 * `guest: N checks failed`.  Addresses are printed in hex, so that runs can be compared by field.
 */
#ifndef TESTS_GUESTS_GUEST_H
#define TESTS_GUESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How we were entered; the entry code stores it (entry32.asm, entry64.asm). */
enum door { DOOR_MULTIBOOT = 1, DOOR_PVH = 2, DOOR_PV = 3, DOOR_ELF64 = 4 };

/* Registers at the first instruction, zero-extended; order known to the entry code. */
struct entry_state {
    uint64_t ax, bx, cx, dx, si, di, bp, sp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t flags, cs, ds, es, fs, gs, ss;
    uint64_t cr0, cr3, cr4; /* native doors only: not readable, or virtual, in PV */
    uint64_t door;
    uint64_t efer; /* amd64, entered in 32-bit mode */
};
extern struct entry_state entry_state;

/* guest.ld.  Virtual addresses; minus VIRT_BASE they are the physical load address. */
extern char image_start[], image_sum_end[], image_end[], bss_start[], bss_end[];
extern uint32_t image_sum; /* CRC-32 of [image_start, image_sum_end), written by make-guest */
extern char hypercall_page[4096];

/* ---- output.c ---- */
/* Where characters go; set before the first print. */
extern void (*output_write)(const char *text, size_t size);
/* %s %c %u (32 bit) %x (32 bit) %lx (long) %llx (64 bit) %%, no widths but %08x. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* `guest: name = 0xvalue` */
void field(const char *name, uint64_t value);
void field_text(const char *name, const char *text);

/* ---- check.c ---- */
void check(const char *name, bool good, uint64_t found, uint64_t expected);
/* Found and expected are equal. */
void check_equal(const char *name, uint64_t found, uint64_t expected);
void check_true(const char *name, bool good);
/* Prints the verdict; true when nothing failed. */
bool check_verdict(void);
/* CRC-32 as gzip and Python's zlib.crc32 have it; of more behind what gave `before`. */
uint32_t crc32(const void *data, size_t size);
uint32_t crc32_more(uint32_t before, const void *data, size_t size);
/* The image arrived whole: checksum, and bss cleared. */
void check_image(void);
/* The words of the command line: `name=value` or `name`; false when it is not there. */
bool option(const char *line, const char *name, uint64_t *ret_value);
/* Multiboot's mem_lower (KiB) against the map's RAM that begins at 0. */
void check_mem_lower(uint32_t mem_lower, uint64_t low_end);
bool string_equal(const char *a, const char *b, size_t size);

/* ---- doors: each prints, checks, and ends the machine ---- */
void native_main(void);
void multiboot2_checks(uint64_t info);
void pvh_main(void);
void pv_main(void);

/* Native and PVH: a physical address below 4 GiB as a pointer (no paging on i386; identity
 * mapping on amd64). */
void *physical(uint64_t address);
/* Ends QEMU through isa-debug-exit with status 33 (good) or 35, else halts. */
void native_exit(bool good) __attribute__((noreturn));
void serial_write(const char *text, size_t size);
/* Memory above the guest's own: reads and writes a word in [start, start + size). */
void check_memory_usable(uint64_t start, uint64_t size);

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

#endif
