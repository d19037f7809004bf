# SPDX-License-Identifier: Apache-2.0
# What tests of whole guests put into them.

E2E_KEYLOG := $(BUILD)/selftests/e2e/keylog.so

$(E2E_KEYLOG): selftests/e2e/keylog.c
	@mkdir -p $(@D)
	$(CC) $(TCONN_CFLAGS) -fPIC -shared -o $@ $< $(TCONN_LDFLAGS) -lssl

tests: $(E2E_KEYLOG)
