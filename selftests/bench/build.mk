# SPDX-License-Identifier: Apache-2.0
# Programs that scripts/bench.py runs: takeover and connect in guests, ima here.
BENCH		:= $(BUILD)/selftests/bench
BENCH_PROGRAMS	:= $(BENCH)/takeover $(BENCH)/connect $(BENCH)/ima

$(BENCH)/takeover: selftests/bench/takeover.c selftests/bench/times.h kmod/uapi/tconn.h
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $$(pkg-config --cflags libdrm) -fPIE $(TCONN_LDFLAGS) -static-pie \
		-o $@ $< $$(pkg-config --libs libdrm) -lm

$(BENCH)/connect $(BENCH)/ima: $(BENCH)/%: selftests/bench/%.c selftests/bench/times.h $(TCONN_LIB)
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) $(TCONN_LIB_CFLAGS) $(TCONN_LDFLAGS) -o $@ $< $(TCONN_LIB) \
		$(TCONN_LIB_LIBS)

.PHONY: bench-programs
bench-programs: $(BENCH_PROGRAMS)
