; SPDX-License-Identifier: GPL-2.0-or-later
;
; A kernel of Linux's boot protocol that has nothing but its 16-bit entry.  Checks the state that it
; is entered in, what the loader wrote into its setup header, that the BIOS still answers and its
; timer still ticks, and that payload and ramdisk are where they belong; prints on COM1.
; Assembled as a flat binary: boot sector, setup code, payload.
;   -DVERSION=0x0207   boot protocol        -DLOADFLAGS=1   0: a zImage, payload at 0x10000
; Source: Linux Documentation/arch/x86/boot.rst.

%ifndef VERSION
  %define VERSION       0x0207
%endif
%ifndef LOADFLAGS
  %define LOADFLAGS     1
%endif
%if VERSION >= 0x0202 && LOADFLAGS
  %define HEAP_END      0xE000
  %define SETUP_MIN     0x1000                  ; segments that the setup code may stand at
%else
  %define HEAP_END      0x9800
  %define SETUP_MIN     0x9000
%endif
%if LOADFLAGS
  %define PAYLOAD_AT    0x100000
%else
  %define PAYLOAD_AT    0x10000
%endif

%define SECTORS         4
%define PAYLOAD_SIZE    0xA000
%define DEBUG_EXIT      0xF4
%define CODE            -0x200                  ; CS is the setup segment and 0x20

org 0
bits 16

        times   0x1F1 db 0x11                   ; a boot sector's code
        db      SECTORS
        dw      0
        dd      PAYLOAD_SIZE / 16
        dw      0, 0, 0, 0xAA55
entry:
        jmp     short start
        db      "HdrS"
        dw      VERSION
        dd      0
        dw      0, 0
type_of_loader:
        db      0
loadflags:
        db      LOADFLAGS
move_size:
        dw      0
        dd      0                               ; code32_start: none
ramdisk:
        dd      0
ramdisk_size:
        dd      0
        dd      0
heap_end:
        dw      0, 0
command_line:
        dd      0
        dd      0x7FFFFFFF                      ; initrd_addr_max
        dd      0                               ; kernel_alignment
        db      0, 0
        dw      0
        dd      100                             ; cmdline_size

; What ZF says must hold; the argument is what is wrong when it does not.
%macro must_be 1+
        je      %%good
        mov     si, %%text
        call    failed
        jmp     %%good
%%text: db      %1, 0
%%good:
%endmacro

start:
        mov     [cs:seen.sp + CODE], sp
        mov     [cs:seen.ds + CODE], ds
        mov     [cs:seen.es + CODE], es
        mov     [cs:seen.fs + CODE], fs
        mov     [cs:seen.gs + CODE], gs
        mov     [cs:seen.ss + CODE], ss
        mov     ax, cs
        lea     bx, [eax - 0x20]                ; leaves the flags as they were
        mov     ds, bx
        mov     ss, bx
        mov     sp, HEAP_END
        pushf
        pop     word [seen.flags]
        cld

        mov     si, text_door
        call    print
        mov     ax, cs
        sub     ax, 0x20
        cmp     [seen.ds], ax
        must_be "DS is not the setup segment"
        cmp     [seen.es], ax
        must_be "ES is not the setup segment"
        cmp     [seen.fs], ax
        must_be "FS is not the setup segment"
        cmp     [seen.gs], ax
        must_be "GS is not the setup segment"
        cmp     [seen.ss], ax
        must_be "SS is not the setup segment"
        cmp     word [seen.sp], HEAP_END
        must_be "SP is not the heap's end"
        cmp     ax, SETUP_MIN
        je      .placed
        cmp     ax, 0x9000
        must_be "the setup segment is neither 0x1000 nor 0x9000"
.placed:
        test    word [seen.flags], 0x0700       ; TF, IF, DF
        must_be "TF, IF or DF is set"
        mov     eax, cr0
        test    eax, 0x80000001
        must_be "CR0 has PE or PG"
        sidt    [table]
        cmp     word [table], 0x3FF
        must_be "the vectors' limit is not 0x3FF"
        cmp     dword [table + 2], 0
        must_be "the vectors are not at 0"

        cmp     byte [type_of_loader], 0xFF
        must_be "type_of_loader is not 0xFF"
        cmp     byte [loadflags], LOADFLAGS | 0x80
        must_be "loadflags have no CAN_USE_HEAP"
        cmp     word [heap_end], HEAP_END - 0x200
        must_be "heap_end_ptr is wrong"

        ; the BIOS: memory size, memory map, and a clock whose interrupts come
        xor     ax, ax
        mov     es, ax
        sti
        int     0x12
        cmp     ax, [es:0x413]
        must_be "INT 0x12 says something else than the BIOS data area"
        push    ds
        pop     es
        mov     eax, 0xE820
        mov     edx, 0x534D4150                 ; "SMAP"
        mov     ecx, 20
        xor     ebx, ebx
        mov     di, map_entry
        int     0x15
        cmp     eax, 0x534D4150
        must_be "INT 0x15 E820 is not known"
        cmp     dword [map_entry + 16], 1
        must_be "the memory map does not begin with RAM"
        mov     ah, 0
        int     0x1A
        mov     [ticks], dx
