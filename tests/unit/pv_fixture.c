/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The modelled machine; see pv_fixture.h.  The page walk here is written from the processor
 * manuals' tables and shares nothing with the builder.
 */
#include "pv_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory_map.h"
#include "pv_build.h"

#define FOUR_GIB (UINT64_C(1) << 32)
#define PCI_HOLE UINT64_C(0xc0000000)

static uint8_t *memory, *blob;

static void *reach(struct machine *machine, uint64_t at, uint64_t size)
{
    if (at > FOUR_GIB || size > FOUR_GIB - at)
        abort();
    return (uint8_t *)machine->context + at;
}

static void set_map(struct pv_fixture *f, uint64_t ram)
{
    struct memory_map *map = &f->record.map;
    uint64_t low = ram < PCI_HOLE ? ram : PCI_HOLE;

    map->count = 0;
    if (!memory_map_add(map, 0, 0x9fc00, MEMORY_RAM) ||
        !memory_map_add(map, 0x9fc00, 0x60400, MEMORY_RESERVED) ||
        !memory_map_add(map, 0x100000, low - 0x120000, MEMORY_RAM) ||
        !memory_map_add(map, low - 0x20000, 0x20000, MEMORY_RESERVED) ||
        (ram > low && !memory_map_add(map, FOUR_GIB, ram - low, MEMORY_RAM)))
        abort();
}

static void set_header(struct resident_header *header, uint32_t classes)
{
    *header = (struct resident_header){
        .magic = RESIDENT_MAGIC,
        .version = HANDOVER_VERSION,
        .image_size = 0x12345,
        .memory_size = 0x20000,
        .entry_offset = 0x40,
        .arena_fixed = 0x100000,
        .arena_per_cpu = 0x8000,
        .arena_bits_per_frame = 8,
        .classes = classes,
    };
}

void pv_fixture_module(struct pv_fixture *f, uint64_t start, uint64_t size, const char *string,
                       uint8_t fill)
{
    struct boot_module *module = &f->record.module[f->record.module_count++];

    *module = (struct boot_module){maddr(start), size, memory + start, string};
    if (fill && start < FOUR_GIB && size <= FOUR_GIB - start)
        memset(memory + start, fill, size);
}

