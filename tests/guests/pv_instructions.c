/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Instructions that a 64-bit kernel may try and that the hypervisor answers: control and debug
 * registers, MSRs, SS, far transfers, odd forms of hypercalls.  Each snippet ends in a trap, which
 * is printed with its place, so that compare-xen sets it beside real Xen's.
 * Sources: the behaviour of xen/arch/x86/pv/emul-priv-op.c; Intel SDM vol. 2.
 */
#include "pv.h"

#ifndef __i386__
#include "pv_bad.h"

#define KERNEL_CS 0xe030
#define KERNEL_SS 0xe028

/* Where a snippet ends says what happened: yes_if at its first ud2 for no, its second for yes. */
__asm__(".macro yes_if condition\n j\\condition 9f\n ud2\n 9: ud2\n .endm\n"
        ".text\n"
        "try_cr0: movq %cr0, %rax\n xorl $0x10000, %eax\n movq %rax, %cr0\n ud2\n"
        "try_cr0_high: movq %cr0, %rax\n btsq $40, %rax\n movq %rax, %cr0\n ud2\n"
        "try_ts: movq %cr0, %rax\n orl $8, %eax\n movq %rax, %cr0\n movq %cr0, %rcx\n clts\n"
        " cmpl %eax, %ecx\n yes_if e\n"
        "try_lmsw: movl $1, %eax\n lmsw %ax\n ud2\n"
        "try_smsw: smsw %eax\n andl $~8, %eax\n cmpl $0x80050033, %eax\n yes_if e\n"
        "try_cr8: .byte 0x44, 0x0f, 0x20, 0xc0\n ud2\n"
        "try_invd: invd\n ud2\n"
        "try_dr0: movabsq $0x1234000000000000, %rax\n movq %rax, %dr0\n ud2\n"
        "try_dr8: .byte 0x44, 0x0f, 0x21, 0xc0\n ud2\n"
        "try_tsc: movl $0x10, %ecx\n rdmsr\n ud2\n"
        "try_perf: movl $0x345, %ecx\n rdmsr\n ud2\n"
        "try_enable: movl $0x1a0, %ecx\n rdmsr\n andl $0x801800, %eax\n"
        " cmpl $0x801800, %eax\n yes_if e\n"
        "try_pat: movl $0x277, %ecx\n rdmsr\n wrmsr\n ud2\n"
        "try_apic: movl $0x1b, %ecx\n rdmsr\n wrmsr\n ud2\n"
        "try_hwcr: movl $0xc0010015, %ecx\n rdmsr\n wrmsr\n ud2\n"
        "try_syscfg: movl $0xc0010010, %ecx\n rdmsr\n ud2\n"
        "try_limits: movl $0x10a, %ecx\n rdmsr\n ud2\n"
        "try_feature: movl $0x3a, %ecx\n rdmsr\n cmpl $1, %eax\n yes_if e\n"
        "try_counter: movl $0x186, %ecx\n rdmsr\n wrmsr\n ud2\n"
        "try_aux: movl $0xc0000103, %ecx\n movl $1, %edx\n wrmsr\n ud2\n"
        "try_xsetbv: xorl %ecx, %ecx\n xsetbv\n ud2\n"
        "try_ss_code: movl $0xe033, %eax\n movl %eax, %ss\n ud2\n"
        "try_ss_level: movl $0xe028, %eax\n movl %eax, %ss\n ud2\n"
        "try_ss: movl $0xe02b, %eax\n movl %eax, %ss\n ud2\n"
        "try_jump: pushq $0xe033\n pushq $1f\n rex.w ljmp *(%rsp)\n nop\n 1: ud2\n"
        "try_jump_indexed: leaq far_pointer(%rip), %rbx\n movl $2, %ecx\n"
        " rex.w ljmp *-16(%rbx, %rcx, 8)\n nop\n 1: ud2\n"
        "far_pointer: .quad 1b\n .word 0xe033\n"
        "try_jump_relative: rex.w ljmp *far_pointer2(%rip)\n nop\n 1: ud2\n"
        "far_pointer2: .quad 1b\n .word 0xe033\n"
        "try_jump_data: pushq $0xe02b\n pushq $1f\n rex.w ljmp *(%rsp)\n nop\n 1: ud2\n"
        "try_call: pushq $0xe033\n pushq $1f\n rex.w lcall *(%rsp)\n nop\n"
        "1: cmpq $0xe033, 8(%rsp)\n yes_if e\n"
        "try_number: movabsq $0xffffffff00000011, %rax\n xorl %edi, %edi\n syscall\n"
        " cmpq $-38, %rax\n yes_if e\n"
        "try_sysret: movq %rsp, %rbx\n pushq $0xe028\n pushq %rbx\n pushq $0x206\n"
        " pushq $0xe030\n pushq $1f\n pushq $0x100\n pushq $0\n pushq $0\n pushq $0\n"
        " movl $23, %eax\n syscall\n nop\n"
        "1: leaq 1b(%rip), %rdx\n cmpq %rdx, %rcx\n jne 2f\n cmpq $0x206, %r11\n yes_if e\n"
        "2: int3\n"
        "try_tsc_disabled: movq %cr4, %rax\n orl $4, %eax\n movq %rax, %cr4\n rdtsc\n "
        " orl %edx, %eax\n setnz %cl\n movq %cr4, %rax\n andl $~4, %eax\n"
        " movq %rax, %cr4\n testb %cl, %cl\n yes_if nz\n"
        "try_iretq: movq %rsp, %rbx\n pushq $0xe02b\n pushq %rbx\n pushq $0x202\n pushq $0xe033\n"
        " pushq $1f\n iretq\n nop\n"
        "1: movl kernels_page, %eax\n cli\n cmpl $0x1234, %eax\n yes_if e\n"
        "try_step: pushq $0x302\n popfq\n ud2\n .ascii \"xen\"\n cpuid\n nop\n ud2\n");

