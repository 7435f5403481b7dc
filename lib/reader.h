/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading machine memory that others wrote (loader's records, ACPI tables) through one callback:
 * the stage reads below 4 GiB, the UEFI application and the resident layer wherever they map, the
 * host a model.  Nothing is ever read through a pointer taken from such memory; every address goes
 * through here.
 */
#ifndef LIB_READER_H
#define LIB_READER_H

#include <stddef.h>

#include "checked.h"

struct reader {
    /* Copies `size` bytes at machine address `at`; false (and `to` undefined) when not all of them
     * can be reached, wrapped addresses included. */
    bool (*read)(const struct reader *reader, uint64_t at, void *to, size_t size);
    const void *context;
};

static inline MUST_USE bool reader_bytes(const struct reader *reader, uint64_t at, void *to,
                                         size_t size)
{
    return at <= UINT64_MAX - size && reader->read(reader, at, to, size);
}

/* Little-endian, unaligned allowed. */
static inline MUST_USE bool reader_u8(const struct reader *reader, uint64_t at, uint8_t *ret)
{
    return reader_bytes(reader, at, ret, sizeof(*ret));
}

static inline MUST_USE bool reader_u16(const struct reader *reader, uint64_t at, uint16_t *ret)
{
    return reader_bytes(reader, at, ret, sizeof(*ret));
}

static inline MUST_USE bool reader_u32(const struct reader *reader, uint64_t at, uint32_t *ret)
{
    return reader_bytes(reader, at, ret, sizeof(*ret));
}

static inline MUST_USE bool reader_u64(const struct reader *reader, uint64_t at, uint64_t *ret)
{
    return reader_bytes(reader, at, ret, sizeof(*ret));
}

#endif
