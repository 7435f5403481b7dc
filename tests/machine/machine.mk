# SPDX-License-Identifier: GPL-2.0-or-later
#
# The 64-bit resident layer for the host, on a model of a machine (machine.h): lists of files for the
# builds that use it (tests/fuzz/fuzz.mk, tests/race/race.mk).

# What the model has in the place of these stands in tests/machine/.
MACHINE_NOT := calibrate early layer power report smp start
MACHINE_LAYER_C := $(filter-out %32.c $(patsubst %,loader/resident/%.c,$(MACHINE_NOT)), \
                     $(wildcard loader/resident/*.c))
MACHINE_C := $(wildcard tests/machine/*.c)
MACHINE_FLAGS := -Itests/machine -include tests/machine/seam.h
MACHINE_LAYER_FLAGS := $(MACHINE_FLAGS) -include tests/machine/variables.h
