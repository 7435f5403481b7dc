# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fuzzing: every tests/fuzz/fuzz_*.c is one entry point, built with libFuzzer, ASan and UBSan (and, with
# the same sources, for AFL++).  Seeds are made by tests/fuzz/make-seeds from the test guests and from
# what is in build/cache; findings stand in tests/fuzz/regressions/TARGET/ and run first.
#
#   make check-fuzz            a short fixed number of runs of each target
#   make fuzz TIME=600         each target for TIME seconds, corpus kept in build/fuzz/corpus
#   make fuzz-afl TARGET=elf TIME=600

FUZZ_CC := clang
FUZZ_PACKAGES := clang llvm libclang-rt-14-dev
FUZZ_CFLAGS := -std=gnu11 -O1 -g $(WARN) $(INCLUDES) -DPARAVANE_VERSION='"fuzz"' -MMD -MP \
               -fno-omit-frame-pointer -Itests/fuzz
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_TARGETS := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_RESIDENT_C := $(RESIDENT_PURE_C)
FUZZ_OBJS := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(PURE_C) $(FUZZ_RESIDENT_C))
FUZZ_RUNS ?= 20000
TIME ?= 60

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link -c $< -o $@

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/liball.a
	$(FUZZ_CC) $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $^ $(HOST_LIBS)

$(BUILD)/fuzz/liball.a: $(FUZZ_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

# The hypercall handlers on a model of a machine: the layer's files once more, behind its seam.
FUZZ_MACHINE_OBJS := $(patsubst %.c,$(BUILD)/fuzz/machine/%.o,$(MACHINE_LAYER_C) $(MACHINE_C) \
                       tests/fuzz/fuzz_hypercalls.c $(wildcard tests/fuzz/hypercalls/*.c))
$(BUILD)/fuzz/machine/loader/%.o: FUZZ_CFLAGS += $(MACHINE_LAYER_FLAGS)
$(BUILD)/fuzz/machine/tests/%.o: FUZZ_CFLAGS += $(MACHINE_FLAGS)
# Not what is compared: numbers that matter are in the target's tables, and loops over page tables would
# take most of the time.
$(BUILD)/fuzz/machine/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) $(FUZZ_CFLAGS) $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link \
	  -fno-sanitize-coverage=trace-cmp -c $< -o $@
FUZZ_MACHINE_LDFLAGS := -Wl,--wrap=entry_stored # hypercalls/check.c
$(BUILD)/fuzz/fuzz_hypercalls: $(FUZZ_MACHINE_OBJS) $(BUILD)/fuzz/liball.a
	$(FUZZ_CC) $(FUZZ_SANITIZE) -fsanitize=fuzzer $(FUZZ_MACHINE_LDFLAGS) -o $@ $^ $(HOST_LIBS)

fuzz-build: $(addprefix $(BUILD)/fuzz/fuzz_,$(FUZZ_TARGETS)) ## Build all fuzzers

check-fuzz: ## A short fixed number of runs of every fuzzer
	@tools/need $(FUZZ_PACKAGES)
	@$(BUILD_MAKE) fuzz-build guests
	@tests/fuzz/make-seeds $(BUILD)
	@tests/fuzz/run-fuzz --runs $(FUZZ_RUNS) $(BUILD) $(FUZZ_TARGETS)

fuzz: ## Every fuzzer for TIME seconds, with coverage afterwards
	@tools/need $(FUZZ_PACKAGES)
	@$(BUILD_MAKE) fuzz-build guests
	@tests/fuzz/make-seeds $(BUILD)
	@tests/fuzz/run-fuzz --seconds $(TIME) $(BUILD) $(FUZZ_TARGETS)

# The same entry points for AFL++: its compiler brings a driver for LLVMFuzzerTestOneInput.
$(BUILD)/afl/%.o: %.c
	@mkdir -p $(@D)
	AFL_QUIET=1 afl-clang-fast $(FUZZ_CFLAGS) $(FUZZ_SANITIZE) -c $< -o $@
$(BUILD)/afl/liball.a: $(patsubst $(BUILD)/fuzz/%,$(BUILD)/afl/%,$(FUZZ_OBJS))
	@rm -f $@
	$(AR) rcs $@ $^
$(BUILD)/afl/fuzz_%: $(BUILD)/afl/tests/fuzz/fuzz_%.o $(BUILD)/afl/liball.a
	AFL_QUIET=1 afl-clang-fast $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $^ $(HOST_LIBS)

$(BUILD)/afl/machine/loader/%.o: FUZZ_CFLAGS += $(MACHINE_LAYER_FLAGS)
$(BUILD)/afl/machine/tests/%.o: FUZZ_CFLAGS += $(MACHINE_FLAGS)
$(BUILD)/afl/machine/%.o: %.c
	@mkdir -p $(@D)
	AFL_QUIET=1 afl-clang-fast $(FUZZ_CFLAGS) $(FUZZ_SANITIZE) -c $< -o $@
$(BUILD)/afl/fuzz_hypercalls: $(patsubst $(BUILD)/fuzz/%,$(BUILD)/afl/%,$(FUZZ_MACHINE_OBJS)) $(BUILD)/afl/liball.a
	AFL_QUIET=1 afl-clang-fast $(FUZZ_SANITIZE) -fsanitize=fuzzer $(FUZZ_MACHINE_LDFLAGS) -o $@ $^ $(HOST_LIBS)

TARGET ?= elf
fuzz-afl: ## One fuzzer (TARGET=) under AFL++ for TIME seconds
	@tools/need clang afl++
	@$(BUILD_MAKE) $(BUILD)/afl/fuzz_$(TARGET) guests
	@tests/fuzz/make-seeds $(BUILD)
	AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 afl-fuzz -V $(TIME) \
	  -i $(BUILD)/fuzz/seeds/$(TARGET) -o $(BUILD)/afl/out-$(TARGET) -- $(BUILD)/afl/fuzz_$(TARGET)

.PHONY: fuzz-build check-fuzz fuzz fuzz-afl
