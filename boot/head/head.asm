; SPDX-License-Identifier: GPL-2.0-or-later
;
; The head: the part of the file that is not packed.  It unpacks the stage to its place and enters the
; door there that it was entered by, with the same registers: the stage cannot tell.
;
; In, all doors: 32-bit protected mode, flat CS and data segments whose GDT may be gone, paging off;
;                EAX and EBX as the protocol has them (Multiboot 0.6.96 section 3.2, Multiboot2 2.0
;                section 3.3, xen docs/misc/pvh.pandoc).  ESP, GDTR, IDTR: unusable.
; Out:           the stage's door of the same name (boot/entry.asm), EAX and EBX unchanged.
; Relies on:     segments are never loaded here, nor is memory outside head and stage touched.

extern entry_multiboot          ; in the stage (build/stage.sym)
extern entry_multiboot2
extern entry_pvh
extern stage_start
extern text_end
extern file_end
extern stage_end_address
extern head_unpack
extern early_fail

%define STACK_SIZE      0x2000

section .text.entry progbits alloc exec nowrite align=16
bits 32

global head_multiboot:function
head_multiboot:
        mov     ecx, entry_multiboot
        jmp     unpack

global head_multiboot2:function
head_multiboot2:
        mov     ecx, entry_multiboot2
        jmp     unpack

global head_pvh:function
head_pvh:
        mov     ecx, entry_pvh

; In: ECX = the stage's door, as linked.
unpack:
        cli
        cld
        mov     edx, [ebx]                      ; no stack yet: a word of the information lends itself
        lea     esp, [ebx + 4]
        call    .here
.here:
        pop     ebp
        mov     [ebx], edx
        sub     ebp, .here                      ; EBP = how far from where we are linked we stand:
                                                ; only Multiboot 2 loaders move us, by the header's leave
        lea     esp, [ebp + stack_top]
        add     ecx, ebp
        push    ecx
        push    eax
        push    ebx
        lea     edx, [ebp + stage_end_address]  ; the C code has no addresses of its own
        push    edx
        lea     edx, [ebp + file_end]
        push    edx
        lea     edx, [ebp + text_end]
        push    edx
        lea     edx, [ebp + stage_start]
        push    edx
        push    dword head_packed_size
        lea     edx, [ebp + head_packed]
        push    edx
        call    head_unpack
        add     esp, 24
        test    eax, eax
        pop     ebx
        pop     eax
        pop     ecx
        jz      .damaged
        jmp     ecx
.damaged:
        lea     esi, [ebp + text_damaged]
        jmp     early_fail

section .rodata
text_damaged:
        db "paravane: refused: STAGE_DAMAGED: the packed stage does not unpack to its size; the file was "
        db "changed on its way here.", 13, 10, "paravane: halted.", 13, 10, 0

head_packed:
        incbin  "stage.lz4"
head_packed_size equ $ - head_packed

section .bss nobits alloc noexec write align=64
stack:  resb    STACK_SIZE
stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
