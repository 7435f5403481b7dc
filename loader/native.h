/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mode=native inside: which protocol a guest gets, one planner per protocol, and what the Multiboot
 * planners share.  All addresses are machine addresses in bytes, below 4 GiB.
 */
#ifndef LOADER_NATIVE_H
#define LOADER_NATIVE_H

#include "multiboot_header.h"
#include "plan.h"

/* Multiboot 2, Multiboot 1, Linux, plain ELF: the first that the image offers, or the one that
 * options->native forces.  `automatic` (mode=auto): a plain ELF or an old Linux that has a Xen door
 * is not taken for a native guest.  Refuses when there is none. */
enum refusal_id native_choose(const struct plan_input *input, bool automatic,
                              enum native_protocol *ret, struct refusal *why);

/* The planners: regions, steps and entry registers into a plan that has the stage and what is to be
 * kept.  Refuse what their protocol cannot give, and what does not fit. */
enum refusal_id native_multiboot1(const struct plan_input *input, struct plan *plan,
                                  struct refusal *why);
enum refusal_id native_multiboot2(const struct plan_input *input, struct plan *plan,
                                  struct refusal *why);
enum refusal_id native_elf(const struct plan_input *input, struct plan *plan, struct refusal *why);

/* bzImage, or a vmlinux found by its notes. */
enum refusal_id native_linux(const struct plan_input *input, struct plan *plan,
                             struct refusal *why);

/* Places a file by Multiboot address fields: one region, one copy, zeros behind. */
enum refusal_id native_by_addresses(const struct plan_input *input, struct plan *plan,
                                    const struct multiboot_layout *layout, uint64_t shift,
                                    struct refusal *why);

/* The guest's section headers, with the symbol and string tables loaded to memory and addressed. */
struct native_sections {
    uint32_t count, size, string_index; /* size: bytes of one header; count 0 = none */
    uint64_t symbols;                   /* machine address of the first loaded table */
};

/* Adds region and copies for .symtab and its like.  Leaves count 0, with a warning where that is
 * odd, when the image has no usable section headers. */
enum refusal_id native_sections(const struct plan_input *input, struct plan *plan,
                                struct native_sections *ret, struct refusal *why);

/* Writes the adjusted section headers, count * size bytes. */
void native_sections_write(const struct plan_input *input, const struct native_sections *sections,
                           uint8_t *to);

/* Modules, information structure and Multiboot 1 registers, after the kernel has been placed. */
enum refusal_id native_mbi_finish(const struct plan_input *input, struct plan *plan,
                                  bool page_align, struct refusal *why);

/* KiB of RAM from 0 (at most 640) and from 1 MiB, as the loader gave them or from the map. */
void native_mem(const struct plan_input *input, uint32_t *ret_lower, uint32_t *ret_upper);

/* What the guest may draw on: the record's framebuffer, or the PC's own text screen.  False when no
 * display is known. */
MUST_USE bool native_framebuffer(const struct plan_input *input, struct framebuffer *ret);

/* Memory types as Multiboot numbers them: 1 to 5 as e820, everything else reserved. */
static inline uint32_t native_memory_type(uint32_t type)
{
    return type >= MEMORY_RAM && type <= MEMORY_UNUSABLE ? type : MEMORY_RESERVED;
}

#define NATIVE_LOADER_NAME "Paravane " PARAVANE_VERSION

#endif
