/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks of the test guests: counted, named, printed only when they fail; and the tools that
 * several doors need to make them (checksum, command line, memory probing).
 */
#include "guest.h"

static uint32_t checks_made, checks_failed;

void check(const char *name, bool good, uint64_t found, uint64_t expected)
{
    checks_made++;
    if (good)
        return;
    checks_failed++;
    if (checks_failed <= 40)
        print("guest: FAILED: %s: found 0x%llx, expected 0x%llx\n", name, (unsigned long long)found,
              (unsigned long long)expected);
}

void check_equal(const char *name, uint64_t found, uint64_t expected)
{
    check(name, found == expected, found, expected);
}

void check_true(const char *name, bool good)
{
    check(name, good, good, 1);
}

bool check_verdict(void)
{
    print("guest: %u checks made\n", checks_made);
    if (checks_failed)
        print("guest: %u checks failed\n", checks_failed);
    else
        print("guest: all checks passed\n");
    return checks_failed == 0;
}

uint32_t crc32_more(uint32_t before, const void *data, size_t size)
{
    static uint32_t table[256];
    const uint8_t *byte = data;
    uint32_t crc = ~before;

    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t value = i;
            for (int bit = 0; bit < 8; bit++)
                value = (value >> 1) ^ (value & 1 ? 0xedb88320u : 0);
            table[i] = value;
        }
    while (size--)
        crc = (crc >> 8) ^ table[(uint8_t)crc ^ *byte++];
    return ~crc;
}

uint32_t crc32(const void *data, size_t size)
{
    return crc32_more(0, data, size);
}

void check_image(void)
{
    size_t dirty = 0;

    /* First of all: everything below writes to bss. */
    for (const char *byte = bss_start; byte < bss_end; byte++)
        dirty += *byte != 0;
    check_equal("bytes of bss that are not zero", dirty, 0);
    check_equal("image checksum", crc32(image_start, (size_t)(image_sum_end - image_start)),
                image_sum);
}

bool string_equal(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool digit_of(char c, unsigned base, unsigned *ret)
{
    unsigned value = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                     : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                                            : 99;
    *ret = value;
    return value < base;
}

bool option(const char *line, const char *name, uint64_t *ret_value)
{
    size_t size = 0;
    while (name[size])
        size++;
    for (const char *word = line; *word; word++) {
        unsigned base = 10, digit;
        if ((word != line && word[-1] != ' ') || !string_equal(word, name, size) ||
            (word[size] != '=' && word[size] != ' ' && word[size] != '\0'))
            continue;
        *ret_value = 0;
        if (word[size] != '=')
            return true;
        word += size + 1;
        if (word[0] == '0' && word[1] == 'x') {
            base = 16;
            word += 2;
        }
        for (; digit_of(*word, base, &digit); word++)
            *ret_value = *ret_value * base + digit;
        return true;
    }
    return false;
}

void check_memory_usable(uint64_t start, uint64_t size)
{
    /* First and last word of the range, as far as 32-bit addresses go. */
    uint64_t at[2] = {start, start + size - 4};
    for (int i = 0; i < 2; i++) {
        if (at[i] >= 0xfffffffc)
            continue;
        volatile uint32_t *word = physical(at[i]);
        uint32_t before = *word;
        *word = 0x5aa51234;
        check_equal("RAM of the map keeps what is written", *word, 0x5aa51234);
        *word = before;
    }
}

void check_mem_lower(uint32_t mem_lower, uint64_t low_end)
{
    /* In KiB, at most 640 by definition; firmware without a BIOS may end its low RAM anywhere. */
    uint64_t bytes = (uint64_t)mem_lower * 1024;
    check("mem_lower is the map's low RAM", bytes <= low_end && bytes + 4096 > low_end, bytes,
          low_end);
    check("mem_lower is at most 640", mem_lower <= 640, mem_lower, 640);
}
