/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What each vCPU did last, for the report: hypercalls, events, traps, and apart from them the
 * hypercalls that failed, as a kernel often stops long after the call that was refused.  What is
 * repeated takes one line.
 */
#include "recorded.h"

#include "trap.h"

void record(struct vcpu *v, enum recorded kind, uint64_t number, uint64_t a, uint64_t b)
{
    struct vcpu_recorded *r = &v->recorded;
    struct recorded_line *line = &r->line[r->last];
    uint64_t what = number << RECORDED_KIND_BITS | kind;
    if (line->what == what && line->a == a) {
        line->b = b;
        line->times++;
        return;
    }
    r->last = (r->last + 1) % RECORDED_LINES;
    r->line[r->last] = (struct recorded_line){what, a, b, 1};
}

void record_element(struct vcpu *v, uint64_t index, uint64_t a, uint64_t b, uint64_t c)
{
    v->recorded.element = (struct failed_element){.index = index, .value = {a, b, c}, .known = 1};
}

void record_failed(struct vcpu *v, uint64_t number, const struct hypercall_args *args, long result)
{
    struct vcpu_recorded *r = &v->recorded;
    struct failed_line *last = &r->failed[(r->failures - 1) % RECORDED_FAILURES];
    struct failed_line now = {
        .number = number, .rip = v->frame->rip, .element = r->element, .result = (int32_t)result};
    r->element.known = 0;
    if (number == __HYPERVISOR_console_io)
        return;
    if (!now.element.known)
        now.element = (struct failed_element){0};
    memcpy(now.argument, args->arg, sizeof(now.argument));
    if (last->times && memcmp(&now, last, offsetof(struct failed_line, times)) == 0) {
        last->times++;
        return;
    }
    now.times = 1;
    r->failed[r->failures++ % RECORDED_FAILURES] = now;
}

static unsigned long long ull(uint64_t value)
{
    return value;
}

static const char *errno_name(int32_t number)
{
    static const struct {
        int32_t number;
        char name[16];
    } known[] = {
#undef XEN_ERRNO
#define XEN_ERRNO(name_, number_) {(number_), #name_},
#include <xen/errno.h>
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (known[i].number == number)
            return known[i].name;
    return "unknown";
}

static void print_failed(const struct failed_line *f)
{
    out_printf(layer_out, "paravane: failed: %s(%#llx, %#llx, %#llx, %#llx) = %d (%s)",
               hypercall_name(f->number), ull(f->argument[0]), ull(f->argument[1]),
               ull(f->argument[2]), ull(f->argument[3]), f->result, errno_name(-f->result));
    if (f->element.known)
        out_printf(layer_out, ", element %llu: (%#llx, %#llx, %#llx)", ull(f->element.index),
                   ull(f->element.value[0]), ull(f->element.value[1]), ull(f->element.value[2]));
    out_printf(layer_out, ", at %#llx", ull(f->rip));
    print_symbol(f->rip);
    if (f->times > 1)
        out_printf(layer_out, ", %u times", f->times);
    out_text(layer_out, "\n");
}

static void print_line(uint32_t index, const struct recorded_line *l)
{
    static const char *const names[] = {"", "hypercall", "event", "trap", "interrupt"};
    unsigned kind = l->what % (1u << RECORDED_KIND_BITS);
    uint64_t number = l->what >> RECORDED_KIND_BITS;
    const char *name = kind == RECORD_HYPERCALL ? hypercall_name(number)
                       : kind == RECORD_TRAP    ? trap_vector_name(number)
                                                : "";
    out_printf(layer_out, "paravane: last %2u: %s %llu %s (%#llx, %#llx)", index, names[kind],
               ull(number), name, ull(l->a), ull(l->b));
    if (l->times > 1)
        out_printf(layer_out, ", the last of %llu", ull(l->times));
    out_text(layer_out, "\n");
}

void recorded_print(const struct vcpu *v)
{
    const struct vcpu_recorded *r = &v->recorded;
    uint32_t first = r->failures > RECORDED_FAILURES ? r->failures - RECORDED_FAILURES : 0;
    for (uint32_t i = first; i < r->failures; i++)
        print_failed(&r->failed[i % RECORDED_FAILURES]);
    uint32_t shown = 0;
    for (uint32_t i = 1; i <= RECORDED_LINES; i++) {
        const struct recorded_line *line = &r->line[(r->last + i) % RECORDED_LINES];
        if (line->what)
            print_line(shown++, line);
    }
}
