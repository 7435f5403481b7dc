# SPDX-License-Identifier: GPL-2.0-or-later
#
# Running and testing: `make run`, `make check` and its parts.  Each first installs the Debian packages
# it needs (as root) or names them.  The boot tests themselves are declared in tests/tests.cfg.

include tests/machine/machine.mk tests/unit/unit.mk tests/race/race.mk
-include tests/fuzz/fuzz.mk
include tests/trust.mk
include tests/bench/bench.mk

TESTS := $(BUILD)/tests
JOBS ?= 2

RUN_PACKAGES := $(BUILD_PACKAGES) qemu-system-x86 busybox-static python3
CHECK_PACKAGES := $(RUN_PACKAGES) gcc-multilib libcmocka-dev grub-common grub-pc-bin grub-efi-amd64-bin grub-efi-ia32-bin xorriso mtools ovmf \
                  ovmf-ia32 bzip2 xz-utils lz4 zstd lzop bochs bochsbios vgabios $(FUZZ_PACKAGES)

# ---- make run -------------------------------------------------------------------------------------
# GUEST   a kernel: a file, or the name of one of tests/guests/guests.cfg   (Debian's linux-image-FLAVOUR)
# FLAVOUR amd64, cloud-amd64 (lz4), rt-amd64      MODE  native, pvh, pv, auto      MEM   of the machine
# INITRD  a ramdisk (a small one of busybox)      ARGS  the kernel's               STAGE more stage words
FLAVOUR ?= amd64
MODE ?= pvh
MEM ?= 512M
export GUEST FLAVOUR MODE MEM INITRD ARGS STAGE

run: ## Boot Debian's kernel (or GUEST=FILE) in QEMU: MODE=native|pvh|pv|auto INITRD=FILE ARGS='…' MEM=512M
	@tools/need $(RUN_PACKAGES)
	@$(BUILD_MAKE) $(BUILD)/paravane.elf $(if $(GUEST),$(if $(wildcard $(GUEST)),,guests))
	@tests/run-guest

debug: ## As run, but QEMU waits for gdb (gdb -x build/debug.gdb)
	@DEBUG=1 $(MAKE) -s run

# ---- test guests ----------------------------------------------------------------------------------
guests: ## Build the test guests
	@tools/need $(BUILD_PACKAGES) gcc-multilib python3
	@$(MAKE) -s $(TESTS)/guests.stamp

REAL16 := nasm -f bin -Itests/guests/ tests/guests/real16.asm
$(TESTS)/guests.stamp: $(wildcard tests/guests/*) tests/bad-images tests/image_tools.py
	@mkdir -p $(TESTS)/guests
	@tests/guests/make-guest $(TESTS)/guests
	@$(REAL16) -DVERSION=0x0207 -DLOADFLAGS=1 -o $(TESTS)/guests/real16-new.bin
	@$(REAL16) -DVERSION=0x0201 -DLOADFLAGS=1 -o $(TESTS)/guests/real16-old.bin
	@$(REAL16) -DVERSION=0x0204 -DLOADFLAGS=0 -o $(TESTS)/guests/real16-zimage.bin
	@nasm -f bin -Itests/guests/ tests/guests/floppy.asm -o $(TESTS)/guests/floppy.bin
	@tests/bad-images $(TESTS)/guests $(TESTS)/bad
	@touch $@

# ---- make check -----------------------------------------------------------------------------------
CHECK_PARTS ?= check-unit headers-check check-refusals check-mutate-quick check-race $(if $(wildcard tests/fuzz/fuzz.mk),check-fuzz) check-boot check-torture-quick check-xen
check: ## All tests (silent when they pass; last line: N passed, N failed)
	@tools/need $(CHECK_PACKAGES)
	@tests/check $(CHECK_PARTS)

check-all: ## make check, the slow ways in, and other people's kernels
	@tools/need $(CHECK_PACKAGES)
	@tests/check $(filter-out check-torture-quick,$(CHECK_PARTS)) check-torture check-slow check-real

table: ## Print the README's tables, from the results of the last runs
	@tests/run-tests --table

boot-tests-ready:
	@tools/need $(CHECK_PACKAGES)
	@$(BUILD_MAKE) $(BUILD)/paravane.elf $(BUILD)/paravane.efi $(BUILD)/paravane-ia32.efi $(TESTS)/guests.stamp

check-boot: boot-tests-ready ## Boot tests in QEMU (TEST=PATTERN: some of them)
	@tests/run-tests --group boot --jobs $(JOBS) $(TEST)

REAL_PACKAGES := mmdebstrap e2fsprogs fdisk sbsigntool openssl
check-real: boot-tests-ready ## Boot other people's kernels, Debian's first; Linux's log beside that under Xen
	@tools/need $(REAL_PACKAGES) || true # a test whose tools are missing is skipped by name
	@tests/check check-real-boots $(if $(TEST),,check-logs)

check-real-boots:
	@tests/run-tests --group real --jobs $(JOBS) $(TEST)

check-logs: boot-tests-ready ## Compare Linux's boot log as dom0 with that under real Xen, line by line
	@tests/compare-logs

SLOW_PACKAGES := syslinux-common isolinux ipxe sbsigntool systemd-boot-efi openssl
check-ci: ## What continuous integration runs: make check and the slow ways in, one verdict
	@tools/need $(CHECK_PACKAGES)
	@tests/check $(CHECK_PARTS) check-slow

check-slow: boot-tests-ready ## Every loader and firmware that needs longer, and Bochs
	@tools/need $(SLOW_PACKAGES) || true # a test whose loader is missing is skipped by name
	@tests/run-tests --group slow --jobs $(JOBS) $(TEST)

soak: boot-tests-ready ## Twenty minutes of process storms on 1 and 4 CPUs, both roles (TEST=PATTERN)
	@tests/run-tests --group soak --jobs 1 $(TEST)

MACHINES ?= 60
SEED ?= 1
check-torture: boot-tests-ready ## Random machines booted in QEMU: memory maps, loaders, modules (MACHINES=, SEED=)
	@tests/torture --machines $(MACHINES) --seed $(SEED) --jobs $(JOBS)

check-torture-quick: boot-tests-ready ## A dozen of them
	@tests/torture --machines 12 --seed $(SEED) --jobs $(JOBS) --quiet

check-xen: boot-tests-ready ## Compare the PV start of day with real Xen's, field by field
	@tests/compare-xen

.PHONY: run debug guests check check-ci check-slow check-torture check-torture-quick check-boot check-real check-real-boots check-logs check-xen boot-tests-ready
