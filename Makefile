# SPDX-License-Identifier: Apache-2.0
# Everything a build makes goes below out/: out/bin programs, out/build objects,
# out/cache what set-up took from Debian packages, out/demo, out/check, out/bench.
# Each folder says in its build.mk what it builds; this file says what people type.
# (kbuild reads Kbuild instead.)

OUT	:= out
BIN	:= $(OUT)/bin
BUILD	:= $(OUT)/build
CACHE	:= $(OUT)/cache

CC	?= gcc
CFLAGS	?= -O2 -g
TCONN_CFLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	   -Werror -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	   -fstack-clash-protection -fcf-protection -fno-strict-overflow -ffile-prefix-map=$(CURDIR)=. -I. $(CFLAGS)
TCONN_LDFLAGS := -Wl,-z,relro,-z,now $(LDFLAGS)

# KERNEL=6.12 builds and tests for that series instead.
KERNEL	?= 6.1
export KERNEL
KERNEL_VERSION_FILE := $(CACHE)/kernel/VERSION$(if $(filter-out 6.1,$(KERNEL)),-$(KERNEL))
KERNEL_RELEASE = $(shell cat $(KERNEL_VERSION_FILE) 2>/dev/null)

.DEFAULT_GOAL := all

# Filled by the build.mk files.
PROGRAMS :=
MODULES :=	# kernel modules
HOST_TESTS :=	# programs that print KTAP and run on this machine
GUEST_TESTS :=	# static programs that print KTAP and run in a guest, beside tconn.ko
FUZZERS :=

-include tui/build.mk
-include daemon/build.mk
-include kmod/build.mk
-include selftests/build.mk
-include scripts/build.mk

.PHONY: help
help:
	@echo 'make [all]              build programs, module, device policy'
	@echo 'make setup              install the Debian packages that are missing (root or sudo)'
	@echo 'make demo               set up, build, boot device and service, run the main job'
	@echo 'make demo-secure        the same on the kiosk image, from Secure Boot on'
	@echo 'make demo-interactive   the same guests, the screen over VNC, the keys are yours'
	@echo 'make image              the kiosk image: Secure Boot, signed, on dm-verity; out/image'
	@echo 'make provision          a new kiosk from blank disk to first attestation; DEVICE=NAME; out/provision'
	@echo 'make check              set up, build, run all tests; TESTS=PATTERN: only those'
	@echo 'make check-full         check and what it leaves out (run.py --help), longer fuzzing, soak,'
	@echo '                        style, the other kernel series and the debug kernel'
	@echo 'make check-debug        the module on a kernel with KASAN, lockdep, kmemleak, faults'
	@echo '                        made on purpose; what of its code ran. Builds that kernel once'
	@echo 'make soak               10,000 sessions with random ends'
	@echo 'make attack             the attack matrix: table and out/attack/matrix.json; ATTACK_OPTIONS=--alone:'
	@echo '                        also what module and boot line stop by themselves (selftests/attack/run.py)'
	@echo 'make bench              measure; table and out/bench/report.json'
	@echo 'make style              checkpatch, sparse, cppcheck, licence headers'
	@echo 'make install            DESTDIR=, PREFIX=/usr; make uninstall takes it away again'
	@echo 'make clean              remove what was built; make distclean: the cache too'
	@echo 'KERNEL=6.12 make ...    for that kernel series instead of 6.1'

.PHONY: all
all: programs modules policy

.PHONY: programs modules policy
programs: $(PROGRAMS)
modules: $(MODULES)
policy: $(DEVICE_POLICY)

.PHONY: setup
setup:
	@scripts/setup $(KERNEL)

# After set-up make reads itself anew: what it found may have changed.
.PHONY: built
built: setup
	@echo 'building programs and tests'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all tests

.PHONY: check
check: built
	@$(MAKE) --no-print-directory run-tests

.PHONY: run-tests
run-tests:
	@selftests/run.py --host '$(HOST_TESTS)' --guest '$(GUEST_TESTS)' \
		--fuzzers '$(FUZZERS)' --tests '$(TESTS)'

.PHONY: check-full
check-full:
	@scripts/setup 6.12
	@$(MAKE) --no-print-directory setup all style
	@KERNEL=6.12 $(MAKE) --no-print-directory all check TESTS='guest/'
	@KERNEL=6.12 $(MAKE) --no-print-directory run-tests TESTS='meta/test_kiosk'
	@KERNEL=6.12 $(MAKE) --no-print-directory demo-secure
	@CHECK_FULL=1 FUZZ_SECONDS=60 $(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory check-debug soak

.PHONY: check-debug
check-debug: setup
	@scripts/setup debug
	@KERNEL=debug FUZZ_SECONDS=120 $(MAKE) --no-print-directory check TESTS='guest*/'
	@KERNEL=debug SOAK_SESSIONS=1000 $(MAKE) --no-print-directory run-tests TESTS=e2e/test_soak

.PHONY: soak
soak: built
	@SOAK_SESSIONS=10000 $(MAKE) --no-print-directory run-tests TESTS=e2e/test_soak

# Every attack against unprotected and protected guests, both kernel series.
.PHONY: attack
attack:
	@scripts/setup 6.12
	@$(MAKE) --no-print-directory built
	@KERNEL=6.12 $(MAKE) --no-print-directory -s modules
	@selftests/attack/run.py --kernel 6.1 --kernel 6.12 -j 2 $(ATTACK_OPTIONS)

.PHONY: demo
demo: setup
	@echo 'building'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@scripts/demo.py

.PHONY: demo-secure
demo-secure: setup
	@echo 'building'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@scripts/demo.py --secure

.PHONY: demo-interactive
demo-interactive: setup
	@echo 'building'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@scripts/demo.py --interactive

.PHONY: image
image: setup
	@echo 'building'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@scripts/mkimage.py $(IMAGE_OPTIONS)

# Cut off anywhere, the same again finishes it.
DEVICE	?= kiosk-1
.PHONY: provision
provision: setup
	@echo 'building'
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@scripts/provision.py --device $(DEVICE) $(PROVISION_OPTIONS)

.PHONY: bench
bench: built
	@$(MAKE) --no-print-directory -s bench-programs
	@scripts/bench.py

.PHONY: clean
clean: clean-modules
	rm -rf $(BIN) $(BUILD) $(OUT)/check $(OUT)/demo $(OUT)/demo-secure $(OUT)/provision $(OUT)/bench \
		$(OUT)/attack

.PHONY: distclean
distclean: clean
	rm -rf $(OUT)

.PHONY: clean-modules
clean-modules:

include scripts/style.mk
include scripts/install.mk
