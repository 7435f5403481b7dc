; SPDX-License-Identifier: GPL-2.0-or-later
;
; Entry of the amd64 test guests: saves every register in entry_state and calls guest_main.
; Multiboot and PVH: 32-bit code, which switches to long mode with 4 GiB mapped at 0 and at
; VIRT_BASE's slots.  Plain ELF64: already in long mode on somebody's identity map; takes its own.
; PV: runs where it is linked.
; In: registers as the door's protocol says.  Relies on nothing else in the native doors.

%define PHYS(x) ((x) - VIRT_BASE)
%define STATE(n) (entry_state + 8 * (n))
%define DOOR_MULTIBOOT 1
%define DOOR_PVH       2
%define DOOR_PV        3
%define DOOR_ELF64     4

extern entry_state, stack_top, guest_main, tables, hypercall_page
global multiboot_entry, pvh_entry, pv_entry, elf64_entry

section .text
bits 32
multiboot_entry:
    mov dword [PHYS(STATE(26))], DOOR_MULTIBOOT
    jmp native
pvh_entry:
    mov dword [PHYS(STATE(26))], DOOR_PVH
native:
    mov [PHYS(STATE(0))], eax
    mov [PHYS(STATE(1))], ebx
    mov [PHYS(STATE(2))], ecx
    mov [PHYS(STATE(3))], edx
    mov [PHYS(STATE(4))], esi
    mov [PHYS(STATE(5))], edi
    mov [PHYS(STATE(6))], ebp
    mov [PHYS(STATE(7))], esp
    mov esp, PHYS(stack_top)
    pushfd
    pop dword [PHYS(STATE(16))]
    mov word [PHYS(STATE(17))], cs
    mov word [PHYS(STATE(18))], ds
    mov word [PHYS(STATE(19))], es
    mov word [PHYS(STATE(20))], fs
    mov word [PHYS(STATE(21))], gs
    mov word [PHYS(STATE(22))], ss
    mov eax, cr0
    mov [PHYS(STATE(23))], eax
    mov eax, cr4
    mov [PHYS(STATE(25))], eax
    call build_tables
    lgdt [PHYS(gdt_pointer)]
    mov eax, 1 << 5                     ; CR4.PAE
    mov cr4, eax
    mov eax, PHYS(tables)
    mov cr3, eax
    mov ecx, 0xc0000080                 ; EFER.LME
    rdmsr
    mov [PHYS(STATE(27))], eax
    or eax, 1 << 8
    wrmsr
    mov eax, cr0
    or eax, 1 << 31
    mov cr0, eax
    jmp 0x08:PHYS(long_mode)

; Fills `tables`: L4, L3 (used for slot 0 and, when VIRT_BASE is not 0, slot 511), four L2 of
; 2 MiB pages.  Encoded so that it means the same in 32- and 64-bit mode: no absolute operands.
build_tables:
    mov edi, PHYS(tables)
    mov ecx, edi
    add ecx, 4096 + 7                   ; the L3, present, writable, user
    mov [edi], ecx
    mov [edi + 511 * 8], ecx
    mov edi, PHYS(tables) + 4096
    add ecx, 4096                       ; the L2s
    mov [edi], ecx
    mov [edi + 510 * 8], ecx
    add ecx, 4096
    mov [edi + 8], ecx
    mov [edi + 511 * 8], ecx
    add ecx, 4096
    mov [edi + 16], ecx
    add ecx, 4096
    mov [edi + 24], ecx
    mov edi, PHYS(tables) + 2 * 4096
    mov ecx, 0x83                       ; present, writable, 2 MiB
    mov eax, 2048
.next:
    mov [edi], ecx
    add edi, 8
    add ecx, 1 << 21
    sub eax, 1
    jnz .next
    ret

bits 64
long_mode:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov rsp, stack_top
    mov rax, call_main
    jmp rax
call_main:
    call guest_main
    ud2

%macro save_registers 1
    mov dword [rel STATE(26)], %1
    mov [rel STATE(0)], rax
    mov [rel STATE(1)], rbx
    mov [rel STATE(2)], rcx
    mov [rel STATE(3)], rdx
    mov [rel STATE(4)], rsi
    mov [rel STATE(5)], rdi
    mov [rel STATE(6)], rbp
    mov [rel STATE(7)], rsp
    mov [rel STATE(8)], r8
    mov [rel STATE(9)], r9
    mov [rel STATE(10)], r10
    mov [rel STATE(11)], r11
    mov [rel STATE(12)], r12
    mov [rel STATE(13)], r13
    mov [rel STATE(14)], r14
    mov [rel STATE(15)], r15
    mov word [rel STATE(17)], cs
    mov word [rel STATE(18)], ds
    mov word [rel STATE(19)], es
    mov word [rel STATE(20)], fs
    mov word [rel STATE(21)], gs
    mov word [rel STATE(22)], ss
%endmacro

elf64_entry:
    save_registers DOOR_ELF64
    mov rax, cr0
    mov [rel STATE(23)], rax
    mov rax, cr3
    mov [rel STATE(24)], rax
    mov rax, cr4
    mov [rel STATE(25)], rax
    lea rsp, [rel stack_top]
    pushfq
    pop qword [rel STATE(16)]
    ; The promised identity map of the first 4 GiB: read its last word with the loader's tables.
    mov eax, 0xfffffffc
    mov eax, [rax]
    call build_tables
    lgdt [rel gdt_pointer]
    mov eax, PHYS(tables)
    mov cr3, rax
    push 0x08
    lea rax, [rel long_mode]
    push rax
    o64 retf

pv_entry:
    save_registers DOOR_PV
    pushfq
    pop qword [rel STATE(16)]
    mov rsp, stack_top
    call guest_main
    ud2

; long hypercall_bare(nr, a1, a2, a3, a4, a5), hypercall_by_page(the same): Xen's 64-bit
; convention (EAX; RDI RSI RDX R10 R8; RCX and R11 lost).
global hypercall_bare, hypercall_by_page
%macro shift_arguments 0
    mov eax, edi
    mov rdi, rsi
    mov rsi, rdx
    mov rdx, rcx
    mov r10, r8
    mov r8, r9
%endmacro
hypercall_bare:
    shift_arguments
    syscall
    ret
hypercall_by_page:
    shift_arguments
    shl eax, 5
    mov r9, hypercall_page
    add rax, r9
    ; The stub keeps RCX and R11.
    mov rcx, 0x1122334455667788
    mov r11, 0x99aabbccddeeff00
    call rax
    mov r9, 0x1122334455667788
    cmp rcx, r9
    jne .changed
    mov r9, 0x99aabbccddeeff00
    cmp r11, r9
    jne .changed
    ret
.changed:
    mov byte [rel stub_lost_registers], 1
    ret

section .data
global stub_lost_registers
stub_lost_registers: db 0

section .rodata
    align 8
gdt:
    dq 0
    dq 0x00af9b000000ffff               ; 64-bit code
    dq 0x00cf93000000ffff
gdt_end:
gdt_pointer:
    dw gdt_end - gdt - 1
    dq PHYS(gdt)

section .note.GNU-stack noalloc noexec nowrite progbits
