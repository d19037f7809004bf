// SPDX-License-Identifier: Apache-2.0
/* The label socket's messages: one that is taken has one encoding. */
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/label_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_bytes again = { 0 };
	struct tconn_error err = { "" };
	static struct tconn_wire m;

	if (tconn_wire_decode(data, size, &m, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	/* What may be empty is left out by the writer; that is shorter, never longer. */
	if (size <= TCONN_WIRE_MAX && (tconn_wire_encode(&m, &again, &err) || again.len > size))
		abort();
	tconn_bytes_free(&again);
	return 0;
}
