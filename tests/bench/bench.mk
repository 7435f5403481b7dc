# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make bench`: instructions counted by QEMU, ours beside the peers', in one run of tests/bench/bench.
# Results: tests/bench/RESULTS.md and tests/bench/growth.svg.  PART= runs some parts only.

BENCH := $(BUILD)/bench
BENCH_PACKAGES = $(RUN_PACKAGES) grub-common grub-pc-bin xorriso mtools bzip2 xz-utils lz4 zstd lzop
BENCH_CFLAGS := -std=gnu11 -O1 $(WARN) -ffreestanding -fno-pic -fno-stack-protector \
                -fcf-protection=none -fno-asynchronous-unwind-tables
# where it begins, how much it has to load
BENCH_LINK = $(LD) -z noexecstack --no-warn-rwx-segments -T tests/bench/bench.ld -o $@ \
             --defsym=START=$(1) --defsym=FILL=$(2) $(filter %.o,$^)
BENCH_FILES := $(addprefix $(BENCH)/,small.elf big.elf small32.elf big32.elf small-pvh.elf big-pvh.elf \
               low.elf small-pae.elf init count.so)
BENCH_GUEST = $(addprefix $(BENCH)/,entry$(1).o main$(2).o smp$(2).o) tests/bench/bench.ld

$(BENCH)/entry.o $(BENCH)/entry-pvh.o: tests/bench/entry.asm
	@mkdir -p $(@D)
	$(NASM) -Wall -Werror -f elf64 $(if $(findstring pvh,$@),-DNO_MULTIBOOT) $< -o $@

$(BENCH)/entry32.o: tests/bench/entry32.asm
	@mkdir -p $(@D)
	$(NASM) -Wall -Werror -f elf32 $< -o $@

BENCH_GUEST_CC = $(CC) $(BENCH_CFLAGS) -mgeneral-regs-only -D__XEN_INTERFACE_VERSION__=0x00040d00 -c $< -o $@
$(BENCH)/%32.o: tests/bench/%.c tests/bench/bench.h
	@mkdir -p $(@D)
	$(BENCH_GUEST_CC) -m32
$(BENCH)/%.o: tests/bench/%.c tests/bench/bench.h
	@mkdir -p $(@D)
	$(BENCH_GUEST_CC) -mno-red-zone

$(BENCH)/small.elf: $(call BENCH_GUEST)
	$(call BENCH_LINK,0x1000000,16)
$(BENCH)/low.elf: $(call BENCH_GUEST)
	$(call BENCH_LINK,0x100000,16)
$(BENCH)/big.elf: $(call BENCH_GUEST)
	$(call BENCH_LINK,0x1000000,0x4000000)
$(BENCH)/small-pvh.elf: $(call BENCH_GUEST,-pvh)
	$(call BENCH_LINK,0x1000000,16)
$(BENCH)/big-pvh.elf: $(call BENCH_GUEST,-pvh)
	$(call BENCH_LINK,0x1000000,0x4000000)
$(BENCH)/small-pae.elf: $(call BENCH_GUEST,32,32)
	$(call BENCH_LINK,0x1000000,16) -m elf_i386

# What QEMU's Multiboot loader and GRUB's take.
$(BENCH)/%32.elf: $(BENCH)/%.elf
	objcopy -O elf32-i386 $< $@

$(BENCH)/init: tests/bench/init.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -nostdlib -static -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-Ttext-segment=0x123450000000 -mcmodel=large -o $@ $<

# Not for the machine that is measured: a part of QEMU.
$(BENCH)/count.so: tests/bench/count.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARN) -shared -fPIC -o $@ $<

bench: ## Measure: instructions beside Xen's, GRUB's and QEMU's (PART=: some parts)
	@tools/need $(BENCH_PACKAGES)
	@$(BUILD_MAKE) $(BUILD)/paravane.elf $(BENCH_FILES)
	@tests/bench/bench $(PART)

.PHONY: bench
