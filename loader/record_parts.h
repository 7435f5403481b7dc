/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The parsers of the ways in, and the parts they share.  Each takes a cleared record and fills it
 * from a protocol's information in machine memory, through a reader; every address, length and
 * string there is hostile.  All are pure: unit tests and fuzzers give them a model of memory.
 */
#ifndef LOADER_RECORD_PARTS_H
#define LOADER_RECORD_PARTS_H

#include "boot_record.h"
#include "memory_map.h"
#include "reader.h"
#include "refusal.h"

/* Bounds against lists that do not end in reasonable time; no real loader comes near them. */
#define RECORD_MAP_BYTES_MAX (4u << 20)
#define RECORD_TAGS_MAX      (16u << 20)

/* A cleared record with empty strings. */
void record_init(struct boot_record *record, enum way_in way);

/* Multiboot 1 information structure at `info`.  Source: Multiboot 0.6.96, section 3.3. */
enum refusal_id record_from_multiboot1(const struct reader *reader, uint64_t info,
                                       struct boot_record *record, struct refusal *why);

/* Multiboot 2 information at `info`.  Source: Multiboot2 2.0, section 3.4. */
enum refusal_id record_from_multiboot2(const struct reader *reader, uint64_t info,
                                       struct boot_record *record, struct refusal *why);

/* struct hvm_start_info at `info`.  Source: xen/include/public/arch-x86/hvm/start_info.h. */
enum refusal_id record_from_pvh(const struct reader *reader, uint64_t info,
                                struct boot_record *record, struct refusal *why);

/* Refuses a module on top of the running stage: one of the two is destroyed. */
enum refusal_id record_check_modules(const struct boot_record *record, struct range stage,
                                     struct refusal *why);

/* Sets record->bios_memory when the vectors of INT 0x11 and 0x12, which nobody has a reason to
 * hook, point into ROM: firmware other than a PC BIOS leaves no vectors behind.  Source: BIOS data
 * area, word at 0x413 (KiB of base memory). */
void record_find_bios(struct boot_record *record, const struct reader *reader);

/* ---- parts ---------------------------------------------------------------------------------- */

/* Copies the string of at most `size` bytes at machine address `at`; UINT64_MAX = up to its NUL. */
enum refusal_id record_read_string(struct boot_record *record, const struct reader *reader,
                                   uint64_t at, uint64_t size, const char *what, const char **ret,
                                   struct refusal *why);

/* Adds [start, start + size) of machine memory to the map; type: enum memory_type.  Refuses when
 * the map is full. */
enum refusal_id record_add_memory(struct boot_record *record, uint64_t start, uint64_t size,
                                  uint32_t type, struct refusal *why);

/* Makes the map from mem_lower and mem_upper when the loader gave none, or one without RAM; refuses
 * when there is no RAM then either. */
enum refusal_id record_finish_memory(struct boot_record *record, struct refusal *why);

/* Refuses a module that does not end below 4 GiB. */
enum refusal_id record_add_module(struct boot_record *record, uint64_t start, uint64_t size,
                                  const char *string, struct refusal *why);

/* Adds to record->keep; size 0 is ignored, and what is beyond its capacity too. */
void record_keep(struct boot_record *record, uint64_t start, uint64_t size, const char *name);

#endif
