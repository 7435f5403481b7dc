/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The log's lines; see report.h for their order and who prints them.
 */
#include "report.h"

#include "guest_parse.h"
#include "memory_map.h"

#ifndef PARAVANE_VERSION
#define PARAVANE_VERSION "unversioned"
#endif

typedef unsigned long long ull;

static void print_line(const struct report *report, const char *format, va_list args)
{
    out_text(report->out, REPORT_PREFIX);
    out_vprintf(report->out, format, args);
    out_text(report->out, "\n");
}

__attribute__((format(printf, 2, 3))) static void report_line(const struct report *report,
                                                              const char *format, ...)
{
    va_list args;
    if (report->log == LOG_QUIET)
        return;
    va_start(args, format);
    print_line(report, format, args);
    va_end(args);
}

void report_debug(const struct report *report, const char *format, ...)
{
    va_list args;
    if (report->log != LOG_DEBUG)
        return;
    va_start(args, format);
    print_line(report, format, args);
    va_end(args);
}

const char *way_in_name(enum way_in way)
{
    switch (way) {
    case WAY_NONE:
        break;
    case WAY_MULTIBOOT1:
        return "Multiboot 1";
    case WAY_MULTIBOOT2:
        return "Multiboot 2";
    case WAY_PVH:
        return "PVH";
    case WAY_UEFI:
        return "UEFI";
    case WAY_HOST_TOOL:
        return "host tool";
    }
    return "unknown";
}

void report_start(const struct report *report, const struct boot_record *record,
                  const struct options *options)
{
    const char *by = record->loader_name && *record->loader_name ? record->loader_name : NULL;
    report_line(report, "version " PARAVANE_VERSION ", way in: %s%s%s%s", way_in_name(record->way),
                by ? " (" : "", by ? by : "", by ? ")" : "");
    report_debug(report, "command line: %s", record->command_line ? record->command_line : "");
    for (uint32_t i = 0; i < options->complaint_count && i < OPTIONS_COMPLAINT_MAX; i++)
        report_line(report, "command line: '%s' is not understood and ignored",
                    options->complaint[i]);
    if (options->complaint_count > OPTIONS_COMPLAINT_MAX)
        report_line(report, "command line: %u more words are not understood",
                    options->complaint_count - OPTIONS_COMPLAINT_MAX);
}

void report_memory(const struct report *report, const struct boot_record *record)
{
    const struct memory_map *map = &record->map;
    uint32_t areas = 0;
    for (uint32_t i = 0; i < map->count; i++)
        if (map->entry[i].type == MEMORY_RAM)
            areas++;
    report_line(report, "memory: %llu KiB of RAM in %u area%s up to 0x%llx",
                (ull)(memory_map_ram_size(map) >> 10), areas, areas == 1 ? "" : "s",
                (ull)memory_map_ram_end(map));
    if (record->rsdp)
        report_line(report, "memory: ACPI's RSDP at 0x%llx", (ull)record->rsdp);
    for (uint32_t i = 0; i < map->count; i++)
        report_debug(report, "memory: 0x%010llx to 0x%010llx %s (type %u)",
                     (ull)map->entry[i].start, (ull)map->entry[i].end,
                     memory_type_name(map->entry[i].type), map->entry[i].type);
    for (uint32_t i = 0; i < record->keep_count; i++)
        report_debug(report, "memory: 0x%010llx to 0x%010llx kept: %s",
                     (ull)record->keep[i].range.start, (ull)record->keep[i].range.end,
                     record->keep[i].name);
}

void report_modules(const struct report *report, const struct boot_record *record)
{
    if (!record->module_count)
        report_line(report, "modules: none");
    for (uint32_t i = 0; i < record->module_count; i++) {
        const struct boot_module *module = &record->module[i];
        report_line(report, "module %u: 0x%llx to 0x%llx, %s%s%s", i, (ull)module->start.v,
                    (ull)module->start.v + module->size, i == 0 ? "guest" : "data",
                    *module->string ? ": " : "", module->string);
    }
}

static void report_features(const struct report *report, const struct guest_info *info)
{
    char text[256];
    struct out_buffer buffer;
    out_buffer_init(&buffer, text, sizeof(text));
    for (unsigned bit = 0; bit < 32; bit++) {
        const char *name = guest_feature_name(bit);
        if (!(info->features_supported & (1u << bit)))
            continue;
        out_printf(&buffer.out, " %s", info->features_required & (1u << bit) ? "!" : "");
        if (name)
            out_text(&buffer.out, name);
        else
            out_printf(&buffer.out, "bit%u", bit);
    }
    if (buffer.length)
        report_line(report, "guest: features%s", text);
}

