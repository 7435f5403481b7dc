/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage's command line, parsed.  Unknown words and bad values are collected, not fatal; the
 * caller prints them.
 */
#ifndef LOADER_OPTIONS_H
#define LOADER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum mode { MODE_AUTO, MODE_NATIVE, MODE_PVH, MODE_PV };
enum native_protocol {
    NATIVE_ANY,
    NATIVE_MULTIBOOT1,
    NATIVE_MULTIBOOT2,
    NATIVE_LINUX,
    NATIVE_ELF,
    NATIVE_LINUX16, /* Linux's boot protocol at its 16-bit entry */
};
enum role { ROLE_DOM0, ROLE_DOMU };
enum log_level { LOG_QUIET, LOG_INFO, LOG_DEBUG };
enum on_refusal { ON_REFUSAL_HALT, ON_REFUSAL_REBOOT, ON_REFUSAL_POWEROFF };
enum paddr_override { PADDR_FROM_GUEST, PADDR_PHYSICAL, PADDR_VIRTUAL };

#define OPTIONS_UART_MAX      4
#define OPTIONS_COMPLAINT_MAX 8

struct options {
    enum mode mode;
    enum native_protocol native; /* mode=native,multiboot1 | …2 | ,linux | ,elf | ,linux16 */
    enum role role;
    uint16_t uart[OPTIONS_UART_MAX]; /* I/O ports of the serial consoles */
    uint32_t uart_count;
    bool vga, debugcon;
    uint32_t baud;
    enum log_level log;
    uint64_t memory_limit; /* bytes, 0 = all */
    bool has_virt_base, has_paddr_offset;
    uint64_t virt_base, paddr_offset;
    enum paddr_override paddr;
    enum on_refusal on_refusal;
    uint16_t debug_exit; /* I/O port, 0 = none */
    bool plan_only;
    uint32_t vcpus; /* 0 = as many as the machine has */
    char trace[64]; /* comma list of hypercall families for log=debug, "" = all */

    uint32_t complaint_count; /* words not understood, first few kept */
    char complaint[OPTIONS_COMPLAINT_MAX][64];
};

/* Fills *ret from the words of `line` (NUL-terminated).  A first word without '=' that is not a
 * known flag is the stage's file name and skipped.  Never fails: what is not understood is in
 * ret->complaint. */
void options_parse(const char *line, struct options *ret);

/* As mode= has it. */
const char *mode_name(enum mode mode);

#endif
