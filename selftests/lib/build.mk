# SPDX-License-Identifier: Apache-2.0
# Tests of the shared library: each *_test.c is a program that prints KTAP; what
# they share (the swtpm fixture) is every other .c file here.

LIB_TEST_SHARED	:= $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard selftests/lib/*.c)))
LIB_TESTS	:= $(patsubst selftests/lib/%.c,$(BUILD)/selftests/lib/%,$(wildcard selftests/lib/*_test.c))
HOST_TESTS	+= $(LIB_TESTS)

# The harness's fixtures are functions without a prototype.
$(BUILD)/selftests/lib/%.o: selftests/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -Wno-missing-prototypes -isystem $(CACHE)/kselftest \
		-MMD -MP -c -o $@ $<

$(LIB_TESTS): %: %.o $(LIB_TEST_SHARED) $(TCONN_LIB)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -o $@ $^ $(TCONN_LIB_LIBS)

# They start the program themselves.
$(BUILD)/selftests/lib/enrol_test: | $(BIN)/tconn-ca
$(BUILD)/selftests/lib/ek_test: | $(BIN)/tconn-ca
$(BUILD)/selftests/lib/label_tool_test: | $(BIN)/tconnctl
$(BUILD)/selftests/lib/labeld_test: | $(BIN)/tconn-labeld $(BIN)/tconnctl
$(BUILD)/selftests/lib/confine_test: private TCONN_LIB_LIBS += -lcap-ng
$(BUILD)/selftests/lib/confine_test: | $(BIN)/tconn-confine

-include $(LIB_TEST_SHARED:.o=.d) $(LIB_TESTS:=.d)
