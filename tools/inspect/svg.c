/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A picture of the plan: the files, machine memory before and at the guest's first instruction, and
 * for pv the pseudo-physical and virtual sides, as columns of boxes with ribbons between what is
 * the same bytes.  Heights grow with the logarithm of sizes; a gap says where addresses are left
 * out.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"

#define BOX_MAX      (PLAN_REGION_MAX + PLACEMENT_SEGMENT_MAX + RECORD_MODULE_MAX)
#define COLUMN_WIDTH 300
#define COLUMN_GAP   92
#define MARGIN       24
#define TOP          132
#define BOX_LEAST    34
#define HOLE         16

enum column_id { FILES, BEFORE, AT_ENTRY, PSEUDO, VIRTUAL, COLUMN_COUNT };

static const char *const column_title[] = {"File", "Machine, before", "Machine, at entry",
                                           "Pseudo-physical", "Virtual"};

struct box {
    uint64_t start, end; /* in the column's own address space */
    const char *name;
    char buffer[64];
    const char *colour;
    double y, height;
};

struct column {
    uint32_t count;
    struct box box[BOX_MAX];
};

struct picture {
    FILE *file;
    const struct inspection *in;
    struct column column[COLUMN_COUNT];
    int columns;
    double height;
};

static const char *kind_colour(enum region_kind kind)
{
    switch (kind) {
    case REGION_STAGE:
        return "#c9c4bb";
    case REGION_SOURCE:
        return "#f2d9a6";
    case REGION_TARGET:
        return "#a9d3a5";
    case REGION_IN_PLACE:
        return "#cfe3a0";
    case REGION_LAYER:
        return "#d9a9c8";
    case REGION_HANDOFF:
        return "#a8c7e6";
    case REGION_KEEP:
        return "#e3b7a0";
    }
    return "#ffffff";
}

static void escaped(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", file);
        else if (*text == '<')
            fputs("&lt;", file);
        else if (*text == '>')
            fputs("&gt;", file);
        else if (*text == '"')
            fputs("&quot;", file);
        else if (*text < ' ' || *text > '~')
            fputc('?', file);
        else
            fputc(*text, file);
    }
}

static struct box *add(struct picture *p, enum column_id column, uint64_t start, uint64_t end,
                       const char *name, const char *colour)
{
    struct column *c = &p->column[column];
    if (c->count == BOX_MAX || start >= end)
        return NULL;
    struct box *box = &c->box[c->count++];
    *box = (struct box){.start = start, .end = end, .name = name, .colour = colour};
    return box;
}

static int by_start(const void *a, const void *b)
{
    const struct box *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->end < y->end ? 1 : x->end > y->end ? -1 : 0;
}

static double box_height(uint64_t size)
{
    double pages = (double)size / 4096;
    return BOX_LEAST + (pages > 1 ? 5 * log2(pages) : 0);
}

/* Sorts a column and stacks its boxes, with a hole wherever addresses are left out. */
static void arrange(struct picture *p, struct column *c)
{
    double y = TOP;
    qsort(c->box, c->count, sizeof(c->box[0]), by_start);
    for (uint32_t i = 0; i < c->count; i++) {
        struct box *box = &c->box[i];
        if (i && c->box[i - 1].end < box->start)
            y += HOLE;
        box->y = y;
        box->height = box_height(box->end - box->start);
        y += box->height;
    }
    if (y > p->height)
        p->height = y;
}

static double column_x(enum column_id column)
{
    return MARGIN + column * (COLUMN_WIDTH + COLUMN_GAP);
}

/* The y of an address in a column; *inside false when no box holds it. */
static double y_of(const struct column *c, uint64_t address, bool end, bool *inside)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct box *box = &c->box[i];
        if (end ? address > box->start && address <= box->end
                : address >= box->start && address < box->end) {
            *inside = true;
            return box->y +
                   box->height * (double)(address - box->start) / (double)(box->end - box->start);
        }
    }
    *inside = false;
    return 0;
}

