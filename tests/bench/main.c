/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The benchmark guest as a PV kernel, 64-bit and 32-bit PAE: prints the TSC of its first
 * instruction, then what the hypervisor interface's primitives cost, in TSC ticks each (with QEMU's
 * -icount: instructions).  With `smp` among its arguments, what two vCPUs do to each other (smp.c).
 * Runs the same as dom0 of Xen.  Calls go by the bare instruction; no hypercall page.
 */
#include "bench.h"

#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/sched.h>

#define LOOPS 1000
#define BATCH 128

#ifdef __x86_64__
#define KERNEL_CS    0xe033
#define KERNEL_SS    0xe02b
#define LEVELS       4
#define SPLIT(entry) (entry)
#else
#define KERNEL_CS    0xe019
#define KERNEL_SS    0xe021
#define LEVELS       3
#define SPLIT(entry) (unsigned long)(entry), (unsigned long)((entry) >> 32)
#endif

extern uint8_t bench_page[4096], shared_window[4096], second_root[4096], user_pages[4096];
extern volatile unsigned long event_count;
extern void *shared_page;

static const struct start_info *start;

static void print(const char *text)
{
    unsigned long length = 0;
    while (text[length])
        length++;
    call(__HYPERVISOR_console_io, CONSOLEIO_write, length, (uintptr_t)text, 0);
}

void report(const char *name, uint64_t value)
{
    char line[100] = "bench: ";
    unsigned used = 7;
    while (*name)
        line[used++] = *name++;
    line[used++] = '=';
    line[used++] = '0';
    line[used++] = 'x';
    for (int shift = 60; shift >= 0; shift -= 4)
        line[used++] = "0123456789abcdef"[value >> shift & 15];
    line[used++] = '\n';
    line[used] = 0;
    print(line);
}

void end(void)
{
    struct sched_shutdown shutdown = {SHUTDOWN_poweroff};
    call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&shutdown, 0, 0);
}

long expect(const char *what, long result)
{
    if (result < 0) {
        print("bench: failed: ");
        report(what, (uint64_t)-result);
        end();
    }
    return result;
}

unsigned long frame_of(const void *address)
{
    return ((const unsigned long *)start->mfn_list)[(uintptr_t)address >> 12];
}

static uint64_t page_entry(const void *address, unsigned flags)
{
    return (uint64_t)frame_of(address) << 12 | flags;
}

#ifdef __x86_64__
long map(const void *at, uint64_t entry)
{
    return call(__HYPERVISOR_update_va_mapping, (uintptr_t)at, entry, UVMF_INVLPG, 0);
}
static long map_again(const void *at, uint64_t entry)
{
    return call(__HYPERVISOR_update_va_mapping, (uintptr_t)at, entry, 0, 0);
}
#else
long map(const void *at, uint64_t entry)
{
    return call(__HYPERVISOR_update_va_mapping, (uintptr_t)at, SPLIT(entry), UVMF_INVLPG);
}
static long map_again(const void *at, uint64_t entry)
{
    return call(__HYPERVISOR_update_va_mapping, (uintptr_t)at, SPLIT(entry), 0);
}
#endif

/* The machine address of the entry that maps `address`: the initial tables are mapped 1:1. */
static uint64_t leaf_of(const void *address)
{
    const unsigned long *list = (const unsigned long *)start->mfn_list;
    const uint64_t *table = (const uint64_t *)start->pt_base;
    uintptr_t va = (uintptr_t)address;
    unsigned long mfn = 0;
    for (int level = LEVELS; level > 1; level--) {
        mfn = (unsigned long)(table[(uint64_t)va >> (12 + 9 * (level - 1)) & 511] >> 12 &
                              0xffffffffff);
        for (unsigned long pfn = 0; pfn < start->nr_pages; pfn++)
            if (list[pfn] == mfn) {
                table = (const uint64_t *)(pfn << 12);
                break;
            }
    }
    return ((uint64_t)mfn << 12) + (va >> 12 & 511) * 8;
}

static void calls(void)
{
    uint64_t from = ticks();
    for (int i = 0; i < LOOPS; i++)
        call(__HYPERVISOR_xen_version, 0, 0, 0, 0);
    report("null hypercall", since(from) / LOOPS);
}

static void tables(void)
{
    static struct mmu_update update[BATCH];
    uint64_t entry = page_entry(bench_page, 7);
    uint64_t from = ticks();
    for (int i = 0; i < LOOPS; i++)
        expect("update_va_mapping", map_again(bench_page, entry));
    report("page-table update, single", since(from) / LOOPS);

    uint64_t leaf = leaf_of(bench_page);
    for (int i = 0; i < BATCH; i++)
        update[i] = (struct mmu_update){leaf, entry};
    from = ticks();
    for (int i = 0; i < LOOPS / 10; i++)
        expect("mmu_update",
               call(__HYPERVISOR_mmu_update, (uintptr_t)update, BATCH, 0, DOMID_SELF));
    report("page-table update, in a batch of 128", since(from) / (LOOPS / 10) / BATCH);
}

