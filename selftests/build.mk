# SPDX-License-Identifier: Apache-2.0
# Each folder of tests says how it is built.
include $(wildcard selftests/*/build.mk)

.PHONY: tests
tests: $(HOST_TESTS) $(GUEST_TESTS) $(FUZZERS)