/* A ribbon between [a, a + size) of one column and [b, b + size) of the next. */
static void ribbon(struct picture *p, enum column_id from, uint64_t a, enum column_id to,
                   uint64_t b, uint64_t size, const char *colour)
{
    bool inside[4];
    double y[4];
    if (!size)
        return;
    y[0] = y_of(&p->column[from], a, false, &inside[0]);
    y[1] = y_of(&p->column[from], a + size, true, &inside[1]);
    y[2] = y_of(&p->column[to], b, false, &inside[2]);
    y[3] = y_of(&p->column[to], b + size, true, &inside[3]);
    if (!inside[0] || !inside[1] || !inside[2] || !inside[3])
        return;
    double x0 = column_x(from) + COLUMN_WIDTH, x1 = column_x(to), middle = (x0 + x1) / 2;
    fprintf(p->file,
            "<path d=\"M%.1f,%.1f C%.1f,%.1f %.1f,%.1f %.1f,%.1f L%.1f,%.1f "
            "C%.1f,%.1f %.1f,%.1f %.1f,%.1f Z\" fill=\"%s\" fill-opacity=\"0.35\" "
            "stroke=\"%s\" stroke-width=\"0.8\"/>\n",
            x0, y[0], middle, y[0], middle, y[2], x1, y[2], x1, y[3], middle, y[3], middle, y[1],
            x0, y[1], colour, colour);
}

static void draw_column(struct picture *p, enum column_id id)
{
    const struct column *c = &p->column[id];
    double x = column_x(id);
    fprintf(p->file, "<text x=\"%.1f\" y=\"%d\" class=\"title\">%s</text>\n", x, TOP - 16,
            column_title[id]);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct box *box = &c->box[i];
        if (i && c->box[i - 1].end < box->start)
            fprintf(p->file, "<text x=\"%.1f\" y=\"%.1f\" class=\"hole\">&#8942;</text>\n",
                    x + COLUMN_WIDTH / 2.0, box->y - 3);
        fprintf(p->file,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"%s\" "
                "stroke=\"#444\"/>\n",
                x, box->y, COLUMN_WIDTH, box->height, box->colour);
        fprintf(p->file, "<text x=\"%.1f\" y=\"%.1f\" class=\"name\">", x + 6, box->y + 14);
        escaped(p->file, box->name);
        fprintf(p->file,
                "</text>\n<text x=\"%.1f\" y=\"%.1f\" class=\"address\">0x%" PRIx64
                " &#8211; 0x%" PRIx64 "</text>\n",
                x + 6, box->y + 28, box->start, box->end);
    }
}

/* Modules are shown one behind the other, at offsets in the file that they came from. */
static void add_files(struct picture *p)
{
    const struct inspection *in = p->in;
    const struct placement *placement = in->prepare.input.placement;
    bool segments = placement && in->image.has_elf && in->plan.mode != MODE_AUTO;
    if (segments) {
        for (uint32_t i = 0; i < placement->segment_count; i++) {
            const struct placed_segment *s = &placement->segment[i];
            struct box *box = add(p, FILES, s->file_offset, s->file_offset + s->file_size, "",
                                  kind_colour(REGION_SOURCE));
            if (!box)
                continue;
            out_format(box->buffer, sizeof(box->buffer), "ELF segment %u (%s%s%s)", s->index,
                       s->flags & 4 ? "R" : "", s->flags & 2 ? "W" : "", s->flags & 1 ? "X" : "");
        }
    } else {
        add(p, FILES, 0, in->record.module[0].size, "guest", kind_colour(REGION_SOURCE));
    }
}

static bool is_before(enum region_kind kind)
{
    return kind == REGION_STAGE || kind == REGION_SOURCE || kind == REGION_KEEP;
}

static void add_regions(struct picture *p)
{
    const struct plan *plan = &p->in->plan;
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *r = &plan->region[i];
        const char *colour = kind_colour(r->kind);
        uint64_t size = range_size(r->machine);
        if (is_before(r->kind) || r->kind == REGION_IN_PLACE)
            add(p, BEFORE, r->machine.start, r->machine.end, r->name, colour);
        if (!is_before(r->kind) || r->kind == REGION_KEEP)
            add(p, AT_ENTRY, r->machine.start, r->machine.end, r->name, colour);
        if (r->has_physical)
            add(p, PSEUDO, r->physical.v, r->physical.v + size, r->name, colour);
        if (r->has_virtual)
            add(p, VIRTUAL, r->virtual.v, r->virtual.v + size, r->name, colour);
    }
}

