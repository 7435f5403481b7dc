; SPDX-License-Identifier: GPL-2.0-or-later
;
; One stub for each exception vector of the stage.  They make the stack look alike (error code or 0,
; vector), save all registers as struct fault_frame of boot/fault.h and call the report, which does
; not return.  Source: Intel SDM volume 3, 6.12 and table 6-1.

%define VECTORS 32

extern fault_report

section .text
bits 32

; In:  the CPU's frame: [error code,] EIP, CS, EFLAGS.
; Out: fault_report(frame).
%macro STUB 1
stub_%1:
%if %1 = 8 || (%1 >= 10 && %1 <= 14) || %1 = 17 || %1 = 21 || %1 = 29 || %1 = 30
%else
        push    dword 0                         ; no error code for this one
%endif
        push    dword %1
        jmp     fault
%endmacro

%assign vector 0
%rep VECTORS
        STUB    vector
%assign vector vector + 1
%endrep

fault:
        pushad                                  ; EAX ECX EDX EBX ESP EBP ESI EDI
        cld
        mov     eax, cr0
        mov     ecx, cr2
        push    ecx
        push    eax
        push    esp                             ; struct fault_frame *
        call    fault_report
.halt:
        hlt
        jmp     .halt

section .rodata
align 4
global fault_stubs
fault_stubs:
%assign vector 0
%rep VECTORS
        dd      stub_%+vector
%assign vector vector + 1
%endrep

section .note.GNU-stack noalloc noexec nowrite progbits
