; SPDX-License-Identifier: GPL-2.0-or-later
;
; From the firmware's stack and page tables to our own, x86-64.  Called after ExitBootServices: the
; firmware's may lie in memory that apply writes.
;
; In:      RDI = machine address of our PML4 (identity map of the image and of the first 4 GiB)
;          RSI = top of our stack, 16-byte aligned
;          RDX = function to call, RCX = its argument; it must not return
; Relies:  long mode, CPL 0, the firmware's identity map (UEFI 2.10 section 2.3.4)
; Out:     never

bits 64
default rel

section .text
global efi_switch:function (efi_switch.end - efi_switch)
efi_switch:
    cli
    cld
    mov cr3, rdi
    mov rsp, rsi
    xor ebp, ebp
    mov rdi, rcx
    call rdx
.stop:
    hlt
    jmp .stop
.end:

; Canary accesses of the distribution's libraries go to FS:0x28.
; In: RDI = address of a block of at least 48 bytes.  Out: RAX = the FS base that was set before.
global efi_set_canary_base:function (efi_set_canary_base.end - efi_set_canary_base)
efi_set_canary_base:
    mov ecx, 0xC0000100             ; MSR_FS_BASE
    rdmsr
    shl rdx, 32
    or rax, rdx
    mov r8, rax
    mov eax, edi
    mov rdx, rdi
    shr rdx, 32
    wrmsr
    mov rax, r8
    ret
.end:

; Before going back to the firmware.  In: RDI = what efi_set_canary_base returned.
global efi_restore_canary_base:function (efi_restore_canary_base.end - efi_restore_canary_base)
efi_restore_canary_base:
    mov ecx, 0xC0000100             ; MSR_FS_BASE
    mov eax, edi
    mov rdx, rdi
    shr rdx, 32
    wrmsr
    ret
.end:

; Into the mover (loader/handoff.h).  In: EDI = its 64-bit entry, ESI = machine address of HANDOFF.
global efi_enter_mover:function (efi_enter_mover.end - efi_enter_mover)
efi_enter_mover:
    mov eax, edi
    mov edi, esi
    jmp rax
.end:

section .note.GNU-stack noalloc noexec nowrite progbits
