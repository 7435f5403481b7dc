; SPDX-License-Identifier: GPL-2.0-or-later
;
; Where an application processor begins: 16-bit code that smp.c copies to a page below 1 MiB, fills
; in, and names in the start-up IPI.  It goes straight to 64-bit mode and to ap_start.
;
; Source: Intel SDM vol. 3 8.4 (MP initialization), 9.8.5 (IA-32e mode).

        default rel
        section .rodata align=16

        global trampoline, trampoline_end
        global trampoline_gdtr, trampoline_cr3, trampoline_far, trampoline_stack, trampoline_target
        global trampoline_vcpu, trampoline_gdt, trampoline_long

CR0_PE_PG       equ 0x80000001
CR4_PAE         equ 0x20
MSR_EFER        equ 0xc0000080
EFER_LME        equ 0x100

; In:  real mode, CS = page << 8, IP = 0, interrupts off.  The words at the end are filled in.
        bits 16
trampoline:
        cli
        cld
        mov ax, cs
        mov ds, ax
        o32 lgdt [trampoline_gdtr - trampoline]
        mov eax, CR4_PAE
        mov cr4, eax
        mov eax, [trampoline_cr3 - trampoline]
        mov cr3, eax
        mov ecx, MSR_EFER
        rdmsr
        or eax, EFER_LME
        wrmsr
        mov eax, cr0
        and eax, 0x9fffffff             ; caches on: CD and NW clear
        or eax, CR0_PE_PG
        mov cr0, eax
        jmp dword far [trampoline_far - trampoline]

        bits 64
trampoline_long:                        ; 64-bit mode, identity map of this page
        mov rsp, [trampoline_stack]
        mov rdi, [trampoline_vcpu]
        jmp [trampoline_target]

        align 16
trampoline_gdt:
        dq 0
        dq 0x00af9b000000ffff           ; 64-bit code
        dq 0x00cf93000000ffff           ; data
trampoline_gdtr:
        dw 23
        dd 0                            ; machine address of trampoline_gdt
        align 8
trampoline_cr3:
        dd 0
trampoline_far:
        dd 0                            ; machine address of trampoline_long
        dw 8
        align 8
trampoline_stack:
        dq 0
trampoline_vcpu:
        dq 0
trampoline_target:
        dq 0
trampoline_end:
