# SPDX-License-Identifier: GPL-2.0-or-later
#
# The UEFI applications, x86-64 and ia32: the same lib/ and loader/ objects built for the firmware's
# width, GNU-EFI's start code and relocator, and a check of the resulting PE image.

EFI_INCLUDES := -isystem /usr/include/efi
EFI_CFLAGS := $(COMMON) -ffreestanding -fshort-wchar -fno-stack-protector -fcf-protection=none \
              -fno-asynchronous-unwind-tables -DGNU_EFI_USE_MS_ABI $(EFI_INCLUDES) -Iboot -Iboot/efi
# No red zone: the firmware's interrupts run on our stack.
EFI64_CFLAGS := $(EFI_CFLAGS) -m64 -fpic -mno-red-zone -mgeneral-regs-only -isystem /usr/include/efi/x86_64
EFI32_CFLAGS := $(EFI_CFLAGS) -m32 -march=i686 -fpic -mgeneral-regs-only -isystem /usr/include/efi/ia32

EFI_C := $(LIB_C) $(LOADER_C) $(wildcard boot/efi/*.c)
EFI64_OBJS := $(patsubst %.c,$(BUILD)/efi64/%.o,$(EFI_C)) \
              $(patsubst %,$(BUILD)/efi64/%.o,boot/efi/switch64 boot/mover boot/resident_images)
EFI32_OBJS := $(patsubst %.c,$(BUILD)/efi32/%.o,$(EFI_C)) \
              $(patsubst %,$(BUILD)/efi32/%.o,boot/efi/switch32 boot/mover boot/resident_images)
EFI64_LIBS := $(foreach l,z lzma zstd lz4 bz2 lzo2,/usr/lib/x86_64-linux-gnu/lib$(l).a)

$(BUILD)/efi64/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(EFI64_CFLAGS) -c $< -o $@
$(BUILD)/efi32/%.o: %.c | $(STAGE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(EFI32_CFLAGS) $(STAGE_INCLUDES) -c $< -o $@
$(BUILD)/efi64/%.o: %.asm
	@mkdir -p $(@D)
	$(NASM) -f elf64 -g -F dwarf $(ASM_FLAGS) -MD $(@:.o=.d) -MP $< -o $@
$(BUILD)/efi32/%.o: %.asm
	@mkdir -p $(@D)
	$(NASM) -f elf32 -g -F dwarf $(ASM_FLAGS) -MD $(@:.o=.d) -MP $< -o $@
