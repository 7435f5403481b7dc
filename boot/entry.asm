; SPDX-License-Identifier: GPL-2.0-or-later
;
; The doors: one entry for each way in, each with its contract, then one common path: our own
; segments, stack, descriptor tables and the first C function.
; Sources: Multiboot 0.6.96 section 3.2, Multiboot2 2.0 section 3.3, xen docs/misc/pvh.pandoc.

%define MB1_BOOT_MAGIC  0x2BADB002
%define MB2_BOOT_MAGIC  0x36D76289
%define PVH_MAGIC       0x336EC578

%define WAY_MULTIBOOT1  1                       ; enum way_in, loader/boot_record.h
%define WAY_MULTIBOOT2  2
%define WAY_PVH         3

%define SELECTOR_CODE   0x10                    ; the same numbers as at the guest's entry
%define SELECTOR_DATA   0x18
%define SELECTOR_GUARD  0x20

%define IDT_VECTORS     32
%define STACK_SIZE      0x20000                 ; decoders of the packaged libraries are generous
%define GUARD_SIZE      64                      ; %gs:0x14 is what their stack protector reads

; Segment descriptor bits, Intel SDM volume 3, 3.4.5.
%define SEG_PRESENT     (1 << 47)
%define SEG_CODE_DATA   (1 << 44)
%define SEG_CODE        (1 << 43)
%define SEG_RW          (1 << 41)
%define SEG_ACCESSED    (1 << 40)
%define SEG_4K          (1 << 55)
%define SEG_32          (1 << 54)
%define SEG_LIMIT_4G    (0xFFFF | 0xF << 48)
%define SEG_FLAT        (SEG_PRESENT | SEG_CODE_DATA | SEG_RW | SEG_ACCESSED | SEG_4K | SEG_32 | SEG_LIMIT_4G)
%define SEG_BYTES       (SEG_PRESENT | SEG_CODE_DATA | SEG_RW | SEG_ACCESSED | SEG_32)

extern early_fail
extern stage_main
extern fault_stubs
extern stage_start
extern stage_tables

section .text.entry progbits alloc exec nowrite align=16
bits 32

; ---- Multiboot 1 (and whoever starts the ELF entry point) -------------------------------------
; In:  EAX = 0x2BADB002, EBX = information structure below 4 GiB; 32-bit protected mode, flat CS and
;      data segments whose GDT may be gone, paging off, IF clear, A20 on.  ESP, GDTR, IDTR: unusable.
; Out: enter_stage with ECX = way in, EBX = information.
global entry_multiboot:function (entry_multiboot.end - entry_multiboot)
entry_multiboot:
        cli
        cld
        mov     ecx, WAY_MULTIBOOT1
        cmp     eax, MB1_BOOT_MAGIC
        je      enter_stage
        mov     ecx, WAY_MULTIBOOT2             ; a loader that ignores the entry address tag
        cmp     eax, MB2_BOOT_MAGIC
        je      enter_stage
        mov     esi, text_no_magic
        jmp     early_fail
.end:

; ---- Multiboot 2 ------------------------------------------------------------------------------
; In:  EAX = 0x36D76289, EBX = information, aligned to 8; the rest as for Multiboot 1.
; Out: enter_stage with ECX = way in, EBX = information.
global entry_multiboot2:function (entry_multiboot2.end - entry_multiboot2)
entry_multiboot2:
        cli
        cld
        mov     ecx, WAY_MULTIBOOT2
        cmp     eax, MB2_BOOT_MAGIC
        je      enter_stage
        mov     esi, text_no_magic2
        jmp     early_fail
.end:

; ---- PVH --------------------------------------------------------------------------------------
; In:  EBX = struct hvm_start_info; 32-bit protected mode, flat segments, paging off, IF clear.
;      Everything else: unusable.
; Out: enter_stage with ECX = way in, EBX = start info.
global entry_pvh:function (entry_pvh.end - entry_pvh)
entry_pvh:
        cli
        cld
        mov     ecx, WAY_PVH
        cmp     dword [ebx], PVH_MAGIC
        je      enter_stage
        mov     esi, text_no_pvh
        jmp     early_fail
.end:

