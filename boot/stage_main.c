/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stage as a list: record, options, consoles, memory to unpack into, prepare (guest, plan,
 * check, print), apply, mover.  The one place where a refusal is printed.
 */
#include "acpi.h"
#include "apply.h"
#include "bytes.h"
#include "console.h"
#include "handoff.h"
#include "prepare.h"
#include "record_parts.h"
#include "resident_input.h"
#include "rsdp.h"
#include "stage.h"
#include "unpack.h"
#include "workspace.h"

#define VGA_TEXT   ((uint8_t *)0xb8000)
#define COM1       0x3f8
#define CR0_EM     (1u << 2)
#define CR0_TS     (1u << 3)
#define CR4_OSFXSR (1u << 9)
#define BLOB_SIZE  0x30000 /* all strings and a full memory map in any protocol */

extern const uint8_t stage_start[], text_end[], stage_end_address[];
extern const uint8_t mover_image[], mover_image_end[];

/* The whole state of the stage; zero at entry. */
static struct {
    struct boot_record record;
    struct options options;
    struct console console;
    struct cpu_info cpu;
    struct guest_image image;
    struct guest_info info;
    struct placement placement;
    struct plan plan;
    struct unpack_memory memory;
    struct out out;    /* the consoles, with the time that they take */
    uint64_t ticks;    /* at the end of the last phase */
    uint64_t printing; /* ticks spent in the consoles since then */
    const char *phase;
    uint8_t blob[BLOB_SIZE] __attribute__((aligned(16)));
} stage;

struct out *stage_out(void)
{
    return &stage.out;
}

/* A serial line is slow: what it takes is no part of a phase. */
static void put_timed(struct out *out, const char *text, size_t size)
{
    uint64_t start = cpu_ticks();
    (void)out;
    stage.console.out.put(&stage.console.out, text, size);
    stage.printing += cpu_ticks() - start;
}

struct range stage_range(void)
{
    return (struct range){(uintptr_t)stage_start, (uintptr_t)stage_end_address};
}

bool stage_is_code(uint32_t at)
{
    return at >= (uintptr_t)stage_start && at < (uintptr_t)text_end;
}

const char *stage_phase(void)
{
    return stage.phase;
}

const struct options *stage_options(void)
{
    return &stage.options;
}

const struct boot_record *stage_record(void)
{
    return &stage.record;
}

static bool read_memory(const struct reader *reader, uint64_t at, void *to, size_t size)
{
    (void)reader;
    if (at + size > UINT64_C(1) << 32)
        return false;
    memcpy(to, (const void *)(uintptr_t)at, size);
    return true;
}

const struct reader stage_reader = {read_memory, NULL};

static void *reach(struct machine *machine, uint64_t at, uint64_t size)
{
    (void)machine;
    (void)size;
    return (void *)(uintptr_t)at;
}

static void refuse(const struct refusal *why)
{
    report_refusal(stage_out(), why);
    stage_end(stage.options.on_refusal, refusal_advice(why->id));
}

static void end_phase(const char *name)
{
    uint64_t now = cpu_ticks();

    if (stage.options.log == LOG_DEBUG && stage.cpu.tsc)
        out_printf(stage_out(), STAGE_PREFIX "debug: phase %s took %llu ticks\n", name,
                   (unsigned long long)(now - stage.ticks - stage.printing));
    stage.ticks = cpu_ticks();
    stage.printing = 0;
}

static void prepare_phase(struct prepare *prepare, const char *name)
{
    (void)prepare;
    end_phase(name);
}

static enum refusal_id read_record(uint32_t way, uint32_t information, struct refusal *why)
{
    enum refusal_id id;

    stage.phase = "reading what the loader gave";
    if (way == WAY_MULTIBOOT1)
        id = record_from_multiboot1(&stage_reader, information, &stage.record, why);
    else if (way == WAY_MULTIBOOT2)
        id = record_from_multiboot2(&stage_reader, information, &stage.record, why);
    else
        id = record_from_pvh(&stage_reader, information, &stage.record, why);
    return id;
}

/* The consoles that the options name; a graphics mode takes the place of VGA text. */
static void open_consoles(void)
{
    const struct options *options = &stage.options;
    const struct framebuffer *fb = &stage.record.framebuffer;

    console_init(&stage.console, options->uart, options->uart_count, options->baud, options->vga,
                 options->debugcon, VGA_TEXT);
    if (!options->vga || fb->kind != FRAMEBUFFER_RGB || fb->address >> 32)
        return;
    const uint8_t position[3] = {fb->red_position, fb->green_position, fb->blue_position};
    const uint8_t size[3] = {fb->red_size, fb->green_size, fb->blue_size};
    if (fb_text_init(&stage.console.framebuffer, (uint8_t *)(uintptr_t)fb->address, fb->pitch,
                     fb->width, fb->height, fb->bpp, position, size))
        stage.console.vga = false;
}