void pv_fixture_init(struct pv_fixture *f, uint64_t ram, uint64_t kernel_size)
{
    if (memory)
        munmap(memory, FOUR_GIB);
    memory = mmap(NULL, FOUR_GIB, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    pv_fixture_init_bare(f, ram, kernel_size);
    memset(memory + 0x400000, 0x5a, kernel_size / 2);
}

void pv_fixture_init_bare(struct pv_fixture *f, uint64_t ram, uint64_t kernel_size)
{
    if (!blob)
        blob = malloc(FIXTURE_BLOB_SIZE);
    /* All but the plan, which is large and which plan_make() resets. */
    memset(f, 0, offsetof(struct pv_fixture, plan));
    f->memory = memory;
    f->machine = (struct machine){.reach = reach, .context = memory};
    f->record.way = WAY_MULTIBOOT1;
    set_map(f, ram);
    f->cpu = (struct cpu_info){.vendor = "Test",
                               .has_cpuid = true,
                               .tsc = true,
                               .pae = true,
                               .long_mode = true,
                               .count = 1};
    set_header(&f->resident64, 1u << GUEST_PV64 | 1u << GUEST_PV32PAE);
    set_header(&f->resident32, 1u << GUEST_PV32PAE | 1u << GUEST_PV32);

    pv_fixture_module(f, 0x400000, kernel_size / 2, "/boot/kernel root=/dev/ram0 quiet", 0);
    f->image.file_at = f->image.elf_at = maddr(0x400000);
    f->image.has_elf = true;
    f->image.elf.file = (struct view){memory + 0x400000, kernel_size / 2};
    f->image.elf.is_64bit = true;

    f->info.source = INFO_PT_NOTE;
    f->info.pae = PAE_YES;
    f->info.mod_start_pfn = true;
    f->info.init_p2m = (struct info_value){true, UINT64_C(0x8000000000)};
    strcpy(f->info.loader, "generic");
    strcpy(f->info.xen_version, "xen-3.0");
    strcpy(f->info.guest_os, "linux");

    f->placement.base = UINT64_C(0xffffffff80000000);
    f->placement.segment_count = 1;
    f->placement.segment[0] = (struct placed_segment){
        .file_size = kernel_size / 2,
        .memory_size = kernel_size,
        .physical = gpaddr(0x1000000),
        .virtual = gvaddr(f->placement.base + 0x1000000),
    };
    f->placement.physical = (struct range){0x1000000, 0x1000000 + kernel_size};
    f->placement.entry_virtual = gvaddr(f->placement.base + 0x1000040);
    f->placement.entry_virtual_inside = f->placement.virtual_fits = true;

    f->plan.blob = blob;
    f->plan.blob_size = FIXTURE_BLOB_SIZE;
    f->plan.blob_at = FIXTURE_STAGE + 0x100000;
    f->input = (struct plan_input){
        .record = &f->record,
        .options = &f->options,
        .cpu = &f->cpu,
        .image = &f->image,
        .info = &f->info,
        .placement = &f->placement,
        .stage = {FIXTURE_STAGE, FIXTURE_STAGE + FIXTURE_STAGE_SIZE},
        .resident64 = &f->resident64,
        .resident64_at = FIXTURE_STAGE + 0x20000,
        .resident32 = &f->resident32,
        .resident32_at = FIXTURE_STAGE + 0x60000,
    };
}

void pv_fixture_32bit(struct pv_fixture *f, enum pae_mode pae)
{
    uint64_t base = 0xc0000000;

    f->image.elf.is_64bit = false;
    f->info.pae = pae;
    f->info.mod_start_pfn = false;
    f->info.init_p2m.given = false;
    f->placement.base = base;
    f->placement.segment[0].physical = gpaddr(0x100000);
    f->placement.segment[0].virtual = gvaddr(base + 0x100000);
    f->placement.physical =
        (struct range){0x100000, 0x100000 + f->placement.segment[0].memory_size};
    f->placement.entry_virtual = gvaddr(base + 0x100000);
}

enum refusal_id pv_fixture_plan(struct pv_fixture *f)
{
    return plan_make(&f->input, MODE_PV, &f->plan, &f->why);
}

void pv_fixture_apply(struct pv_fixture *f)
{
    memcpy(f->memory + f->plan.blob_at, f->plan.blob, f->plan.blob_used);
    pv_build(&f->plan, &f->input, &f->machine);
    for (uint32_t i = 0; i < f->plan.step_count; i++) {
        const struct step *s = &f->plan.step[i];

        if (s->kind == STEP_COPY)
            memmove(f->memory + s->to, f->memory + s->from, s->size);
        else
            memset(f->memory + s->to, 0, s->size);
    }
}

uint64_t pv_fixture_read(struct pv_fixture *f, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    if (at + size > FOUR_GIB)
        abort();
    memcpy(&value, f->memory + at, size);
    return value;
}

bool pv_fixture_walk(struct pv_fixture *f, uint64_t virtual, uint64_t *ret_mfn, uint64_t *ret_flags)
{
    static const unsigned shift64[] = {39, 30, 21, 12}, shift_pae[] = {30, 21, 12},
                          shift32[] = {22, 12};
    const struct pv_plan *pv = &f->plan.pv;
    const unsigned *shift = pv->class == GUEST_PV64      ? shift64
                            : pv->class == GUEST_PV32PAE ? shift_pae
                                                         : shift32;
    unsigned levels = pv->class == GUEST_PV64 ? 4 : pv->class == GUEST_PV32PAE ? 3 : 2;
    unsigned size = pv->class == GUEST_PV32 ? 4 : 8;
    uint64_t mask = UINT64_C(0xffffffffff000);
    const struct handover *h = (const struct handover *)(f->memory + pv->handover);
    uint64_t table = h->page_table_root;

    for (unsigned level = 0; level < levels; level++) {
        unsigned entries = size == 4 ? 1024 : levels == 3 && level == 0 ? 4 : 512;
        uint64_t index = virtual >> shift[level] & (entries - 1);
        uint64_t entry = pv_fixture_read(f, table + index * size, size);

        if (!(entry & 1))
            return false;
        *ret_flags = entry & ~mask;
        table = entry & mask;
    }
    *ret_mfn = table >> 12;
    return true;
}
