# SPDX-License-Identifier: GPL-2.0-or-later
#
# Measures of trust beside the tests themselves: field mutation, coverage, static analysis, a second
# compiler.  Each installs what it needs.

# ---- field mutation -------------------------------------------------------------------------------
MUTATE_PART ?= 1
mutate-ready:
	@tools/need $(BUILD_PACKAGES) gcc-multilib python3
	@$(BUILD_MAKE) $(BUILD)/paravane-inspect $(BUILD)/paravane.elf $(TESTS)/guests.stamp

check-mutate-quick: mutate-ready ## Every 61st field mutation of the test guests
	@tests/mutate --quick $(BUILD)

check-mutate: mutate-ready ## Every field of every header wrong in turn (MUTATE_PART=N: every Nth)
	@tests/mutate --part $(MUTATE_PART) --qemu 2 $(BUILD)

# ---- refusals -------------------------------------------------------------------------------------
check-refusals: mutate-ready ## Every refusal provoked from outside, by wrong kernels, machines and loaders
	@PYTHONDONTWRITEBYTECODE=1 tests/refusals $(BUILD)

# ---- coverage -------------------------------------------------------------------------------------
# The same sources once more, with gcc's counters: all unit tests, then all that the fuzzers kept.
COVERAGE_CFLAGS := $(filter-out -Os,$(COMMON)) -O0 --coverage -Itests/unit -Itests/fuzz
COVERAGE_OBJS := $(patsubst %.c,$(BUILD)/coverage/%.o,$(PURE_C) $(RESIDENT_PURE_C) $(UNIT_HELPERS))
# Without those that have builds of their own: the UEFI application's, the layer's on a model of a machine.
COVERAGE_UNIT_C := $(filter-out %/test_efi_application.c %/test_resident_machine.c %/test_resident_clock.c, \
                     $(wildcard tests/unit/test_*.c))
COVERAGE_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/coverage/%,$(COVERAGE_UNIT_C))
COVERAGE_FUZZ_TARGETS := $(filter-out hypercalls,$(FUZZ_TARGETS))
COVERAGE_FUZZ := $(patsubst %,$(BUILD)/coverage/fuzz_%,$(COVERAGE_FUZZ_TARGETS))
COVERAGE_LAYOUTS ?= 3000

$(BUILD)/coverage/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(COVERAGE_CFLAGS) -c $< -o $@
$(BUILD)/coverage/libpure.a: $(COVERAGE_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/coverage/test_%: $(BUILD)/coverage/tests/unit/test_%.o $(BUILD)/coverage/libpure.a
	$(CC) --coverage -o $@ $^ $(HOST_LIBS) -lcmocka
$(BUILD)/coverage/fuzz_%: $(BUILD)/coverage/tests/fuzz/fuzz_%.o $(BUILD)/coverage/tests/fuzz/replay.o \
                          $(BUILD)/coverage/libpure.a
	$(CC) --coverage -o $@ $^ $(HOST_LIBS)
.PRECIOUS: $(BUILD)/coverage/%.o

coverage-build: $(COVERAGE_TESTS) $(COVERAGE_FUZZ)

coverage: ## Lines and branches of lib/ and loader/ that unit, property and fuzz inputs reach
	@tools/need gcovr libcmocka-dev
	@$(BUILD_MAKE) coverage-build
	@find $(BUILD)/coverage -name '*.gcda' -delete
	@for test in $(COVERAGE_TESTS); do LAYOUT_RUNS=$(COVERAGE_LAYOUTS) $$test >$(BUILD)/coverage/log 2>&1 || \
	  { cat $(BUILD)/coverage/log; exit 1; }; done
	@for target in $(COVERAGE_FUZZ_TARGETS); do $(BUILD)/coverage/fuzz_$$target \
	  $$(ls -d tests/fuzz/regressions/$$target \
	  $(BUILD)/fuzz/seeds/$$target $(BUILD)/fuzz/corpus/$$target 2>/dev/null) || exit 1; done
	@for branch in '' -b; do gcovr -r . --object-directory $(BUILD)/coverage \
	  --exclude-throw-branches --exclude-unreachable-branches --gcov-ignore-parse-errors \
	  -f lib/ -f loader/ $$branch $(BUILD)/coverage || exit 1; done

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

.PHONY: mutate-ready check-refusals check-mutate check-mutate-quick coverage coverage-build analyse headers-check clang-check
