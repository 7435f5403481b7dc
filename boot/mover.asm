; SPDX-License-Identifier: GPL-2.0-or-later
;
; The mover: the last code of ours that runs.  Position independent, copied into the HANDOFF region
; (loader/handoff.h), where nothing is overwritten by what it does: it carries out the step list,
; which may overwrite the stage and the modules, and enters the guest or the resident layer.
; Assembled as a flat binary; boot/mover_blob.asm embeds it.
; Sources: Intel SDM volume 3, 9.8.5 (entering long mode), 9.8.5.4 (leaving it).

org 0
%define RUN             (0x1000 - mover)        ; + label = offset of the label from the region

; struct handoff (asserted in loader/apply_handoff.c)
%define H_STEP_COUNT    0
%define H_FLAGS         4
%define H_EXIT_KIND     8
%define H_GDT32         18                      ; the limit of each pointer
%define H_GDT64         30
%define H_IDT           42
%define H_LOG_UART      52
%define H_LOG_TSC       56
%define H_REAL_CODE     60
%define H_EXIT_CODE     160
%define H_STEPS         0x3000
%define H_TABLES        0x7000
%define H_STACK_TOP     0x10000

%define FLAG_CR4        1
%define FLAG_EFER       2
%define FLAG_SSE2       4

%define STEP_SIZE       16
%define EXIT_LONG       1
%define EXIT_RESIDENT64 2
%define EXIT_REAL       4

%define SELECTOR_CODE   0x10
%define SELECTOR_DATA   0x18
%define SELECTOR_TSS    0x20
%define SELECTOR_CODE16 0x30                    ; base: the region
%define SELECTOR_DATA16 0x38

%define CR0_PE          (1 << 0)
%define CR0_ET          (1 << 4)
%define CR0_PG          (1 << 31)
%define CR4_PAE         (1 << 5)
%define CR4_OSFXSR      (1 << 9)
%define MSR_EFER        0xC0000080
%define EFER_LME        (1 << 8)

%define UART_LSR        5
%define UART_WAIT       0x40000
%define BLOCK           128                     ; bytes that the SSE2 registers hold
%define TURN            512                     ; bytes per turn of the long SSE2 loops

; One block through the registers; the argument is its offset from ESI and EDI.
%macro load_block 1
  %assign %%i 0
  %rep 8
        movups  xmm %+ %%i, [esi + %1 + %%i * 16]
    %assign %%i %%i + 1
  %endrep
%endmacro
%macro store_block 1
  %assign %%i 0
  %rep 8
        movups  [edi + %1 + %%i * 16], xmm %+ %%i
    %assign %%i %%i + 1
  %endrep
%endmacro

; Register plan, 32-bit part: EBX = the region, EBP = next step; the rest is scratch.

; ---- entry from protected mode (MOVER_ENTRY_32) -----------------------------------------------
; In:  EBX = machine address of the region; 32-bit flat protected mode, paging off.
bits 32
mover:
        jmp     near start
        times   16 - ($ - mover) nop

; ---- entry from long mode (MOVER_ENTRY_64) ----------------------------------------------------
; In:  RDI = machine address of the region, below 4 GiB and identity mapped.
bits 64
        cli
        cld
        mov     ebx, edi                        ; clears the upper half
        lea     rsp, [rbx + H_STACK_TOP]
        lgdt    [rbx + H_GDT32]
        push    SELECTOR_CODE
        lea     rax, [rel .compatible]
        push    rax
        retfq
bits 32
.compatible:                                    ; compatibility mode: 32-bit code, still paging
        mov     eax, SELECTOR_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        lea     esp, [ebx + H_STACK_TOP]
        mov     eax, cr0                        ; 1. paging off: leaves long mode
        and     eax, ~CR0_PG
        mov     cr0, eax
        xor     eax, eax                        ; 2. EFER.LME off
        xor     edx, edx
        mov     ecx, MSR_EFER
        wrmsr

; ---- common: 32-bit protected mode, paging off ------------------------------------------------
start:
        cli
        cld
        lea     esp, [ebx + H_STACK_TOP]
        lgdt    [ebx + H_GDT32]
        lidt    [ebx + H_IDT]
        push    dword SELECTOR_CODE
        lea     eax, [ebx + RUN + .flat]
        push    eax
        retf
.flat:
        mov     eax, SELECTOR_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax

        cmp     byte [ebx + H_EXIT_KIND], EXIT_REAL
        je      .masked                         ; the BIOS goes on using what it has set up
        mov     al, 0xFF                        ; no interrupt line reaches the CPU any more
        out     0x21, al
        out     0xA1, al
.masked:

        mov     eax, CR0_PE | CR0_ET            ; no EM, no TS: SSE may be used where it exists
        mov     cr0, eax
        test    byte [ebx + H_FLAGS], FLAG_CR4
        jz      .control_done
        xor     eax, eax
        test    byte [ebx + H_FLAGS], FLAG_SSE2
        jz      .set_cr4
        mov     eax, CR4_OSFXSR
