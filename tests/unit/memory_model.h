/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two MiB of machine memory for parsers that read through a struct reader, and little writers.
 */
#ifndef TESTS_MEMORY_MODEL_H
#define TESTS_MEMORY_MODEL_H

#include "reader.h"

#define MODEL_SIZE 0x200000u

extern uint8_t model[MODEL_SIZE];
extern const struct reader model_reader; /* refuses what is not inside */

void model_clear(void);
void put8(uint32_t at, uint8_t value);
void put16(uint32_t at, uint16_t value);
void put32(uint32_t at, uint32_t value);
void put64(uint32_t at, uint64_t value);
void put_text(uint32_t at, const char *text); /* with its NUL */

/* Sets the byte at `at + offset` so that all `size` bytes add up to 0. */
void put_checksum(uint32_t at, uint32_t size, uint32_t offset);

#endif
