/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The inside of the 64-bit resident layer: what every file of it shares.  The layer is a ring-0
 * program in the guest's hypervisor hole (L4 slots 256-271); the guest kernel runs at CPL 1 (64-bit
 * and PAE alike), its user space at CPL 3.
 *
 * Rules:
 *   Interrupts are off in the layer, except inside layer_wait_for_interrupt().
 *   In the layer GS points at this CPU's struct vcpu (cpu_vcpu()); MSR KERNEL_GS_BASE then holds
 *   the GS base that the guest had.  DS, ES, FS, GS selectors are the guest's: never loaded here.
 *   CR3 is the guest's current root (it carries our slots); guest virtual addresses are reached
 *   only through guest_read()/guest_write() and friends, machine addresses through
 *   maddr_pointer().
 *   No FPU or vector register is ever touched.
 *
 * Sources: Xen's public headers; the descriptions in xen/arch/x86/pv and x86_64/entry.S.
 */
#ifndef RESIDENT_LAYER_H
#define RESIDENT_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "bytes.h"
#include "checked.h"
#include "cpu.h"
#include "handover.h"
#include "out.h"
#include "port.h"
#include "xen_public.h"

#include "vcpu_state.h"

#ifdef __x86_64__
#include "space64.h"
#else
#include "space32.h"
#endif

/* A 32-bit guest has the m2p at the start of its hole; the rest of the hole is empty. */
#define COMPAT_HOLE     UINT32_C(0xf5800000)
#define COMPAT_M2P_SIZE UINT32_C(0x01000000)

/* ---- page-table entries ------------------------------------------------------------------- */

#define PTE_P    UINT64_C(1)
#define PTE_RW   UINT64_C(2)
#define PTE_US   UINT64_C(4)
#define PTE_PWT  UINT64_C(8)
#define PTE_PCD  UINT64_C(0x10)
#define PTE_A    UINT64_C(0x20)
#define PTE_D    UINT64_C(0x40)
#define PTE_PS   UINT64_C(0x80)
#define PTE_NX   (UINT64_C(1) << 63)
#define PTE_ADDR UINT64_C(0x000ffffffffff000)

/* ---- the guest's registers ---------------------------------------------------------------- */

/* What every entry from the guest leaves at the top of the vCPU's layer stack, and what the exit
 * path loads: pushed by entry64.asm, hardware frame last.  ss, cs: real selectors. */
struct frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector; /* exception or interrupt number; ENTRY_… for the rest */
    uint64_t error;
    uint64_t rip, cs, rflags, rsp, ss;
};

#define ENTRY_SYSCALL                                                                              \
    0x100                     /* 64-bit SYSCALL: rcx and r11 hold rip and rflags, as after SYSCALL \
                               */
#define ENTRY_SYSCALL32 0x101 /* SYSCALL from compatibility mode (CSTAR) */

#define FLAG_TF   UINT64_C(0x100)
#define FLAG_IF   UINT64_C(0x200)
#define FLAG_DF   UINT64_C(0x400)
#define FLAG_IOPL UINT64_C(0x3000)
#define FLAG_NT   UINT64_C(0x4000)
#define FLAG_RF   UINT64_C(0x10000)
#define FLAG_VM   UINT64_C(0x20000)
#define FLAG_AC   UINT64_C(0x40000)
#define FLAG_VIF  UINT64_C(0x80000)
#define FLAG_VIP  UINT64_C(0x100000)

/* Real selectors; what guests are shown is another matter (trap.c). */
#define SEL_LAYER_CS    0xe008 /* DPL 0, 64-bit code */
#define SEL_LAYER_SS    0xe010 /* DPL 0, data */
#define SEL_KERNEL32CS  0xe019 /* DPL 1, 32-bit code: 32-bit guests' FLAT_RING1_CS */
#define SEL_KERNEL32DS  0xe021
#define SEL_USER32CS    0xe023 /* 64-bit guests: FLAT_RING3_CS32 */
#define SEL_USER_SS     0xe02b /* 64-bit guests: FLAT_RING3_SS; 32-bit guests: ring-3 code */
#define SEL_USER64CS    0xe033 /* 64-bit guests: FLAT_RING3_CS64; 32-bit guests: ring-3 data */
#define SEL_USER32_CODE 0xe02b /* the same two by what 32-bit guests have there */
#define SEL_USER32_DATA 0xe033
#define SEL_KERNEL64CS  0xe039 /* DPL 1, 64-bit code: ours, never shown */
#define SEL_KERNEL64SS  0xe041 /* DPL 1, data: ours, never shown */
#define SEL_TSS         0xe048
#define SEL_LDT         0xe058