.set_cr4:
        mov     cr4, eax
.control_done:

        cmp     dword [ebx + H_LOG_TSC], 0
        je      .steps
        rdtsc
        mov     [ebx + H_LOG_TSC], eax          ; the low half is enough for what is printed

; ---- the steps --------------------------------------------------------------------------------
.steps:
        lea     ebp, [ebx + H_STEPS]
        push    dword [ebx + H_STEP_COUNT]
.step:
        sub     dword [esp], 1
        jc      .steps_done
        mov     eax, [ebp]                      ; STEP_COPY 0, STEP_ZERO 1
        mov     edi, [ebp + 4]
        mov     esi, [ebp + 8]
        mov     ecx, [ebp + 12]
        add     ebp, STEP_SIZE
        test    eax, eax
        jnz     zero
        mov     eax, edi
        sub     eax, esi
        jz      .step                           ; already there
        cmp     eax, ecx
        jb      copy_down                       ; target begins inside the source

; Copies upwards: ECX bytes from ESI to EDI.  A block is loaded whole before any of it is stored, so
; that a target shortly below its source comes out right.
        test    byte [ebx + H_FLAGS], FLAG_SSE2
        jz      .up_rest
        mov     edx, ecx
        shr     edx, 9
        jz      .up_last
.up_turn:
%assign block 0
%rep TURN / BLOCK
        load_block block
        store_block block
  %assign block block + BLOCK
%endrep
        add     esi, TURN
        add     edi, TURN
        dec     edx
        jnz     .up_turn
        and     ecx, TURN - 1
.up_last:
        mov     edx, ecx
        shr     edx, 7
        jz      .up_rest
.up_block:
        load_block 0
        store_block 0
        add     esi, BLOCK
        add     edi, BLOCK
        dec     edx
        jnz     .up_block
        and     ecx, BLOCK - 1
.up_rest:
        mov     edx, ecx
        shr     ecx, 2
        rep movsd
        mov     ecx, edx
        and     ecx, 3
        rep movsb
        jmp     .step

; ---- ways out ---------------------------------------------------------------------------------
.steps_done:
        pop     eax
        cmp     dword [ebx + H_LOG_TSC], 0
        je      .leave
        rdtsc
        sub     eax, [ebx + H_LOG_TSC]
        call    log_ticks
.leave:
        push    dword 0                         ; an empty IDT: six bytes of zero
        push    dword 0
        lidt    [esp]
        mov     eax, [ebx + H_EXIT_KIND]
        cmp     eax, EXIT_LONG
        je      .enter_long
        cmp     eax, EXIT_RESIDENT64
        je      .enter_long

; Out (EXIT_PROTECTED, EXIT_RESIDENT32): see handoff.h; the exit code loads EAX to ESP and jumps.
        test    byte [ebx + H_FLAGS], FLAG_CR4
        jz      .no_cr4
        xor     eax, eax
        mov     cr4, eax
.no_cr4:
        test    byte [ebx + H_FLAGS], FLAG_EFER ; a firmware that uses NX leaves EFER.NXE set
        jz      .no_efer
        xor     eax, eax
        xor     edx, edx
        mov     ecx, MSR_EFER
        wrmsr
.no_efer:
        cmp     byte [ebx + H_EXIT_KIND], EXIT_REAL
        je      .enter_real
        mov     eax, SELECTOR_TSS
        ltr     ax                              ; marks it busy
        push    dword 0
        popfd
        lea     eax, [ebx + H_EXIT_CODE]
        jmp     eax

; Out (EXIT_REAL): see handoff.h; the region is below 1 MiB, the exit code loads all registers.
; Source: Intel SDM volume 3, 9.9.2 (switching back to real-address mode).
.enter_real:
        push    dword 0
        push    dword 0x3FF                     ; 1. the BIOS's vectors: limit 0x3FF, base 0
        lidt    [esp]
        push    dword SELECTOR_CODE16           ; 2. segments of 64 KiB, all based on the region
        push    dword RUN + .sixteen
        retf
bits 16
.sixteen:
        mov     ax, SELECTOR_DATA16
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     fs, ax
        mov     gs, ax
        mov     eax, CR0_ET                     ; 3. real mode
        mov     cr0, eax
        jmp     far [H_REAL_CODE]               ; 4. with a real-mode CS
bits 32

; Out (EXIT_LONG, EXIT_RESIDENT64): see handoff.h.
.enter_long:
        mov     eax, CR4_PAE                    ; 1. PAE
        mov     cr4, eax
        lea     eax, [ebx + H_TABLES]           ; 2. the identity map
        mov     cr3, eax
        mov     ecx, MSR_EFER                   ; 3. long mode enabled
        mov     eax, EFER_LME
        xor     edx, edx
        wrmsr
        mov     eax, CR0_PE | CR0_ET | CR0_PG   ; 4. paging on: compatibility mode
        mov     cr0, eax
        lgdt    [ebx + H_GDT64]                 ; 5. CS with the L bit: 64-bit mode
        push    dword SELECTOR_CODE
        lea     eax, [ebx + RUN + .long]
        push    eax
        retf
