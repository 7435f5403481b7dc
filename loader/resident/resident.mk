# SPDX-License-Identifier: GPL-2.0-or-later
#
# The resident layers: programs of their own, embedded in the stage by boot/resident_images.asm.

# High and position-independent: the first C runs before the layer's own page tables are live.
RESIDENT64_CFLAGS := $(COMMON) $(FREESTANDING) -m64 -march=x86-64 -mno-red-zone -fpie \
                     -include loader/resident/hidden.h -mcmodel=small -O2 -DRESIDENT_LAYER
RESIDENT64_C := $(filter-out %32.c,$(wildcard loader/resident/*.c)) $(filter-out lib/abi_check.c,$(LIB_C))
RESIDENT64_ASM := $(wildcard loader/resident/*64.asm)
RESIDENT64_OBJS := $(patsubst %.c,$(BUILD)/resident64/%.o,$(RESIDENT64_C)) \
                   $(patsubst %.asm,$(BUILD)/resident64/%.o,$(RESIDENT64_ASM))

$(BUILD)/resident64/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(RESIDENT64_CFLAGS) -c $< -o $@

# Offsets of C structures for the assembler: "->NAME value" lines out of compiled C.
$(BUILD)/resident64/offsets.inc: loader/resident/offsets.c.in loader/resident/layer.h \
                                 loader/resident/vcpu_state.h loader/resident/descriptors.h
	@mkdir -p $(@D)
	$(CC) $(filter-out -MMD -MP -g,$(RESIDENT64_CFLAGS)) -x c -S $< -o $(@:.inc=.s)
	sed -n 's/^.*->\([A-Z0-9_]*\) [$$]*\([-0-9]*\).*/%define \1 \2/p' $(@:.inc=.s) > $@

$(BUILD)/resident64/%.o: %.asm $(BUILD)/resident64/offsets.inc
	@mkdir -p $(@D)
	$(NASM) -f elf64 -g -F dwarf $(ASM_FLAGS) -I$(BUILD)/resident64/ -MD $(@:.o=.d) -MP $< -o $@

$(BUILD)/resident64.elf: $(RESIDENT64_OBJS) loader/resident/resident.ld
	$(LD) -m elf_x86_64 -nostdlib -static -z noexecstack --no-warn-rwx-segments --gc-sections \
	  -T loader/resident/resident.ld -Map $(BUILD)/resident64.map -o $@ $(RESIDENT64_OBJS)

$(BUILD)/resident64.bin: $(BUILD)/resident64.elf
	objcopy -O binary $< $@

# The 32-bit one: the same handlers, small rather than fast; for a CPU with CPUID and TSC.
RESIDENT32_CFLAGS := $(COMMON) $(FREESTANDING) -m32 -march=i586 -mno-sse -fno-pic \
                     -DRESIDENT_LAYER $(if $(findstring clang,$(CC)),,-mpreferred-stack-boundary=2)
RESIDENT64_ONLY := bounce64 context context_read descriptors device_map early emulate_far memory pagetable smp \
                   start tlb
RESIDENT32_C := $(filter-out $(patsubst %,loader/resident/%.c,$(RESIDENT64_ONLY)), \
                             $(wildcard loader/resident/*.c)) $(filter-out lib/abi_check.c,$(LIB_C))
RESIDENT32_OBJS := $(patsubst %.c,$(BUILD)/resident32/%.o,$(RESIDENT32_C)) \
                   $(BUILD)/resident32/loader/resident/entry32.o

$(BUILD)/resident32/%.o: %.c | $(STAGE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(RESIDENT32_CFLAGS) $(STAGE_INCLUDES) -c $< -o $@

$(BUILD)/resident32/%.o: %.asm
	@mkdir -p $(@D)
	$(NASM) -f elf32 -g -F dwarf $(ASM_FLAGS) -MD $(@:.o=.d) -MP $< -o $@

$(BUILD)/resident32.elf: $(RESIDENT32_OBJS) loader/resident/resident32.ld
	$(LD) -m elf_i386 -nostdlib -static -z noexecstack --no-warn-rwx-segments --gc-sections \
	  -T loader/resident/resident32.ld -Map $(BUILD)/resident32.map -o $@ $(RESIDENT32_OBJS)

$(BUILD)/resident32.bin: $(BUILD)/resident32.elf
	objcopy -O binary $< $@

RESIDENT_IMAGES := $(patsubst %,$(BUILD)/%/boot/resident_images.o,stage efi64 efi32)
$(RESIDENT_IMAGES): $(BUILD)/resident64.bin $(BUILD)/resident32.bin
$(RESIDENT_IMAGES): ASM_FLAGS += -DRESIDENT64 -DRESIDENT32
