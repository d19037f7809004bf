# SPDX-License-Identifier: Apache-2.0
# Programs that scripts/bench.py runs: ima, label, receipt and swarm here, the others in guests.
BENCH		:= $(BUILD)/selftests/bench
# May hold sessions, and so are static.
BENCH_APPS	:= $(BENCH)/takeover $(BENCH)/key_to_frame
BENCH_PROGRAMS	:= $(BENCH_APPS) $(BENCH)/input_cost $(BENCH)/connect \
		   $(BENCH)/ima $(BENCH)/label $(BENCH)/receipt $(BENCH)/swarm

$(BENCH_APPS): $(BENCH)/%: selftests/bench/%.c selftests/bench/modeset.c selftests/bench/modeset.h \
		selftests/kmod/keyboard.c selftests/kmod/keyboard.h \
		selftests/bench/times.h kmod/uapi/tconn.h
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $$(pkg-config --cflags libdrm) -fPIE $(TCONN_LDFLAGS) -static-pie \
		-o $@ $< selftests/bench/modeset.c selftests/kmod/keyboard.c $$(pkg-config --libs libdrm) -lm

$(BENCH)/input_cost: selftests/bench/input_cost.c selftests/bench/times.h
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LDFLAGS) -static -o $@ $<

$(BENCH)/connect $(BENCH)/ima: $(BENCH)/%: selftests/bench/%.c selftests/bench/times.h $(TCONN_LIB)
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) $(TCONN_LDFLAGS) -o $@ $< $(TCONN_LIB) \
		$(TCONN_LIB_LIBS)

# With the fixtures of selftests/lib: a software TPM and an identity for it.
$(BENCH)/label: selftests/bench/label.c selftests/bench/times.h $(TCONN_LIB) \
		$(addprefix $(BUILD)/selftests/lib/,swtpm_fixture.o test_identity.o)
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -I. $(TCONN_LDFLAGS) -o $@ $< $(filter %.o,$^) \
		$(TCONN_LIB) $(TCONN_LIB_LIBS)

$(BENCH)/receipt: selftests/bench/receipt.c selftests/bench/times.h $(TCONN_LIB) $(RENDER_LIB) \
		$(addprefix $(BUILD)/selftests/lib/,swtpm_fixture.o test_identity.o)
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -I. $(TCONN_LDFLAGS) -o $@ $< $(filter %.o,$^) \
		$(TCONN_LIB) $(RENDER_LIB) $(TCONN_LIB_LIBS) $(RENDER_LIBS)

# On the stage of the daemons' tests; it starts the programs themselves.
$(BENCH)/swarm: selftests/bench/swarm.c $(TCONN_LIB) $(BUILD)/selftests/daemon/stage.o \
		$(addprefix $(BUILD)/selftests/lib/,log_build.o swtpm_fixture.o test_identity.o) \
		| $(BIN)/tconn-swarm $(BIN)/tconn-serviced $(BIN)/tconn-ca
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) -I. -Iselftests/lib $(TCONN_LDFLAGS) -o $@ $< \
		$(filter %.o,$^) $(TCONN_LIB) $(TCONN_LIB_LIBS)

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)