static void draw_ribbons(struct picture *p)
{
    const struct inspection *in = p->in;
    const struct plan *plan = &in->plan;
    const struct placement *placement = in->prepare.input.placement;
    if (placement && in->image.has_elf)
        for (uint32_t i = 0; i < placement->segment_count; i++) {
            const struct placed_segment *s = &placement->segment[i];
            ribbon(p, FILES, s->file_offset, BEFORE, in->image.elf_at.v + s->file_offset,
                   s->file_size, "#c9962f");
        }
    else
        ribbon(p, FILES, 0, BEFORE, in->record.module[0].start.v, in->record.module[0].size,
               "#c9962f");
    for (uint32_t i = 0; i < plan->step_count; i++)
        if (plan->step[i].kind == STEP_COPY)
            ribbon(p, BEFORE, plan->step[i].from, AT_ENTRY, plan->step[i].to, plan->step[i].size,
                   "#4f8f4a");
    for (uint32_t i = 0; i < plan->region_count; i++) {
        const struct region *r = &plan->region[i];
        uint64_t size = range_size(r->machine);
        if (r->kind == REGION_IN_PLACE || r->kind == REGION_KEEP)
            ribbon(p, BEFORE, r->machine.start, AT_ENTRY, r->machine.start, size, "#8f9f3a");
        if (r->has_physical)
            ribbon(p, AT_ENTRY, r->machine.start, PSEUDO, r->physical.v, size, "#3f7fb0");
        if (r->has_physical && r->has_virtual)
            ribbon(p, PSEUDO, r->physical.v, VIRTUAL, r->virtual.v, size, "#7a5fa8");
    }
}

static void draw_legend(struct picture *p, double y)
{
    static const struct {
        enum region_kind kind;
        const char *name;
    } kinds[] = {{REGION_STAGE, "stage"},
                 {REGION_SOURCE, "read"},
                 {REGION_TARGET, "written"},
                 {REGION_IN_PLACE, "stays in place"},
                 {REGION_LAYER, "resident layer"},
                 {REGION_HANDOFF, "hand-off"},
                 {REGION_KEEP, "kept"}};
    double x = MARGIN;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++, x += 132)
        fprintf(p->file,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"14\" fill=\"%s\" "
                "stroke=\"#444\"/><text x=\"%.1f\" y=\"%.1f\" class=\"name\">%s</text>\n",
                x, y, kind_colour(kinds[i].kind), x + 20, y + 12, kinds[i].name);
}

void svg_print(FILE *file, const struct inspection *in)
{
    struct picture *p = calloc(1, sizeof(*p));
    char words[512] = "";
    if (!p)
        fail(INSPECT_INTERNAL, "out of memory");
    p->file = file;
    p->in = in;
    p->columns = in->plan.mode == MODE_PV ? COLUMN_COUNT : PSEUDO;
    add_files(p);
    add_regions(p);
    for (int c = 0; c < p->columns; c++)
        arrange(p, &p->column[c]);
    for (uint32_t i = 0; i < p->column[FILES].count; i++)
        if (p->column[FILES].box[i].buffer[0])
            p->column[FILES].box[i].name = p->column[FILES].box[i].buffer;

    double width = 2 * MARGIN + p->columns * COLUMN_WIDTH + (p->columns - 1) * COLUMN_GAP;
    if (width < 2 * MARGIN + 7 * 132)
        width = 2 * MARGIN + 7 * 132;
    double height = p->height + 64;
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\">\n"
            "<style>text{font-family:sans-serif;fill:#222}.head{font-size:18px;font-weight:bold}"
            ".title{font-size:15px;font-weight:bold}.name{font-size:12px}"
            ".address{font-size:11px;font-family:monospace;fill:#444}"
            ".hole{font-size:14px;text-anchor:middle}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fffdf8\"/>\n"
            "<text x=\"%d\" y=\"32\" class=\"head\">",
            width, height, width, height, MARGIN);
    const char *slash = strrchr(in->arguments.kernel, '/');
    escaped(file, slash ? slash + 1 : in->arguments.kernel);
    fprintf(file, ": %s (", mode_name(in->plan.mode));
    escaped(file, in->plan.protocol ? in->plan.protocol : "");
    fprintf(file, "), entered at 0x%" PRIx64 "</text>\n<text x=\"%d\" y=\"56\" class=\"name\">",
            in->plan.mode == MODE_PV ? in->plan.pv.entry : in->plan.exit.ip, MARGIN);
    if (in->prepare.input.placement) {
        struct out_buffer buffer;
        out_buffer_init(&buffer, words, sizeof(words));
        placement_print(&buffer.out, in->prepare.input.placement);
    }
    /* The rule on one line, what came out on the next. */
    char *outcome = strstr(words, "; ");
    if (outcome)
        *outcome = 0;
    escaped(file, words);
    fprintf(file, "</text>\n<text x=\"%d\" y=\"74\" class=\"name\">", MARGIN);
    escaped(file, outcome ? outcome + 2 : "");
    fputs("</text>\n", file);
    draw_ribbons(p);
    for (int c = 0; c < p->columns; c++)
        draw_column(p, (enum column_id)c);
    draw_legend(p, p->height + 28);
    fputs("</svg>\n", file);
    free(p);
}
