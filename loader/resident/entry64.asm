; SPDX-License-Identifier: GPL-2.0-or-later
;
; Every way into the layer and out of it: start, exceptions and interrupts, SYSCALL, the return to
; the guest.  Everything else is C.  All entries from the guest leave struct frame (layer.h) at the
; same place, the top of the CPU's layer stack, with GS pointing at struct vcpu.
;
; Source: Intel SDM vol. 3 chapter 6 (interrupts), 5.8.8 (SYSCALL); see descriptors.c for the tables.

%include "offsets.inc"
%include "entry.inc"

        bits 64
        default rel

; ---- the image's header (struct resident_header) ---------------------------------------------
ARENA_FIXED          equ 0x80000        ; own tables, GDT windows, grant frames, logs
ARENA_PER_CPU        equ 0x20000        ; CPU block (descriptors.h), its alignment, GDT window
ARENA_BITS_PER_FRAME equ 9              ; a byte of state and the tables of direct map and m2p

        RESIDENT_HEADER ARENA_FIXED, ARENA_PER_CPU, ARENA_BITS_PER_FRAME, (1 << GUEST_PV64 | 1 << GUEST_PV32PAE)

; ---- start -----------------------------------------------------------------------------------
; resident_entry
; In:  64-bit mode, identity map of the first 4 GiB, RDI = struct handover, interrupts off; the image
;      lies anywhere, so everything is RIP-relative until our own tables are live.
; Out: does not return.
        section .entry progbits alloc exec align=16
        global resident_entry
        extern early_map, layer_start, resident_start
resident_entry:
        cli
        cld
        mov rbx, rdi
        lea rbp, [resident_start]
        lea rsp, [boot_stack_top]
        mov rsi, rbp
        call early_map                  ; (handover, load) -> CR3
        mov cr3, rax
        mov rax, qword .high
        jmp rax
.high:  ; now at LAYER_BASE
        mov rsp, qword boot_stack_top
        mov rdi, rbx
        mov rsi, rbp
        xor ebp, ebp
        call layer_start
        ud2

; ---- registers -------------------------------------------------------------------------------
%macro PUSH_REGISTERS 0
        push rdi
        push rsi
        push rdx
        push rcx
        push rax
        push r8
        push r9
        push r10
        push r11
        push rbx
        push rbp
        push r12
        push r13
        push r14
        push r15
%endmacro

%macro POP_REGISTERS 0
        pop r15
        pop r14
        pop r13
        pop r12
        pop rbp
        pop rbx
        pop r11
        pop r10
        pop r9
        pop r8
        pop rax
        pop rcx
        pop rdx
        pop rsi
        pop rdi
%endmacro

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
        push qword vector
  %if vector == 1
        jmp near ist_entry
  %elif vector == 2
        jmp near ist_entry
  %elif vector == 8 || vector == 18
        jmp near fatal_entry
  %else
        jmp near trap_entry
  %endif
  %assign vector vector+1
%endrep

; trap_entry
; In:  stack: vector, error code, hardware frame; GS is the guest's when CS says RPL 1 or 3.
; The stack is RSP0, with one exception: QEMU lets a CPL 1 kernel with a null SS run at CPL 0, and
; then the frame is on the guest's own stack; such a frame is copied to where it belongs.
        extern trap_from_guest, trap_from_layer, iret_failed
trap_entry:
        PUSH_REGISTERS
        cld
        test byte [rsp + F_CS], 3
        jz .from_layer
        swapgs
        cmp rsp, gs:[V_FRAME]
        jne .elsewhere
.placed:
        mov rdi, rsp
        call trap_from_guest            ; (frame)
        jmp exit_to_guest
.elsewhere:
        mov rsi, rsp
        mov rdi, gs:[V_FRAME]
        mov rsp, rdi
        mov ecx, F_SIZE / 8
        rep movsq
        jmp .placed
.from_layer:
        lea rax, [iretq_to_guest]
        cmp [rsp + F_RIP], rax
        je .bad_iret
        mov rdi, rsp
        call trap_from_layer            ; (frame): interrupts while waiting, fix-ups, else panic
        POP_REGISTERS
        add rsp, 16
        iretq
.bad_iret:                              ; registers and GS are the guest's, RSP is ours
        swapgs
        mov rdi, rsp
        call iret_failed                ; (frame): makes v->frame deliverable again
        mov rsp, gs:[V_FRAME]
        jmp exit_to_guest

; ist_entry: #DB and NMI, each on its own stack, because both can hit the first instruction at LSTAR
; with the guest's RSP and GS.
; In the layer they only leave a note; from the guest they go on as any other trap.
        extern ist_from_layer
ist_entry:
        PUSH_REGISTERS
        cld
        test byte [rsp + F_CS], 3
        jz .from_layer
        swapgs
        mov rsi, rsp
        mov rdi, gs:[V_FRAME]
        mov rsp, rdi
        mov ecx, F_SIZE / 8
        rep movsq
        mov rdi, rsp
        call trap_from_guest
        jmp exit_to_guest
.from_layer:
        mov rdi, rsp
        call ist_from_layer             ; (frame); does not use GS
        POP_REGISTERS
        add rsp, 16
        iretq

; fatal_entry: #DF and #MC, on their own stacks; whatever GS is, it is set from the stack's place.
        extern trap_fatal
fatal_entry:
        PUSH_REGISTERS
        cld
        mov rax, rsp
        and rax, CPU_BLOCK_MASK
        mov rdx, rax
        shr rdx, 32
        mov ecx, 0xc0000101             ; GS_BASE
        wrmsr
        mov rdi, rsp
        call trap_fatal
        ud2

