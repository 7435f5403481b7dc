; SPDX-License-Identifier: GPL-2.0-or-later
;
; The benchmark guest's door as a 32-bit PAE PV kernel: reads the TSC with its very first instruction
; and goes on in C (main.c); with the entries that the C part registers.  The frames are those of
; xen/include/public/arch-x86/xen-x86_32.h.

extern bench_main

%define KERNEL_DS 0xE021
%define USER_CS   0xE02B
%define USER_DS   0xE033
%define HYPERCALL_IRET 23

%macro note_text 2
        dd      4, %%end - %%start, %1
        db      "Xen", 0
%%start: db     %2, 0
%%end:  align   4
%endmacro
%macro note_value 2
        dd      4, 4, %1
        db      "Xen", 0
        dd      %2
%endmacro

section .note.Xen note alloc noexec nowrite align=4
        note_text  6, "bench"
        note_text  8, "generic"
        note_text  5, "xen-3.0"
        note_text  9, "yes"
        note_text 10, "!writable_page_tables|pae_pgdir_above_4gb"
        note_value 1, pv_entry
        note_value 3, 0

section .text
bits 32
global plain_entry, pv_entry
plain_entry:                            ; the file's e_entry; this one is PV only
pv_entry:
        rdtsc
        mov     esp, stack_top
        xor     ebp, ebp
        push    edx
        push    eax                     ; TSC at the first instruction
        push    esi                     ; start_info
        push    ebp
        jmp     bench_main

; Event upcall: counts and returns by the iret hypercall.  In: eip, cs, eflags (kernel mode).
global event_entry
event_entry:
        inc     dword [event_count]
        push    eax
        mov     eax, [shared_page]
        mov     byte [eax], 0           ; evtchn_upcall_pending
        mov     eax, HYPERCALL_IRET     ; takes the pushed EAX
        int     0x82

; #PF: skip the two-byte instruction that faulted.  In: error code, eip, cs, eflags.
global fault_entry
fault_entry:
        add     esp, 4
        add     dword [esp], 2
        push    eax
        mov     eax, HYPERCALL_IRET
        int     0x82

; INT 0x80 from user space: straight back.  In: eip, cs, eflags, esp, ss.  EDX: set when it is the last.
global syscall_entry
syscall_entry:
        test    edx, edx
        jnz     .last
        push    eax
        mov     eax, HYPERCALL_IRET
        int     0x82
.last:  mov     eax, KERNEL_DS
        mov     ds, eax
        mov     es, eax
        mov     esp, [user_return]
        popa
        ret

; void user_run(count): `count` system calls from user space.
global user_run

user_run:
        pusha
        mov     [user_return], esp
        mov     ecx, [esp + 36]
        mov     esi, user_code
        mov     edi, user_pages
.copy:  mov     al, [esi]
        mov     [edi], al
        inc     esi
        inc     edi
        cmp     esi, user_end
        jb      .copy
        xor     edx, edx
        mov     eax, USER_DS
        mov     ds, eax
        mov     es, eax
        push    dword USER_DS
        push    dword user_pages + 4096
        push    dword 0x202
        push    dword USER_CS
        push    dword user_pages
        push    eax
        mov     eax, HYPERCALL_IRET
        int     0x82

; Runs in user_pages.
user_code:
        int     0x80
        dec     ecx
        jnz     user_code
        inc     edx
        int     0x80
user_end:

; void touch(address): reads with a two-byte instruction.
global touch
touch:
        mov     ecx, [esp + 4]
        mov     al, [ecx]               ; 8A 01
        ret

section .data align=8
global shared_page, event_count
shared_page:    dd 0
event_count:    dd 0
user_return:    dd 0

section .bss nobits align=4096
        resb    16384
stack_top:
global bench_page, shared_window, second_root
bench_page:
        resb    4096
shared_window:
        resb    4096
second_root:
global user_pages
user_pages:
        resb    4096

section .note.GNU-stack noalloc noexec nowrite progbits