/* ---- one virtual CPU = one CPU ------------------------------------------------------------ */

struct trap_entry { /* one line of the guest's virtual IDT */
    uint64_t address;
    uint16_t cs;
    uint8_t flags; /* TI_… of xen.h: bits 0-1 DPL, bit 2 mask events */
    uint8_t present;
};

struct callback { /* address 0 = not registered */
    uint64_t address;
    uint16_t cs; /* 32-bit guests */
    bool mask_events;
};

#define WORK_NMI   1u  /* an NMI is to be delivered to the guest */
#define WORK_STEP  2u  /* a single step was caught inside an entry stub: deliver #DB */
#define WORK_FLUSH 4u  /* another CPU asked for a TLB flush */
#define WORK_STOP  8u  /* this CPU is to stop (machine goes down) */
#define WORK_DOWN  16u /* the guest switched this vCPU off (vcpu_start.c) */

struct vcpu {
    struct vcpu *self;   /* at GS:0 */
    uint64_t stack_top;  /* of the layer stack = end of struct frame *frame */
    uint64_t scratch;    /* entry64.asm only */
    struct frame *frame; /* the guest's registers; constant address */

    /* Active vcpu_info (shared_info's, or the one registered), through the direct map. */
    volatile uint8_t *info;
    uint32_t id;                       /* vCPU number */
    uint32_t apic_id;                  /* of the CPU it runs on */
    uint32_t work;                     /* WORK_… */
    uint32_t flush_wanted, flush_done; /* TLB flushes asked for by other CPUs, and done (tlb.c) */
    uint8_t kernel_mode; /* 1: the guest is in its kernel. State, not a selector (6.1 item 1) */
    uint8_t online;
    uint8_t start;         /* whether its CPU may still come (smp.c) */
    uint8_t started;       /* its CPU answered (smp.c) */
    uint8_t stopped;       /* it stands still for a report of another CPU */
    uint8_t in_nmi;        /* guest's NMI callback runs */
    uint8_t task_switched; /* guest asked for CR0.TS */

    uint64_t *compat_l3;  /* 32-bit guests: the L3 that the CPU really uses, slot 0 of… */
    uint64_t compat_root; /* …this L4, machine address */
    uint64_t kernel_root, user_root; /* machine addresses; user_root 0 = none */
    uint64_t kernel_sp;
    uint64_t kernel_ss;
    uint64_t gs_inactive;                  /* GS base of the mode that the guest is not in */
    uint64_t start_fs_base, start_gs_base; /* context.c, until vcpu_begin() */
    uint16_t start_segment[4];             /* ds, es, fs, gs */
    uint64_t cr4, xcr0;                    /* as the guest reads them */
    uint64_t debugreg[8];
    uint8_t iopl;          /* of set_iopl: 0-3 */
    uint32_t io_ports;     /* bits in user space's port bitmap, 0 = none */
    uint16_t kernel_iomap; /* TSS I/O map base while in the kernel */
    uint16_t user_iomap;

    struct trap_entry trap[256];
    struct callback event, failsafe, syscall, syscall32, sysenter; /* NMI: trap[2] */

    uint64_t gdt_frame[14]; /* set_gdt: machine frames */
    uint32_t gdt_entries;
    uint32_t ldt_entries;
    uint64_t ldt_base;

    uint64_t hypercall_now; /* number, for reports; ~0 outside */
    struct tss *tss;

    struct vcpu_event ev;     /* event.c */
    struct vcpu_clock clock;  /* timer.c */
    struct vcpu_runstate run; /* runstate.c */
    struct vcpu_recorded recorded;
    struct vcpu_banks banks; /* mc_banks.c */
};

#define VCPU_MAX 64

/* Everything else. One object, in layer.c. */
struct layer {
    const struct handover *handover;
    uint64_t load; /* machine address of the image */
    enum guest_class guest_class;
    bool compat; /* guest is 32-bit */
    bool dom0;
    uint32_t cpu_count; /* vCPUs of the guest, all started or startable */
    struct vcpu *vcpu[VCPU_MAX];

    struct shared_info *shared; /* through the direct map; 32-bit guests: see event.c */
    uint64_t shared_mfn;

    /* One byte per machine frame below frame_count, FRAME_…. */
    uint8_t *frame;
    uint64_t frame_count;
    uint64_t nr_pages; /* of the guest at its start */
    const struct handover_run *run;
    uint32_t run_count;

