/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The benchmark guest as a PV kernel: prints the TSC of its first instruction, then what the
 * hypervisor interface's primitives cost, in TSC ticks each (with QEMU's -icount: instructions).
 * Runs the same as dom0 of Xen.  Calls go by the bare SYSCALL instruction; no hypercall page.
 */
#include <stdint.h>

#include <xen/xen.h>
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define LOOPS 1000
#define BATCH 128

void bench_main(struct start_info *info, uint64_t entry_tsc);
void event_entry(void);
void fault_entry(void);
void syscall_entry(void);
void user_run(uint64_t count);
void touch(const void *address);
extern uint8_t bench_page[4096], shared_window[4096];
extern volatile uint64_t event_count;
extern void *shared_page;

static uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return low | (uint64_t)high << 32;
}

static long call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    long result;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
                     : "0"(number)
                     : "rcx", "r11", "memory");
    return result;
}

static void print(const char *text)
{
    uint64_t length = 0;
    while (text[length])
        length++;
    call(__HYPERVISOR_console_io, CONSOLEIO_write, length, (uintptr_t)text, 0);
}

static void report(const char *name, uint64_t value)
{
    char line[80] = "bench: ", digits[24];
    unsigned used = 7, count = 0;
    while (*name)
        line[used++] = *name++;
    line[used++] = '=';
    do
        digits[count++] = (char)('0' + value % 10);
    while (value /= 10);
    while (count)
        line[used++] = digits[--count];
    line[used++] = '\n';
    line[used] = 0;
    print(line);
}

static void end(void)
{
    struct sched_shutdown shutdown = {SHUTDOWN_poweroff};
    call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uintptr_t)&shutdown, 0, 0);
}

static void expect(const char *what, long result)
{
    if (result >= 0)
        return;
    print("bench: failed: ");
    report(what, (uint64_t)-result);
    end();
}

static uint64_t page_entry(struct start_info *info, const void *address)
{
    const unsigned long *list = (const unsigned long *)info->mfn_list;
    return list[(uintptr_t)address >> 12] << 12 | 7;
}

void bench_main(struct start_info *info, uint64_t entry_tsc)
{
    const unsigned long *list = (const unsigned long *)info->mfn_list;
    struct mmu_update update[BATCH];
    uint64_t start;

    report("pv entry tsc", entry_tsc);
    report("pages", info->nr_pages);

    start = ticks();
    for (int i = 0; i < LOOPS; i++)
        call(__HYPERVISOR_xen_version, 0, 0, 0, 0);
    report("null hypercall", (ticks() - start) / LOOPS);

    uint64_t entry = page_entry(info, bench_page);
    start = ticks();
    for (int i = 0; i < LOOPS; i++)
        expect("update_va_mapping",
               call(__HYPERVISOR_update_va_mapping, (uintptr_t)bench_page, entry, 0, 0));
    report("page-table update, single", (ticks() - start) / LOOPS);

    /* The L1 that maps bench_page: virtual base 0, so walk the initial tables by their MFNs. */
    unsigned long *table = (unsigned long *)info->pt_base;
    uintptr_t va = (uintptr_t)bench_page;
    uint64_t mfn = 0;
    for (int level = 4; level > 1; level--) {
        mfn = (table[va >> (12 + 9 * (level - 1)) & 511] >> 12) & 0xffffffffff;
        for (unsigned long pfn = 0; pfn < info->nr_pages; pfn++)
            if (list[pfn] == mfn) {
                table = (unsigned long *)(pfn << 12);
                break;
            }
    }
    for (int i = 0; i < BATCH; i++)
        update[i] = (struct mmu_update){(mfn << 12) + (va >> 12 & 511) * 8, entry};
    start = ticks();
    for (int i = 0; i < LOOPS / 10; i++)
        expect("mmu_update",
               call(__HYPERVISOR_mmu_update, (uintptr_t)update, BATCH, 0, DOMID_SELF));
    report("page-table update, in a batch of 128", (ticks() - start) / (LOOPS / 10) / BATCH);

    struct callback_register callback = {.type = CALLBACKTYPE_event,
                                         .address = (uintptr_t)event_entry};
    expect("callback",
           call(__HYPERVISOR_callback_op, CALLBACKOP_register, (uintptr_t)&callback, 0, 0));
    callback.type = CALLBACKTYPE_syscall;
    callback.address = (uintptr_t)syscall_entry;
    expect("callback",
           call(__HYPERVISOR_callback_op, CALLBACKOP_register, (uintptr_t)&callback, 0, 0));
    struct trap_info traps[2] = {{14, 0, 0xe033, (uintptr_t)fault_entry}, {0, 0, 0, 0}};
    expect("trap table", call(__HYPERVISOR_set_trap_table, (uintptr_t)traps, 0, 0, 0));
    expect("stack_switch",
           call(__HYPERVISOR_stack_switch, 0xe02b, (uintptr_t)bench_page + 4096, 0, 0));

    start = ticks();
    for (int i = 0; i < LOOPS; i++)
        touch((const void *)0x7fff00000000);
    report("page fault bounced to the kernel", (ticks() - start) / LOOPS);

    struct mmuext_op user = {.cmd = MMUEXT_NEW_USER_BASEPTR};
    user.arg1.mfn = list[info->pt_base >> 12];
    expect("user root", call(__HYPERVISOR_mmuext_op, (uintptr_t)&user, 1, 0, DOMID_SELF));
    start = ticks();
    user_run(LOOPS);
    report("system call from user space and back", (ticks() - start) / LOOPS);

    expect("shared_info", call(__HYPERVISOR_update_va_mapping, (uintptr_t)shared_window,
                               info->shared_info | 7, UVMF_INVLPG, 0));
    shared_page = shared_window;
    struct shared_info *shared = (struct shared_info *)shared_window;
    struct evtchn_bind_ipi bind = {.vcpu = 0};
    expect("bind_ipi",
           call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, (uintptr_t)&bind, 0, 0));
    struct evtchn_send send = {bind.port};
    shared->vcpu_info[0].evtchn_upcall_mask = 0;
    start = ticks();
    for (int i = 0; i < LOOPS; i++) {
        shared->vcpu_info[0].evtchn_pending_sel = 0;
        shared->evtchn_pending[bind.port / 64] = 0;
        expect("send", call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uintptr_t)&send, 0, 0));
    }
    uint64_t cost = (ticks() - start) / LOOPS;
    report("event sent, delivered, returned from", cost);
    report("events delivered", event_count);
    end();
}
