// SPDX-License-Identifier: Apache-2.0
/* A sealed file: what is accepted has a policy, and nothing in it is beyond its limits. */
#include <stdlib.h>

#include "daemon/lib/boot_seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_sealed s = { 0 };
	struct tconn_error err = { "" };

	if (tconn_sealed_parse(data, size, &s, &err)) {
		if (!err.text[0] || s.private.size)
			abort();
		return 0;
	}
	if (size > TCONN_SEAL_FILE_MAX || s.private.size > sizeof(s.private.buffer) ||
	    s.public.publicArea.authPolicy.size != 32 ||
	    s.public.publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH)
		abort();
	return 0;
}
