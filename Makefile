# SPDX-License-Identifier: Apache-2.0
# Everything a build makes goes below out/: out/bin programs, out/build objects,
# out/cache what set-up took from Debian packages, out/keys, out/demo, out/check.
# Each folder says in its build.mk what it builds; this file says what people type.

OUT	:= out
BIN	:= $(OUT)/bin
BUILD	:= $(OUT)/build
CACHE	:= $(OUT)/cache

CC	?= gcc
CFLAGS	?= -O2 -g
TCONN_CFLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	   -Werror -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	   -fstack-clash-protection -fcf-protection -fno-strict-overflow -I. $(CFLAGS)
TCONN_LDFLAGS := -Wl,-z,relro,-z,now $(LDFLAGS)

.PHONY: all
all: programs

# Filled by the build.mk files.
PROGRAMS :=
HOST_TESTS :=	# programs that print KTAP and run on this machine
GUEST_TESTS :=	# static programs that print KTAP and run in a guest, beside tconn.ko
FUZZERS :=

-include tui/build.mk
-include daemon/build.mk
-include kmod/build.mk
-include selftests/build.mk
-include scripts/build.mk

.PHONY: programs
programs: $(PROGRAMS)
