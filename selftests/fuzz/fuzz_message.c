// SPDX-License-Identifier: Apache-2.0
/* A message that is accepted has one encoding: the bytes it came in. */
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_message m = { 0 };
	struct tconn_error err = { "" };
	struct tconn_bytes again = { 0 };

	if (tconn_message_decode(data, size, &m, &err)) {
		if (!err.text[0])
			abort();
		return 0;
	}
	if (tconn_message_encode(&m, &again, &err))
		abort();
	if (again.len != size || memcmp(again.data, data, size))
		abort();
	tconn_bytes_free(&again);
	tconn_message_free(&m);
	return 0;
}
