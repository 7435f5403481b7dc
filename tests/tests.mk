# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tests' own rules, gathered.
include tests/unit/unit.mk
