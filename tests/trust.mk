# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures of trust beside the tests themselves: field mutation, coverage, static analysis, a second
# compiler.  Each installs what it needs.

# ---- field mutation -------------------------------------------------------------------------------
MUTATE_PART ?= 1
mutate-ready:
	@tools/need $(BUILD_PACKAGES) gcc-multilib python3
	@$(MAKE) -s $(BUILD)/paravane-inspect $(BUILD)/paravane.elf $(TESTS)/guests.stamp

check-mutate-quick: mutate-ready ## Every 61st field mutation of the test guests
	@tests/mutate --quick $(BUILD)

check-mutate: mutate-ready ## Every field of every header wrong in turn (MUTATE_PART=N: every Nth)
	@tests/mutate --part $(MUTATE_PART) --qemu 24 $(BUILD)

# ---- coverage -------------------------------------------------------------------------------------
coverage: ## Lines and branches of lib/ and loader/ that unit, property and fuzz inputs reach
	@tools/need gcovr libcmocka-dev
	@tests/coverage $(BUILD)

# ---- static analysis ------------------------------------------------------------------------------
ANALYSE_PACKAGES := gcc-multilib clang clang-tidy cppcheck
analyse: $(BUILD)/font.c | $(STAGE_HEADERS) ## gcc -fanalyzer, clang-tidy and cppcheck, with the few suppressions' reasons
	@tools/need $(ANALYSE_PACKAGES)
	@tests/analyse $(BUILD)

headers-check: $(BUILD)/font.c | $(STAGE_HEADERS) ## Every header compiles alone, and twice
	@tests/analyse --headers $(BUILD)

clang-check: $(BUILD)/font.c | $(STAGE_HEADERS) ## The whole tree compiles with clang -Werror: stage, host, resident, EFI, tests
	@tools/need clang libcmocka-dev gnu-efi
	@tests/analyse --clang $(BUILD)

.PHONY: mutate-ready check-mutate check-mutate-quick coverage analyse headers-check clang-check
