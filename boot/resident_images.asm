; SPDX-License-Identifier: GPL-2.0-or-later
;
; The resident layers inside the stage; a size of 0 says that a layer is not built in.

section .rodata
global resident64_image
global resident64_image_end
        align   16
resident64_image:
%ifdef RESIDENT64
        incbin  "resident64.bin"
%endif
resident64_image_end:

global resident32_image
global resident32_image_end
        align   16
resident32_image:
%ifdef RESIDENT32
        incbin  "resident32.bin"
%endif
resident32_image_end:

section .note.GNU-stack noalloc noexec nowrite progbits