#define SNIPPETS(x)                                                                                \
    x(cr0) x(cr0_high) x(ts) x(lmsw) x(smsw) x(cr8) x(invd) x(dr0) x(dr8) x(tsc) x(perf) x(enable) \
        x(pat) x(apic) x(hwcr) x(syscfg) x(limits) x(feature) x(counter) x(aux) x(xsetbv)          \
            x(ss_code) x(ss_level) x(ss) x(jump) x(jump_indexed) x(jump_relative) x(jump_data)     \
                x(call) x(number) x(sysret) x(tsc_disabled) x(iretq) x(step)
#define DECLARE(name) extern char try_##name[];
#define ENTRY(name)   {#name, try_##name},
SNIPPETS(DECLARE)

/* Without the user bit: for a kernel that its own iretq has taken to the selector of Xen's. */
static unsigned kernels_page[1024] __attribute__((aligned(4096), used)) = {0x1234};

void pv_instructions_check(void)
{
    check_equal("page without user bit", (uint64_t)map(kernels_page, own(kernels_page, PTE_OWN)),
                0);
    static const struct {
        const char *name;
        char *code;
    } snippet[] = {SNIPPETS(ENTRY)};
    static char stack[4096] __attribute__((aligned(4096)));

    for (unsigned i = 0; i < sizeof(snippet) / sizeof(snippet[0]); i++) {
        const struct bad_iret to = {(unsigned long)snippet[i].code, KERNEL_CS, 2,
                                    (unsigned long)stack + sizeof(stack) - 64, KERNEL_SS};
        const struct bad_frame *taken = bad_last();
        bad_return(&to);
        print("guest: instruction %s = vector %u error 0x%lx after 0x%lx bytes, cs 0x%lx\n",
              snippet[i].name, (unsigned)taken->vector, taken->error, taken->ip - to.ip,
              taken->cs & 0xffff);
    }
}
#else
void pv_instructions_check(void)
{
}
#endif