static void doors(void)
{
#ifdef __x86_64__
    struct callback_register event = {CALLBACKTYPE_event, 0, (uintptr_t)event_entry};
    struct callback_register system_call = {CALLBACKTYPE_syscall, 0, (uintptr_t)syscall_entry};
    struct trap_info traps[] = {{14, 0, KERNEL_CS, (uintptr_t)fault_entry}, {0, 0, 0, 0}};
    expect("callback",
           call(__HYPERVISOR_callback_op, CALLBACKOP_register, (uintptr_t)&system_call, 0, 0));
#else
    struct callback_register event = {CALLBACKTYPE_event, 0, {KERNEL_CS, (uintptr_t)event_entry}};
    struct trap_info traps[] = {{14, 0, KERNEL_CS, (uintptr_t)fault_entry},
                                {0x80, 3, KERNEL_CS, (uintptr_t)syscall_entry},
                                {0, 0, 0, 0}};
    expect("user page", map(user_pages, page_entry(user_pages, 7)));
#endif
    expect("callback",
           call(__HYPERVISOR_callback_op, CALLBACKOP_register, (uintptr_t)&event, 0, 0));
    expect("trap table", call(__HYPERVISOR_set_trap_table, (uintptr_t)traps, 0, 0, 0));
    expect("stack_switch",
           call(__HYPERVISOR_stack_switch, KERNEL_SS, (uintptr_t)bench_page + 4096, 0, 0));
}

static void traps(void)
{
    uint64_t from = ticks();
    for (int i = 0; i < LOOPS; i++)
        touch(NOWHERE);
    report("page fault bounced to the kernel", since(from) / LOOPS);

#ifdef __x86_64__
    struct mmuext_op user = {.cmd = MMUEXT_NEW_USER_BASEPTR};
    user.arg1.mfn = frame_of((const void *)start->pt_base);
    expect("user root", call(__HYPERVISOR_mmuext_op, (uintptr_t)&user, 1, 0, DOMID_SELF));
#endif
    from = ticks();
    user_run(LOOPS);
    report("system call from user space and back", since(from) / LOOPS);
}

/* As a kernel does it, in one multicall: the new stack, the new roots. */
static void switches(void)
{
    unsigned long root[2] = {frame_of((const void *)start->pt_base), 0};
#ifdef __x86_64__
    *(uint64_t *)second_root = *(const uint64_t *)start->pt_base;
    expect("second root read-only", map(second_root, page_entry(second_root, 5)));
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = frame_of(second_root)};
    expect("second root pinned", call(__HYPERVISOR_mmuext_op, (uintptr_t)&pin, 1, 0, DOMID_SELF));
    root[1] = frame_of(second_root);
#else
    root[1] = root[0];
#endif
    struct mmuext_op op[2] = {{.cmd = MMUEXT_NEW_BASEPTR}, {.cmd = MMUEXT_NEW_USER_BASEPTR}};
    struct multicall_entry multi[2] = {
        {.op = __HYPERVISOR_stack_switch, .args = {KERNEL_SS, (uintptr_t)bench_page + 4096}},
        {.op = __HYPERVISOR_mmuext_op,
         .args = {(uintptr_t)op, sizeof(long) == 8 ? 2 : 1, 0, DOMID_SELF}},
    };
    uint64_t from = ticks();
    for (int i = 0; i < LOOPS; i++) {
        op[0].arg1.mfn = op[1].arg1.mfn = root[~i & 1];
        expect("multicall", call(__HYPERVISOR_multicall, (uintptr_t)multi, 2, 0, 0));
    }
    uint32_t cost = since(from) / LOOPS;
    expect("stack_switch in the multicall", (long)multi[0].result);
    expect("mmuext_op in the multicall", (long)multi[1].result);
    report("context switch: stack and roots in a multicall", cost);
}

static void events(void)
{
    struct shared_info *shared = (struct shared_info *)shared_window;
    struct evtchn_bind_ipi bind = {.vcpu = 0};
    shared_page = shared_window;
    expect("bind_ipi",
           call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uintptr_t)&bind, 0, 0));
    struct evtchn_send send = {bind.port};
    shared->vcpu_info[0].evtchn_upcall_mask = 0;
    uint64_t from = ticks();
    for (int i = 0; i < LOOPS; i++) {
        shared->vcpu_info[0].evtchn_pending_sel = 0;
        shared->evtchn_pending[bind.port / (8 * sizeof(long))] = 0;
        expect("send", call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uintptr_t)&send, 0, 0));
    }
    report("event sent, delivered, returned from", since(from) / LOOPS);
}

static bool argument_is(const char *word)
{
    const char *line = (const char *)start->cmd_line;
    for (; *line; line++) {
        unsigned n = 0;
        while (word[n] && line[n] == word[n])
            n++;
        if (!word[n])
            return true;
    }
    return false;
}

void bench_main(const struct start_info *info, uint64_t entry_tsc)
{
    start = info;
    report("pv entry tsc", entry_tsc);
    report("pages", info->nr_pages);
    expect("shared_info", map(shared_window, (uint64_t)info->shared_info | 7));
    if (argument_is("smp")) {
        vcpus_bench(info);
    } else {
        calls();
        tables();
        doors();
        traps();
        switches();
        events();
    }
    report("events delivered", event_count);
    end();
}
