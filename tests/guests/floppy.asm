; SPDX-License-Identifier: GPL-2.0-or-later
;
; A floppy disk's image whose boot sector reads the last sector by the BIOS, says on COM1 which drive
; it runs from, and ends QEMU.  For syslinux's memdisk, which is INT 0x13 for it.

%define SECTORS         2880                    ; 80 cylinders, 2 heads, 18 sectors
%define DEBUG_EXIT      0xF4

org 0x7C00
bits 16

        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7C00
        mov     si, text_drive
        call    print
        mov     al, dl
        shr     al, 4
        call    put_digit
        mov     al, dl
        and     al, 15
        call    put_digit
        mov     si, text_end
        call    print

        mov     ax, 0x0201                      ; read one sector: cylinder 79, head 1, sector 18
        mov     cx, 0x4F12
        mov     dh, 1
        mov     bx, 0x8000
        int     0x13
        mov     al, 0x11
        jc      .exit
        cmp     dword [0x8000 + 508], "LAST"
        jne     .exit
        mov     si, text_passed
        call    print
        mov     al, 0x10
.exit:
        mov     dx, DEBUG_EXIT
        out     dx, al
.halt:
        hlt
        jmp     .halt

%include "serial16.inc"

text_drive:     db 13, 10, "guest: the boot sector runs from drive 0x", 0
text_passed:    db "guest: all checks passed"
text_end:       db 13, 10, 0

        times   510 - ($ - $$) db 0
        dw      0xAA55
        times   SECTORS * 512 - 4 - ($ - $$) db 0
        db      "LAST"
