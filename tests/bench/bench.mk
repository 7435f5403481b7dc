# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make bench`: instructions counted by QEMU, ours beside the peers', in one run of tests/bench/bench.
# Results: tests/bench/RESULTS.md and tests/bench/growth.svg.  PART= runs some parts only.

BENCH := $(BUILD)/bench
BENCH_PACKAGES = $(RUN_PACKAGES) grub-common grub-pc-bin xorriso mtools
BENCH_CFLAGS := -std=gnu11 -O1 $(WARN) -ffreestanding -fno-pic -fno-stack-protector \
                -fcf-protection=none -fno-asynchronous-unwind-tables
# where it begins, how much it has to load
BENCH_LINK = $(LD) -z noexecstack --no-warn-rwx-segments -T tests/bench/bench.ld -o $@ \
             --defsym=START=$(1) --defsym=FILL=$(2) $(filter %.o,$^)
BENCH_FILES := $(addprefix $(BENCH)/,small.elf big.elf small32.elf big32.elf small-pvh.elf big-pvh.elf low.elf init)

$(BENCH)/entry.o $(BENCH)/entry-pvh.o: tests/bench/entry.asm
	@mkdir -p $(@D)
	$(NASM) -Wall -Werror -f elf64 $(if $(findstring pvh,$@),-DNO_MULTIBOOT) $< -o $@

$(BENCH)/main.o: tests/bench/main.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -mno-red-zone -mgeneral-regs-only -D__XEN_INTERFACE_VERSION__=0x00040d00 -c $< -o $@

$(BENCH)/small.elf: $(BENCH)/entry.o $(BENCH)/main.o tests/bench/bench.ld
	$(call BENCH_LINK,0x1000000,16)
$(BENCH)/low.elf: $(BENCH)/entry.o $(BENCH)/main.o tests/bench/bench.ld
	$(call BENCH_LINK,0x100000,16)
$(BENCH)/big.elf: $(BENCH)/entry.o $(BENCH)/main.o tests/bench/bench.ld
	$(call BENCH_LINK,0x1000000,0x4000000)
$(BENCH)/small-pvh.elf: $(BENCH)/entry-pvh.o $(BENCH)/main.o tests/bench/bench.ld
	$(call BENCH_LINK,0x1000000,16)
$(BENCH)/big-pvh.elf: $(BENCH)/entry-pvh.o $(BENCH)/main.o tests/bench/bench.ld
	$(call BENCH_LINK,0x1000000,0x4000000)

# What QEMU's Multiboot loader and GRUB's take.
$(BENCH)/%32.elf: $(BENCH)/%.elf
	objcopy -O elf32-i386 $< $@

$(BENCH)/init: tests/bench/init.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -nostdlib -static -Wl,-z,noexecstack -Wl,--build-id=none -o $@ $<

bench: ## Measure: instructions beside Xen's, GRUB's and QEMU's (PART=: some parts)
	@tools/need $(BENCH_PACKAGES)
	@$(MAKE) -s $(BUILD)/paravane.elf $(BENCH_FILES)
	@tests/bench/bench $(PART)

.PHONY: bench