.tick:
        hlt
        mov     ah, 0
        int     0x1A
        cmp     dx, [ticks]
        je      .tick
        mov     si, text_bios
        call    print

        ; FS reaches 4 GiB from now on
        cli
        mov     ax, ds
        movzx   eax, ax
        shl     eax, 4
        add     eax, gdt
        mov     [gdt + 2], eax
        lgdt    [gdt]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     bx, 8
        mov     fs, bx
        and     al, ~1
        mov     cr0, eax
        xor     bx, bx
        mov     fs, bx                          ; base 0, the limit stays

        mov     esi, PAYLOAD_AT
        xor     ecx, ecx
.payload:
        mov     eax, ecx
        xor     eax, 0x5A000000
        cmp     [fs:esi + ecx], eax
        jne     .payload_wrong
        add     ecx, 4
        cmp     ecx, PAYLOAD_SIZE
        jb      .payload
.payload_wrong:
        cmp     ecx, PAYLOAD_SIZE
        must_be "the payload is not where it belongs"

        mov     si, text_line
        call    print
%if VERSION >= 0x0202
        mov     esi, [command_line]
%else
        cmp     word [0x20], 0xA33F
        must_be "the command line's magic is wrong"
        mov     ax, ds
        movzx   esi, ax
        shl     esi, 4
        movzx   eax, word [0x22]
        add     esi, eax
%endif
        xor     cx, cx
.character:
        mov     al, [fs:esi]
        inc     cx
        inc     esi
        test    al, al
        jz      .line_end
        call    put
        jmp     .character
.line_end:
        mov     si, text_line_end
        call    print
%if VERSION < 0x0202
        add     cx, [0x22]
        cmp     cx, [move_size]
        must_be "setup_move_size does not end behind the command line"
%endif

        mov     si, text_ramdisk
        call    print
        mov     eax, [ramdisk_size]
        mov     cx, 1
        call    put_hex
        mov     si, text_crc
        call    print
        call    checksum
        mov     cx, 8
        call    put_hex
        mov     si, text_end
        call    print

        mov     al, 0x11
        cmp     byte [failures], 0
        jne     .exit
        mov     si, text_passed
        call    print
        mov     al, 0x10
.exit:
        mov     dx, DEBUG_EXIT
        out     dx, al
.halt:
        cli
        hlt
        jmp     .halt

; EAX = CRC-32 (IEEE 802.3) of the ramdisk.  Clobbers EBX, ECX, ESI.
checksum:
        mov     esi, [ramdisk]
        mov     ebx, [ramdisk_size]
        mov     eax, -1
.byte:
        sub     ebx, 1
        jc      .end
        xor     al, [fs:esi]
        inc     esi
        mov     cx, 8
.bit:
        shr     eax, 1
        jnc     .even
        xor     eax, 0xEDB88320
.even:
        loop    .bit
        jmp     .byte
.end:
        not     eax
        ret

; Prints EAX in hexadecimal, CX digits at least.  Clobbers EAX, EBX, CX, DX.
put_hex:
        mov     ebx, eax
        mov     dx, 8
.digit:
        rol     ebx, 4
        mov     al, bl
        and     al, 15
        jnz     .shown
        cmp     dx, cx
        ja      .next
.shown:
        mov     cx, dx                          ; from here on all
        call    put_digit
.next:
        dec     dx
        jnz     .digit
        ret

; Prints the text at SI as a failure.
failed:
        inc     byte [failures]
        push    si
        mov     si, text_failed
        call    print
        pop     si
        call    print
        mov     si, text_end
%include "serial16.inc"

text_door:      db "guest: door real mode", 13, 10, 0
text_bios:      db "guest: the BIOS answers", 13, 10, 0
text_line:      db 'guest: command line = "', 0
text_line_end:  db '"', 13, 10, 0
text_ramdisk:   db "guest: ramdisk: size 0x", 0
text_crc:       db " crc 0x", 0
text_failed:    db "guest: FAILED: ", 0
text_passed:    db "guest: all checks passed"
text_end:       db 13, 10, 0

failures:       db 0
seen:
.sp:            dw 0
.ds:            dw 0
.es:            dw 0
.fs:            dw 0
.gs:            dw 0
.ss:            dw 0
.flags:         dw 0
ticks:          dw 0
table:          dw 0
                dd -1
map_entry:      times 20 db 0
gdt:            dw 15
                dd 0
                dw 0
                dq 0x00CF93000000FFFF

        times   (SECTORS + 1) * 512 - ($ - $$) db 0x22
%assign at 0
%rep PAYLOAD_SIZE / 4
        dd      at ^ 0x5A000000
  %assign at at + 4
%endrep
