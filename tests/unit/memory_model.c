/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See memory_model.h.
 */
#include "memory_model.h"

#include <string.h>

uint8_t model[MODEL_SIZE];

static bool read_model(const struct reader *reader, uint64_t at, void *to, size_t size)
{
    (void)reader;
    if (at > MODEL_SIZE || size > MODEL_SIZE - at)
        return false;
    memcpy(to, model + at, size);
    return true;
}

const struct reader model_reader = {read_model, NULL};

void model_clear(void)
{
    memset(model, 0, sizeof(model));
}

void put8(uint32_t at, uint8_t value)
{
    model[at] = value;
}

void put16(uint32_t at, uint16_t value)
{
    memcpy(model + at, &value, sizeof(value));
}

void put32(uint32_t at, uint32_t value)
{
    memcpy(model + at, &value, sizeof(value));
}

void put64(uint32_t at, uint64_t value)
{
    memcpy(model + at, &value, sizeof(value));
}

void put_text(uint32_t at, const char *text)
{
    strcpy((char *)model + at, text);
}

void put_checksum(uint32_t at, uint32_t size, uint32_t offset)
{
    uint8_t sum = 0;
    model[at + offset] = 0;
    for (uint32_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + model[at + i]);
    model[at + offset] = (uint8_t)-sum;
}
