# SPDX-License-Identifier: GPL-2.0-or-later
#
# Unit tests: every tests/unit/test_*.c is one cmocka program, linked with lib/ and loader/ built under
# ASan and UBSan.  Other C files of tests/unit/ are helpers that all tests may use.
#
#   make check-unit            all of them, silently, and the check that no refusal is untested
#   make build/asan/test_elf_view && build/asan/test_elf_view      one of them, with its output

ASAN_CFLAGS := $(filter-out -Os,$(COMMON)) -O1 -fno-omit-frame-pointer -Itests/unit
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/asan/%,$(wildcard tests/unit/test_*.c))
UNIT_HELPERS := $(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c))
# The resident layer's files that take their state by pointer; the rest of it needs a machine.
RESIDENT_PURE_C := $(addprefix loader/resident/,evtchn.c timescale.c xenstore.c console_ring.c \
                     frame_pool.c)
ASAN_OBJS := $(patsubst %.c,$(BUILD)/asan/%.o,$(PURE_C) $(RESIDENT_PURE_C) $(UNIT_HELPERS))

$(BUILD)/asan/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ASAN_CFLAGS) $(SANITIZE) -c $< -o $@

$(BUILD)/asan/libpure.a: $(ASAN_OBJS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/asan/test_%: $(BUILD)/asan/tests/unit/test_%.o $(BUILD)/asan/libpure.a
	$(CC) $(SANITIZE) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(HOST_LIBS) -lcmocka

# The UEFI application's own files, under the fake firmware of tests/unit/efi/.
EFI_UNIT_C := $(wildcard boot/efi/*.c) boot/cpu_check.c $(wildcard tests/unit/efi/*.c)
EFI_UNIT_OBJS := $(patsubst %.c,$(BUILD)/asan/%.o,$(EFI_UNIT_C) tests/unit/test_efi_application.c)
EFI_UNIT_FLAGS := -DGNU_EFI_USE_MS_ABI -fshort-wchar $(EFI_INCLUDES) -isystem /usr/include/efi/x86_64 \
                  -Iboot -Iboot/efi
$(EFI_UNIT_OBJS): ASAN_CFLAGS += $(EFI_UNIT_FLAGS)
$(BUILD)/asan/test_efi_application: $(EFI_UNIT_OBJS)

# The resident layer on the model of a machine (tests/machine/): its files once more.
MACHINE_UNIT_OBJS := $(patsubst %.c,$(BUILD)/asan/machine/%.o,$(MACHINE_LAYER_C) $(MACHINE_C) \
                       tests/unit/test_resident_machine.c)
$(BUILD)/asan/machine/loader/%.o: ASAN_CFLAGS += $(MACHINE_LAYER_FLAGS)
$(BUILD)/asan/machine/tests/%.o: ASAN_CFLAGS += $(MACHINE_FLAGS)
$(BUILD)/asan/machine/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ASAN_CFLAGS) $(SANITIZE) -c $< -o $@
$(BUILD)/asan/test_resident_machine: $(MACHINE_UNIT_OBJS) $(BUILD)/asan/libpure.a
	$(CC) $(SANITIZE) -o $@ $^ $(HOST_LIBS) -lcmocka

# Two of its files that the model has others for, on a machine of the test's own.
CLOCK_UNIT_OBJS := $(patsubst %,$(BUILD)/asan/machine/%.o,loader/resident/calibrate loader/resident/rtc \
                     tests/unit/test_resident_clock)
$(BUILD)/asan/test_resident_clock: $(CLOCK_UNIT_OBJS) $(BUILD)/asan/libpure.a
	$(CC) $(SANITIZE) -o $@ $^ $(HOST_LIBS) -lcmocka

# The start of other CPUs, likewise.
SMP_UNIT_OBJS := $(patsubst %,$(BUILD)/asan/machine/%.o,loader/resident/smp tests/unit/test_resident_smp)
$(BUILD)/asan/test_resident_smp: $(SMP_UNIT_OBJS) $(BUILD)/asan/libpure.a
	$(CC) $(SANITIZE) -pthread -o $@ $^ $(HOST_LIBS) -lcmocka

unit-build: $(UNIT_TESTS) $(BUILD)/paravane-inspect

check-unit: ## Unit tests under ASan and UBSan
	@tools/need libcmocka-dev
	@$(BUILD_MAKE) unit-build
	@tests/unit/run $(UNIT_TESTS) tests/unit/inspect-tool tools/check-refusals \
	  tests/unit/refusals-page tests/unit/file-map

LAYOUTS ?= 1000000
check-layout: $(BUILD)/asan/test_layout ## LAYOUTS random machines through the planner (1,000,000)
	LAYOUT_RUNS=$(LAYOUTS) $<

.PHONY: unit-build check-unit check-layout
.PRECIOUS: $(BUILD)/asan/%.o
