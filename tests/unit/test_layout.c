/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Layout as a property: random machines (memory maps with holes, modules anywhere, also on top of
 * each other's destinations, segment sets, every protocol that places things) are planned, and the
 * steps are carried out in a model of memory.  Afterwards each byte of the guest is where it must
 * be, each module can be found through the information that the guest gets and is intact, the
 * hand-off, kept memory and memory that is no RAM are untouched; or there was a clean refusal.
 *
 * LAYOUT_RUNS=n changes the number of machines, LAYOUT_SEED=s runs one of them, for debugging.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plan_fixture.h"

#define RUNS  100000
#define WORLD UINT64_C(0x200000) /* machines have their RAM below this */

enum kind {
    KIND_ELF32,
    KIND_ELF64,
    KIND_PVH,
    KIND_PVH_RELOC,
    KIND_MB1,
    KIND_MB2,
    KIND_MB2_RELOC,
    KIND_BZIMAGE,
    KIND_BZIMAGE_FIXED,
    KIND_VMLINUX,
    KIND_COUNT
};

static uint64_t state;

static uint64_t next(void)
{
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t upto(uint64_t limit)
{
    return limit ? next() % limit : 0;
}

static bool chance(unsigned percent)
{
    return upto(100) < percent;
}

/* A size or address, mostly round as linkers and loaders make them. */
static uint64_t rounded(uint64_t value)
{
    unsigned pick = (unsigned)upto(4);
    return pick < 2 ? value & ~UINT64_C(0xfff) : pick == 2 ? value & ~UINT64_C(15) : value;
}

struct busy {
    unsigned count;
    struct range range[64];
};

/* A place in RAM that nothing has yet. */
static bool pick_place(const struct fixture *f, struct busy *busy, uint64_t size, uint64_t *ret)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        uint64_t at = rounded(0x1000 + upto(WORLD - 0x1000));
        struct range r = {at, at + size};
        bool ok = memory_map_is_ram(&f->record.map, r);
        for (unsigned i = 0; i < busy->count && ok; i++)
            ok = !range_overlaps(busy->range[i], r);
        if (ok && busy->count < 64) {
            busy->range[busy->count++] = r;
            *ret = at;
            return true;
        }
    }
    return false;
}

static void make_map(struct fixture *f)
{
    unsigned holes = (unsigned)upto(5);
    fixture_ram(f, 0, chance(80) ? 0x9fc00 : 0xa0000);
    uint64_t room = chance(30) ? 0x40000 : WORLD - 0x140000;
    uint64_t top = 0x100000 + rounded(0x40000 + upto(room));
    fixture_ram(f, 0x100000, top);
    for (unsigned i = 0; i < holes; i++)
        if (!memory_map_add(&f->record.map, rounded(upto(top)), 1 + upto(0x8000),
                            chance(50) ? MEMORY_RESERVED : MEMORY_ACPI))
            abort();
}

static const uint32_t *make_header(enum kind kind, unsigned *ret_count)
{
    static uint32_t words[16];
    if (kind == KIND_MB1) {
        words[0] = 0x1BADB002;
        words[1] = chance(50) ? 3 : 2;
        words[2] = (uint32_t) - (words[0] + words[1]);
        *ret_count = 3;
        return words;
    }
    bool reloc = kind == KIND_MB2_RELOC;
    uint32_t length = reloc ? 48 : 24;
    words[0] = 0xE85250D6;
    words[1] = 0;
    words[2] = length;
    words[3] = (uint32_t) - (words[0] + length);
    unsigned at = 4;
    if (reloc) {
        words[at++] = 10;
        words[at++] = 24;
        words[at++] = (uint32_t)rounded(upto(0x180000));
        words[at++] = 0xffffffff;
        words[at++] = chance(50) ? 0x1000 : 0x10000;
        words[at++] = (uint32_t)upto(3);
    }
    words[at++] = 0;
    words[at++] = 8;
    *ret_count = at;
    return words;
}

/* True when [at, at + size) is free of the segments so far. */
static bool is_clear(const struct fixture *f, uint64_t at, uint64_t size)
{
    for (unsigned k = 0; k < f->placement.segment_count; k++) {
        const struct placed_segment *s = &f->placement.segment[k];
        if (range_overlaps((struct range){at, at + size},
                           (struct range){s->physical.v, s->physical.v + s->memory_size}))
            return false;
    }
    return true;
}

