; SPDX-License-Identifier: GPL-2.0-or-later
;
; From the firmware's stack to our own, ia32, with paging off.  Called after ExitBootServices: the
; firmware's stack and tables may lie in memory that apply writes.
;
; In:      [esp + 4] = not used (64 bits: page tables, on x86-64), [esp + 12] = top of our stack,
;          [esp + 16] = function to call, [esp + 20] = its argument; it must not return
; Relies:  protected mode, flat segments, identity map if paging is on (UEFI 2.10 section 2.3.2)
; Out:     never

bits 32

section .text
global efi_switch:function (efi_switch.end - efi_switch)
efi_switch:
    cli
    cld
    mov ecx, [esp + 16]
    mov edx, [esp + 20]
    mov esp, [esp + 12]
    mov eax, cr0
    and eax, 0x7FFFFFFF             ; CR0.PG
    mov cr0, eax
    xor ebp, ebp
    sub esp, 12
    push edx
    call ecx
.stop:
    hlt
    jmp .stop
.end:

; Into the mover (loader/handoff.h).  In: [esp + 4] = its 32-bit entry, [esp + 8] = HANDOFF.
global efi_enter_mover:function (efi_enter_mover.end - efi_enter_mover)
efi_enter_mover:
    mov eax, [esp + 4]
    mov ebx, [esp + 8]
    jmp eax
.end:

; Canary accesses of the distribution's libraries go to GS:0x14: a copy of the firmware's GDT with one
; descriptor more, based at the block, so that the firmware's own selectors stay valid.
; In: [esp + 4] = block of at least 24 bytes.  Out: EDX:EAX = 0.  Clobbers ECX.
GDT_MAX equ 512
global efi_set_canary_base:function (efi_set_canary_base.end - efi_set_canary_base)
efi_set_canary_base:
    push ebx
    push esi
    push edi
    call .here
.here:
    pop ebx
    sub esp, 8
    sgdt [esp]
    movzx ecx, word [esp]
    inc ecx
    cmp ecx, GDT_MAX
    ja .done                        ; the firmware's table is longer than ours: leave GS alone
    mov esi, [esp + 2]
    mov edx, [esp]                  ; what efi_restore_canary_base puts back
    mov [ebx + gdt_before - .here], edx
    mov dx, [esp + 4]
    mov [ebx + gdt_before + 4 - .here], dx
    mov [ebx + gs_before - .here], gs
    lea edi, [ebx + gdt_copy - .here]
    mov edx, ecx
    rep movsb
    mov eax, [esp + 8 + 12 + 4]     ; base of the new descriptor
    mov word [edi], 0xFFFF          ; limit 15:0
    mov [edi + 2], ax               ; base 15:0
    shr eax, 16
    mov [edi + 4], al               ; base 23:16
    mov byte [edi + 5], 0x93        ; present, DPL 0, data, writable, accessed
    mov byte [edi + 6], 0xCF        ; 4 KiB granules, 32-bit, limit 19:16
    mov [edi + 7], ah               ; base 31:24
    lea ecx, [edx + 7]
    mov [esp], cx
    lea eax, [ebx + gdt_copy - .here]
    mov [esp + 2], eax
    lgdt [esp]
    mov gs, dx
.done:
    add esp, 8
    xor eax, eax
    xor edx, edx
    pop edi
    pop esi
    pop ebx
    ret
.end:

; Before going back to the firmware, which frees this image and our table with it.  Clobbers EAX, ECX.
global efi_restore_canary_base:function (efi_restore_canary_base.end - efi_restore_canary_base)
efi_restore_canary_base:
    call .here
.here:
    pop ecx
    cmp word [ecx + gdt_before - .here], 0
    je .done                        ; it was left alone
    lgdt [ecx + gdt_before - .here]
    mov gs, [ecx + gs_before - .here]
.done:
    ret
.end:

section .data align=16
gdt_copy: times GDT_MAX + 8 db 0
gdt_before: times 8 db 0            ; as SGDT stores it
gs_before: dw 0

section .note.GNU-stack noalloc noexec nowrite progbits
