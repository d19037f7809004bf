// SPDX-License-Identifier: Apache-2.0
/* Evidence that is accepted has one encoding: the bytes it came in. */
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_evidence e = { 0 };
	struct tconn_error err = { "" };
	struct tconn_bytes again = { 0 };

	if (tconn_evidence_decode(data, size, &e, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (tconn_evidence_encode(&e, &again, &err))
		abort();
	if (again.len != size || memcmp(again.data, data, size))
		abort();
	tconn_bytes_free(&again);
	tconn_evidence_free(&e);
	return 0;
}
