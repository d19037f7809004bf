# SPDX-License-Identifier: Apache-2.0
# Tests of tui/: each *_test.c is a program that prints KTAP, run from the top
# of the tree; what they share is every other .c file but the three programs
# goldens (see goldens.txt), tui-request (requests by hand) and tui-reply (what
# the service would find in a reply).

TUI_TEST	:= $(BUILD)/selftests/tui
TUI_TESTS	:= $(patsubst selftests/tui/%.c,$(TUI_TEST)/%,$(wildcard selftests/tui/*_test.c))
TUI_TEST_TOOLS	:= $(TUI_TEST)/goldens $(TUI_TEST)/tui-request $(TUI_TEST)/tui-reply
TUI_TEST_SHARED	:= $(addprefix $(TUI_TEST)/,compose.o pictures.o)
HOST_TESTS	+= $(TUI_TESTS)

# The harness's fixtures are functions without a prototype.
$(TUI_TEST)/%.o: selftests/tui/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) -DTUI_PROGRAM='"$(BIN)/tconn-tui"' -Wno-missing-prototypes \
		-isystem $(CACHE)/kselftest -MMD -MP -c -o $@ $<

$(TUI_TESTS) $(TUI_TEST_TOOLS): %: %.o $(TUI_TEST_SHARED) $(addprefix $(BUILD)/tui/,dialog.o request.o) \
		$(TCONN_LIB) $(RENDER_LIB)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -o $@ $(filter %.o,$^) $(TCONN_LIB) $(RENDER_LIB) \
		$(RENDER_LIBS) $(TCONN_LIB_LIBS)

# Tests of guests use it.
tests: $(TUI_TEST)/tui-reply

$(TUI_TEST)/session_test: $(addprefix $(BUILD)/,$(addprefix tui/,session.o reply.o request.o) \
			 selftests/lib/soft_service.o)

# It starts the program itself.
$(TUI_TEST)/program_test: | $(BIN)/tconn-tui

.PHONY: tui-goldens
tui-goldens: $(TUI_TEST)/goldens
	$< >selftests/tui/goldens.txt.new
	mv selftests/tui/goldens.txt.new selftests/tui/goldens.txt

-include $(TUI_TEST_SHARED:.o=.d) $(TUI_TESTS:=.d) $(TUI_TEST_TOOLS:=.d)
