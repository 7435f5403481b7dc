# SPDX-License-Identifier: GPL-2.0-or-later
#
# What comes from Debian: the i386 decompression libraries that the stage links, and the packages that
# building needs.  Nothing i386 is installed into the system: packages are unpacked below build/cache.
#
#   STAGE_LIBS      archives for the stage's link, in --start-group
#   STAGE_INCLUDES  their headers, and the 32-bit part of the C library's
#   STAGE_HEADERS   order-only prerequisite of whatever uses either
#   deps            target: the Debian packages that a build needs; every goal that builds has them first

BUILD_PACKAGES := gcc binutils make nasm lz4 python3 libc6-dev libxen-dev multiboot gnu-efi zlib1g-dev liblzma-dev \
                  libzstd-dev liblz4-dev libbz2-dev liblzo2-dev libdeflate-dev

GCC_VERSION := $(shell gcc -dumpversion 2>/dev/null | cut -d. -f1)
I386_PACKAGES := zlib1g-dev liblzma-dev libzstd-dev liblz4-dev libbz2-dev liblzo2-dev libdeflate-dev \
                 libc6-dev libgcc-$(GCC_VERSION)-dev
DEB := $(BUILD)/cache/deb
I386_LIB = $(DEB)/$(1)-dev_i386/usr/lib/i386-linux-gnu

STAGE_LIBS := $(call I386_LIB,zlib1g)/libz.a $(call I386_LIB,liblzma)/liblzma.a \
              $(call I386_LIB,libzstd)/libzstd.a $(call I386_LIB,liblz4)/liblz4.a \
              $(call I386_LIB,libbz2)/libbz2.a $(call I386_LIB,liblzo2)/liblzo2.a \
              $(call I386_LIB,libdeflate)/libdeflate.a \
              $(DEB)/libgcc-$(GCC_VERSION)-dev_i386/usr/lib/gcc/i686-linux-gnu/$(GCC_VERSION)/libgcc.a
STAGE_INCLUDES := -isystem $(DEB)/libc6-dev_i386/usr/include/i386-linux-gnu \
                  $(foreach p,zlib1g liblzma libzstd liblz4 libbz2 liblzo2 libdeflate,-isystem $(DEB)/$(p)-dev_i386/usr/include)
STAGE_HEADERS := $(DEB)/.i386-$(GCC_VERSION)

# One stamp for all: the libraries arrive together.
$(STAGE_HEADERS): tools/packages.mk
	tools/fetch-deb $(addsuffix :i386,$(I386_PACKAGES)) >/dev/null
	@touch $@

$(STAGE_LIBS): | $(STAGE_HEADERS)
	@test -f $@ || { echo "$@ is not in its package" >&2; exit 1; }

# Make remakes what it includes before anything else, and then reads all of this anew, with the compiler there.
# Of the goals that need more than a build the rest is named in the same message.
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out help clean deps format format-check,$(GOALS)),)
include $(BUILD)/packages-are-there.mk
endif
$(BUILD)/packages-are-there.mk: tools/packages.mk
	@mkdir -p $(@D)
	@tools/need $(BUILD_PACKAGES) $(if $(filter run debug,$(GOALS)),$(RUN_PACKAGES)) \
	  $(if $(filter check check-all check-ci,$(GOALS)),$(CHECK_PACKAGES)) \
	  $(if $(filter bench,$(GOALS)),$(BENCH_PACKAGES)) $(if $(filter iso,$(GOALS)),$(ISO_PACKAGES))
	@touch $@

deps: ## Install (as root) or name the Debian packages that a build needs
	tools/need $(BUILD_PACKAGES)

.PHONY: deps

# The framebuffer font is one of Debian's console fonts.
FONT_PSF := $(DEB)/console-setup-linux_amd64/usr/share/consolefonts/Lat15-VGA16.psf.gz
$(BUILD)/font.c: tools/gen-font
	@mkdir -p $(@D)
	tools/fetch-deb console-setup-linux >/dev/null
	tools/gen-font $(FONT_PSF) > $@
