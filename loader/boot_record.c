/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeping the loader's strings: they are copied into the boot record, because what the loader gave
 * may lie where the guest goes.
 */
#include "boot_record.h"

#include "bytes.h"

const char *record_string(struct boot_record *record, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    /* strings_used never exceeds the array, so neither side can wrap. */
    if (length >= RECORD_STRINGS_SIZE - record->strings_used)
        return NULL;
    char *copy = record->strings + record->strings_used;
    memcpy(copy, text, length);
    copy[length] = 0;
    record->strings_used += (uint32_t)length + 1;
    return copy;
}
