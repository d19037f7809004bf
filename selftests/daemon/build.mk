# SPDX-License-Identifier: Apache-2.0
# The daemons, on this machine, with software TPMs: each *_test.c is a program
# that prints KTAP; what they share is every other .c file here and the fixtures
# of selftests/lib.

DAEMON_TEST_SHARED := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %_test.c,$(wildcard selftests/daemon/*.c)))
DAEMON_TESTS	:= $(patsubst selftests/daemon/%.c,$(BUILD)/selftests/daemon/%,$(wildcard selftests/daemon/*_test.c))
DAEMON_TEST_LIB	:= $(addprefix $(BUILD)/selftests/lib/,boot_owner.o log_build.o process_memory.o swtpm_fixture.o test_identity.o)
# Nouns of the daemons that are tested by themselves, too.
DAEMON_TEST_PARTS := $(addprefix $(BUILD)/daemon/tconnd/,ask.o band.o phrase_words.o) \
		     $(patsubst %.c,$(BUILD)/%.o,$(wildcard daemon/serviced/store*.c))
DAEMON_TEST_PARTS += $(BUILD)/daemon/notice/picture.o
HOST_TESTS	+= $(DAEMON_TESTS)

# The harness's fixtures are functions without a prototype.
$(BUILD)/selftests/daemon/%.o: selftests/daemon/%.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -Wno-missing-prototypes -isystem $(CACHE)/kselftest \
		-Iselftests/lib -MMD -MP -c -o $@ $<

# They start the programs themselves.
$(DAEMON_TESTS): %: %.o $(DAEMON_TEST_SHARED) $(DAEMON_TEST_LIB) $(DAEMON_TEST_PARTS) \
		$(TCONN_LIB) $(BUILD)/libtconn-render.a | $(BIN)/tconnd $(BIN)/tconn-serviced $(BIN)/tconnctl \
		$(BIN)/tconn-ca $(BIN)/tconn-tui $(BIN)/tconn-swarm
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -o $@ $^ $(TCONN_LIB_LIBS) $(RENDER_LIBS) $$(pkg-config --libs libpq)

-include $(DAEMON_TEST_SHARED:.o=.d) $(DAEMON_TESTS:=.d)