bits 64
.long:
        mov     ebx, ebx                        ; upper halves are undefined after the switch
        lea     rsp, [rbx + H_STACK_TOP]
        mov     eax, SELECTOR_DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     fs, eax
        mov     gs, eax
        xor     r8d, r8d
        xor     r9d, r9d
        xor     r10d, r10d
        xor     r11d, r11d
        xor     r12d, r12d
        xor     r13d, r13d
        xor     r14d, r14d
        xor     r15d, r15d
        push    0
        popfq
        lea     rax, [rbx + H_EXIT_CODE]
        jmp     rax
bits 32

; ---- parts ------------------------------------------------------------------------------------
; Copies downwards: the last block first.
copy_down:
        add     esi, ecx
        add     edi, ecx
        test    byte [ebx + H_FLAGS], FLAG_SSE2
        jz      .rest
        mov     edx, ecx
        shr     edx, 9
        jz      .last
.turn:
%assign block TURN - BLOCK
%rep TURN / BLOCK
        load_block block - TURN
        store_block block - TURN
  %assign block block - BLOCK
%endrep
        sub     esi, TURN
        sub     edi, TURN
        dec     edx
        jnz     .turn
        and     ecx, TURN - 1
.last:
        mov     edx, ecx
        shr     edx, 7
        jz      .rest
.block:
        sub     esi, BLOCK
        sub     edi, BLOCK
        load_block 0
        store_block 0
        dec     edx
        jnz     .block
        and     ecx, BLOCK - 1
.rest:                                          ; ESI, EDI: ends; first the odd bytes on top
        std
        dec     esi
        dec     edi
        mov     edx, ecx
        and     ecx, 3
        rep movsb
        sub     esi, 3
        sub     edi, 3
        mov     ecx, edx
        shr     ecx, 2
        rep movsd
        cld
        jmp     start.step

; Zeroes ECX bytes at EDI.
zero:
        test    byte [ebx + H_FLAGS], FLAG_SSE2
        jz      .rest
        mov     edx, ecx
        xorps   xmm0, xmm0
        shr     edx, 9
        jz      .last
.turn:
%assign i 0
%rep TURN / 16
        movups  [edi + i * 16], xmm0
  %assign i i + 1
%endrep
        add     edi, TURN
        dec     edx
        jnz     .turn
        and     ecx, TURN - 1
.last:
        mov     edx, ecx
        shr     edx, 4
        jz      .rest
.block:
        movups  [edi], xmm0
        add     edi, 16
        dec     edx
        jnz     .block
        and     ecx, 15
.rest:
        xor     eax, eax
        mov     edx, ecx
        shr     ecx, 2
        rep stosd
        mov     ecx, edx
        and     ecx, 3
        rep stosb
        jmp     start.step

; Sends AL to the UART; nothing without one.  Clobbers ECX, EDX.
send:
        mov     edx, [ebx + H_LOG_UART]
        test    edx, edx
        jz      .none
        push    eax
        add     edx, UART_LSR
        mov     ecx, UART_WAIT
.wait:
        in      al, dx
        test    al, 0x20
        jnz     .ready
        dec     ecx
        jnz     .wait
.ready:
        pop     eax
        sub     edx, UART_LSR
        out     dx, al
.none:
        ret

; Sends the text at region offset ESI.
send_text:
        add     esi, ebx
.next:
        lodsb
        test    al, al
        jz      .done
        call    send
        jmp     .next
.done:
        ret

; Sends "…steps took 0xEAX ticks".
log_ticks:
        mov     edi, eax
        mov     esi, RUN + text_ticks
        call    send_text
        mov     ebp, 8
.digit:
        rol     edi, 4
        mov     eax, edi
        and     eax, 15
        add     al, '0'
        cmp     al, '9'
        jbe     .decimal
        add     al, 'a' - '0' - 10
.decimal:
        call    send
        dec     ebp
        jnz     .digit
        mov     esi, RUN + text_end
        jmp     send_text

; Every exception between the stage and the guest ends here (an NMI; nothing else can happen).
; In: EBX = the region: no other code runs here.
global_fault:
        mov     esi, RUN + text_fault
        call    send_text
.halt:
        hlt
        jmp     .halt

text_ticks:     db "paravane: debug: the steps took 0x", 0
text_end:       db " ticks", 13, 10, 0
text_fault:     db 13, 10, "paravane: fault: exception or NMI in the hand-off", 13, 10
                db "paravane: halted.", 13, 10, 0

; The last four bytes of the image: where the gates point (apply_handoff.c reads it).
        align   4
        dd      global_fault - mover
