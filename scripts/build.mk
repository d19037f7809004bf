# SPDX-License-Identifier: Apache-2.0
# The device policy of the emulated machine, fitting the TUI as it was built.

DEVICE_POLICY := $(BUILD)/policy/device.policy

$(DEVICE_POLICY): $(BIN)/tconn-tui policy/boards/qemu scripts/mkpolicy.py
	@mkdir -p $(@D)
	scripts/mkpolicy.py --board policy/boards/qemu --tui $< --output $@
