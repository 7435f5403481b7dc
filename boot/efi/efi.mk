# SPDX-License-Identifier: GPL-2.0-or-later
#
# The UEFI applications, x86-64 and ia32: the same lib/ and loader/ objects built for the firmware's
# width, GNU-EFI's start code and relocator, and a check of the resulting PE image.

EFI_INCLUDES := -isystem /usr/include/efi
EFI_CFLAGS := $(COMMON) -ffreestanding -fshort-wchar -fno-stack-protector -fcf-protection=none \
              -fno-asynchronous-unwind-tables -DGNU_EFI_USE_MS_ABI $(EFI_INCLUDES) -Iboot -Iboot/efi
# No red zone: the firmware's interrupts run on our stack.
EFI64_CFLAGS := $(EFI_CFLAGS) -m64 -fpic -mno-red-zone -mgeneral-regs-only -isystem /usr/include/efi/x86_64
# The firmware aligns 64-bit fields to 8 bytes (UEFI 2.10 section 2.3.1); for all objects alike.
EFI32_CFLAGS := $(EFI_CFLAGS) -m32 -malign-double -march=i686 -fpic -mgeneral-regs-only -isystem /usr/include/efi/ia32

EFI_C := $(LIB_C) $(LOADER_C) $(wildcard boot/efi/*.c)
EFI64_OBJS := $(patsubst %.c,$(BUILD)/efi64/%.o,$(EFI_C)) \
              $(patsubst %,$(BUILD)/efi64/%.o,boot/efi/switch64 boot/mover_blob boot/resident_images)
EFI32_OBJS := $(patsubst %.c,$(BUILD)/efi32/%.o,$(EFI_C)) \
              $(patsubst %,$(BUILD)/efi32/%.o,boot/efi/switch32 boot/mover_blob boot/resident_images)
EFI64_LIBS := $(foreach l,z lzma zstd lz4 bz2 lzo2 deflate,/usr/lib/x86_64-linux-gnu/lib$(l).a)

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

# What the wide firmware's libraries want from a C library is the same list as the stage's.
EFI_EXTRA := boot/cpu_check.c boot/lib_runtime.c boot/checksums.c
EFI64_OBJS += $(patsubst %.c,$(BUILD)/efi64/%.o,$(EFI_EXTRA))
EFI32_OBJS += $(patsubst %.c,$(BUILD)/efi32/%.o,$(EFI_EXTRA))

EFI_LINK := -nostdlib -z nocombreloc -z noexecstack --no-warn-rwx-segments -shared -Bsymbolic --gc-sections --no-undefined --hash-style=sysv
EFI_SECTIONS := -j .text -j .sdata -j .data -j .rodata -j .dynamic -j .dynsym -j .rel -j .rela -j .reloc

$(BUILD)/paravane-efi64.so: $(EFI64_OBJS) boot/efi/efi.ld
	$(LD) -m elf_x86_64 $(EFI_LINK) -T boot/efi/efi.ld -o $@ /usr/lib/crt0-efi-x86_64.o $(EFI64_OBJS) \
	  --start-group $(EFI64_LIBS) --end-group /usr/lib/libgnuefi.a
$(BUILD)/paravane-efi32.so: $(EFI32_OBJS) $(STAGE_LIBS) boot/efi/efi.ld
	$(LD) -m elf_i386 $(EFI_LINK) -T boot/efi/efi.ld -o $@ /usr/lib32/crt0-efi-ia32.o $(EFI32_OBJS) \
	  --start-group $(STAGE_LIBS) --end-group /usr/lib32/libgnuefi.a

$(BUILD)/paravane.efi: $(BUILD)/paravane-efi64.so tools/check-efi
	objcopy $(EFI_SECTIONS) --target efi-app-x86_64 $< $@
	tools/check-efi $@ 0x8664
$(BUILD)/paravane-ia32.efi: $(BUILD)/paravane-efi32.so tools/check-efi
	objcopy $(EFI_SECTIONS) --target efi-app-ia32 $< $@
	tools/check-efi $@ 0x14c

all: $(BUILD)/paravane.efi $(BUILD)/paravane-ia32.efi
