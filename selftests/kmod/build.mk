# SPDX-License-Identifier: Apache-2.0
# Tests of tconn.ko, one a noun of kmod/, and the programs they share with other
# tests: all static, since guests have no libraries; static-PIE, since the module
# wants its apps so.

KMOD_TEST_DIR := $(BUILD)/selftests/kmod
KMOD_TEST_TOOLS := $(addprefix $(KMOD_TEST_DIR)/,hold_session input_state ree_picture soak)
KMOD_TESTS := $(patsubst selftests/kmod/%.c,$(KMOD_TEST_DIR)/%,$(wildcard selftests/kmod/*_test.c))
# What only the debug kernel can be asked for.
KMOD_DEBUG_TESTS := $(KMOD_TEST_DIR)/fault_test

GUEST_TESTS += $(if $(filter debug,$(KERNEL)),$(KMOD_TESTS),$(filter-out $(KMOD_DEBUG_TESTS),$(KMOD_TESTS)))

# Built for all, so that they stay buildable.
tests: $(KMOD_DEBUG_TESTS)

# Of libcrypto only SHA-256 itself, by its old API: EVP would make each test 5 MB.
KMOD_TEST_CFLAGS := $(TCONN_CFLAGS) -fPIE -MMD -MP $(shell pkg-config --cflags libdrm) \
	-DOPENSSL_API_COMPAT=10101
$(KMOD_TEST_DIR)/%.o: selftests/kmod/%.c
	@mkdir -p $(@D)
	$(CC) $(KMOD_TEST_CFLAGS) -c -o $@ $<

# The harness's macros declare no prototypes, use not all they define and compare
# what the test gives them.
$(KMOD_TEST_DIR)/%_test.o: selftests/kmod/%_test.c
	@mkdir -p $(@D)
	$(CC) $(KMOD_TEST_CFLAGS) -Wno-unused-parameter -Wno-unused-function -Wno-missing-prototypes \
		-Wno-sign-compare -I$(CACHE)/kselftest -c -o $@ $<

KMOD_TEST_LDFLAGS := -static-pie $(TCONN_LDFLAGS)
$(KMOD_TEST_DIR)/hold_session: $(KMOD_TEST_DIR)/hold_session.o $(KMOD_TEST_DIR)/client.o \
		$(KMOD_TEST_DIR)/keyboard.o
	$(CC) $(KMOD_TEST_LDFLAGS) -o $@ $^
$(KMOD_TEST_DIR)/input_state: $(KMOD_TEST_DIR)/input_state.o
	$(CC) $(KMOD_TEST_LDFLAGS) -o $@ $^
$(KMOD_TEST_DIR)/ree_picture: $(KMOD_TEST_DIR)/ree_picture.o
	$(CC) $(KMOD_TEST_LDFLAGS) -o $@ $^ -ldrm
$(KMOD_TEST_DIR)/soak: $(KMOD_TEST_DIR)/soak.o $(KMOD_TEST_DIR)/client.o $(KMOD_TEST_DIR)/guest.o \
		$(KMOD_TEST_DIR)/keyboard.o
	$(CC) $(KMOD_TEST_LDFLAGS) -o $@ $^ -lcrypto
$(KMOD_TESTS): $(KMOD_TEST_DIR)/%_test: $(KMOD_TEST_DIR)/%_test.o $(KMOD_TEST_DIR)/client.o \
		$(KMOD_TEST_DIR)/guest.o $(KMOD_TEST_DIR)/fault.o $(KMOD_TEST_DIR)/keyboard.o \
		| $(KMOD_TEST_TOOLS)
	$(CC) $(KMOD_TEST_LDFLAGS) -o $@ $^ -ldrm -lcrypto $(KMOD_TEST_LIBS)

# The verifier's half, by EVP: this one test may be 5 MB. What ld warns of, look-ups of
# hosts and engines, it does not use.
$(KMOD_TEST_DIR)/%.o: daemon/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(KMOD_TEST_CFLAGS) -c -o $@ $<
$(KMOD_TEST_DIR)/evidence_test: $(KMOD_TEST_DIR)/record_mac.o $(KMOD_TEST_DIR)/error.o
$(KMOD_TEST_DIR)/evidence_test: KMOD_TEST_LDFLAGS += -Wl,--no-warnings

# The renderer, as the TUI has it.
$(KMOD_TEST_DIR)/picture_test: $(BUILD)/libtconn-render.a
$(KMOD_TEST_DIR)/picture_test: KMOD_TEST_LIBS = $(shell pkg-config --static --libs freetype2 fribidi)

-include $(wildcard $(KMOD_TEST_DIR)/*.d)
