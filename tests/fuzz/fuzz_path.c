/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The whole way: a machine and a guest file, from the boot record to apply in a model of memory.
 * The first 8 bytes describe the machine (mode, protocol, role, size, where the modules lie); the
 * rest is the guest.  Beyond no crash: a plan that passes its check writes nowhere but in RAM,
 * leaves the ramdisk's bytes where the plan says that they are, and is the same when made again.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "apply.h"
#include "memory_map.h"
#include "prepare.h"
#include "record_parts.h"

#define MACHINE_SIZE (UINT64_C(64) << 20)
#define STAGE_START  0x100000
#define STAGE_END    0x180000
#define BLOB_AT      0x120000
#define BLOB_SIZE    0x40000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *ram;
static uint64_t ram_size;

static void *reach(struct machine *machine, uint64_t at, uint64_t size)
{
    (void)machine;
    if (at > ram_size || size > ram_size - at)
        abort();
    return ram + at;
}

static void silent(struct out *out, const char *text, size_t size)
{
    (void)out;
    (void)text;
    (void)size;
}

/* The machine, with a hole in its RAM if so wanted, and what a loader put into it. */
static void make_record(struct boot_record *record, bool hole, struct boot_module guest,
                        struct boot_module disk)
{
    record_init(record, WAY_MULTIBOOT1);
    if (!memory_map_add(&record->map, 0, 0x9f000, MEMORY_RAM) ||
        !memory_map_add(&record->map, 0x100000, ram_size - 0x100000, MEMORY_RAM) ||
        (hole && !memory_map_add(&record->map, 0x1000000, 0x100000, MEMORY_RESERVED)))
        abort();
    record->module[record->module_count++] = guest;
    if (disk.size)
        record->module[record->module_count++] = disk;
}

static bool same_plan(const struct plan *a, const struct plan *b)
{
    if (a->step_count != b->step_count || a->region_count != b->region_count ||
        a->exit.ip != b->exit.ip || a->blob_used != b->blob_used)
        return false;
    for (uint32_t i = 0; i < a->step_count; i++)
        if (a->step[i].kind != b->step[i].kind || a->step[i].to != b->step[i].to ||
            a->step[i].size != b->step[i].size ||
            (a->step[i].kind == STEP_COPY && a->step[i].from != b->step[i].from))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_record record;
    static struct guest_image image;
    static struct guest_info info;
    static struct placement placement;
    static struct plan plan, again;
    static const struct cpu_info cpu = {.has_cpuid = true,
                                        .cmov = true,
                                        .pse = true,
                                        .pae = true,
                                        .nx = true,
                                        .long_mode = true,
                                        .sse2 = true,
                                        .apic = true,
                                        .tsc = true,
                                        .syscall = true,
                                        .physical_bits = 40};
    static const struct resident_header layer64 = {.magic = RESIDENT_MAGIC,
                                                   .version = HANDOVER_VERSION,
                                                   .image_size = 0x1000,
                                                   .memory_size = 0x8000,
                                                   .entry_offset = 0x20,
                                                   .arena_fixed = 0x100000,
                                                   .arena_per_cpu = 0x10000,
                                                   .arena_bits_per_frame = 8,
                                                   .classes =
                                                       1u << GUEST_PV64 | 1u << GUEST_PV32PAE};
    struct resident_header layer32 = layer64;
    static struct out nowhere = {silent, NULL};
    struct refusal why;
    struct options options;

    layer32.classes = 1u << GUEST_PV32 | 1u << GUEST_PV32PAE;
    if (size < 8 || size > 0x100000)
        return 0;
    if (!ram)
        ram = mmap(NULL, MACHINE_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    options_parse("", &options);
    options.mode = data[0] % 4;
    options.native = data[1] % 5;
    options.role = data[2] & 1;
    ram_size = MACHINE_SIZE >> (data[3] & 1);

    uint64_t guest_at = 0x200000 + ((uint64_t)data[4] << 16), guest_size = size - 8;
    uint64_t disk_at = 0x200000 + ((uint64_t)data[5] << 16), disk_size = (uint64_t)data[6] << 8;
    if (guest_at + guest_size > disk_at && disk_at + disk_size > guest_at)
        disk_at = (guest_at + guest_size + 0xffff) & ~UINT64_C(0xffff);
    if (disk_at + disk_size > ram_size || guest_at + guest_size > ram_size)
        return 0;
    memcpy(ram + guest_at, data + 8, guest_size);
    memset(ram + disk_at, 0x5a, disk_size);

    make_record(
        &record, data[7] & 1,
        (struct boot_module){maddr(guest_at), guest_size, ram + guest_at, "guest with arguments"},
        (struct boot_module){maddr(disk_at), disk_size, ram + disk_at, "disk"});
    uint64_t room =
        guest_at + guest_size > disk_at + disk_size ? guest_at + guest_size : disk_at + disk_size;
    room = (room + 0xfff) & ~UINT64_C(0xfff);
    if (room + 0x200000 > ram_size || (room < 0x1100000 && (data[7] & 1)))
        return 0;
    struct unpack_memory memory = {.data = ram + room, .size = ram_size - room, .at = maddr(room)};
    plan.blob = again.blob = ram + BLOB_AT;
    plan.blob_at = again.blob_at = BLOB_AT;
    plan.blob_size = again.blob_size = BLOB_SIZE;
    struct prepare prepare = {
        .report = {&nowhere, LOG_DEBUG},
        .memory = &memory,
        .image = &image,
        .info = &info,
        .placement = &placement,
        .plan = &plan,
        .input = {.record = &record,
                  .options = &options,
                  .cpu = &cpu,
                  .stage = {STAGE_START, STAGE_END},
                  .resident64 = &layer64,
                  .resident64_at = 0x110000,
                  .resident32 = &layer32,
                  .resident32_at = 0x112000},
    };
    if (prepare_boot(&prepare, &why))
        return 0;
    if (plan_make(&prepare.input, plan.mode, &again, &why) || !same_plan(&plan, &again))
        abort();

    struct machine machine = {.reach = reach};
    apply_build(&plan, &prepare.input, &machine);
    apply_steps(&plan, &machine);
    for (uint32_t i = 0; i < plan.region_count; i++) {
        const struct region *region = &plan.region[i];
        if (region->kind != REGION_IN_PLACE || region->machine.start != disk_at)
            continue;
        for (uint64_t b = 0; b < disk_size; b++)
            if (ram[disk_at + b] != 0x5a)
                abort();
    }
    return 0;
}