; ---- enter_stage --------------------------------------------------------------------------------
; In:       ECX = way in, EBX = machine address of the loader's information.
; Out:      stage_main(way, information), never returns.
; Clobbers: everything.
enter_stage:
        ; 0. Where are we?  There is no stack yet; the first word of the information lends itself.
        mov     edx, [ebx]
        lea     esp, [ebx + 4]
        call    .here
.here:
        pop     ebp
        mov     [ebx], edx
        sub     ebp, .here                      ; EBP = distance from where we are linked
        jz      .placed

        ; A Multiboot 2 loader has used the relocatable tag: correct every absolute address of ours.
        lea     esi, [ebp + stage_tables + 8]
        lea     edi, [ebp + stage_start]
        xor     eax, eax
        mov     edx, ecx
.relocate:
        movzx   ecx, byte [esi]
        inc     esi
        jecxz   .relocated
        cmp     ecx, 0xFF
        jne     .near
        mov     ecx, [esi]
        add     esi, 4
.near:
        add     edi, ecx
        add     [edi], ebp
        jmp     .relocate
.relocated:
        mov     ecx, edx
        jmp     .placed                         ; a jump: old CPUs have fetched what follows already
.placed:
        mov     esp, stack_top

        ; 1. The guard block's address goes into its descriptor (base bits are scattered).
        mov     eax, guard
        mov     [gdt.guard + 2], ax
        shr     eax, 16
        mov     [gdt.guard + 4], al
        mov     [gdt.guard + 7], ah

        ; 2. Our segments.
        lgdt    [gdt.pointer]
        jmp     SELECTOR_CODE:.flat
.flat:
        mov     eax, SELECTOR_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     eax, SELECTOR_GUARD
        mov     gs, eax

        ; 3. Flags: all clear (AC, DF, NT in particular).
        push    dword 0
        popfd

        ; 4. Exceptions: every vector has a stub that reports; gates are made from the stub table.
        mov     esi, fault_stubs
        mov     edi, idt
        mov     edx, IDT_VECTORS
.gate:
        lodsd                                   ; address of the stub
        mov     [edi], ax
        mov     word [edi + 2], SELECTOR_CODE
        mov     word [edi + 4], 0x8E00          ; present, DPL 0, 32-bit interrupt gate
        shr     eax, 16
        mov     [edi + 6], ax
        add     edi, 8
        dec     edx
        jnz     .gate
        lidt    [idt_pointer]

        ; 5. C, with a frame chain that ends here.
        xor     ebp, ebp
        push    ebx
        push    ecx
        call    stage_main
.halt:                                          ; not reached: stage_main has no way back
        hlt
        jmp     .halt

section .rodata
text_no_magic:
        db "paravane: refused: ENTRY_MAGIC: neither the Multiboot 1 nor the Multiboot 2 magic is in EAX; "
        db "expected 0x2badb002 or 0x36d76289.", 13, 10, "paravane: halted.", 13, 10, 0
text_no_magic2:
        db "paravane: refused: ENTRY_MAGIC: the Multiboot 2 magic 0x36d76289 is not in EAX.", 13, 10
        db "paravane: halted.", 13, 10, 0
text_no_pvh:
        db "paravane: refused: ENTRY_MAGIC: EBX does not point to a PVH start info; expected its magic "
        db "0x336ec578.", 13, 10, "paravane: halted.", 13, 10, 0

section .data
align 8
gdt:
        dq      0, 0
        dq      SEG_FLAT | SEG_CODE             ; 0x10
        dq      SEG_FLAT                        ; 0x18
.guard: dq      SEG_BYTES | (GUARD_SIZE - 1)    ; 0x20, base filled in above
.end:
.pointer:
        dw      gdt.end - gdt - 1
        dd      gdt

idt_pointer:
        dw      IDT_VECTORS * 8 - 1
        dd      idt

; What %gs points at; offset 0x14 holds the stack protector's canary of the packaged libraries.
align 8
guard:
        times   0x14 db 0
        dd      0x0AFF0D00                      ; NUL, CR, 0xFF, LF: what string functions stop at
        times   GUARD_SIZE - 0x18 db 0

section .bss nobits alloc noexec write align=64
idt:    resb    IDT_VECTORS * 8
stack:  resb    STACK_SIZE
stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
