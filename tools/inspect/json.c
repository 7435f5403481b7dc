/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The whole answer as one JSON document (RFC 8259).  Addresses are strings in hexadecimal, since
 * JSON readers round numbers above 2^53; counts and sizes below that are numbers.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest_parse.h"
#include "inspect.h"
#include "memory_map.h"

/* Where a comma is due, by depth. */
struct json {
    FILE *file;
    int depth;
    bool started[16];
};

static void indent(struct json *j)
{
    fprintf(j->file, "\n%*s", 2 * j->depth, "");
}

static void text(struct json *j, const char *value)
{
    fputc('"', j->file);
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(j->file, "\\%c", *c);
        else if (*c < 0x20 || *c > 0x7e)
            fprintf(j->file, "\\u%04x", *c); /* bytes of unknown encoding, as Latin-1 */
        else
            fputc(*c, j->file);
    }
    fputc('"', j->file);
}

/* Comma, new line, and the key unless we are in an array (key NULL). */
static void item(struct json *j, const char *key)
{
    if (j->depth) {
        if (j->started[j->depth])
            fputc(',', j->file);
        j->started[j->depth] = true;
        indent(j);
    }
    if (key) {
        text(j, key);
        fputs(": ", j->file);
    }
}

static void open_group(struct json *j, const char *key, char bracket)
{
    item(j, key);
    fputc(bracket, j->file);
    j->started[++j->depth] = false;
}

static void close_group(struct json *j, char bracket)
{
    bool any = j->started[j->depth--];
    if (any)
        indent(j);
    fputc(bracket, j->file);
}

static void put_text(struct json *j, const char *key, const char *value)
{
    item(j, key);
    if (value)
        text(j, value);
    else
        fputs("null", j->file);
}

static void put_number(struct json *j, const char *key, uint64_t value)
{
    item(j, key);
    fprintf(j->file, "%" PRIu64, value);
}

static void put_bool(struct json *j, const char *key, bool value)
{
    item(j, key);
    fputs(value ? "true" : "false", j->file);
}

static void put_address(struct json *j, const char *key, uint64_t value)
{
    item(j, key);
    fprintf(j->file, "\"0x%" PRIx64 "\"", value);
}

static void put_null(struct json *j, const char *key)
{
    put_text(j, key, NULL);
}

static void put_range(struct json *j, struct range range)
{
    put_address(j, "start", range.start);
    put_address(j, "end", range.end);
}

static void put_refusal(struct json *j, const struct refusal *why)
{
    char sentence[1024];
    struct out_buffer buffer;
    out_buffer_init(&buffer, sentence, sizeof(sentence));
    refusal_print(&buffer.out, why);
    open_group(j, "refusal", '{');
    put_text(j, "identifier", refusal_name(why->id));
    put_number(j, "status", why->id);
    put_text(j, "sentence", sentence);
    put_text(j, "advice", refusal_advice(why->id));
    close_group(j, '}');
}

static void put_machine(struct json *j, const struct inspection *in)
{
    const struct boot_record *record = &in->record;
    open_group(j, "machine", '{');
    open_group(j, "memory", '[');
    for (uint32_t i = 0; i < record->map.count; i++) {
        const struct memory_entry *entry = &record->map.entry[i];
        open_group(j, NULL, '{');
        put_range(j, (struct range){entry->start, entry->end});
        put_number(j, "type", entry->type);
        put_text(j, "name", memory_type_name(entry->type));
        close_group(j, '}');
    }
    close_group(j, ']');
    open_group(j, "modules", '[');
    for (uint32_t i = 0; i < record->module_count; i++) {
        const struct boot_module *module = &record->module[i];
        open_group(j, NULL, '{');
        put_range(j, (struct range){module->start.v, module->start.v + module->size});
        put_text(j, "string", module->string);
        close_group(j, '}');
    }
    close_group(j, ']');
    open_group(j, "stage", '{');
    put_range(j, in->stage);
    close_group(j, '}');
    put_text(j, "command_line", record->command_line);
    open_group(j, "not_understood", '[');
    for (uint32_t i = 0; i < in->options.complaint_count && i < OPTIONS_COMPLAINT_MAX; i++)
        put_text(j, NULL, in->options.complaint[i]);
    close_group(j, ']');
    close_group(j, '}');
}

static void put_value(struct json *j, const char *key, const struct info_value *value)
{
    if (value->given)
        put_address(j, key, value->value);
    else
        put_null(j, key);
}

static void put_features(struct json *j, const char *key, uint32_t bits)
{
    open_group(j, key, '[');
    for (unsigned bit = 0; bit < 32; bit++) {
        char number[16];
        const char *name = guest_feature_name(bit);
        snprintf(number, sizeof(number), "bit%u", bit);
        if (bits & 1u << bit)
            put_text(j, NULL, name ? name : number);
    }
    close_group(j, ']');
}

