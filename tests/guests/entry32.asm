; SPDX-License-Identifier: GPL-2.0-or-later
;
; Entry of the i386 test guests: saves every register in entry_state and calls guest_main.
; Native and PVH: paging is off, so segments with base -VIRT_BASE let the code run at its link
; address (VIRT_BASE + physical).  PV: already there.
; In: registers as the door's protocol says.  Relies on nothing else: no stack, no GDT.

bits 32
%define PHYS(x) ((x) - VIRT_BASE)
%define STATE(n) (entry_state + 8 * (n))
%define STATE_FLAGS 16
%define STATE_CS    17
%define STATE_CR0   23
%define STATE_DOOR  26
%define DOOR_MULTIBOOT 1
%define DOOR_PVH       2
%define DOOR_PV        3

; Saves the general registers at entry_state minus %1, then flags by the stack at %2 (0: as it is).
%macro save_registers 2
    mov [STATE(0) - %1], eax
    mov [STATE(1) - %1], ebx
    mov [STATE(2) - %1], ecx
    mov [STATE(3) - %1], edx
    mov [STATE(4) - %1], esi
    mov [STATE(5) - %1], edi
    mov [STATE(6) - %1], ebp
    mov [STATE(7) - %1], esp
    mov word [STATE(STATE_CS) - %1], cs
    mov word [STATE(18) - %1], ds
    mov word [STATE(19) - %1], es
    mov word [STATE(20) - %1], fs
    mov word [STATE(21) - %1], gs
    mov word [STATE(22) - %1], ss
%if %2
    mov esp, stack_top - %1
%endif
    pushfd
    pop dword [STATE(STATE_FLAGS) - %1]
%endmacro

section .text
global multiboot_entry, pvh_entry, pv_entry
extern entry_state, stack_top, guest_main

multiboot_entry:
    mov dword [PHYS(STATE(STATE_DOOR))], DOOR_MULTIBOOT
    jmp native
pvh_entry:
    mov dword [PHYS(STATE(STATE_DOOR))], DOOR_PVH
native:
    save_registers VIRT_BASE, 1
    mov eax, cr0
    mov [PHYS(STATE(STATE_CR0))], eax
    ; CR4 exists where CPUID does: EFLAGS.ID (bit 21) can be changed.
    pushfd
    pop eax
    mov ecx, eax
    xor eax, 1 << 21
    push eax
    popfd
    pushfd
    pop eax
    xor eax, ecx
    test eax, 1 << 21
    jz .no_cr4
    mov eax, cr4
    mov [PHYS(STATE(STATE_CR0 + 2))], eax
.no_cr4:
    lgdt [PHYS(gdt_pointer)]
    jmp 0x08:.based
.based:
    mov eax, 0x10
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ss, eax
    mov esp, stack_top
    call guest_main
.stop:
    hlt
    jmp .stop

pv_entry:
    mov dword [STATE(STATE_DOOR)], DOOR_PV
    save_registers 0, 0
    mov esp, stack_top
    call guest_main
    ud2

; long hypercall_bare(nr, a1, a2, a3, a4, a5), hypercall_by_page(the same): cdecl; Xen's 32-bit
; convention (EAX; EBX ECX EDX ESI EDI).
global hypercall_bare, hypercall_by_page
extern hypercall_page
%macro load_arguments 0
    push ebx
    push esi
    push edi
    mov eax, [esp + 16]
    mov ebx, [esp + 20]
    mov ecx, [esp + 24]
    mov edx, [esp + 28]
    mov esi, [esp + 32]
    mov edi, [esp + 36]
%endmacro
%macro restore_registers 0
    pop edi
    pop esi
    pop ebx
    ret
%endmacro
hypercall_bare:
    load_arguments
    int 0x82
    restore_registers
hypercall_by_page:
    load_arguments
    shl eax, 5
    add eax, hypercall_page
    call eax
    restore_registers

section .rodata
    align 8
gdt:
    dq 0
    ; limit 4 GiB, code 32-bit readable; base -VIRT_BASE
    dw 0xffff, (-VIRT_BASE) & 0xffff
    db ((-VIRT_BASE) >> 16) & 0xff, 0x9b, 0xcf, ((-VIRT_BASE) >> 24) & 0xff
    dw 0xffff, (-VIRT_BASE) & 0xffff
    db ((-VIRT_BASE) >> 16) & 0xff, 0x93, 0xcf, ((-VIRT_BASE) >> 24) & 0xff
gdt_end:
gdt_pointer:
    dw gdt_end - gdt - 1
    dd PHYS(gdt)

section .note.GNU-stack noalloc noexec nowrite progbits
