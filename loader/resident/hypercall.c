/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * From registers to handlers: the table, arguments, counts, trace.
 */
#include "entry.h"
#include "recorded.h"

#define UNKNOWN_MAX 256u

static hypercall_handler *const handler[64] = {
#define HYPERCALL(number, name, family) [number] = hc_##name,
#include "table.def"
#undef HYPERCALL
};

static const char *const call_name[64] = {
#define HYPERCALL(number, name, family) [number] = #name,
#include "table.def"
#undef HYPERCALL
};

static const char *const call_family[64] = {
#define HYPERCALL(number, name, family) [number] = #family,
#include "table.def"
#undef HYPERCALL
};

static unsigned long calls[64];               /* by all CPUs without a lock: some may be lost */
static uint8_t unknown_said[UNKNOWN_MAX / 8]; /* bit per number; the last for all beyond */
static uint64_t traced;                       /* bit per number; made on first use */
static bool trace_made;

const char *hypercall_name(uint64_t number)
{
    return number < 64 && call_name[number] ? call_name[number] : "unknown";
}

/* trace= is a list of families and call names, separated by commas; empty: nothing. */
static bool listed(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        const char *end = strchr(list, ',');
        size_t part = end ? (size_t)(end - list) : strlen(list);
        if ((part == length && memcmp(list, word, part) == 0) ||
            (part == 3 && memcmp(list, "all", 3) == 0))
            return true;
        list += part + (end ? 1 : 0);
    }
    return false;
}

static void make_trace(void)
{
    trace_made = true;
    if (layer.handover->log_level < 2)
        return;
    for (uint32_t i = 0; i < 64; i++)
        if (call_name[i] && (listed(layer.handover->trace, call_family[i]) ||
                             listed(layer.handover->trace, call_name[i])))
            traced |= UINT64_C(1) << i;
}

static long unknown(struct vcpu *v, uint64_t number)
{
    uint32_t index = number < UNKNOWN_MAX - 1 ? (uint32_t)number : UNKNOWN_MAX - 1;
    uint8_t bit = (uint8_t)(1u << (index & 7));
    if (!(__atomic_fetch_or(&unknown_said[index / 8], bit, __ATOMIC_RELAXED) & bit)) {
        say(SAY_INFO, "hypercall %llu at %#llx is not known: -ENOSYS", (unsigned long long)number,
            (unsigned long long)v->frame->rip);
    }
    return -XEN_ENOSYS;
}

/* What iret and get_debugreg give is a register, not an errno. */
static bool is_failure(uint64_t number, long result)
{
    return result < 0 && result > -4096 && number != __HYPERVISOR_iret &&
           number != __HYPERVISOR_get_debugreg;
}

long hypercall_dispatch(struct vcpu *v, uint64_t number, const struct hypercall_args *args)
{
    record(v, RECORD_HYPERCALL, number, args->arg[0], args->arg[1]);
    if (number >= 64 || !handler[number]) {
        record_failed(v, number, args, -XEN_ENOSYS);
        return unknown(v, number);
    }
    __atomic_store_n(&calls[number], __atomic_load_n(&calls[number], __ATOMIC_RELAXED) + 1,
                     __ATOMIC_RELAXED);
    long result = handler[number](v, args);
    if (is_failure(number, result))
        record_failed(v, number, args, result);
    if (traced >> number & 1)
        say(SAY_DEBUG, "vcpu %u: %s(%#llx, %#llx, %#llx, %#llx) = %ld", v->id, call_name[number],
            (unsigned long long)args->arg[0], (unsigned long long)args->arg[1],
            (unsigned long long)args->arg[2], (unsigned long long)args->arg[3], result);
    return result;
}

void hypercall_entry(struct frame *f)
{
    struct vcpu *v = cpu_vcpu();
    struct hypercall_args args;
    if (!trace_made)
        make_trace();
    if (layer.compat)
        args = (struct hypercall_args){{(uint32_t)f->rbx, (uint32_t)f->rcx, (uint32_t)f->rdx,
                                        (uint32_t)f->rsi, (uint32_t)f->rdi, (uint32_t)f->rbp}};
    else
        args = (struct hypercall_args){{f->rdi, f->rsi, f->rdx, f->r10, f->r8, f->r9}};
    uint64_t number = layer.compat ? (uint32_t)f->rax : f->rax;
    v->hypercall_now = number;
    long result = hypercall_dispatch(v, number, &args);
    v->hypercall_now = ~UINT64_C(0);
    f->rax = layer.compat ? (uint32_t)result : (uint64_t)result;
}

void hypercall_print_counts(void)
{
    for (uint32_t i = 0; i < 64; i++)
        if (calls[i])
            say(SAY_DEBUG, "%10lu %s", calls[i], call_name[i]);
}
