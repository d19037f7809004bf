// SPDX-License-Identifier: Apache-2.0
/* A boot policy's file: what is accepted has states, each of PCRs that exist. */
#include <stdlib.h>

#include "daemon/lib/boot_policy.h"
#include "daemon/lib/tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_boot_policy p = { 0 };
	struct tconn_error err = { "" };

	if (tconn_boot_policy_parse(data, size, &p, &err)) {
		if (!err.text[0] || p.count)
			abort();
		return 0;
	}
	if (size > TCONN_BOOT_POLICY_MAX || p.count < 1 || p.count > TCONN_BOOT_STATES)
		abort();
	for (size_t i = 0; i < p.count; i++) {
		if (!p.state[i].pcrs || p.state[i].pcrs >> TCONN_PCR_COUNT)
			abort();
	}
	return 0;
}
