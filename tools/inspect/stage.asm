; SPDX-License-Identifier: GPL-2.0-or-later
;
; The stage's file inside the host tool, without debugging sections: where it lies in memory and the
; resident layers that it carries.

section .rodata
global stage_file
global stage_file_end
        align   16
stage_file:
        incbin  "inspect/stage.elf"
stage_file_end:

section .note.GNU-stack noalloc noexec nowrite progbits