    uint64_t root; /* our own, machine address: never the guest's */
#ifdef __x86_64__
    uint64_t slot[HOLE_SLOTS]; /* L4 entries 256..271 */
#endif
    uint64_t arena_next, arena_end;
    uint64_t tsc_at_entry;
    uint32_t tsc_khz;   /* timer.c; 0 until it is known */
    uint32_t vm_assist; /* bit per VMASST type enabled */
};

extern struct layer layer;

static inline bool vm_assist_has(uint32_t type) /* VMASST_TYPE_… below 32 */
{
    return __atomic_load_n(&layer.vm_assist, __ATOMIC_RELAXED) >> type & 1;
}

/* VMASST_TYPE_architectural_iopl: I/O privilege is in the flags that the guest sees and loads. */
static inline bool iopl_is_architectural(void)
{
    return vm_assist_has(4);
}

static inline struct vcpu *cpu_vcpu(void)
{
#ifdef __x86_64__
    return cpu_self();
#else
    return layer.vcpu[0]; /* the 32-bit layer uses one CPU */
#endif
}

static inline void work_set(struct vcpu *v, uint32_t work)
{
    __atomic_fetch_or(&v->work, work, __ATOMIC_SEQ_CST);
}

static inline void work_clear(struct vcpu *v, uint32_t work)
{
    __atomic_fetch_and(&v->work, ~work, __ATOMIC_SEQ_CST);
}

/* ---- memory ------------------------------------------------------------------------------- */

#define FRAME_LEVEL   0x07u /* 1-4: is a page table of that level, FRAME_TOP, 0: is none */
#define FRAME_TOP     0x06u /* PAE guests: an L2 for the last GiB, which holds the hole */
#define FRAME_PINNED  0x08u
#define FRAME_RAM     0x10u /* RAM by the machine's map */
#define FRAME_LAYER   0x20u /* RAM that belongs to us: image, arena, m2p */
#define FRAME_SPECIAL 0x40u /* guest may map it though it has no PFN: shared_info, grant frames */

#ifdef __x86_64__
/* Machine memory through the direct map. */
static inline void *maddr_pointer(uint64_t address)
{
    return (void *)(DIRECT_BASE + address);
}

/* The same, where the pointer is kept: in the 32-bit layer maddr_pointer() is a loan. */
static inline void *maddr_keep(uint64_t address, uint64_t size)
{
    (void)size;
    return maddr_pointer(address);
}

static inline uint64_t pointer_maddr(const void *pointer) /* of a direct-map pointer */
{
    return (uint64_t)pointer - DIRECT_BASE;
}
#else
/* One page of machine memory; the pointer is good until WINDOW_LOAN more pages were asked for. */
#define WINDOW_LOAN 512u
void *maddr_pointer(uint64_t address);
/* `size` bytes for ever; NULL when the space for such pointers is used up. */
void *maddr_keep(uint64_t address, uint64_t size);
uint64_t pointer_maddr(const void *pointer); /* of layer_pages() */
uint32_t m2p_size(void);                     /* bytes of address space */

static inline bool layer_pae(void)
{
    return layer.guest_class == GUEST_PV32PAE;
}
#endif

/* The state of a frame below frame_count, and its changes: several CPUs may make them at once. */
static inline uint8_t frame_state(uint64_t mfn)
{
    return __atomic_load_n(&layer.frame[mfn], __ATOMIC_RELAXED);
}

static inline void frame_set(uint64_t mfn, uint8_t bits)
{
    __atomic_fetch_or(&layer.frame[mfn], bits, __ATOMIC_RELAXED);
}

static inline void frame_clear(uint64_t mfn, uint8_t bits)
{
    __atomic_fetch_and(&layer.frame[mfn], (uint8_t)~bits, __ATOMIC_RELAXED);
}

