# SPDX-License-Identifier: GPL-2.0-or-later
#
# The host tool's own rules: it carries the stage that it was built with.

$(BUILD)/inspect/stage.elf: $(BUILD)/stage.elf
	@mkdir -p $(@D)
	objcopy --strip-debug $< $@

$(BUILD)/host/tools/inspect/stage.o: tools/inspect/stage.asm $(BUILD)/inspect/stage.elf
	@mkdir -p $(@D)
	$(NASM) -f elf64 $(ASM_FLAGS) $< -o $@
