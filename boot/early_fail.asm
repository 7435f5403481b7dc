; SPDX-License-Identifier: GPL-2.0-or-later
;
; The refusal for when there is nothing yet: no stack, no C, no console settings.  Prints a text on
; COM1 (as the firmware programmed it, else 115200 8N1) and on the VGA text screen, then halts.

%define COM1            0x3F8
%define COM1_LCR        (COM1 + 3)
%define COM1_LSR        (COM1 + 5)
%define LSR_READY       0x20                    ; transmitter holding register empty
%define VGA_TEXT        0xB8000
%define VGA_ATTRIBUTE   0x4F                    ; white on red
%define WAIT_MAX        0x100000                ; polls: an absent UART never hangs us

section .text
bits 32

; In:       ESI = text, NUL-terminated.  32-bit flat protected mode, paging off or identity.
; Out:      never returns.
; Relies on flat CS, DS, ES; no stack.
global early_fail:function (early_fail.end - early_fail)
early_fail:
        cli
        cld
        mov     edi, VGA_TEXT
        mov     dx, COM1_LCR                    ; 115200 8N1: the divisor latch, then 8N1
        mov     al, 0x80
        out     dx, al
        mov     dx, COM1
        mov     al, 1
        out     dx, al
        inc     dx
        xor     al, al
        out     dx, al
        mov     dx, COM1_LCR
        mov     al, 3
        out     dx, al
.next:
        lodsb
        test    al, al
        jz      .halt
        mov     bl, al
        mov     ah, VGA_ATTRIBUTE
        stosw
        mov     ecx, WAIT_MAX
        mov     dx, COM1_LSR
.wait:
        in      al, dx
        test    al, LSR_READY
        jnz     .send
        dec     ecx
        jnz     .wait
.send:
        mov     al, bl
        mov     dx, COM1
        out     dx, al
        jmp     .next
.halt:
        hlt
        jmp     .halt
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
