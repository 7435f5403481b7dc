/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The report of a crash: registers, code, stack, page walk, the last things that happened
 * (recorded.c), symbols where the guest's ELF has them; then the end that on-refusal= asks for.
 */
#include "layer.h"
#include "mc_banks.h"
#include "pagetable.h"
#include "recorded.h"
#include "smp.h"
#include "trap.h"

#include <elf.h>

static unsigned long long ull(uint64_t value)
{
    return value;
}

/* Symbol `index` of the guest's table, of either ELF class: value and name; false behind the last
 * and for what is no function. */
struct symbol {
    uint64_t value;
    uint32_t name;
    uint8_t type;
};

static bool symbol_read(const uint8_t *table, uint64_t at, struct symbol *ret)
{
    if (layer.compat) {
        const Elf32_Sym *symbol = (const Elf32_Sym *)(table + at);
        *ret = (struct symbol){symbol->st_value, symbol->st_name, ELF32_ST_TYPE(symbol->st_info)};
    } else {
        const Elf64_Sym *symbol = (const Elf64_Sym *)(table + at);
        *ret = (struct symbol){symbol->st_value, symbol->st_name, ELF64_ST_TYPE(symbol->st_info)};
    }
    return ret->value && ret->type <= STT_FUNC && ret->name < layer.handover->strings_size;
}

void print_symbol(uint64_t address)
{
    static const uint8_t *table;
    static const char *strings;
    const struct handover *handover = layer.handover;
    uint64_t size = layer.compat ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym);
    struct symbol symbol, best = {0};
    if (!handover->symbols || !handover->strings)
        return;
    if (!table || !strings) {
        table = maddr_keep(handover->symbols, handover->symbols_size);
        strings = maddr_keep(handover->strings, handover->strings_size);
    }
    if (!table || !strings)
        return;
    for (uint64_t at = 0; at + size <= handover->symbols_size; at += size)
        if (symbol_read(table, at, &symbol) && symbol.value <= address && symbol.value > best.value)
            best = symbol;
    if (!best.value || address - best.value >= 0x100000)
        return;
    uint64_t room = handover->strings_size - best.name;
    size_t length = strnlen(strings + best.name, (size_t)(room < 60 ? room : 60));
    out_printf(layer_out, " %.*s+%#llx", (int)length, strings + best.name,
               ull(address - best.value));
}

static void print_registers(const struct frame *f)
{
    say(SAY_ALWAYS, "rip %04x:%016llx  rsp %04x:%016llx  rflags %08llx", (uint32_t)f->cs,
        ull(f->rip), (uint32_t)f->ss, ull(f->rsp), ull(f->rflags));
    say(SAY_ALWAYS, "rax %016llx  rbx %016llx  rcx %016llx", ull(f->rax), ull(f->rbx), ull(f->rcx));
    say(SAY_ALWAYS, "rdx %016llx  rsi %016llx  rdi %016llx", ull(f->rdx), ull(f->rsi), ull(f->rdi));
    say(SAY_ALWAYS, "rbp %016llx  r8  %016llx  r9  %016llx", ull(f->rbp), ull(f->r8), ull(f->r9));
    say(SAY_ALWAYS, "r10 %016llx  r11 %016llx  r12 %016llx", ull(f->r10), ull(f->r11), ull(f->r12));
    say(SAY_ALWAYS, "r13 %016llx  r14 %016llx  r15 %016llx", ull(f->r13), ull(f->r14), ull(f->r15));
    uint64_t cr2 = cpu_cr2();
    say(SAY_ALWAYS, "%s, error %#llx  cr2 %016llx  cr3 %016llx", trap_vector_name(f->vector),
        ull(f->error), ull(cr2), ull(cpu_cr3()));
    out_text(layer_out, "paravane: at");
    out_printf(layer_out, " %#llx", ull(f->rip));
    print_symbol(f->rip);
    out_text(layer_out, "\n");
}

static void print_code(struct vcpu *v, uint64_t rip)
{
    uint8_t byte;
    out_text(layer_out, "paravane: code");
    for (uint64_t i = 0; i < 16; i++) {
        if (!guest_read(v, &byte, rip + i, 1)) {
            out_text(layer_out, " (not mapped)");
            break;
        }
        out_printf(layer_out, " %02x", byte);
    }
    out_text(layer_out, "\n");
}

static bool looks_like_code(uint64_t value)
{
    return value >= layer.handover->virt_base && value < layer.handover->v_end;
}

