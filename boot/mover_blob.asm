; SPDX-License-Identifier: GPL-2.0-or-later
;
; The mover's flat binary inside the stage.

section .rodata
global mover_image
global mover_image_end
        align   16
mover_image:
        incbin  "mover.bin"
mover_image_end:

section .note.GNU-stack noalloc noexec nowrite progbits