static void put_notes(struct json *j, const struct guest_info *info)
{
    static const char *const sources[] = {"none", "PT_NOTE", "SHT_NOTE", "__xen_guest"};
    static const char *const pae[] = {"no", "yes", "extended-cr3", "bimodal"};
    open_group(j, "info", '{');
    put_text(j, "source", sources[info->source]);
    put_number(j, "xen_notes", info->note_count);
    put_number(j, "foreign_notes", info->foreign_count);
    put_text(j, "guest_os", info->guest_os);
    put_text(j, "guest_version", info->guest_version);
    put_text(j, "xen_version", info->xen_version);
    put_text(j, "loader", info->loader);
    put_text(j, "pae", pae[info->pae]);
    put_value(j, "virt_base", &info->virt_base);
    put_value(j, "paddr_offset", &info->paddr_offset);
    put_value(j, "entry", &info->entry);
    put_value(j, "hypercall_page", &info->hypercall_page);
    put_value(j, "init_p2m", &info->init_p2m);
    put_value(j, "hv_start_low", &info->hv_start_low);
    put_value(j, "phys32_entry", &info->phys32_entry);
    if (info->has_phys32_reloc) {
        open_group(j, "phys32_reloc", '{');
        put_address(j, "align", info->phys32_align);
        put_address(j, "min", info->phys32_min);
        put_address(j, "max", info->phys32_max);
        close_group(j, '}');
    } else {
        put_null(j, "phys32_reloc");
    }
    put_bool(j, "mod_start_pfn", info->mod_start_pfn);
    put_bool(j, "suspend_cancel", info->suspend_cancel);
    put_bool(j, "bsd_symtab", info->bsd_symtab);
    put_features(j, "features_supported", info->features_supported);
    put_features(j, "features_required", info->features_required);
    open_group(j, "complaints", '[');
    uint32_t kept = sizeof(info->complaint) / sizeof(info->complaint[0]);
    for (uint32_t i = 0; i < info->complaint_count && i < kept; i++)
        put_text(j, NULL, info->complaint[i]);
    close_group(j, ']');
    close_group(j, '}');
}

static void put_guest(struct json *j, const struct inspection *in)
{
    const struct guest_image *image = in->prepare.input.image;
    if (!image) {
        put_null(j, "guest");
        return;
    }
    open_group(j, "guest", '{');
    put_text(j, "container", image->container);
    put_number(j, "size", image->file.size);
    put_bool(j, "elf", image->has_elf);
    if (image->has_elf) {
        put_number(j, "class", image->elf.is_64bit ? 64 : 32);
        put_address(j, "e_entry", image->elf.entry);
    }
    if (in->prepare.input.info)
        put_notes(j, in->prepare.input.info);
    else
        put_null(j, "info");
    close_group(j, '}');
}

static void put_placement(struct json *j, const struct placement *placement)
{
    static const char *const rules[] = {"forced",        "explicit-offset",  "no-virt-base",
                                        "below-base",    "at-or-above-base", "xen-default",
                                        "phys32-inside", "linked-high"};
    char words[512];
    struct out_buffer buffer;
    if (!placement) {
        put_null(j, "addresses");
        return;
    }
    out_buffer_init(&buffer, words, sizeof(words));
    placement_print(&buffer.out, placement);
    open_group(j, "addresses", '{');
    put_text(j, "rule", rules[placement->rule]);
    put_text(j, "words", words);
    put_address(j, "base", placement->base);
    put_address(j, "offset", placement->offset);
    put_address(j, "compared", placement->compared);
    put_address(j, "entry_physical", placement->entry_physical.v);
    put_bool(j, "entry_physical_inside", placement->entry_physical_inside);
    put_address(j, "entry_virtual", placement->entry_virtual.v);
    put_bool(j, "entry_virtual_inside", placement->entry_virtual_inside);
    open_group(j, "segments", '[');
    for (uint32_t i = 0; i < placement->segment_count; i++) {
        const struct placed_segment *segment = &placement->segment[i];
        open_group(j, NULL, '{');
        put_number(j, "index", segment->index);
        put_address(j, "file_offset", segment->file_offset);
        put_number(j, "file_size", segment->file_size);
        put_number(j, "memory_size", segment->memory_size);
        put_address(j, "physical", segment->physical.v);
        put_address(j, "virtual", segment->virtual.v);
        put_number(j, "flags", segment->flags);
        close_group(j, '}');
    }
    close_group(j, ']');
    close_group(j, '}');
}

static void put_modes(struct json *j, const struct inspection *in)
{
    open_group(j, "modes", '{');
    for (int i = 0; i < ANSWER_COUNT; i++) {
        const struct mode_answer *answer = &in->answer[i];
        open_group(j, mode_name(answer->mode), '{');
        put_bool(j, "offered", answer->offered);
        put_bool(j, "enters", !answer->id);
        if (answer->id) {
            put_refusal(j, &answer->why);
        } else {
            put_text(j, "protocol", answer->protocol);
            put_address(j, "entry", answer->entry);
        }
        close_group(j, '}');
    }
    close_group(j, '}');
}

