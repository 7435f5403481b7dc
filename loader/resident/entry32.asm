; SPDX-License-Identifier: GPL-2.0-or-later
;
; Every way into the 32-bit layer and out of it: start, exceptions and interrupts, the return to the
; guest, accesses that may fault.  Everything else is C.  All entries from the guest leave a struct
; hardware_frame (trap32.c) at the top of the layer's one stack.
;
; Source: Intel SDM vol. 3 chapters 3.4.5 (descriptors), 6 (interrupts), 9.9 (switching modes).

%include "entry.inc"

        bits 32

LAYER_BASE           equ 0xfd000000     ; space32.h
H_LAYER              equ 48             ; offset in struct handover (asserted in start32.c)
SELECTOR_LAYER_CS    equ 0xe008         ; layer.h
SELECTOR_LAYER_SS    equ 0xe010
FRAME_ROOM           equ 128            ; at the top, for the guest's struct hardware_frame
CR0_PAGING           equ 0x80010000     ; PG WP

; ---- the image's header (struct resident_header) ---------------------------------------------
ARENA_FIXED          equ 0xa0000        ; own tables, grant frames, copies of what the stage gave
ARENA_PER_CPU        equ 0
ARENA_BITS_PER_FRAME equ 8              ; a byte of state

        RESIDENT_HEADER ARENA_FIXED, ARENA_PER_CPU, ARENA_BITS_PER_FRAME, (1 << GUEST_PV32PAE | 1 << GUEST_PV32)

; ---- start -----------------------------------------------------------------------------------
; resident_entry
; In:  protected mode, flat, paging off, EAX = struct handover, interrupts off.  The image lies
;      anywhere: until paging is on, segments whose base is its distance from LAYER_BASE make code
;      and data appear where they are linked.
; Out: does not return.
        section .entry progbits alloc exec align=16
        global resident_entry
        extern early_map, layer_start
resident_entry:
        cli
        cld
        mov ebx, eax
        mov ebp, [eax + H_LAYER]        ; where the image is
        lea ecx, [ebp + early_gdt - LAYER_BASE]
        mov eax, ebp
        sub eax, LAYER_BASE
        mov [ecx + 0x08 + 2], ax        ; base of the first two descriptors
        mov [ecx + 0x10 + 2], ax
        shr eax, 16
        mov [ecx + 0x08 + 4], al
        mov [ecx + 0x08 + 7], ah
        mov [ecx + 0x10 + 4], al
        mov [ecx + 0x10 + 7], ah
        mov [ecx + 2], ecx              ; the null descriptor's place holds GDTR
        mov word [ecx], early_gdt_end - early_gdt - 1
        lgdt [ecx]
        mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, boot_stack_top
        push dword 0x08
        push dword .based
        retf
.based: push ebp
        push ebx
        call early_map                  ; (handover, load) -> CR3, and CR4.PAE where it is needed
        mov cr3, eax
        mov eax, cr0
        or eax, CR0_PAGING
        mov cr0, eax                    ; we go on at the image's machine address, mapped as such
        push dword 0x18
        push dword .high
        retf
.high:  mov eax, 0x20
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, boot_stack_top - FRAME_ROOM
        xor eax, eax
        mov fs, eax
        mov gs, eax
        push ebp
        push ebx
        xor ebp, ebp
        call layer_start                ; (handover, load)
        ud2

        section .data align=8
early_gdt:
        dq 0
        dq 0x00cf9b000000ffff           ; 0x08 code, 0x10 data: base set at start
        dq 0x00cf93000000ffff
        dq 0x00cf9b000000ffff           ; 0x18 code, 0x20 data: flat
        dq 0x00cf93000000ffff
early_gdt_end:

; ---- exceptions and interrupts ---------------------------------------------------------------
; 256 stubs, 16 bytes apart: push what the CPU did not (error code), push the vector, go on.
        section .text
        global vector_stubs
        align 16
vector_stubs:
%assign vector 0
%rep 256
        align 16
  %if !HAS_ERROR_CODE(vector)
        push byte 0
  %endif
        push dword vector
        jmp near trap_entry
  %assign vector vector+1
%endrep

; trap_entry
; In:  stack: vector, error code, hardware frame; with SS:ESP when it comes from the guest.
; C answers with the frame to go on from: the same one, or the guest's after a failed return.
        extern trap_enter
trap_entry:
        pusha
        push ds
        push es
        push fs
        push gs
        mov eax, SELECTOR_LAYER_SS
        mov ds, eax
        mov es, eax
        cld
        mov eax, esp
        push eax
        call trap_enter                 ; (frame) -> frame

; restore_frame: EAX = struct hardware_frame.  Loading the guest's selectors and state can fault;
; trap_enter() knows by the address (restore_start to restore_end).
        global restore_start, restore_end
restore_frame:
        mov esp, eax
restore_start:
        pop gs
        pop fs
        pop es
        pop ds
        popa
        add esp, 8
        iret
restore_end:

; leave_layer(frame): never returns.
        global leave_layer
leave_layer:
        mov eax, [esp + 4]
        jmp restore_frame

; double_fault: a task of its own (descriptors32.c); the interrupted state is in the other TSS.
        global double_fault
        extern trap_double_fault
double_fault:
        call trap_double_fault
        ud2

; ---- guest memory and registers with fix-up ---------------------------------------------------
        global copy_from_guest, copy_to_guest, rdmsr_fixup, wrmsr_fixup, xsetbv_fixup
%macro FIXUP 2
        section .fixup_table progbits alloc noexec align=8
        dd %1, 0, %2, 0                 ; struct fixup
        section .text
%endmacro

; uint64_t copy_from_guest(void *to, uintptr_t gva, uint64_t size): 0 when all was copied.
; uint64_t copy_to_guest(uintptr_t gva, const void *from, uint64_t size)
        align 16
copy_from_guest:
copy_to_guest:
        push esi
        push edi
        mov edi, [esp + 12]
        mov esi, [esp + 16]
        mov eax, [esp + 20]
        mov ecx, eax
        shr ecx, 2
.move4: rep movsd
        mov ecx, eax
        and ecx, 3
.move1: rep movsb
        xor eax, eax
.done:  xor edx, edx
        pop edi
        pop esi
        ret
.failed:
        mov eax, 1
        jmp .done
        FIXUP .move4, .failed
        FIXUP .move1, .failed

; bool rdmsr_fixup(uint32_t msr, uint64_t *ret)
rdmsr_fixup:
        mov ecx, [esp + 4]
.read:  rdmsr
        mov ecx, [esp + 8]
        mov [ecx], eax
        mov [ecx + 4], edx
        mov eax, 1
        ret
.failed:
        xor eax, eax
        ret
        FIXUP .read, .failed

; bool wrmsr_fixup(uint32_t msr, uint64_t value), xsetbv_fixup(uint32_t index, uint64_t value)
%macro WRITE_FIXUP 2
%1:     mov ecx, [esp + 4]
        mov eax, [esp + 8]
        mov edx, [esp + 12]
.write: %2
        mov eax, 1
        ret
.failed:
        xor eax, eax
        ret
        FIXUP .write, .failed
%endmacro
        WRITE_FIXUP wrmsr_fixup, wrmsr
        WRITE_FIXUP xsetbv_fixup, xsetbv

; ---- descriptor tables -----------------------------------------------------------------------
; void load_tables(const void *gdtr, const void *idtr): loads both and reloads the selectors.
        global load_tables
load_tables:
        mov eax, [esp + 4]
        lgdt [eax]
        mov eax, [esp + 8]
        lidt [eax]
        mov eax, SELECTOR_LAYER_SS
        mov ss, eax
        mov ds, eax
        mov es, eax
        push dword SELECTOR_LAYER_CS
        push dword .reloaded
        retf
.reloaded:
        ret

        section .bss nobits alloc noexec write align=16
        global layer_stack_top
        resb 16384
boot_stack_top:
layer_stack_top:

        section .note.GNU-stack noalloc noexec nowrite progbits
