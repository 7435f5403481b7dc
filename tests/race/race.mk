# SPDX-License-Identifier: GPL-2.0-or-later
#
# Data races of the resident layer, under ThreadSanitizer: tests/race/race_*.c, each of which says what
# it covers.

RACE_CFLAGS = $(filter-out -Os,$(COMMON)) -O1 -D_GNU_SOURCE -fsanitize=thread -Wno-tsan
RACE_OBJS := $(patsubst %.c,$(BUILD)/race/%.o,$(MACHINE_LAYER_C) $(MACHINE_C) lib/acpi.c lib/out.c \
               lib/bytes.c lib/number.c tests/race/race_machine.c)
RACES := $(patsubst tests/race/%.c,$(BUILD)/race/%,$(wildcard tests/race/race_*.c))

$(BUILD)/race/loader/%.o: RACE_CFLAGS += $(MACHINE_LAYER_FLAGS)
$(BUILD)/race/tests/machine/%.o $(BUILD)/race/tests/race/race_machine.o: RACE_CFLAGS += $(MACHINE_FLAGS)
$(BUILD)/race/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(RACE_CFLAGS) -c $< -o $@
$(BUILD)/race/race_machine: $(RACE_OBJS)
	$(CC) -fsanitize=thread -o $@ $^ -lpthread
$(BUILD)/race/race_events: $(BUILD)/race/tests/race/race_events.o $(BUILD)/race/loader/resident/evtchn.o
	$(CC) -fsanitize=thread -o $@ $^ -lpthread

race-build: $(RACES)

check-race: ## Data races of the resident layer, under ThreadSanitizer
	@$(BUILD_MAKE) race-build
	@tests/race/run $(RACES)

.PHONY: race-build check-race