/* Segments that do not overlap, ascending in the file; in memory ascending, descending or wild, and
 * often right on top of the file itself. */
static void make_segments(struct fixture *f, uint64_t file_size)
{
    unsigned count = 1 + (unsigned)upto(6), order = (unsigned)upto(3);
    uint64_t base = rounded(upto(WORLD)), offset = upto(0x200);
    if (chance(60))
        base = rounded(f->record.module[0].start.v - 0x2000 + upto(file_size + 0x4000));
    uint64_t at = base, low = base;
    for (unsigned i = 0; i < count; i++) {
        uint64_t size = rounded(upto(0x6000));
        if (size > file_size - offset)
            size = file_size - offset;
        uint64_t memory = size + (chance(40) ? rounded(upto(0x4000)) : 0);
        if (i && order == 1)
            at = low - memory;
        if (i && order == 2)
            at = base + rounded(upto(0x20000));
        if (memory == 0 || at > WORLD || !is_clear(f, at, memory))
            continue;
        fixture_segment(f, at, offset, size, memory);
        low = at;
        offset += size;
        if (offset < file_size && chance(50))
            offset += upto(file_size - offset < 0x100 ? file_size - offset : 0x100);
        if (order == 0)
            at += memory + (chance(50) ? 0 : rounded(upto(0x4000)));
    }
    if (f->placement.segment_count == 0)
        fixture_segment(f, base, 0, file_size, file_size);
}

/* Builds the machine; false when the dice gave none that makes sense. */
static bool make_machine(struct fixture **ret, enum kind kind)
{
    static const char *const strings[] = {"guest one two", "ramdisk", "", "third with words"};
    struct busy busy = {0};
    uint64_t stage, at;
    uint64_t stage_size = FIXTURE_BLOB + 0x1000 * upto(32);
    struct fixture *f = fixture_new(0x100000, stage_size);
    make_map(f);
    stage = 0x100000;
    if (!memory_map_is_ram(&f->record.map, (struct range){stage, stage + stage_size}) ||
        chance(20)) {
        if (!pick_place(f, &busy, stage_size + 0x1000, &stage))
            return false;
        stage = (stage + 0xfff) & ~UINT64_C(0xfff);
        struct memory_map map = f->record.map;
        f = fixture_new(stage, stage_size);
        f->record.map = map;
    } else {
        busy.range[busy.count++] = (struct range){stage, stage + stage_size};
    }
    if (chance(30) && pick_place(f, &busy, 0x1000, &at)) {
        f->record.keep[0].range = (struct range){at, at + 0x1000};
        f->record.keep[0].name = "kept tables";
        f->record.keep_count = 1;
        memcpy(fixture_memory + at, fixture_noise + 0x3e0000, 0x1000);
    }
    unsigned modules = 1 + (unsigned)upto(5);
    for (unsigned i = 0; i < modules; i++) {
        uint64_t size = 0x1000 + upto(i ? 0x10000 : 0x18000);
        if (i && chance(10))
            size = upto(64);
        if (!pick_place(f, &busy, size, &at)) {
            if (i == 0)
                return false;
            continue;
        }
        /* The guest's noise, in which headers are written, is nobody else's. */
        uint32_t noise = (uint32_t)(i ? 0x40000 + upto(NOISE_SIZE - 0x60000) : upto(0x20000));
        fixture_module(f, at, size, noise, strings[upto(4)], true);
    }
    uint64_t file_size = f->record.module[0].size;
    f->record.rsdp = 0xf0000;
    *ret = f;
    if (kind == KIND_BZIMAGE || kind == KIND_BZIMAGE_FIXED) {
        fixture_bzimage(f, (uint16_t)(0x200 + upto(16)), 0x10000 + rounded(upto(WORLD - 0x10000)),
                        (uint32_t)(file_size + rounded(upto(0x20000))), kind == KIND_BZIMAGE);
        f->image.bz.pref_address &= ~UINT64_C(0xfff);
        f->image.bz.initrd_addr_max = chance(30) ? 0x17ffff : 0x7fffffff;
        return true;
    }
    fixture_elf(f, kind == KIND_ELF64 || kind == KIND_VMLINUX || chance(50), 0);
    if (kind == KIND_ELF32)
        f->image.elf.is_64bit = false;
    make_segments(f, file_size);
    const struct placed_segment *s = &f->placement.segment[0];
    uint64_t entry = s->physical.v + upto(s->memory_size);
    f->placement.entry_physical = gpaddr(entry);
    f->placement.entry_physical_inside = true;
    f->options.native = kind == KIND_MB1                             ? NATIVE_MULTIBOOT1
                        : kind == KIND_MB2 || kind == KIND_MB2_RELOC ? NATIVE_MULTIBOOT2
                        : kind == KIND_VMLINUX                       ? NATIVE_LINUX
                                                                     : NATIVE_ELF;
    if (kind == KIND_PVH || kind == KIND_PVH_RELOC) {
        f->info.source = INFO_PT_NOTE;
        f->info.phys32_entry = (struct info_value){true, entry};
        f->info.has_phys32_reloc = kind == KIND_PVH_RELOC;
        f->info.phys32_align = 0x1000;
        f->info.phys32_max = 0xffffffff;
    }
    if (kind == KIND_VMLINUX)
        strcpy(f->info.guest_os, "linux");
    return true;
}

