/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What every way in needs to fill a boot record from machine memory: strings, memory map entries,
 * modules; see record_parts.h.
 */
#include "record_parts.h"

#include "bytes.h"

#define VECTORS         (0x11 * 4)           /* of INT 0x11 and 0x12 */
#define ROM_SEGMENT     UINT32_C(0xc0000000) /* segment in the upper half: 0xC000 and above */
#define BDA_BASE_MEMORY 0x413
#define BASE_MEMORY_MAX 640 /* KiB */

enum refusal_id record_read_string(struct boot_record *record, const struct reader *reader,
                                   uint64_t at, uint64_t size, const char *what, const char **ret,
                                   struct refusal *why)
{
    uint32_t used = record->strings_used;

    for (uint64_t i = 0;; i++) {
        uint8_t c = 0;
        if (used == RECORD_STRINGS_SIZE)
            return REFUSE(why, INFO_STRINGS_FULL, .str = {what}, .num = {RECORD_STRINGS_SIZE});
        if (i < size && !reader_u8(reader, at + i, &c))
            return REFUSE(why, INFO_UNREADABLE, .str = {what}, .num = {at + i});
        record->strings[used++] = (char)c;
        if (!c)
            break;
    }
    *ret = record->strings + record->strings_used;
    record->strings_used = used;
    return REFUSE_NONE;
}

enum refusal_id record_add_memory(struct boot_record *record, uint64_t start, uint64_t size,
                                  uint32_t type, struct refusal *why)
{
    if (!memory_map_add(&record->map, start, size, type))
        return REFUSE(why, INFO_MAP_FULL, .num = {RECORD_MAP_MAX});
    return REFUSE_NONE;
}

enum refusal_id record_add_module(struct boot_record *record, uint64_t start, uint64_t size,
                                  const char *string, struct refusal *why)
{
    uint64_t end;

    if (record->module_count == RECORD_MODULE_MAX)
        return REFUSE(why, INFO_TOO_MANY_MODULES, .num = {RECORD_MODULE_MAX});
    if (!checked_add_u64(start, size, &end) || end > UINT64_C(1) << 32)
        return REFUSE(why, INFO_MODULE_TOO_HIGH, .num = {record->module_count, start, size});
    record->module[record->module_count++] = (struct boot_module){
        .start = maddr(start),
        .size = size,
        .data = (const uint8_t *)(uintptr_t)start, /* machine memory is reached as it stands */
        .string = string,
    };
    return REFUSE_NONE;
}

void record_keep(struct boot_record *record, uint64_t start, uint64_t size, const char *name)
{
    struct range range;

    if (!size || record->keep_count == sizeof(record->keep) / sizeof(record->keep[0]) ||
        !range_from_size(start, size, &range))
        return;
    record->keep[record->keep_count].range = range;
    record->keep[record->keep_count++].name = name;
}

void record_init(struct boot_record *record, enum way_in way)
{
    memset(record, 0, offsetof(struct boot_record, strings)); /* which are 64 KiB */
    record->way = way;
    record->loader_name = "";
    record->command_line = "";
}

enum refusal_id record_finish_memory(struct boot_record *record, struct refusal *why)
{
    if (memory_map_ram_size(&record->map))
        return REFUSE_NONE;
    if (!record->has_mem)
        return REFUSE(why, INFO_NO_MEMORY);
    if (record_add_memory(record, 0, (uint64_t)record->mem_lower << 10, MEMORY_RAM, why) ||
        record_add_memory(record, 0x100000, (uint64_t)record->mem_upper << 10, MEMORY_RAM, why))
        return why->id;
    return memory_map_ram_size(&record->map) ? REFUSE_NONE : REFUSE(why, INFO_NO_MEMORY);
}

enum refusal_id record_check_modules(const struct boot_record *record, struct range stage,
                                     struct refusal *why)
{
    for (uint32_t i = 0; i < record->module_count; i++) {
        const struct boot_module *module = &record->module[i];
        struct range range = {module->start.v, module->start.v + module->size};
        if (range_overlaps(range, stage))
            return REFUSE(why, INFO_MODULE_ON_STAGE, .num = {i, range.start, range.end, stage.end});
    }
    return REFUSE_NONE;
}

void record_find_bios(struct boot_record *record, const struct reader *reader)
{
    uint32_t vector[2];
    uint16_t kib;
    if (reader_bytes(reader, VECTORS, vector, sizeof(vector)) && vector[0] >= ROM_SEGMENT &&
        vector[1] >= ROM_SEGMENT && reader_u16(reader, BDA_BASE_MEMORY, &kib) &&
        kib <= BASE_MEMORY_MAX)
        record->bios_memory = (uint32_t)kib << 10;
}
