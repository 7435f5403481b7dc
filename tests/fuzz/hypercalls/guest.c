/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One operation of the guest: a hypercall, a store, a trap, a change of its registers; or of the
 * machine: time, an interrupt, another vCPU's turn.
 */
#include "hypercalls.h"

#include "context.h"
#include "entry.h"

static void do_hypercall(struct vcpu *v)
{
    const struct call *c = &call[take(1) % call_count];
    uint64_t a[6] = {0};
    struct frame *f = v->frame;
    build(c, a, PAGE_ARGS);
    if (c->number == __HYPERVISOR_iret) {
        struct buffer stack = {.size = 0};
        static const uint16_t code[] = {0xe033, 0xe030, 0xe023, 0xe019, 0xe02b, 0};
        put(&stack, take(1), long_size());
        for (int i = 0; i < 3 && !layer.compat; i++)
            put(&stack, a_number(8), 8);
        put(&stack, an_address(), long_size());
        put(&stack, take(1) & 7 ? code[take(1) % 6] : a_number(8), long_size());
        put(&stack, a_number(8), long_size());
        put(&stack, an_address(), long_size());
        put(&stack, take(1) & 7 ? 0xe02b : a_number(8), long_size());
        f->rsp = store(GUEST_STACK, 0x800, stack.bytes, stack.size);
    }
    f->rax = c->number;
    if (layer.compat) {
        uint64_t *const to[6] = {&f->rbx, &f->rcx, &f->rdx, &f->rsi, &f->rdi, &f->rbp};
        for (int i = 0; i < 6; i++)
            *to[i] = a[i];
    } else {
        uint64_t *const to[6] = {&f->rdi, &f->rsi, &f->rdx, &f->r10, &f->r8, &f->r9};
        for (int i = 0; i < 6; i++)
            *to[i] = a[i];
    }
    hypercall_entry(f);
    int64_t answer = layer.compat ? (int32_t)f->rax : (int64_t)f->rax;
    if (machine_verbose)
        fprintf(stderr, "vCPU %u: %s(%#lx, %#lx, %#lx, %#lx) = %ld\n", v->id,
                hypercall_name(c->number), (long)a[0], (long)a[1], (long)a[2], (long)a[3],
                (long)answer);
    check_answer(c->number, answer);
}

/* A kernel fills a page of its own that is no table: data, or entries of one to be. */
static void do_store(void)
{
    uint64_t mfn = FRAME_GUEST + take(1) % GUEST_PAGES, at = take(1) * 8, count = take(1) % 16;
    uint8_t *page = machine_at(mfn << PAGE_SHIFT);
    bool entries = take(1) & 1;
    for (; count > 0 && at < PAGE_SIZE; count--, at += 8) {
        uint64_t value = entries ? an_entry() : take(8);
        if (!(layer.frame[mfn] & FRAME_LEVEL))
            memcpy(page + at, &value, 8);
    }
}

static void do_trap(struct vcpu *v)
{
    static const uint8_t usual[] = {13, 14, 14, 13, 6, 7, 1, 3, 0x80, 0x82};
    struct frame *f = v->frame;
    uint8_t kind = (uint8_t)take(1);
    f->vector = kind < 0x80 ? usual[kind % sizeof(usual)] : take(1);
    f->error = a_number(4) & 0xffff;
    f->rip = an_address();
    if (layer.compat)
        f->rip = (uint32_t)f->rip;
    else
        f->rip = (uint64_t)((int64_t)(f->rip << 16) >> 16);
    cpu_set_cr2(an_address());
    if (f->vector == 2 || f->vector == 8 || f->vector == 18)
        return;                           /* these have stacks and ends of their own */
    if (f->vector == 13 && take(1) & 1) { /* something to emulate */
        uint64_t code = take(8);
        (void)copy_to_guest(f->rip, &code, 8);
    }
    if (f->vector == 0x82)
        f->rax = call[take(1) % call_count].number;
    faulted = true;
    trap_from_guest(f);
}

static void do_registers(struct vcpu *v)
{
    struct frame *f = v->frame;
    uint64_t *const to[] = {&f->rax, &f->rbx, &f->rcx, &f->rdx, &f->rsi, &f->rdi, &f->rbp, &f->r11};
    f->rsp = take(1) & 1 ? an_address() : guest_base() + (GUEST_STACK + 1) * PAGE_SIZE;
    *to[take(1) % 8] = a_number(8);
}

/* The guest's handler: the flag off, events on or off. */
static void do_events(struct vcpu *v)
{
    uint8_t bits = (uint8_t)take(1);
    v->info[0] = bits & 1;
    v->info[1] = bits >> 1 & 1;
}

static bool begun[MACHINE_CPUS];

/* A vCPU that was switched on starts where ap_start() waits. */
static struct vcpu *choose_vcpu(uint32_t id)
{
    struct vcpu *v = layer.vcpu[id % layer.cpu_count];
    if (!v->online)
        return cpu_vcpu();
    machine_be(v->id);
    if (v->id != 0 && !begun[v->id])
        vcpu_begin(v);
    begun[v->id] = true;
    return v;
}

void guest_start(void)
{
    memset(begun, 0, sizeof(begun));
}

void operate(void)
{
    struct vcpu *v = cpu_vcpu();
    uint8_t kind = (uint8_t)take(1);
    faulted = false;
    if (kind < 0xa0) {
        if (v->kernel_mode)
            do_hypercall(v);
        else {
            v->frame->vector = layer.compat ? ENTRY_SYSCALL32 : ENTRY_SYSCALL;
            syscall_from_user(v->frame);
        }
    } else if (kind < 0xb8) {
        do_store();
        return;
    } else if (kind < 0xc4) {
        v = choose_vcpu(kind);
    } else if (kind < 0xcc) {
        machine_pass_time(take(3) << (kind & 7));
    } else if (kind < 0xd0) {
        machine_interrupt((uint8_t)(VECTOR_LAST - take(1) % 8));
    } else if (kind < 0xe0) {
        do_trap(v);
    } else if (kind < 0xf0) {
        do_registers(v);
    } else {
        do_events(v);
    }
    exit_work();
}