static void print_display(const struct report *report)
{
    static const char *const kind[] = {"none known", "text", "RGB", "indexed"};
    const struct framebuffer *fb = &stage.record.framebuffer;

    report_debug(report, "display: %s, %ux%u, %u bits at 0x%llx", kind[fb->kind], fb->width,
                 fb->height, fb->bpp, (unsigned long long)fb->address);
}

/* CPUs that the firmware lists as usable: what a PV guest's layer gets memory for. */
static uint32_t count_cpus(void)
{
    static struct acpi_madt madt;
    uint32_t count = 0;

    if (!acpi_read_madt(&stage_reader, stage.record.rsdp, &madt))
        return 0;
    for (uint32_t i = 0; i < madt.cpu_count; i++)
        count += madt.cpu[i].enabled;
    return count;
}

static enum refusal_id boot(uint32_t way, uint32_t information, struct prepare *prepare,
                            struct refusal *why)
{
    enum refusal_id id = read_record(way, information, why);

    /* The command line counts even when the rest was refused: it says where to print that. */
    options_parse(stage.record.command_line, &stage.options);
    open_consoles();
    if (id || (id = record_check_modules(&stage.record, stage_range(), why)))
        return id;
    rsdp_find(&stage.record, &stage_reader);
    record_find_bios(&stage.record, &stage_reader);
    stage.cpu.count = count_cpus();

    struct range workspace = workspace_find(&stage.record, stage_range());
    stage.memory = (struct unpack_memory){
        .data = (uint8_t *)(uintptr_t)workspace.start,
        .size = range_size(workspace),
        .at = maddr(workspace.start),
        .cpu = &stage.cpu,
    };

    stage.plan.blob = stage.blob;
    stage.plan.blob_at = (uintptr_t)stage.blob;
    stage.plan.blob_size = sizeof(stage.blob);
    *prepare = (struct prepare){
        .report = {stage_out(), stage.options.log},
        .memory = &stage.memory,
        .image = &stage.image,
        .info = &stage.info,
        .placement = &stage.placement,
        .plan = &stage.plan,
        .map = &stage.record.map,
        .input = {.record = &stage.record,
                  .options = &stage.options,
                  .cpu = &stage.cpu,
                  .stage = stage_range()},
        .phase = prepare_phase,
    };
    resident_images(&prepare->input);
    end_phase("record");
    print_display(&prepare->report);
    stage.phase = "reading the guest and planning";
    return prepare_boot(prepare, why);
}

static void leave(const struct prepare *prepare)
{
    struct machine machine = {
        .reach = reach,
        .mover = mover_image,
        .mover_size = (uint32_t)(mover_image_end - mover_image),
    };

    report_entering(&prepare->report, &stage.plan);
    stage.phase = "carrying out the plan";
    stage.ticks = cpu_ticks();
    stage.printing = 0;
    apply_build(&stage.plan, &prepare->input, &machine);
    end_phase("build");
    __asm__ volatile("jmp *%0" ::"a"((uint32_t)stage.plan.handoff + HANDOFF_CODE + MOVER_ENTRY_32),
                     "b"((uint32_t)stage.plan.handoff)
                     : "memory");
    __builtin_unreachable();
}

/* SSE2's registers for our decoder (Intel SDM volume 3, 13.1): no emulation, no lazy switching. */
static void switch_on_sse2(void)
{
    uint32_t word;

    __asm__ volatile("movl %%cr0, %0\n\t"
                     "andl %1, %0\n\t"
                     "movl %0, %%cr0\n\t"
                     "movl %%cr4, %0\n\t"
                     "orl %2, %0\n\t"
                     "movl %0, %%cr4"
                     : "=&r"(word)
                     : "i"(~(CR0_EM | CR0_TS)), "i"(CR4_OSFXSR));
}

void stage_main(uint32_t way, uint32_t information)
{
    static const uint16_t default_uart[] = {COM1};
    static struct prepare prepare;
    struct refusal why;

    stage.phase = "starting";
    stage.out.put = put_timed;
    console_init(&stage.console, default_uart, 1, 115200, true, false, VGA_TEXT);
    cpu_read(&stage.cpu);
    if (stage.cpu.sse2)
        switch_on_sse2();
    stage.ticks = cpu_ticks();
    if (boot(way, information, &prepare, &why))
        refuse(&why);
    if (stage.options.plan_only) {
        out_text(stage_out(), STAGE_PREFIX "plan: as asked for, nothing is started.\n");
        stage_end(stage.options.on_refusal, "");
    }
    leave(&prepare);
    __builtin_unreachable();
}
