# SPDX-License-Identifier: GPL-2.0-or-later
#
# Paravane: `make run` boots Debian's kernel through the stage in QEMU, `make check` tests everything.
# Each installs what it needs from Debian first, or names what is missing.  `make help` lists the rest.
#
# One set of sources, several builds:
#   build/stage/  i386 freestanding: the stage        build/host/  this machine: inspect tool, tests
#   build/efi64/, build/efi32/: UEFI applications     build/resident64/, resident32/: the layers
# The parts bring their own rules: tools/packages.mk, loader/resident/resident.mk, boot/efi/efi.mk,
# tests/tests.mk.

CC ?= gcc
NASM ?= nasm
BUILD := build
VERSION := 0.1

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
# V=1 shows the commands.
ifndef V
.SILENT:
endif
# A build within a goal: on all processors, unless make was told how many.
BUILD_MAKE = $(MAKE) -s $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- flags, each group with its reason ------------------------------------------------------------
WARN := -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla -Wundef
INCLUDES := -Ilib -Iloader -Iloader/resident -I/usr/include/multiboot
COMMON := -std=gnu11 -Os -g $(WARN) $(INCLUDES) -DPARAVANE_VERSION='"$(VERSION)"' -MMD -MP \
          -fno-common -fno-strict-aliasing
# No FPU or SSE registers in code that runs where a guest's are live; no tables nobody reads.
FREESTANDING := -ffreestanding -mgeneral-regs-only -fno-asynchronous-unwind-tables \
                -fno-stack-protector -fcf-protection=none -ffunction-sections -fdata-sections
# i486: so that an old CPU gets a clear refusal instead of an invalid opcode.
STAGE_CFLAGS := $(COMMON) $(FREESTANDING) -m32 -march=i486 -mno-sse -fno-pic
# Smaller code where the compiler is gcc: no 16-byte stack alignment, which only SSE wants.
STAGE_CFLAGS += $(if $(findstring clang,$(CC)),,-Oz -mpreferred-stack-boundary=2)
HOST_CFLAGS := $(COMMON)
# The one decoder of our own: a loop over every byte of the guest.
$(BUILD)/stage/loader/lz4_block.o: STAGE_CFLAGS += -O2
# Called for every match that a decoder copies.
$(BUILD)/stage/lib/bytes.o: STAGE_CFLAGS += -O2
# The packaged libraries expect the ABI's stack.
$(BUILD)/stage/boot/checksums.o: STAGE_CFLAGS += $(if $(findstring clang,$(CC)),,-mpreferred-stack-boundary=4)
ASM_FLAGS := -Wall -Werror -Iboot/ -Iloader/resident/ -I$(BUILD)/

