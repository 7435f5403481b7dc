; SPDX-License-Identifier: GPL-2.0-or-later
;
; What the stage knows of itself: relocations (boot/entry.asm applies them) and function names
; (boot/symbol.c looks them up).  Format: tools/stage-tables.  Empty in the first of two links.

section .tables progbits alloc noexec write align=4
global stage_tables
stage_tables:
%ifdef TABLES
        incbin  TABLES
%else
        dd      1, 0
        db      0                               ; no relocations
        dd      0                               ; no symbols
%endif

section .note.GNU-stack noalloc noexec nowrite progbits
