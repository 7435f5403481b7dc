/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Bounded reads from untrusted bytes; see view.h for the contract.
 */
#include "view.h"

#include "bytes.h"

bool view_slice(struct view v, uint64_t offset, uint64_t size, struct view *ret)
{
    if (offset > v.size || size > v.size - offset)
        return false;
    *ret = (struct view){v.data + (size_t)offset, size};
    return true;
}

bool view_read(struct view v, uint64_t offset, void *to, size_t size)
{
    struct view part;
    if (!view_slice(v, offset, size, &part))
        return false;
    if (size)
        memcpy(to, part.data, size);
    return true;
}

bool view_u8(struct view v, uint64_t offset, uint8_t *ret)
{
    return view_read(v, offset, ret, sizeof(*ret));
}

bool view_u16(struct view v, uint64_t offset, uint16_t *ret)
{
    return view_read(v, offset, ret, sizeof(*ret));
}

bool view_u32(struct view v, uint64_t offset, uint32_t *ret)
{
    return view_read(v, offset, ret, sizeof(*ret));
}

bool view_u64(struct view v, uint64_t offset, uint64_t *ret)
{
    return view_read(v, offset, ret, sizeof(*ret));
}

size_t view_string_length(struct view v, uint64_t offset, size_t limit)
{
    size_t length = 0;
    while (length < limit && offset < v.size && v.data[(size_t)offset] != 0) {
        length++;
        offset++;
    }
    return length;
}