/* What the guest would do: find its modules through the structure that it is given. */
static const char *check_one_module(const struct fixture *f, unsigned n, uint64_t at, uint64_t size)
{
    if (size != f->record.module[n].size)
        return "a module has the wrong size";
    return fixture_is_module(f, n, 0, at, size) ? NULL : "a module's bytes are wrong";
}

static const char *check_mb1(const struct fixture *f)
{
    uint64_t mbi = f->plan.exit.bx, list = fixture_u32(mbi + 24);
    if (fixture_u32(mbi + 20) != f->record.module_count - 1)
        return "mods_count is wrong";
    if (strcmp(fixture_text(fixture_u32(mbi + 16)), f->record.module[0].string) != 0)
        return "the command line is wrong";
    for (unsigned n = 1; n < f->record.module_count; n++, list += 16) {
        uint64_t at = fixture_u32(list);
        const char *wrong = check_one_module(f, n, at, fixture_u32(list + 4) - at);
        if (wrong)
            return wrong;
        if (strcmp(fixture_text(fixture_u32(list + 8)), f->record.module[n].string) != 0)
            return "a module's string is wrong";
    }
    return NULL;
}

static const char *check_mb2(const struct fixture *f, uint64_t shift)
{
    uint64_t at = f->plan.exit.bx, end = at + fixture_u32(at);
    unsigned n = 1;
    for (at += 8; at < end; at += (fixture_u32(at + 4) + 7) & ~7u) {
        uint32_t type = fixture_u32(at);
        if (type == 3) {
            uint64_t start = fixture_u32(at + 8);
            const char *wrong = check_one_module(f, n, start, fixture_u32(at + 12) - start);
            if (wrong)
                return wrong;
            if (strcmp(fixture_text(at + 16), f->record.module[n++].string) != 0)
                return "a module's string is wrong";
        }
        if (type == 21 && fixture_u32(at + 8) != (uint32_t)(f->placement.physical.start + shift))
            return "the load base is wrong";
        if (type == 0)
            return n == f->record.module_count && at + 8 == end ? NULL : "modules are missing";
    }
    return "there is no end tag";
}

static const char *check_pvh(const struct fixture *f)
{
    uint64_t info = f->plan.exit.bx, list = fixture_u64(info + 16), map = fixture_u64(info + 40);
    if (fixture_u32(info) != 0x336ec578 || fixture_u32(info + 4) != 1 || fixture_u32(info + 8))
        return "hvm_start_info has a wrong head";
    if (fixture_u32(info + 12) != f->record.module_count - 1)
        return "nr_modules is wrong";
    if (fixture_u32(info + 48) != f->record.map.count ||
        fixture_u64(map) != f->record.map.entry[0].start)
        return "the memory map is wrong";
    for (unsigned n = 1; n < f->record.module_count; n++, list += 32) {
        const char *wrong = check_one_module(f, n, fixture_u64(list), fixture_u64(list + 8));
        if (wrong)
            return wrong;
    }
    return NULL;
}

