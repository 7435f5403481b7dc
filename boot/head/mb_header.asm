; SPDX-License-Identifier: GPL-2.0-or-later
;
; The three doors as loaders see them: Multiboot 1 header, Multiboot 2 header, PVH ELF note.
; Nothing here runs.  Sources: Multiboot 0.6.96 section 3.1, Multiboot2 2.0 section 3.1,
; xen/include/public/elfnote.h.

%define MB1_MAGIC               0x1BADB002
%define MB1_PAGE_ALIGN          (1 << 0)        ; modules on page boundaries: PV maps them in place
%define MB1_MEMORY_INFO         (1 << 1)        ; mem_lower, mem_upper and the memory map
%define MB1_FLAGS               (MB1_PAGE_ALIGN | MB1_MEMORY_INFO)

%define MB2_MAGIC               0xE85250D6
%define MB2_ARCHITECTURE_I386   0
%define MB2_HEADER_END          0
%define MB2_HEADER_INFORMATION  1
%define MB2_HEADER_ENTRY        3
%define MB2_HEADER_MODULE_ALIGN 6
%define MB2_HEADER_RELOCATABLE  10
%define MB2_PREFER_LOWEST       1
%define MB2_OPTIONAL            1               ; tag flag: the loader may ignore it

%define XEN_ELFNOTE_PHYS32_ENTRY 18

extern head_multiboot2
extern head_pvh

; ---- Multiboot 1 ------------------------------------------------------------------------------
; No address fields: every loader reads the ELF program headers of an ELF file.
section .headers.multiboot1 progbits alloc noexec nowrite align=8
global multiboot1_header
multiboot1_header:
        dd      MB1_MAGIC
        dd      MB1_FLAGS
        dd      -(MB1_MAGIC + MB1_FLAGS) & 0xFFFFFFFF
        dd      0                               ; keeps what follows aligned to 8

; No framebuffer tag: with one, GRUB leaves VGA text mode on BIOS machines; without, it still passes on
; the mode that it runs in on UEFI machines.
; ---- Multiboot 2 ------------------------------------------------------------------------------
section .headers.multiboot2 progbits alloc noexec nowrite align=8
global multiboot2_header
multiboot2_header:
        dd      MB2_MAGIC
        dd      MB2_ARCHITECTURE_I386
        dd      .end - multiboot2_header
        dd      -(MB2_MAGIC + MB2_ARCHITECTURE_I386 + (.end - multiboot2_header)) & 0xFFFFFFFF

        align   8
.information:                                   ; what we make use of; nothing of it is a condition
        dw      MB2_HEADER_INFORMATION, MB2_OPTIONAL
        dd      .information_end - .information
        dd      1, 2, 3, 4, 5, 6                ; command line, loader, modules, memory, device, map
        dd      8                               ; framebuffer
        dd      11, 12, 14, 15, 17, 19, 20      ; EFI tables, RSDPs, EFI map, image handles
.information_end:

        align   8
.entry:                                         ; a door of its own: the contract differs from 1
        dw      MB2_HEADER_ENTRY, 0
        dd      12
        dd      head_multiboot2

        align   8
.module_align:                                  ; as MB1_PAGE_ALIGN
        dw      MB2_HEADER_MODULE_ALIGN, 0
        dd      8

        align   8
.relocatable:                                   ; UEFI firmware may sit at 1 MiB
        dw      MB2_HEADER_RELOCATABLE, 0
        dd      24
        dd      0x100000, 0xFFFFFFFF            ; lowest, highest address
        dd      0x1000                          ; alignment
        dd      MB2_PREFER_LOWEST

        align   8
        dw      MB2_HEADER_END, 0
        dd      8
.end:

; ---- PVH --------------------------------------------------------------------------------------
section .note.Xen note alloc noexec nowrite align=4
        dd      4                               ; name size: "Xen" and its NUL
        dd      4                               ; descriptor size
        dd      XEN_ELFNOTE_PHYS32_ENTRY
        db      "Xen", 0
        dd      head_pvh

section .note.GNU-stack noalloc noexec nowrite progbits
