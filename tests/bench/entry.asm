; SPDX-License-Identifier: GPL-2.0-or-later
;
; The benchmark guest's doors: each reads the TSC with its very first instruction, so that the number
; tells what loading cost.  Multiboot 1 and PVH print it, then what the best copy loop we know takes
; for the same bytes, and end; PV goes on in C (main.c).

%define MB1_MAGIC 0x1BADB002
%define COM1      0x3F8
%define EXIT_PORT 0xF4

extern bench_main
extern fill_start, fill_half, fill_turns    ; bench.ld

%define COPY_TURN 1024                  ; bytes per turn of the copy loop

; QEMU's own PVH loader takes only a file without Multiboot header.
%ifndef NO_MULTIBOOT
section .multiboot progbits alloc noexec nowrite align=4
        dd      MB1_MAGIC, 0, -MB1_MAGIC & 0xFFFFFFFF
%endif

%macro note_text 2
        dd      4, %%end - %%start, %1
        db      "Xen", 0
%%start: db     %2, 0
%%end:  align   4
%endmacro
%macro note_value 2
        dd      4, 8, %1
        db      "Xen", 0
        dq      %2
%endmacro

section .note.Xen note alloc noexec nowrite align=4
        note_text  6, "bench"
        note_text  8, "generic"
        note_text  5, "xen-3.0"
        note_text 10, "!writable_page_tables|pae_pgdir_above_4gb"
        note_value 1, pv_entry
        note_value 3, 0
        note_value 18, plain_entry

section .text
bits 32
global plain_entry
plain_entry:
        rdtsc
        mov     esp, stack_top
        mov     ebx, eax
        mov     ebp, edx
        mov     esi, text_entry
        call    show
        call    copy
        mov     esi, text_copy
        call    show
        mov     al, 0x10
        mov     dx, EXIT_PORT
        out     dx, al
.halt:  hlt
        jmp     .halt

; Copies the first half of the fill over the second, twice: as many bytes as the fill has.
; Out: EBP:EBX = ticks.
copy:   mov     eax, cr0
        and     eax, ~(1 << 2)          ; EM
        or      eax, 1 << 1             ; MP
        mov     cr0, eax
        mov     eax, cr4
        or      eax, 1 << 9             ; OSFXSR
        mov     cr4, eax
        rdtsc
        push    edx
        push    eax
        mov     ebp, 2
.pass:  mov     esi, fill_start
        lea     edi, [esi + fill_half]
        mov     ecx, fill_turns
        test    ecx, ecx
        jz      .done
.turn:
%assign block 0
%rep COPY_TURN / 128
  %assign i 0
  %rep 8
        movaps  xmm %+ i, [esi + block + i * 16]
    %assign i i + 1
  %endrep
  %assign i 0
  %rep 8
        movaps  [edi + block + i * 16], xmm %+ i
    %assign i i + 1
  %endrep
  %assign block block + 128
%endrep
        add     esi, COPY_TURN
        add     edi, COPY_TURN
        dec     ecx
        jnz     .turn
        dec     ebp
        jnz     .pass
.done:  rdtsc
        pop     ebx
        sub     eax, ebx
        pop     ebx
        sbb     edx, ebx
        mov     ebx, eax
        mov     ebp, edx
        ret

; Prints the text at ESI, then EBP:EBX in hexadecimal.
show:   lodsb
        test    al, al
        jz      .high
        call    put
        jmp     show
.high:  xchg    ebx, ebp
        call    hex
        xchg    ebx, ebp
        call    hex
        mov     al, 10
        jmp     put
hex:    mov     ecx, 8
.digit: rol     ebx, 4
        mov     al, bl
        and     al, 15
        add     al, '0'
        cmp     al, '9'
        jbe     .put
        add     al, 'a' - '0' - 10
.put:   call    put
        loop    .digit
        ret
put:    mov     ah, al
        mov     dx, COM1 + 5
.wait:  in      al, dx
        test    al, 0x20
        jz      .wait
        mov     al, ah
        mov     dx, COM1
        out     dx, al
        ret

bits 64
global pv_entry
pv_entry:
        rdtsc
        mov     rdi, rsi                ; start_info
        shl     rdx, 32
        or      rdx, rax
        mov     rsi, rdx                ; TSC at the first instruction
        lea     rsp, [rel stack_top]
        xor     ebp, ebp
        call    bench_main
        ud2

; Event upcall: counts and returns by the iret hypercall.  In: RCX, R11, then the hardware frame.
global event_entry
event_entry:
        inc     qword [rel event_count]
        mov     r11, [rel shared_page]
        mov     byte [r11], 0           ; evtchn_upcall_pending
        pop     rcx
        pop     r11
        jmp     leave_trap

; #PF: skip the two-byte instruction that faulted.
global fault_entry
fault_entry:
        pop     rcx
        pop     r11
        add     rsp, 8                  ; error code
        add     qword [rsp], 2
leave_trap:
        push    0                       ; flags
        push    rcx
        push    r11
        push    rax
        mov     eax, 23                 ; __HYPERVISOR_iret
        syscall
        ud2

; Guest system call: straight back to user space.  In: rcx, r11, rip, cs, rflags, rsp, ss.
global syscall_entry
syscall_entry:
        pop     rcx
        pop     r11
        cmp     qword [rel user_done], 0
        jne     .kernel
        mov     word [rsp + 8], 0xE033
        mov     word [rsp + 32], 0xE02B
        push    0x100                   ; VGCF_in_syscall
        push    rcx
        push    r11
        push    rax
        mov     eax, 23
        syscall
        ud2
.kernel:                                ; the last one: back into user_run's caller
        mov     rsp, [rel user_return]
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

; uint64_t user_run(count): `count` system calls from user space.  Returns when they are done.
global user_run
user_run:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rel user_return], rsp
        mov     qword [rel user_done], 0
        mov     rbx, rdi
        push    0xE02B                  ; ss
        lea     rax, [rel user_stack_top]
        push    rax
        push    0x202
        push    0xE033
        lea     rax, [rel user_code]
        push    rax
        push    0                       ; flags
        push    rcx
        push    r11
        push    rax
        mov     eax, 23
        syscall
        ud2
user_code:
        syscall
        dec     rbx
        jnz     user_code
        mov     qword [rel user_done], 1
        syscall
        ud2

; Touch an address that is not mapped with a two-byte instruction.
global touch
touch:
        mov     al, [rdi]               ; 8A 07
        ret

section .rodata
text_entry:     db "bench: plain entry tsc=0x", 0
text_copy:      db "bench: copy=0x", 0

section .data align=8
global shared_page, event_count, user_done
shared_page:    dq 0
event_count:    dq 0
user_done:      dq 0
user_return:    dq 0

section .bss nobits align=4096
        resb    16384
stack_top:
        resb    4096
user_stack_top:
global bench_page, shared_window, second_root, user_pages, second_stack_top
bench_page:
        resb    4096
shared_window:
        resb    4096
second_root:
user_pages:
        resb    4096
        resb    8192
second_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
