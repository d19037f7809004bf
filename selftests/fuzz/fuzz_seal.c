// SPDX-License-Identifier: Apache-2.0
/* A seal of somebody else's archive. */
#include "daemon/lib/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_seal s = { 0 };

	if (!tconn_seal_decode(data, size, &s, NULL))
		tconn_seal_find(&s, s.file[s.count - 1].name);
	tconn_seal_free(&s);
	return 0;
}
