/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * PVH start info -> boot record; see record_parts.h.  Modules above 4 GiB are refused: the stage
 * runs without paging.
 * Source: xen/include/public/arch-x86/hvm/start_info.h (version 1).
 */
#include "bytes.h"
#include "record_parts.h"

#define PVH_MAGIC    0x336ec578u
#define INFO_SIZE    40 /* version 0; version 1 adds the memory map */
#define INFO_SIZE_1  56
#define MODULE_ENTRY 32
#define MAP_ENTRY    24

static uint32_t u32(const uint8_t *bytes, uint32_t offset)
{
    uint32_t value;
    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static uint64_t u64(const uint8_t *bytes, uint32_t offset)
{
    uint64_t value;
    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

static enum refusal_id read_map(struct boot_record *record, const struct reader *reader,
                                uint64_t at, uint32_t count, struct refusal *why)
{
    if (count > RECORD_MAP_BYTES_MAX / MAP_ENTRY)
        return REFUSE(why, INFO_MAP_TOO_LONG,
                      .num = {(uint64_t)count * MAP_ENTRY, RECORD_MAP_BYTES_MAX});
    for (uint32_t i = 0; i < count; i++) {
        uint8_t entry[MAP_ENTRY];
        uint64_t where = at + (uint64_t)i * MAP_ENTRY;
        if (!reader_bytes(reader, where, entry, sizeof(entry)))
            return REFUSE(why, INFO_UNREADABLE, .str = {"memory map"}, .num = {where});
        if (record_add_memory(record, u64(entry, 0), u64(entry, 8), u32(entry, 16), why))
            return why->id;
    }
    return REFUSE_NONE;
}

static enum refusal_id read_modules(struct boot_record *record, const struct reader *reader,
                                    uint64_t at, uint32_t count, struct refusal *why)
{
    if (count > RECORD_MODULE_MAX)
        return REFUSE(why, INFO_TOO_MANY_MODULES, .num = {RECORD_MODULE_MAX});
    for (uint32_t i = 0; i < count; i++) {
        uint8_t entry[MODULE_ENTRY];
        uint64_t where = at + (uint64_t)i * MODULE_ENTRY;
        const char *string = "";
        if (!reader_bytes(reader, where, entry, sizeof(entry)))
            return REFUSE(why, INFO_UNREADABLE, .str = {"module list"}, .num = {where});
        if (u64(entry, 16) && record_read_string(record, reader, u64(entry, 16), UINT64_MAX,
                                                 "module string", &string, why))
            return why->id;
        if (record_add_module(record, u64(entry, 0), u64(entry, 8), string, why))
            return why->id;
    }
    return REFUSE_NONE;
}

enum refusal_id record_from_pvh(const struct reader *reader, uint64_t at,
                                struct boot_record *record, struct refusal *why)
{
    uint8_t info[INFO_SIZE_1] = {0};

    record_init(record, WAY_PVH);
    if (!reader_bytes(reader, at, info, INFO_SIZE))
        return REFUSE(why, INFO_UNREADABLE, .str = {"PVH start info"}, .num = {at});
    /* Without a map (version 0) the memory would have to be asked of Xen, which we do not require
     * to be there. */
    if (u32(info, 0) != PVH_MAGIC || u32(info, 4) < 1)
        return REFUSE(why, INFO_PVH_VERSION, .num = {u32(info, 0), u32(info, 4), PVH_MAGIC, 1});
    if (!reader_bytes(reader, at, info, INFO_SIZE_1))
        return REFUSE(why, INFO_UNREADABLE, .str = {"PVH start info"}, .num = {at});

    if (u64(info, 24) && record_read_string(record, reader, u64(info, 24), UINT64_MAX,
                                            "command line", &record->command_line, why))
        return why->id;
    if (read_map(record, reader, u64(info, 40), u32(info, 48), why) ||
        record_finish_memory(record, why) ||
        read_modules(record, reader, u64(info, 16), u32(info, 12), why))
        return why->id;
    record->rsdp = u64(info, 32);
    record->rsdp_source = record->rsdp ? RSDP_PVH : RSDP_NONE;
    return REFUSE_NONE;
}
