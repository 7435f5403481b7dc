/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The modelled machine: a PC of a given size laid out as QEMU's, or a memory map from a text file
 * or the firmware's own; the stage where it is linked, modules behind it page by page, as QEMU's
 * and GRUB's Multiboot loaders put them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "map_file.h"
#include "memory_map.h"
#include "number.h"
#include "record_efi.h"

#define DEFAULT_MEMORY (UINT64_C(512) << 20)
#define GIB            (UINT64_C(1) << 30)

static void add(struct memory_map *map, uint64_t start, uint64_t end, uint32_t type)
{
    if (start < end && !memory_map_add(map, start, end - start, type))
        fail(INSPECT_FILE, "the memory map has more than %d entries", RECORD_MAP_MAX);
}

/* QEMU's "pc" machine: memory from 3.5 GiB on is split at 3 GiB, the rest begins at 4 GiB. */
static void model_pc(struct memory_map *map, uint64_t size)
{
    uint64_t low = size >= 7 * GIB / 2 ? 3 * GIB : size;
    add(map, 0, low < 0x9fc00 ? low : 0x9fc00, MEMORY_RAM);
    add(map, 0x9fc00, 0xa0000, MEMORY_RESERVED);
    add(map, 0xf0000, 0x100000, MEMORY_RESERVED);
    add(map, 0x100000, low, MEMORY_RAM);
    add(map, 4 * GIB - 0x40000, 4 * GIB, MEMORY_RESERVED);
    if (size > low)
        add(map, 4 * GIB, 4 * GIB + (size - low), MEMORY_RAM);
}

static void model_cpu(struct cpu_info *cpu, const char *name)
{
    static const struct {
        const char *name;
        int generation;
    } models[] = {{"486", 0}, {"pentium", 1}, {"i686", 2}, {"x86-64", 3}, {"max", 4}};
    int generation = 3;
    if (name) {
        generation = -1;
        for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
            if (!strcmp(models[i].name, name))
                generation = models[i].generation;
        if (generation < 0)
            fail(INSPECT_USAGE, "--cpu %s: expected 486, pentium, i686, x86-64 or max", name);
    }
    *cpu = (struct cpu_info){.vendor = "GenuineIntel", .physical_bits = 32, .count = 1};
    if (generation >= 1)
        cpu->has_cpuid = cpu->pse = cpu->tsc = cpu->apic = true;
    if (generation >= 2) {
        cpu->cmov = cpu->pae = true;
        cpu->physical_bits = 36;
    }
    if (generation >= 3) {
        cpu->nx = cpu->long_mode = cpu->sse2 = cpu->syscall = true;
        cpu->physical_bits = 40;
    }
    if (generation >= 4) {
        cpu->page1gb = cpu->la57 = cpu->x2apic = true;
        cpu->physical_bits = 52;
    }
}

/* The lowest whole-page place in RAM at or above *at; moves *at behind it. */
static uint64_t place(const struct memory_map *map, uint64_t *at, uint64_t size, const char *path)
{
    uint64_t candidate = (*at + PAGE_MASK) & ~PAGE_MASK;
    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_entry *entry = &map->entry[i];
        uint64_t start = (entry->start + PAGE_MASK) & ~PAGE_MASK;
        if (entry->type != MEMORY_RAM || start < entry->start)
            continue;
        if (start < candidate)
            start = candidate;
        if (start < entry->end && size <= entry->end - start && start + size <= 4 * GIB) {
            *at = start + size;
            return start;
        }
    }
    fail(INSPECT_FILE, "no loader could place %s: no 0x%llx bytes of RAM below 4 GiB above 0x%llx",
         path, (unsigned long long)size, (unsigned long long)candidate);
}

static void add_module(struct inspection *in, const char *path, const char *args, uint64_t *at)
{
    struct boot_record *record = &in->record;
    struct view file = read_file(path);
    char *string = malloc(strlen(path) + strlen(args) + 2);
    if (!string)
        fail(INSPECT_INTERNAL, "out of memory");
    sprintf(string, "%s%s%s", path, *args ? " " : "", args);
    struct boot_module *module = &record->module[record->module_count++];
    module->data = file.data;
    module->size = file.size;
    module->start = maddr(place(&record->map, at, file.size, path));
    module->string = record_string(record, string, strlen(string) + 1);
    if (!module->string)
        fail(INSPECT_USAGE, "the guest's arguments are too long");
    free(string);
}

/* "efi:ENTRY_SIZE:FILE": descriptors as GetMemoryMap() gives them. */
static void model_efi(struct inspection *in, const char *text)
{
    const char *path = strchr(text, ':');
    uint64_t entry_size;
    if (!path || !number_parse(text, (size_t)(path - text), false, &entry_size))
        fail(INSPECT_USAGE, "--memory efi:%s: expected efi:ENTRY_SIZE:FILE", text);
    in->id = record_efi_map(read_file(path + 1), entry_size, &in->record.map, &in->why);
}

static void model_memory(struct inspection *in)
{
    const char *memory = in->arguments.memory;
    uint64_t size = DEFAULT_MEMORY;
    if (memory && !strncmp(memory, "efi:", 4))
        model_efi(in, memory + 4);
    else if (memory && !number_parse(memory, strlen(memory), true, &size))
        map_file_read(memory, &in->record.map);
    else
        model_pc(&in->record.map, size);
}

void machine_model(struct inspection *in)
{
    const struct arguments *arguments = &in->arguments;
    struct boot_record *record = &in->record;

    model_cpu(&in->cpu, arguments->cpu);
    in->stage = stage_file_range();
    if (arguments->from)
        given_record(in);
    else
        model_memory(in);
    if (!in->id && !memory_map_is_ram(&record->map, in->stage))
        fail(INSPECT_FILE, "no loader could place the stage: 0x%llx to 0x%llx is not all RAM",
             (unsigned long long)in->stage.start, (unsigned long long)in->stage.end);
    uint64_t at = in->stage.end;
    if (!in->id && !arguments->from) {
        add_module(in, arguments->kernel, arguments->kernel_args ? arguments->kernel_args : "",
                   &at);
        for (int i = 0; i < arguments->module_count; i++)
            add_module(in, arguments->module[i], "", &at);
    }

    char words[512];
    int length = snprintf(words, sizeof(words), "%s%s%s%s%s%s%s",
                          arguments->from ? record->command_line : "paravane.elf",
                          arguments->mode ? " mode=" : "", arguments->mode ? arguments->mode : "",
                          arguments->role ? " role=" : "", arguments->role ? arguments->role : "",
                          arguments->words ? " " : "", arguments->words ? arguments->words : "");
    if (length < 0 || (size_t)length >= sizeof(words))
        fail(INSPECT_USAGE, "too many stage words");
    record->command_line = record_string(record, words, sizeof(words));
    if (!arguments->from) {
        record->loader_name = "";
        record->way = WAY_HOST_TOOL;
    }
    record->bios_memory = 0xa0000; /* the map says what of it is free */
    if (!record->command_line)
        fail(INSPECT_USAGE, "too many stage words");
    options_parse(record->command_line, &in->options);
}
