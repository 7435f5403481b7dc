/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The planner's test machine; see plan_fixture.h.
 */
#include "plan_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

uint8_t *fixture_memory;
const uint8_t *fixture_noise;

static void *reach(struct machine *machine, uint64_t at, uint64_t size)
{
    (void)machine;
    if (at > UINT64_C(1) << 32 || size > (UINT64_C(1) << 32) - at)
        abort();
    return fixture_memory + at;
}

static void make_model(void)
{
    uint8_t *noise = malloc(NOISE_SIZE);
    uint64_t x = 0x9e3779b97f4a7c15u;
    for (unsigned i = 0; i < NOISE_SIZE; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        noise[i] = (uint8_t)((x >> 24) | 1); /* never zero: a zeroed byte always shows */
    }
    fixture_noise = noise;
    fixture_memory = mmap(NULL, UINT64_C(1) << 32, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fixture_memory == MAP_FAILED)
        abort();
}

struct fixture *fixture_new(uint64_t stage, uint64_t stage_size)
{
    static struct fixture f;
    if (!fixture_memory)
        make_model();
    memset(&f.record, 0, offsetof(struct boot_record, strings));
    memset(&f.options, 0, sizeof(f.options));
    memset(&f.image, 0, sizeof(f.image));
    memset(&f.info, 0, sizeof(f.info));
    memset(&f.placement, 0, sizeof(f.placement));
    f.cpu = (struct cpu_info){.vendor = "TestCPU", .long_mode = true, .pae = true, .tsc = true};
    f.record.loader_name = f.record.command_line = "";
    f.input = (struct plan_input){.record = &f.record,
                                  .options = &f.options,
                                  .cpu = &f.cpu,
                                  .image = &f.image,
                                  .stage = {stage, stage + stage_size}};
    f.plan.blob_size = FIXTURE_BLOB;
    f.plan.blob_at = stage + stage_size - FIXTURE_BLOB;
    f.plan.blob = fixture_memory + f.plan.blob_at;
    f.machine = (struct machine){.reach = reach};
    return &f;
}

void fixture_ram(struct fixture *f, uint64_t start, uint64_t end)
{
    if (!memory_map_add(&f->record.map, start, end - start, MEMORY_RAM))
        abort();
}

void fixture_module(struct fixture *f, uint64_t start, uint64_t size, uint32_t noise_at,
                    const char *string, bool write)
{
    uint32_t n = f->record.module_count++;
    f->record.module[n] = (struct boot_module){maddr(start), size, fixture_memory + start, string};
    f->noise_at[n] = noise_at;
    if (noise_at > NOISE_SIZE || size > NOISE_SIZE - noise_at)
        abort();
    if (write)
        memcpy(fixture_memory + start, fixture_noise + noise_at, size);
    if (n == 0) {
        f->image.file = (struct view){fixture_memory + start, size};
        f->image.file_at = maddr(start);
        strcpy(f->image.container, "test image");
    }
}

void fixture_elf(struct fixture *f, bool is_64bit, uint64_t entry)
{
    f->image.has_elf = true;
    f->image.elf = (struct elf_view){.file = f->image.file, .is_64bit = is_64bit, .entry = entry};
    f->image.elf_at = f->image.file_at;
    f->input.info = &f->info;
    f->input.placement = &f->placement;
    f->placement.entry_physical = gpaddr(entry);
    f->placement.physical = (struct range){UINT64_MAX, 0};
}

void fixture_segment(struct fixture *f, uint64_t physical, uint64_t file_offset, uint64_t file_size,
                     uint64_t memory_size)
{
    struct placement *p = &f->placement;
    p->segment[p->segment_count] = (struct placed_segment){.file_offset = file_offset,
                                                           .file_size = file_size,
                                                           .memory_size = memory_size,
                                                           .physical = gpaddr(physical),
                                                           .index = p->segment_count};
    p->segment_count++;
    if (physical < p->physical.start)
        p->physical.start = physical;
    if (physical + memory_size > p->physical.end)
        p->physical.end = physical + memory_size;
    p->entry_physical_inside =
        p->entry_physical.v >= p->physical.start && p->entry_physical.v <= p->physical.end;
}

void fixture_bzimage(struct fixture *f, uint16_t version, uint64_t pref, uint32_t init_size,
                     bool relocatable)
{
    uint32_t setup = 0x400;
    f->image.bz = (struct bzimage){.present = true,
                                   .version = version,
                                   .setup_size = setup,
                                   .kernel_size = (uint32_t)f->image.file.size - setup,
                                   .loadflags = 1,
                                   .code32_start = 0x100000,
                                   .kernel_alignment = 0x1000,
                                   .relocatable = relocatable,
                                   .cmdline_size = 2047,
                                   .initrd_addr_max = 0x7fffffff,
                                   .pref_address = pref,
                                   .init_size = init_size};
    fixture_memory[f->image.file_at.v + 0x201] = 0x6a; /* the header ends at 0x26C */
}

void fixture_words(struct fixture *f, uint64_t offset, const uint32_t *words, unsigned count)
{
    memcpy(fixture_memory + f->image.file_at.v + offset, words, count * sizeof(*words));
}

void fixture_run(struct fixture *f)
{
    apply_steps(&f->plan, &f->machine);
}

uint32_t fixture_u32(uint64_t at)
{
    uint32_t value;
    memcpy(&value, fixture_memory + at, sizeof(value));
    return value;
}

uint64_t fixture_u64(uint64_t at)
{
    uint64_t value;
    memcpy(&value, fixture_memory + at, sizeof(value));
    return value;
}

const char *fixture_text(uint64_t at)
{
    return (const char *)fixture_memory + at;
}

bool fixture_is_module(const struct fixture *f, unsigned module, uint64_t offset, uint64_t at,
                       uint64_t size)
{
    return memcmp(fixture_memory + at, fixture_noise + f->noise_at[module] + offset, size) == 0;
}

bool fixture_is_zero(uint64_t at, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        if (fixture_memory[at + i])
            return false;
    return true;
}

const char *fixture_check_segments(const struct fixture *f, uint64_t shift)
{
    for (uint32_t i = 0; i < f->placement.segment_count; i++) {
        const struct placed_segment *s = &f->placement.segment[i];
        uint64_t at = s->physical.v + shift;
        if (!fixture_is_module(f, 0, s->file_offset, at, s->file_size))
            return "a segment's bytes are wrong";
        if (!fixture_is_zero(at + s->file_size, s->memory_size - s->file_size))
            return "a segment is not zero behind its bytes";
    }
    return NULL;
}

const struct region *fixture_region(const struct fixture *f, const char *name)
{
    for (uint32_t i = 0; i < f->plan.region_count; i++)
        if (strcmp(f->plan.region[i].name, name) == 0)
            return &f->plan.region[i];
    return NULL;
}
