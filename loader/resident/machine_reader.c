/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reading machine memory through the direct map.  See machine_reader.h.
 */
#include "machine_reader.h"

#include "layer.h"

static bool read_machine(const struct reader *reader, uint64_t at, void *to, size_t size)
{
    (void)reader;
    uint64_t end = at + size;
    bool low = end <= UINT64_C(0x100000000);
    for (uint64_t frame = at >> PAGE_SHIFT; !low && frame << PAGE_SHIFT < end; frame++) {
        if (frame >= layer.frame_count || !(frame_state(frame) & FRAME_RAM))
            return false;
    }
    for (size_t done = 0, part; done < size; done += part) {
        part = PAGE_SIZE - ((at + done) & PAGE_MASK);
        part = part < size - done ? part : size - done;
        memcpy((uint8_t *)to + done, maddr_pointer(at + done), part);
    }
    return true;
}

const struct reader machine_reader = {.read = read_machine};
