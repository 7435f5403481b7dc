/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The PV door: registers, start_info, the layout of the initial region, ramdisk and command line.
 * Sources: xen/include/public/xen.h (start of day), xen/arch/x86/pv/dom0_build.c.
 */
#include "pv.h"

#include <xen/sched.h>

extern char own_page[];

const start_info_t *start_info;
uintptr_t v_start, v_end;

static void console_write(const char *text, size_t size)
{
    hypercall_bare(__HYPERVISOR_console_io, CONSOLEIO_write, size, (unsigned long)text, 0, 0);
}

static void check_registers(void)
{
    const struct entry_state *s = &entry_state;

    field("cs", s->cs);
    field("ss", s->ss);
    field("ds", s->ds);
    field("es", s->es);
    field("fs", s->fs);
    field("gs", s->gs);
    field("flags", s->flags);
    check_equal("registers that must be 0",
                s->ax | s->bx | s->cx | s->dx | s->di | s->bp | s->r8 | s->r9 | s->r10 | s->r11 |
                    s->r12 | s->r13 | s->r14 | s->r15,
                0);
    check_equal("stack pointer is at the end of a page", s->sp & 4095, 0);
    /* IF as PUSHF shows it, and the reserved bit 1; IOPL 0, nothing else. */
    check_equal("flags", s->flags, 0x202);
#ifdef __i386__
    check_equal("CS", s->cs, 0xe019);
    check_equal("SS", s->ss, 0xe021);
    check_equal("DS", s->ds, 0xe021);
    check_equal("ES", s->es, 0xe021);
    check_equal("FS", s->fs, 0xe021);
    check_equal("GS", s->gs, 0xe021);
#else
    /* Selectors proper; the RPL depends on how the kernel is deprivileged (3 under Xen, CPL 1
     * here). */
    check_equal("CS", s->cs & ~3ull, s->cs & 3 ? s->cs & ~3ull : 0xe030);
    check_equal("DS, ES, FS, GS", s->ds | s->es | s->fs | s->gs, 0);
#endif
}

static void check_start_info(void)
{
    const start_info_t *si = start_info;

    check_equal("start_info on a page", (uintptr_t)si & 4095, 0);
    field_text("magic", si->magic);
#ifdef __i386__
    check_true("magic",
               string_equal(si->magic, PAE ? "xen-3.0-x86_32p" : "xen-3.0-x86_32", PAE ? 16 : 15));
#else
    check_true("magic", string_equal(si->magic, "xen-3.0-x86_64", 15));
#endif
    field("nr_pages", si->nr_pages);
    field("shared_info.aligned", si->shared_info & 4095);
    field("flags.start_info", si->flags);
    field("store_mfn", si->store_mfn);
    field("store_evtchn", si->store_evtchn);
    field("console.info_off", si->console.dom0.info_off);
    field("console.info_size", si->console.dom0.info_size);
    field("pt_base", si->pt_base - v_start);
    field("nr_pt_frames", si->nr_pt_frames);
    field("mfn_list", si->mfn_list - v_start);
    field("mod_start", si->flags & SIF_MOD_START_PFN ? si->mod_start
                       : si->mod_start               ? si->mod_start - v_start
                                                     : 0);
    field("mod_len", si->mod_len);
    field("first_p2m_pfn", si->first_p2m_pfn);
    field("nr_p2m_frames", si->nr_p2m_frames);
    field_text("command line", (const char *)si->cmd_line);
    check_true("shared_info given", si->shared_info != 0 && (si->shared_info & 4095) == 0);
    check_equal("command line is terminated", (uint8_t)si->cmd_line[MAX_GUEST_CMDLINE - 1], 0);
    if (si->flags & SIF_INITDOMAIN)
        check_equal("dom0 is privileged", si->flags & SIF_PRIVILEGED, SIF_PRIVILEGED);
}