static inline void frame_set_level(uint64_t mfn, uint8_t level)
{
    uint8_t old = frame_state(mfn);
    while (!__atomic_compare_exchange_n(&layer.frame[mfn], &old,
                                        (uint8_t)((old & ~FRAME_LEVEL) | level), true,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

/* The level of page table that a frame is (frame_state()). */
static inline int frame_level(uint8_t frame)
{
    return (frame & FRAME_LEVEL) == FRAME_TOP ? 2 : frame & FRAME_LEVEL;
}

/* RAM that the guest may name: false for holes, layer frames and numbers out of range. */
static inline bool frame_is_guest(uint64_t mfn)
{
    return mfn < layer.frame_count && (frame_state(mfn) & (FRAME_RAM | FRAME_LAYER)) == FRAME_RAM;
}

/* The guest frame as a pointer, NULL when frame_is_guest() is false. */
static inline void *frame_pointer(uint64_t mfn)
{
    return frame_is_guest(mfn) ? maddr_pointer(mfn << PAGE_SHIFT) : NULL;
}

/* The same for ever (see maddr_keep). */
static inline void *frame_keep(uint64_t mfn)
{
    return frame_is_guest(mfn) ? maddr_keep(mfn << PAGE_SHIFT, PAGE_SIZE) : NULL;
}

/* Zeroed pages from the arena, for ever; direct-map pointer; NULL when the arena is used up. */
void *layer_pages(uint64_t count);

/* Machine-to-physical table; mfn must be RAM below frame_count.  m2p_get: ~0 = not the guest's. */
uint64_t m2p_get(uint64_t mfn);
bool m2p_set(uint64_t mfn, uint64_t pfn);

/* frame_is_guest() also holds for RAM that no PFN was given: the PC's first MiB, more than mem=. A
 * dom0 may map it; what it names as its own must be its own. */
static inline bool frame_has_pfn(uint64_t mfn)
{
    return m2p_get(mfn) != ~UINT64_C(0);
}

/* ---- guest memory: virtual addresses of the guest, in its current address space ------------- */

/* Copies; false (-> -EFAULT) when a page is missing, read-only (write), in our hole, or the range
 * wraps.  A failed copy may have done a part. 32-bit guests: gva must be below 4 GiB. */
MUST_USE bool guest_read(struct vcpu *v, void *to, uint64_t gva, uint64_t size);
MUST_USE bool guest_write(struct vcpu *v, uint64_t gva, const void *from, uint64_t size);

/* Machine address of gva by a walk of `root` (v->kernel_root); false when not mapped (or, with
 * `write`, not writable).  For areas that must be reached when another root is active. */
MUST_USE bool guest_translate(struct vcpu *v, uint64_t root, uint64_t gva, bool write,
                              uint64_t *ret);

/* ---- argument layouts: handlers are written once, for the 64-bit struct --------------------- */

/* One field: its place in the 32-bit guest's struct and in ours.  Widened with zeroes. */
struct layout_field {
    uint16_t from, size, to, to_size;
    uint16_t count; /* of an array; 0 is 1 */
};

struct layout {
    uint16_t size32, size64;
    uint16_t field_count;
    const struct layout_field *field;
};

#define LAYOUT(name, size32_, type, ...)                                                           \
    static const struct layout_field name##_fields[] = {__VA_ARGS__};                              \
    static const struct layout name = {                                                            \
        (size32_), sizeof(type), sizeof(name##_fields) / sizeof(name##_fields[0]), name##_fields}
#define LAYOUT_SIZE_MAX 256 /* bytes of a 32-bit struct */
/* e.g. LAYOUT(poll_layout, 16, struct sched_poll, FIELD(0, 4, struct sched_poll, ports), …) */
#define FIELD(from32, size32_, type, member)                                                       \
    {                                                                                              \
        (from32), (size32_), offsetof(type, member), sizeof(((type *)0)->member), 1                \
    }

/* Element `index` of an array of such structs at gva. */
MUST_USE bool guest_read_struct(struct vcpu *v, void *to, uint64_t gva, uint64_t index,
                                const struct layout *layout);
MUST_USE bool guest_write_struct(struct vcpu *v, uint64_t gva, uint64_t index, const void *from,
                                 const struct layout *layout);

/* ---- hypercalls --------------------------------------------------------------------------- */

/* Registers widened: 64-bit rdi rsi rdx r10 r8 r9; 32-bit ebx ecx edx esi edi ebp. A 64-bit value
 * that 32-bit guests pass in two registers is put together by the handler (layer.compat). */
struct hypercall_args {
    uint64_t arg[6];
};

/* Returns the guest's RAX: >= 0 or -XEN_E….  Every handler of table.def has this form. */
typedef long hypercall_handler(struct vcpu *v, const struct hypercall_args *args);

#define HYPERCALL(number, name, family) hypercall_handler hc_##name;
#include "table.def"
#undef HYPERCALL

/* Runs one call by number (multicall too), counts and traces it. -XEN_ENOSYS when there is none. */
long hypercall_dispatch(struct vcpu *v, uint64_t number, const struct hypercall_args *args);
void hypercall_print_counts(void);
const char *hypercall_name(uint64_t number);

/* ---- traps, callbacks, events --------------------------------------------------------------- */

/* Makes the guest take exception `vector` at its current frame; error is used for vectors that have
 * one.  An unregistered vector crashes the guest with a report. */
void inject_trap(struct vcpu *v, uint8_t vector, uint64_t error);
void inject_page_fault(struct vcpu *v, uint64_t error, uint64_t address);

/* event.c: sets `port` pending for v as Xen's 2-level ABI does (mask honoured, pending_sel, upcall
 * pending); wakes v when it waits; may be called from interrupt handlers and for another CPU. */
void event_set_pending(struct vcpu *v, uint32_t port);
/* Both read the active vcpu_info: byte 0 upcall pending, byte 1 mask. */
static inline bool event_deliverable(const struct vcpu *v)
{
    /* Others set the first, by atomic operations. */
    return __atomic_load_n(&v->info[0], __ATOMIC_RELAXED) && !v->info[1];
}

/* sti; hlt; cli: returns after the next interrupt was handled.  Only from a hypercall handler. */
void layer_wait_for_interrupt(struct vcpu *v);

/* physdev_op: I/O privilege 0-3 of the guest (1: its kernel, 3: its user space too), and the port
 * bitmap of user space (nr_ports bits at gva, 0 = none): 0 or -XEN_E…. A domU gets no port. */
void io_privilege_set(struct vcpu *v, uint8_t iopl);
long io_bitmap_set(struct vcpu *v, uint64_t gva, uint32_t nr_ports);

/* ---- interrupts ----------------------------------------------------------------------------- */

/* Called with interrupts off, GS ours, from guest or from layer_wait_for_interrupt().  The handler
 * acknowledges the interrupt controller itself. */
typedef void irq_handler(struct vcpu *v, uint8_t vector, void *context);

#define VECTOR_SPURIOUS 0xff
#define VECTOR_TIMER    0xfe
#define VECTOR_IPI      0xfd
#define VECTOR_FIRST    0x30 /* 0x30..0xef: irq_vector_alloc(), without 0x80, 0x82 and guest traps */
#define VECTOR_LAST     0xef

/* Replaces what was there, if anything; all CPUs share the handlers. */
void irq_set_handler(uint8_t vector, irq_handler *handler, void *context);
/* A free vector from VECTOR_LAST downwards, 0 when there is none. */
uint8_t irq_vector_alloc(irq_handler *handler, void *context);
void irq_vector_free(uint8_t vector);

/* ---- start: each line of init.def is called once on the first CPU, in order, before the guest  */
#define INIT(function) void function(void);
#include "init.def"
#undef INIT
/* …and each of these on every CPU, before its guest code runs. */
#define INIT_CPU(function) void function(struct vcpu *v);
#include "init_cpu.def"
#undef INIT_CPU

/* ---- words, reports, the end ---------------------------------------------------------------- */

enum log_level_layer { SAY_ALWAYS, SAY_INFO, SAY_DEBUG };

extern struct out *layer_out; /* the stage's consoles, driven by us */
/* One line "paravane: …\n" when the log level allows it. */
void say(enum log_level_layer level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Remembers one line for the report's "last 32": hypercalls, events, traps. */
enum recorded { RECORD_HYPERCALL = 1, RECORD_EVENT, RECORD_TRAP, RECORD_INTERRUPT };
void record(struct vcpu *v, enum recorded kind, uint64_t number, uint64_t a, uint64_t b);

/* The guest did what no return value can answer: report, then the end as on-refusal= says. */
_Noreturn void guest_crash(struct vcpu *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The layer itself is wrong: report with the layer's registers (frame may be NULL). */
_Noreturn void layer_panic(const struct frame *frame, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The CPU reports a hardware error: report with what its banks say; frame is the layer's, NULL when
 * the guest ran (then v->frame has where). */
_Noreturn void machine_check(const struct frame *frame);

enum end { END_POWEROFF, END_REBOOT, END_HALT };
/* power.c: writes debug-exit, ACPI S5 or reset, at last a halt loop.  code: what debug-exit gets.
 */
#define END_CODE_GOOD 16 /* to debug-exit when the guest switched off: QEMU ends with status 33 */
_Noreturn void layer_end(enum end end, uint32_t code);

/* ---- the CPU (cpu.h) where it may refuse ---------------------------------------------------- */

/* With fault fix-up: false when the CPU answered #GP. */
MUST_USE bool cpu_rdmsr_safe(uint32_t msr, uint64_t *ret);
MUST_USE bool cpu_wrmsr_safe(uint32_t msr, uint64_t value);

#endif