; ---- SYSCALL ---------------------------------------------------------------------------------
; syscall_entry (LSTAR)
; In:  RCX = RIP, R11 = RFLAGS, RSP and GS the guest's, CPL 0, IF TF DF NT AC clear (FMASK).
; From the guest's kernel it is a hypercall, from its user space a system call.
        global syscall_entry, syscall32_entry
        extern hypercall_entry, syscall_from_user
        align 16
syscall_entry:
        swapgs
        mov gs:[V_SCRATCH], rsp
        mov rsp, gs:[V_STACK_TOP]
        cmp byte gs:[V_KERNEL_MODE], 0
        je .user
        push SELECTOR_KERNEL_SS
        push qword gs:[V_SCRATCH]
        push r11
        push SELECTOR_KERNEL_CS
        push rcx
        push byte 0
        push ENTRY_IS_SYSCALL
        PUSH_REGISTERS
        mov rdi, rsp
        call hypercall_entry            ; (frame)
        jmp exit_to_guest
.user:
        push SELECTOR_USER_SS
        push qword gs:[V_SCRATCH]
        push r11
        push SELECTOR_USER_CS
        push rcx
        push byte 0
        push ENTRY_IS_SYSCALL
        PUSH_REGISTERS
        mov rdi, rsp
        call syscall_from_user          ; (frame)
        jmp exit_to_guest

; syscall32_entry (CSTAR): SYSCALL in compatibility mode, as above.
        align 16
syscall32_entry:
        swapgs
        mov gs:[V_SCRATCH], rsp
        mov rsp, gs:[V_STACK_TOP]
        push SELECTOR_USER_SS
        push qword gs:[V_SCRATCH]
        push r11
        push SELECTOR_USER_CS32
        push rcx
        push byte 0
        push ENTRY_IS_SYSCALL32
        PUSH_REGISTERS
        mov rdi, rsp
        call syscall_from_user
        jmp exit_to_guest

; ---- back to the guest -----------------------------------------------------------------------
; exit_to_guest
; In:  RSP = v->frame, GS ours, interrupts off.
; Delivers a pending event or other work first.  A fault of the IRETQ itself comes back through
; trap_entry.bad_iret.
        global enter_guest
        extern exit_work
exit_to_guest:
        mov rax, gs:[V_INFO]
        cmp dword gs:[V_WORK], 0
        jne exit_deliver
        cmp byte [rax], 0               ; upcall pending
        jne exit_pending
exit_restore:
        POP_REGISTERS
        add rsp, 16
        swapgs
iretq_to_guest:
        iretq
exit_pending:
        cmp byte [rax + 1], 0           ; mask
        jne exit_restore
exit_deliver:
        call exit_work
        jmp exit_restore

; enter_guest: never returns; leaves the caller's stack for v->frame.
enter_guest:
        mov rsp, gs:[V_FRAME]
        jmp exit_to_guest

; ---- guest memory and MSRs with fix-up --------------------------------------------------------
; uint64_t copy_from_guest(to, gva, size), copy_to_guest(gva, from, size): 0 when all was copied.
        global copy_from_guest, copy_to_guest, rdmsr_fixup, wrmsr_fixup, xsetbv_fixup, load_gs_fixup
        global load_segments_fixup
%macro FIXUP 2
        section .fixup_table progbits alloc noexec align=8
        dq %1, %2
        section .text
%endmacro

        align 16
copy_from_guest:
copy_to_guest:
        mov rcx, rdx
        cmp rcx, 8
        jb .bytes
        mov r8, rcx
        shr rcx, 3
.move8: rep movsq
        mov rcx, r8
        and ecx, 7
.bytes:
.move1: rep movsb
        xor eax, eax
        ret
.failed:
        mov eax, 1
        ret
        FIXUP .move8, .failed
        FIXUP .move1, .failed

; bool rdmsr_fixup(uint32_t msr, uint64_t *ret)
rdmsr_fixup:
        mov ecx, edi
.read:  rdmsr
        shl rdx, 32
        or rax, rdx
        mov [rsi], rax
        mov eax, 1
        ret
.failed:
        xor eax, eax
        ret
        FIXUP .read, .failed

; bool wrmsr_fixup(uint32_t msr, uint64_t value), xsetbv_fixup(uint32_t index, uint64_t value)
%macro WRITE_FIXUP 2
%1:     mov ecx, edi
        mov eax, esi
        mov rdx, rsi
        shr rdx, 32
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

; bool load_gs_fixup(uint16_t selector): changes the GS base, the caller puts it back
load_gs_fixup:
.load:  mov gs, edi
        mov eax, 1
        ret
.failed:
        xor eax, eax
        ret
        FIXUP .load, .failed

; bool load_segments_fixup(const uint16_t selector[3]): DS, ES, FS; false when one was refused
load_segments_fixup:
        mov eax, 1
.ds:    mov ds, [rdi]
.es:    mov es, [rdi + 2]
.fs:    mov fs, [rdi + 4]
        ret
.no_ds: xor eax, eax
        jmp .es
.no_es: xor eax, eax
        jmp .fs
.failed:
        xor eax, eax
        ret
        FIXUP .ds, .no_ds
        FIXUP .es, .no_es
        FIXUP .fs, .failed

; ---- descriptor tables -----------------------------------------------------------------------
; void load_tables(const void *gdtr, const void *idtr): loads both and reloads CS and SS.
        global load_tables
load_tables:
        lgdt [rdi]
        lidt [rsi]
        mov eax, SELECTOR_LAYER_SS
        mov ss, eax
        lea rax, [.reloaded]
        push SELECTOR_LAYER_CS
        push rax
        o64 retf
.reloaded:
        ret

        section .bss nobits alloc noexec write align=16
        resb 16384
boot_stack_top:
