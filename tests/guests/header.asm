; SPDX-License-Identifier: GPL-2.0-or-later
;
; First page of every test guest: Multiboot headers, one fixed door for each way in (fixed, because
; the __xen_guest string and notes name them by number), the image's checksum; then the hypercall
; page; then what the guest tells of itself to Xen.  Which of them exist is chosen by make-guest:
;   MB1, MB2, NOTES, XEN_GUEST (the string), PHYS_BASE, VIRT_BASE, BASE (link address), and per
;   note PVH, NOTE_VIRT_BASE, NOTE_PADDR_OFFSET, NOTE_INIT_P2M, NOTE_PAE, NOTE_MOD_START_PFN.
; Sources: Multiboot 1 section 3.1, Multiboot 2 section 3.1, xen/include/public/elfnote.h.

%define DOOR_PV        0x200
%define DOOR_MULTIBOOT 0x210
%define DOOR_PVH       0x220
%define DOOR_ELF64     0x230
%define HYPERCALL_PAGE 0x1000

section .header progbits alloc exec nowrite align=4096
header:
%ifdef MB1
%define MB1_FLAGS 3                     ; modules on page boundaries, memory information
    align 4
    dd 0x1badb002, MB1_FLAGS, -(0x1badb002 + MB1_FLAGS)
%endif

%ifdef MB2
    align 8
mb2:
    dd 0xe85250d6, 0, mb2_end - mb2, -(0xe85250d6 + (mb2_end - mb2))
    dw 1, 0                             ; information request, required
    dd 8 + 4 * 4
    dd 1, 3, 4, 6                       ; command line, modules, basic memory, memory map
    dw 1, 1                             ; the same, optional: loader name, ELF sections, RSDPs
    dd 8 + 4 * 4
    dd 2, 9, 14, 15
    dw 3, 0                             ; entry address, physical: another one than e_entry
    dd 12
    dd PHYS_BASE + DOOR_MULTIBOOT
    align 8
    dw 6, 0                             ; modules on page boundaries
    dd 8
    dw 0, 0
    dd 8
mb2_end:
%endif

    times DOOR_PV - ($ - header) db 0
global door_pv, door_multiboot, door_pvh, door_elf64
door_pv:
%ifidn __OUTPUT_FORMAT__, elf64
    bits 64
%else
    bits 32
%endif
    extern pv_entry
    jmp near pv_entry
    times DOOR_MULTIBOOT - ($ - header) db 0xcc
    bits 32
door_multiboot:
    extern multiboot_entry
    jmp near multiboot_entry
    times DOOR_PVH - ($ - header) db 0xcc
door_pvh:
    extern pvh_entry
    jmp near pvh_entry
    times DOOR_ELF64 - ($ - header) db 0xcc
door_elf64:
%ifidn __OUTPUT_FORMAT__, elf64
    bits 64
    extern elf64_entry
    jmp near elf64_entry
%endif
    times 0x300 - ($ - header) db 0xcc
global image_sum
image_sum:                              ; make-guest writes it
    dd 0

    times HYPERCALL_PAGE - ($ - header) db 0
global hypercall_page
hypercall_page:                         ; poisoned: who calls it unfilled finds out
    times 4096 db 0xcc

%ifdef NOTES
; note_number TYPE, VALUE and note_text TYPE, TEXT
%macro note_number 2
    align 4
    dd 4, NUMBER_SIZE, %1
    db "Xen", 0
%if NUMBER_SIZE = 8
    dq %2
%else
    dd %2
%endif
%endmacro
%macro note_text 2+
    align 4
    dd 4, %%end - %%start, %1
    db "Xen", 0
%%start:
    db %2, 0
%%end:
    align 4, db 0
%endmacro
%ifidn __OUTPUT_FORMAT__, elf64
%define NUMBER_SIZE 8
%else
%define NUMBER_SIZE 4
%endif

section .note.Xen note alloc noexec nowrite align=4
    ; A note of another owner that must be tolerated.
    dd 9, 3, 7
    db "Somebody", 0, 0, 0, 0
    db "abc", 0
    note_text 6, "paravane-test"
    note_text 7, "1"
    note_text 8, "generic"
    note_text 5, "xen-3.0"
    note_number 1, BASE + DOOR_PV
    note_number 2, BASE + HYPERCALL_PAGE
    note_text 10, "!writable_page_tables|pae_pgdir_above_4gb"
    align 4
    dd 4, 4, 17                         ; SUPPORTED_FEATURES: writable_page_tables, dom0
    db "Xen", 0
    dd 0x801
%ifdef NOTE_VIRT_BASE
    note_number 3, VIRT_BASE
%endif
%ifdef NOTE_PADDR_OFFSET
    note_number 4, NOTE_PADDR_OFFSET
%endif
%ifdef NOTE_PAE
    note_text 9, NOTE_PAE
%endif
%ifdef NOTE_INIT_P2M
    note_number 15, NOTE_INIT_P2M
%endif
%ifdef NOTE_MOD_START_PFN
    note_number 16, 1
%endif
%ifdef PVH
    align 4
    dd 4, 4, 18
    db "Xen", 0
    dd PHYS_BASE + DOOR_PVH
%endif
%endif

%ifdef XEN_GUEST
section __xen_guest noalloc noexec nowrite progbits
    db XEN_GUEST, 0
%endif

section .note.GNU-stack noalloc noexec nowrite progbits
