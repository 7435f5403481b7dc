# SPDX-License-Identifier: GPL-2.0-or-later
#
# What users start from: the hybrid image and the Debian package.
#
#   make iso [ISO_KERNELS="vmlinuz=initrd …"] [ISO_MODES=native,pvh,pv] [ISO_ARGS=…]
#
# Without ISO_KERNELS: every kernel of this machine's /boot with its ramdisk, or, where there is none,
# Debian's own with the small ramdisk of `make run`.

ISO_MODES ?= native,pvh,pv
ISO_ARGS ?= console=tty0 console=ttyS0
ISO_PACKAGES := grub-common grub-pc-bin grub-efi-amd64-bin grub-efi-ia32-bin xorriso mtools

INSTALLED_KERNELS := $(foreach k,$(wildcard /boot/vmlinuz-*),$(k)=$(wildcard $(patsubst /boot/vmlinuz-%,/boot/initrd.img-%,$(k))))

iso: $(BUILD)/paravane.iso ## Hybrid image for CD or USB: BIOS, UEFI x86-64 and ia32

$(BUILD)/paravane.iso: $(BUILD)/paravane.elf tools/mkiso FORCE
	@tools/need $(ISO_PACKAGES)
	@kernels="$(or $(ISO_KERNELS),$(INSTALLED_KERNELS))"; \
	if [ -z "$$kernels" ]; then \
	    tests/mkinitrd $(BUILD)/iso-initrd.cpio && \
	    kernels="$$(tools/debian-kernel amd64)=$(BUILD)/iso-initrd.cpio"; \
	fi; \
	tools/mkiso $@ $(BUILD)/paravane.elf $(ISO_MODES) $$kernels -- $(ISO_ARGS)
	@echo 'built: $@'

deb: $(BUILD)/paravane_$(VERSION)_amd64.deb ## Debian package with GRUB menu entries

$(BUILD)/paravane_$(VERSION)_amd64.deb: all tools/mkdeb tools/grub.d-paravane
	@tools/mkdeb $@ $(VERSION) $(BUILD)
	@echo 'built: $@'

FORCE:
.PHONY: iso deb FORCE

readme-tables: ## Put those tables into the README
	@tools/readme-tables

.PHONY: readme-tables