LIB_C := $(wildcard lib/*.c) $(BUILD)/font.c
LOADER_C := $(wildcard loader/*.c)
BOOT_C := $(wildcard boot/*.c)
BOOT_ASM := $(filter-out boot/mover.asm,$(wildcard boot/*.asm))
PURE_C := $(filter-out lib/console.c lib/uart.c lib/vga.c,$(LIB_C)) $(LOADER_C)

STAGE_OBJS := $(patsubst %.c,$(BUILD)/stage/%.o,$(LIB_C) $(LOADER_C) $(BOOT_C)) \
              $(patsubst %.asm,$(BUILD)/stage/%.o,$(BOOT_ASM))
HOST_OBJS := $(patsubst %.c,$(BUILD)/host/%.o,$(PURE_C))

all: $(BUILD)/paravane.elf $(BUILD)/paravane-inspect ## Build stage, UEFI applications and host tool (V=1 shows commands)
	@echo 'built: $^'

include tools/packages.mk tools/media.mk
include $(wildcard loader/resident/resident.mk boot/efi/efi.mk tests/tests.mk)

# ---- the stage ------------------------------------------------------------------------------------
$(BUILD)/stage/%.o: %.c | $(STAGE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(STAGE_CFLAGS) $(STAGE_INCLUDES) -c $< -o $@

$(BUILD)/stage/%.o: %.asm
	@mkdir -p $(@D)
	$(NASM) -f elf32 -g -F dwarf $(ASM_FLAGS) -MD $(@:.o=.d) -MP $< -o $@

# The mover runs anywhere: a flat binary, embedded (boot/mover_blob.asm).
$(BUILD)/mover.bin: boot/mover.asm
	@mkdir -p $(@D)
	$(NASM) -f bin $(ASM_FLAGS) $< -o $@

$(BUILD)/stage/boot/mover_blob.o: $(BUILD)/mover.bin

# The stage where it runs, with symbols: what a debugger wants.  Two links: the tables of the second
# (relocations, function names) come out of the first, whose own are empty.
STAGE_LINK = $(LD) -m elf_i386 -nostdlib --gc-sections --emit-relocs -z noexecstack \
             --no-warn-rwx-segments -T linker.ld -Map $(1) -o $(2) $(STAGE_OBJS) $(3) \
             --start-group $(STAGE_LIBS) --end-group

$(BUILD)/stage/tables0.o: boot/tables/stage_tables.asm
	@mkdir -p $(@D)
	$(NASM) -f elf32 $(ASM_FLAGS) $< -o $@

$(BUILD)/stage/first.elf: $(STAGE_OBJS) $(STAGE_LIBS) $(BUILD)/stage/tables0.o linker.ld
	$(call STAGE_LINK,$(BUILD)/stage/first.map,$@,$(BUILD)/stage/tables0.o)

$(BUILD)/stage/tables.bin: $(BUILD)/stage/first.elf tools/stage-tables
	tools/stage-tables $< $@

$(BUILD)/stage/tables.o: boot/tables/stage_tables.asm $(BUILD)/stage/tables.bin
	$(NASM) -f elf32 $(ASM_FLAGS) -DTABLES='"$(BUILD)/stage/tables.bin"' $< -o $@

$(BUILD)/stage.elf: $(BUILD)/stage/first.elf $(BUILD)/stage/tables.o
	$(call STAGE_LINK,$(BUILD)/stage.map,$@,$(BUILD)/stage/tables.o)

$(BUILD)/stage.lz4: $(BUILD)/stage.elf tools/absolute-calls
	objcopy -O binary $< $(@:.lz4=.bin)
	tools/absolute-calls $< $(@:.lz4=.bin)
	lz4 -q -12 -l -f $(@:.lz4=.bin) $@

# Where the stage's doors and ends are: all that the head knows of it.
HEAD_NEEDS := entry_multiboot|entry_multiboot2|entry_pvh|stage_start|text_end|file_end|stage_end_address
$(BUILD)/stage.sym: $(BUILD)/stage.elf
	nm $< | sed -nE 's/^([0-9a-f]+) . ($(HEAD_NEEDS))$$/\2 = 0x\1;/p' > $@

# The file that loaders see: a head that unpacks the stage.
# Its C is position-independent: it runs before anything is relocated.
HEAD_OBJS := $(patsubst %,$(BUILD)/stage/%.o,boot/head/mb_header boot/head/head boot/early_fail) \
             $(patsubst %,$(BUILD)/head/%.o,boot/head/unpack loader/lz4_block lib/bytes)
$(BUILD)/head/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(STAGE_CFLAGS) -O2 -fpie -c $< -o $@

$(BUILD)/stage/boot/head/head.o: $(BUILD)/stage.lz4
$(BUILD)/paravane.elf: $(HEAD_OBJS) $(BUILD)/stage.sym boot/head/head.ld
	$(LD) -m elf_i386 -nostdlib --gc-sections -s -z noexecstack --no-warn-rwx-segments \
	  -T boot/head/head.ld -o $@ $(HEAD_OBJS) $(BUILD)/stage.sym

size: $(BUILD)/paravane.elf ## Say how large the stage is, by origin, against its limits
	tools/size-report $(BUILD)

# ---- the host tool --------------------------------------------------------------------------------
$(BUILD)/host/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -c $< -o $@

INSPECT_C := $(wildcard tools/inspect/*.c)
INSPECT_OBJS := $(patsubst %.c,$(BUILD)/host/%.o,$(INSPECT_C)) $(BUILD)/host/tools/inspect/stage.o
include tools/inspect/inspect.mk
HOST_LIBS := -lz -llzma -lzstd -llz4 -lbz2 -llzo2

$(BUILD)/paravane-inspect: $(INSPECT_OBJS) $(HOST_OBJS)
	$(CC) -o $@ $(INSPECT_OBJS) $(HOST_OBJS) $(HOST_LIBS) -lm

# ---- help and housekeeping ------------------------------------------------------------------------
# Parts and longer runs come after what everyone wants.
HELP_LATER := ^(check-|clang-|fuzz|coverage|analyse|soak|format|headers|guests|readme|.*-quick)
HELP = grep -hE '^[a-z0-9-]+:.*\#\# ' $(MAKEFILE_LIST) | sed -E 's/:.*\#\# /\t/' | expand -t 20 | sort
help: ## List the targets
	@$(HELP) | grep -vE '$(HELP_LATER)'; echo; $(HELP) | grep -E '$(HELP_LATER)'

format: ## Reformat all C sources
	@tools/need clang-format
	clang-format -i $$(git ls-files '*.c' '*.h')

format-check: ## Say which C sources are not formatted
	@tools/need clang-format
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')

clean: ## Remove what was built (downloads are kept in build/cache)
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

print-%:
	@echo '$* = $($*)'

.PHONY: all size help format format-check clean
-include $(shell find $(BUILD) -name '*.d' -not -path '$(BUILD)/cache/*' 2>/dev/null)
