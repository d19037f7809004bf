# SPDX-License-Identifier: Apache-2.0
# The attacks (run.py says how one is written): CLASS/NAME.c becomes NAME, static,
# with what of lib/ it needs. Scripts go into the guest as they are.

ATTACK_DIR := $(BUILD)/selftests/attack
ATTACK_LIB := $(ATTACK_DIR)/lib.a
ATTACK_LIB_OBJECTS := $(patsubst selftests/attack/lib/%.c,$(ATTACK_DIR)/lib/%.o,\
	$(wildcard selftests/attack/lib/*.c))
ATTACK_SOURCES := $(wildcard $(foreach class,screen input process indicator system tpm,\
	selftests/attack/$(class)/*.c))
ATTACKS := $(patsubst %.c,$(ATTACK_DIR)/%,$(notdir $(ATTACK_SOURCES)))
ATTACK_TOOLS := $(patsubst selftests/attack/tools/%.c,$(ATTACK_DIR)/tools/%,\
	$(wildcard selftests/attack/tools/*.c))

ATTACK_CFLAGS = $(TCONN_CFLAGS) -Iselftests/attack/lib -MMD -MP \
	$(shell pkg-config --cflags libdrm)
ATTACK_LDFLAGS := -static $(TCONN_LDFLAGS) -pthread

.PHONY: attacks
attacks: $(ATTACKS) $(ATTACK_TOOLS) $(BUILD)/selftests/kmod/ree_picture

$(ATTACK_DIR)/lib/%.o: selftests/attack/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(ATTACK_CFLAGS) -c -o $@ $<

# What a verifier does with a record and a sealed PIN, a forger can do, too.
ATTACK_LIB_OBJECTS += $(patsubst %,$(ATTACK_DIR)/lib/%.o,record_mac error sealed_pin hpke digest)
$(ATTACK_DIR)/lib/%.o: daemon/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(ATTACK_CFLAGS) -c -o $@ $<

$(ATTACK_LIB): $(ATTACK_LIB_OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

# One source is one program.
define attack-rule
$(1): $(2) $(ATTACK_LIB)
	@mkdir -p $$(@D)
	$$(CC) $$(ATTACK_CFLAGS) -o $$@ $$< $(ATTACK_LIB) $$(ATTACK_LDFLAGS) -Wl,--no-warnings -ldrm -lcrypto
endef
$(foreach source,$(ATTACK_SOURCES),\
	$(eval $(call attack-rule,$(ATTACK_DIR)/$(basename $(notdir $(source))),$(source))))
$(foreach source,$(wildcard selftests/attack/tools/*.c),\
	$(eval $(call attack-rule,$(ATTACK_DIR)/tools/$(basename $(notdir $(source))),$(source))))

tests: attacks

-include $(wildcard $(ATTACK_DIR)/*.d $(ATTACK_DIR)/lib/*.d $(ATTACK_DIR)/tools/*.d)