static const char *check_linux(const struct fixture *f)
{
    uint64_t page = f->plan.exit.si, start = fixture_u32(page + 0x218);
    uint64_t size = fixture_u32(page + 0x21c), at = start;
    uint64_t max = f->image.bz.present && f->image.bz.version >= 0x203 ? f->image.bz.initrd_addr_max
                   : f->image.bz.present                               ? 0x37ffffff
                                                                       : 0x7fffffff;
    if (size && start + size - 1 > max)
        return "the ramdisk lies too high";
    for (unsigned n = 1; n < f->record.module_count; n++) {
        uint64_t part = f->record.module[n].size;
        if (part == 0)
            continue;
        uint64_t aligned = start + ((at - start + 3) & ~UINT64_C(3));
        if (!fixture_is_zero(at, aligned - at) || !fixture_is_module(f, n, 0, aligned, part))
            return "the ramdisk's bytes are wrong";
        at = aligned + part;
    }
    if (at - start != size)
        return "the ramdisk's size is wrong";
    if (fixture_memory[page + 0x1e8] != f->record.map.count)
        return "e820 is wrong";
    if (f->image.bz.present &&
        !fixture_is_module(f, 0, 0x400, fixture_u32(page + 0x214), f->image.bz.kernel_size))
        return "the kernel's bytes are wrong";
    return NULL;
}

static const char *check_all(const struct fixture *f, enum kind kind)
{
    uint64_t shift = 0;
    const char *wrong = NULL;
    if (kind == KIND_PVH_RELOC)
        shift = f->plan.exit.ip - f->info.phys32_entry.value;
    if (kind == KIND_MB2_RELOC)
        shift = f->plan.exit.ip - f->placement.entry_physical.v;
    if (kind != KIND_BZIMAGE && kind != KIND_BZIMAGE_FIXED)
        wrong = fixture_check_segments(f, shift);
    if (!wrong)
        switch (kind) {
        case KIND_ELF32:
        case KIND_ELF64:
        case KIND_MB1:
            return check_mb1(f);
        case KIND_MB2:
        case KIND_MB2_RELOC:
            return check_mb2(f, shift);
        case KIND_PVH:
        case KIND_PVH_RELOC:
            return check_pvh(f);
        default:
            return check_linux(f);
        }
    return wrong;
}

/* Copying aside is for rings only: with the sources put back, the steps must have no order. */
static const char *check_aside(const struct fixture *f)
{
    struct step step[PLAN_STEP_MAX];
    unsigned count = 0, aside = 0;
    for (uint32_t i = 0; i < f->plan.step_count; i++) {
        struct step s = f->plan.step[i];
        bool out = false;
        for (uint32_t r = 0; r < f->plan.region_count; r++)
            out |= strncmp(f->plan.region[r].name, "moved", 5) == 0 &&
                   f->plan.region[r].machine.start == s.to;
        aside += out;
        for (uint32_t k = 0; k < i && !out; k++)
            if (f->plan.step[k].to == s.from && f->plan.step[k].size == s.size)
                s.from = f->plan.step[k].from;
        if (!out)
            step[count++] = s;
    }
    for (bool progress = true; progress && aside;) {
        progress = false;
        for (unsigned i = 0; i < count; i++) {
            bool waits = false;
            for (unsigned k = 0; k < count; k++)
                waits |= k != i && step[k].kind == STEP_COPY &&
                         range_overlaps((struct range){step[k].from, step[k].from + step[k].size},
                                        (struct range){step[i].to, step[i].to + step[i].size});
            if (waits)
                continue;
            step[i] = step[--count];
            progress = true;
        }
    }
    return aside && count == 0 ? "a source was moved aside although an order exists" : NULL;
}

/* The header's words become part of what is expected of the guest: run the same bytes twice. */
static void put_header(struct fixture *f, enum kind kind, uint8_t *noise_at)
{
    unsigned count;
    if (kind != KIND_MB1 && kind != KIND_MB2 && kind != KIND_MB2_RELOC)
        return;
    const uint32_t *words = make_header(kind, &count);
    fixture_words(f, 8 * upto(16), words, 0);
    uint64_t offset = 8 * upto(16);
    fixture_words(f, offset, words, count);
    memcpy(noise_at + offset, words, count * sizeof(*words));
}

static void put_stdout(struct out *out, const char *text, size_t size)
{
    (void)out;
    fwrite(text, 1, size, stdout);
}