static void print_stack(struct vcpu *v, uint64_t rsp)
{
    uint64_t word = 0, size = layer.compat ? 4 : 8;
    for (uint64_t i = 0; i < 24; i++) {
        if (!guest_read(v, &word, rsp + i * size, size)) {
            say(SAY_ALWAYS, "stack %016llx: not mapped", ull(rsp + i * size));
            return;
        }
        out_printf(layer_out, "paravane: stack %016llx: %016llx", ull(rsp + i * size), ull(word));
        if (looks_like_code(word))
            print_symbol(word);
        out_text(layer_out, "\n");
    }
}

static void print_walk(const char *what, uint64_t root, uint64_t address)
{
    uint64_t entry[WALK_MAX];
    int level;
    uint32_t count = walk_read(root, address, &level, entry);
    out_printf(layer_out, "paravane: walk of %s %#llx:", what, ull(address));
    for (uint32_t i = 0; i < count; i++)
        out_printf(layer_out, " L%d %llx", level - (int)i, ull(entry[i]));
    out_text(layer_out, count ? "\n" : " no table in memory\n");
}

static void print_vcpu(struct vcpu *v)
{
    uint64_t cr2 = cpu_cr2();
    say(SAY_ALWAYS, "vcpu %u in its %s, events %s%s", v->id,
        v->kernel_mode ? "kernel" : "user space", v->info[1] ? "masked" : "unmasked",
        v->info[0] ? ", one is pending" : "");
    print_registers(v->frame);
    print_code(v, v->frame->rip);
    print_stack(v, v->frame->rsp);
    print_walk("rip", cpu_cr3(), v->frame->rip);
    print_walk("cr2", cpu_cr3(), cr2);
    recorded_print(v);
}

static _Noreturn void end_as_asked(void)
{
    uint32_t flags = layer.handover->flags;
    if (flags & HANDOVER_POWEROFF_ON_CRASH)
        layer_end(END_POWEROFF, 1);
    layer_end(flags & HANDOVER_REBOOT_ON_CRASH ? END_REBOOT : END_HALT, 1);
}

_Noreturn void guest_crash(struct vcpu *v, const char *format, ...)
{
    va_list args;
    smp_stop_others();
    out_text(layer_out, "paravane: the guest crashed: ");
    va_start(args, format);
    out_vprintf(layer_out, format, args);
    va_end(args);
    out_text(layer_out, "\n");
    print_vcpu(v);
    hypercall_print_counts();
    end_as_asked();
}

static bool is_layer_stack(uintptr_t at)
{
#ifdef __x86_64__
    return at >= DIRECT_BASE && at < DIRECT_END;
#else
    return at >= LAYER_BASE && at < LAYER_BASE + layer.handover->layer_size;
#endif
}

/* A fault in a report ends it; a CPU that comes second, as with a machine check of all, stops. */
static void report_once(void)
{
    static bool again;
    if (!layer_out)
        layer_end(END_HALT, 1);
    smp_stop_others();
    if (again)
        layer_end(END_HALT, 1);
    again = true;
}

/* The layer's own registers and stack where it is at fault, then the guest; and the end. */
static _Noreturn void report_all(const struct frame *frame)
{
    if (frame) {
        print_registers(frame);
        print_walk("rip", cpu_cr3(), frame->rip);
        for (uintptr_t i = 0, at = (uintptr_t)frame->rsp; i < 24 && is_layer_stack(at); i++) {
            say(SAY_ALWAYS, "stack %016llx: %016llx", ull(at), ull(*(const uintptr_t *)at));
            at += sizeof(uintptr_t);
        }
    }
    if (layer.vcpu[0] && cpu_vcpu()->frame->cs == 0) {
        say(SAY_ALWAYS, "the guest has not run on this CPU");
    } else if (layer.vcpu[0]) {
        say(SAY_ALWAYS, "the guest was at:");
        print_vcpu(cpu_vcpu());
    }
    end_as_asked();
}

_Noreturn void layer_panic(const struct frame *frame, const char *format, ...)
{
    va_list args;
    report_once();
    out_text(layer_out, "paravane: fault in the resident layer: ");
    va_start(args, format);
    out_vprintf(layer_out, format, args);
    va_end(args);
    out_text(layer_out, "\n");
    report_all(frame);
}

_Noreturn void machine_check(const struct frame *frame)
{
    mc_banks_want();
    mc_banks_save(cpu_vcpu());
    report_once();
    say(SAY_ALWAYS, "machine check in the %s",
        frame                     ? "resident layer"
        : cpu_vcpu()->kernel_mode ? "guest's kernel"
                                  : "guest's user space");
    mc_banks_print(cpu_vcpu());
    report_all(frame);
}