static void report_address(const struct report *report, const char *name,
                           const struct info_value *value)
{
    if (value->given)
        report_line(report, "guest: %s 0x%llx", name, (ull)value->value);
}

void report_guest(const struct report *report, const struct guest_image *image,
                  const struct guest_info *info)
{
    static const char *const sources[] = {"no Xen notes", "Xen notes", "Xen notes (sections)",
                                          "__xen_guest section"};
    static const char *const pae[] = {"", ", PAE", ", PAE with extended CR3", ", PAE bimodal"};

    report_line(report, "guest: %s, %llu bytes", image->container, (ull)image->file.size);
    if (!info)
        return;
    report_line(report, "guest: %s, e_entry 0x%llx", sources[info->source], (ull)image->elf.entry);
    if (info->source != INFO_NONE) {
        report_line(report, "guest: OS '%s' version '%s', Xen version '%s', loader '%s'%s",
                    info->guest_os, info->guest_version, info->xen_version, info->loader,
                    pae[info->pae]);
        report_address(report, "VIRT_BASE", &info->virt_base);
        report_address(report, "PADDR_OFFSET", &info->paddr_offset);
        report_address(report, "ENTRY", &info->entry);
        report_address(report, "HYPERCALL_PAGE", &info->hypercall_page);
        report_address(report, "INIT_P2M", &info->init_p2m);
        report_address(report, "HV_START_LOW", &info->hv_start_low);
        report_address(report, "PHYS32_ENTRY", &info->phys32_entry);
        if (info->has_phys32_reloc)
            report_line(report, "guest: PHYS32_RELOC align 0x%x, 0x%x to 0x%x", info->phys32_align,
                        info->phys32_min, info->phys32_max);
        if (info->mod_start_pfn || info->bsd_symtab || info->pt_mode_writable)
            report_line(report, "guest:%s%s%s", info->mod_start_pfn ? " MOD_START_PFN" : "",
                        info->bsd_symtab ? " BSD_SYMTAB" : "",
                        info->pt_mode_writable ? " PT_MODE_WRITABLE" : "");
        report_features(report, info);
    }
    uint32_t kept = sizeof(info->complaint) / sizeof(info->complaint[0]);
    for (uint32_t i = 0; i < info->complaint_count && i < kept; i++)
        report_line(report, "guest: %s", info->complaint[i]);
    if (info->complaint_count > kept)
        report_line(report, "guest: %u more complaints", info->complaint_count - kept);
}

void report_decision(const struct report *report, const struct placement *placement)
{
    if (report->log == LOG_QUIET)
        return;
    out_text(report->out, REPORT_PREFIX "addresses: ");
    placement_print(report->out, placement);
    out_text(report->out, "\n");
}

void report_mode(const struct report *report, const struct options *options,
                 const struct plan *plan)
{
    const char *role = plan->mode != MODE_PV        ? ""
                       : options->role == ROLE_DOM0 ? ", role dom0"
                                                    : ", role domu";
    report_line(report, "mode: %s (%s)%s, %s", mode_name(plan->mode),
                plan->protocol ? plan->protocol : "no protocol", role,
                options->mode == MODE_AUTO ? "the first that the image offers of native, pvh, pv"
                                           : "as asked for");
}

void report_plan(const struct report *report, const struct plan_input *input,
                 const struct plan *plan)
{
    if (report->log == LOG_QUIET)
        return;
    plan_print(report->out, REPORT_PREFIX, input, plan);
    for (uint32_t i = 0; i < plan->warning_count && i < PLAN_WARNING_MAX; i++)
        report_line(report, "warning: %s", plan->warning[i]);
}

void report_entering(const struct report *report, const struct plan *plan)
{
    report_line(report, "entering %s at 0x%llx", mode_name(plan->mode),
                (ull)(plan->mode == MODE_PV ? plan->pv.entry : plan->exit.ip));
}

void report_refusal(struct out *out, const struct refusal *why)
{
    out_printf(out, REPORT_PREFIX "refused: %s: ", refusal_name(why->id));
    refusal_print(out, why);
    out_text(out, "\n");
}