static void put_regions(struct json *j, const struct plan *plan)
{
    static const char *const kinds[] = {"stage", "source",  "target", "in-place",
                                        "layer", "handoff", "keep"};
    open_group(j, "regions", '[');
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *region = &plan->region[i];
        open_group(j, NULL, '{');
        put_text(j, "name", region->name);
        put_text(j, "kind", kinds[region->kind]);
        put_range(j, region->machine);
        if (region->has_physical)
            put_address(j, "pseudo_physical", region->physical.v);
        if (region->has_virtual)
            put_address(j, "virtual", region->virtual.v);
        close_group(j, '}');
    }
    close_group(j, ']');
}

static void put_exit(struct json *j, const struct exit_state *state)
{
    static const char *const kinds[] = {"protected", "long", "resident64", "resident32", "real"};
    open_group(j, "exit", '{');
    put_text(j, "kind", kinds[state->kind]);
    put_address(j, "ip", state->ip);
    put_address(j, "ax", state->ax);
    put_address(j, "bx", state->bx);
    put_address(j, "cx", state->cx);
    put_address(j, "dx", state->dx);
    put_address(j, "si", state->si);
    put_address(j, "di", state->di);
    put_address(j, "bp", state->bp);
    put_address(j, "sp", state->sp);
    close_group(j, '}');
}

static void put_pv(struct json *j, const struct pv_plan *pv)
{
    open_group(j, "pv", '{');
    put_text(j, "class",
             pv->class == GUEST_PV64      ? "pv64"
             : pv->class == GUEST_PV32PAE ? "pv32pae"
                                          : "pv32");
    put_address(j, "v_start", pv->v_start);
    put_address(j, "v_end", pv->v_end);
    put_number(j, "nr_pages", pv->nr_pages);
    put_number(j, "page_tables_pfn", pv->pt_pfn);
    put_number(j, "page_tables_count", pv->pt_count);
    put_address(j, "p2m_virtual", pv->p2m_virtual);
    put_number(j, "start_info_pfn", pv->start_info_pfn);
    put_number(j, "stack_pfn", pv->stack_pfn);
    put_number(j, "initrd_pfn", pv->initrd_pfn);
    put_number(j, "initrd_size", pv->initrd_size);
    put_address(j, "shared_info", pv->shared_info);
    put_address(j, "entry", pv->entry);
    put_address(j, "stack_top", pv->stack_top);
    open_group(j, "p2m", '[');
    for (uint32_t i = 0; i < pv->run_count; i++) {
        open_group(j, NULL, '{');
        put_number(j, "pfn", pv->run[i].pfn);
        put_number(j, "mfn", pv->run[i].mfn);
        put_number(j, "count", pv->run[i].count);
        close_group(j, '}');
    }
    close_group(j, ']');
    close_group(j, '}');
}

static void put_plan(struct json *j, const struct plan *plan)
{
    open_group(j, "plan", '{');
    put_text(j, "mode", mode_name(plan->mode));
    put_text(j, "protocol", plan->protocol);
    put_address(j, "entry", plan->mode == MODE_PV ? plan->pv.entry : plan->exit.ip);
    put_regions(j, plan);
    open_group(j, "steps", '[');
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct step *step = &plan->step[i];
        open_group(j, NULL, '{');
        put_text(j, "kind", step->kind == STEP_COPY ? "copy" : "zero");
        put_address(j, "to", step->to);
        if (step->kind == STEP_COPY)
            put_address(j, "from", step->from);
        put_number(j, "size", step->size);
        close_group(j, '}');
    }
    close_group(j, ']');
    put_exit(j, &plan->exit);
    if (plan->mode == MODE_PV)
        put_pv(j, &plan->pv);
    else
        put_null(j, "pv");
    open_group(j, "warnings", '[');
    for (uint32_t i = 0; i < plan->warning_count && i < PLAN_WARNING_MAX; i++)
        put_text(j, NULL, plan->warning[i]);
    close_group(j, ']');
    close_group(j, '}');
}

static void put_log(struct json *j, const char *log)
{
    open_group(j, "log", '[');
    while (*log) {
        size_t length = strcspn(log, "\n");
        char *line = strndup(log, length);
        put_text(j, NULL, line);
        free(line);
        log += length + (log[length] == '\n');
    }
    close_group(j, ']');
}

void json_print(FILE *file, const struct inspection *in)
{
    struct json j = {.file = file};
    open_group(&j, NULL, '{');
    put_text(&j, "version", PARAVANE_VERSION);
    put_number(&j, "status", in->id);
    if (in->id)
        put_refusal(&j, &in->why);
    else
        put_null(&j, "refusal");
    put_machine(&j, in);
    put_guest(&j, in);
    put_placement(&j, in->prepare.input.placement);
    put_modes(&j, in);
    if (in->id)
        put_null(&j, "plan");
    else
        put_plan(&j, &in->plan);
    put_log(&j, in->log);
    close_group(&j, '}');
    fputc('\n', file);
}