static void show_plan(struct fixture *f)
{
    struct out out = {.put = put_stdout};
    f->options.plan_only = true;
    plan_print(&out, "", &f->input, &f->plan);
}

struct tally {
    unsigned planned, refused, skipped, aside, moved;
    unsigned by_kind[KIND_COUNT];
};

/* One machine; returns what is wrong with it or NULL. */
static const char *run_one(uint64_t seed, struct tally *tally, bool show)
{
    static uint8_t saved_noise[256];
    state = seed;
    enum kind kind = (enum kind)upto(KIND_COUNT);
    struct fixture *f;
    if (!make_machine(&f, kind)) {
        tally->skipped++;
        return NULL;
    }
    uint8_t *noise = (uint8_t *)(uintptr_t)(fixture_noise + f->noise_at[0]);
    memcpy(saved_noise, noise, sizeof(saved_noise));
    put_header(f, kind, noise);
    enum mode mode = kind == KIND_PVH || kind == KIND_PVH_RELOC ? MODE_PVH : MODE_NATIVE;
    enum refusal_id id = plan_make(&f->input, mode, &f->plan, &f->why);
    const char *wrong = NULL;
    if (id != REFUSE_NONE) {
        tally->refused++;
        /* The checker finding fault with the planner is a failure, except for the entry, which is
         * the guest's own. */
        if (strncmp(refusal_name(id), "CHECK_", 6) == 0 && id != REFUSE_CHECK_ENTRY)
            wrong = refusal_name(id);
        if (f->why.id != id)
            wrong = "a refusal without its reason";
    } else {
        tally->planned++;
        if (show)
            show_plan(f);
        tally->by_kind[kind]++;
        for (uint32_t i = 0; i < f->plan.region_count; i++) {
            tally->aside += strncmp(f->plan.region[i].name, "moved", 5) == 0;
            tally->moved += strncmp(f->plan.region[i].name, "as loaded", 9) == 0;
        }
        uint8_t *handoff = fixture_memory + f->plan.handoff;
        memcpy(handoff, fixture_noise + 4096, HANDOFF_SIZE);
        memcpy(fixture_memory + 0xa0000, fixture_noise, 0x60000);
        fixture_run(f);
        wrong = check_all(f, kind);
        if (!wrong)
            wrong = check_aside(f);
        if (!wrong && memcmp(handoff, fixture_noise + 4096, HANDOFF_SIZE) != 0)
            wrong = "the hand-off was overwritten";
        if (!wrong && memcmp(fixture_memory + 0xa0000, fixture_noise, 0x60000) != 0 &&
            !memory_map_is_ram(&f->record.map, (struct range){0xa0000, 0xa0001}))
            wrong = "memory that is no RAM was written";
        if (!wrong && f->record.keep_count &&
            memcmp(fixture_memory + f->record.keep[0].range.start, fixture_noise + 0x3e0000,
                   0x1000) != 0)
            wrong = "kept memory was written";
    }
    memcpy(noise, saved_noise, sizeof(saved_noise));
    return wrong;
}

static void random_machines(void **unused)
{
    (void)unused;
    struct tally tally = {0};
    const char *one = getenv("LAYOUT_SEED"), *runs = getenv("LAYOUT_RUNS");
    uint64_t count = one ? 1 : runs ? strtoull(runs, NULL, 0) : RUNS;
    uint64_t first = one ? strtoull(one, NULL, 0) : 1;
    for (uint64_t i = 0; i < count; i++) {
        const char *wrong = run_one(first + i, &tally, one != NULL);
        if (wrong)
            fail_msg("LAYOUT_SEED=%llu: %s", (unsigned long long)(first + i), wrong);
    }
    print_message("%u planned, %u refused, %u no machine; %u modules moved, %u moved aside\n",
                  tally.planned, tally.refused, tally.skipped, tally.moved, tally.aside);
    for (unsigned k = 0; k < KIND_COUNT; k++)
        print_message("kind %u: %u planned\n", k, tally.by_kind[k]);
    if (!one) {
        /* The dice must really have thrown what this test is about. */
        assert_true(tally.planned > count / 4);
        assert_true(tally.moved > count / 20);
        assert_true(tally.aside > count / 1000);
        for (unsigned k = 0; k < KIND_COUNT; k++)
            assert_true(tally.by_kind[k] > count / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_machines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