/* Kernel, ramdisk, p2m, start_info, page tables, stack: packed in this order. */
static void check_layout(void)
{
    const start_info_t *si = start_info;
    uintptr_t next = ((uintptr_t)image_end + 4095) & ~(uintptr_t)4095;
    uintptr_t p2m_end = si->mfn_list + si->nr_pages * sizeof(long);
    bool mapped_ramdisk = si->mod_len && !(si->flags & SIF_MOD_START_PFN);

    field("image end", (uintptr_t)image_end - v_start);
    field("start_info", (uintptr_t)si - v_start);
    field("stack top", (uintptr_t)entry_state.sp - v_start);
    field("initial region", v_end - v_start);
    if (mapped_ramdisk) {
        check_equal("ramdisk directly behind the image", si->mod_start, next);
        next = (si->mod_start + si->mod_len + 4095) & ~(uintptr_t)4095;
    }
    if (si->mfn_list >= v_start && si->mfn_list < v_end) {
        check_equal("p2m next", si->mfn_list, next);
        next = (p2m_end + 4095) & ~(uintptr_t)4095;
    } else {
        check_true("p2m elsewhere only when asked for", INIT_P2M != 0);
        check_equal("p2m where it was asked for", si->mfn_list, INIT_P2M);
        check_true("first_p2m_pfn in range", si->first_p2m_pfn && si->first_p2m_pfn < si->nr_pages);
        check_true("nr_p2m_frames covers the list",
                   si->nr_p2m_frames * 4096 >= si->nr_pages * sizeof(long));
    }
    check_equal("start_info next", (uintptr_t)si, next);
    next += 4096;
    if (!(si->flags & SIF_INITDOMAIN))
        next += 2 * 4096; /* xenstore and console pages */
    check_equal("page tables next", si->pt_base, next);
    next += si->nr_pt_frames * 4096 + 4096;
    check_equal("stack next, one page", entry_state.sp, next);
}

/* A ramdisk that is not mapped is read through a page of ours, frame by frame of the p2m. */
static uint32_t crc_by_pfn(unsigned long pfn, unsigned long size)
{
    const unsigned long *p2m = (const unsigned long *)start_info->mfn_list;
    uint32_t crc = 0;

    for (unsigned long done = 0; done < size; done += 4096) {
        check_equal("a page of the ramdisk is mapped",
                    (uint64_t)map(own_page, (pte_t)p2m[pfn++] << 12 | PTE_OWN), 0);
        crc = crc32_more(crc, own_page, size - done < 4096 ? size - done : 4096);
    }
    check_equal("our own page is mapped again", (uint64_t)map(own_page, own(own_page, PTE_OWN)), 0);
    return crc;
}

static void check_ramdisk(void)
{
    const start_info_t *si = start_info;

    if (!si->mod_len)
        return;
    if (si->flags & SIF_MOD_START_PFN) {
        check_true("ramdisk's PFNs are in range",
                   si->mod_start + (si->mod_len + 4095) / 4096 <= si->nr_pages);
        print("guest: ramdisk by PFN: size 0x%lx crc 0x%08x\n", si->mod_len,
              crc_by_pfn(si->mod_start, si->mod_len));
        return;
    }
    print("guest: ramdisk: size 0x%lx crc 0x%08x\n", si->mod_len,
          crc32((const void *)si->mod_start, si->mod_len));
}

static void shut_down(bool good)
{
    uint64_t reboot;
    struct sched_shutdown how = {.reason = SHUTDOWN_poweroff};

    if (!good)
        how.reason = SHUTDOWN_crash;
    else if (option((const char *)start_info->cmd_line, "shutdown-reboot", &reboot))
        how.reason = SHUTDOWN_reboot;
    hypercall_bare(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (unsigned long)&how, 0, 0, 0);
    for (;;)
        hypercall_bare(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
}

void pv_main(void)
{
    uint64_t unused;
    start_info = (const start_info_t *)(uintptr_t)entry_state.si;
    v_start = VIRT_BASE;
    /* End of the region: the stack's end to 4 MiB, with at least 512 KiB to spare. */
    v_end = ((uintptr_t)entry_state.sp + 0x3fffff) & ~(uintptr_t)0x3fffff;
    if (v_end - (uintptr_t)entry_state.sp < 0x80000)
        v_end += 0x400000;

    output_write = console_write;
    print("guest: door PV, %s\n", sizeof(long) == 8 ? "64-bit" : PAE ? "32-bit PAE" : "32-bit");
    check_registers();
    check_start_info();
    check_layout();
    check_ramdisk();
    pv_tables_check();
    pv_calls_check();
    pv_services_check();
    pv_domain_check();
    pv_grants_check();
    pv_wild_check();
    pv_bad_check();
    pv_vcpus_check();
    pv_ring3_check();
    pv_cpu_check();
    pv_interrupts_check();
    pv_rows_check();
    if (option((const char *)start_info->cmd_line, "count-calls", &unused))
        print("guest: calls of vm_assist %u, set_debugreg %u\n", calls_made(__HYPERVISOR_vm_assist),
              calls_made(__HYPERVISOR_set_debugreg));
    shut_down(check_verdict());
}
