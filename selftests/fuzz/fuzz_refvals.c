// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/refvals.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tconn_refvals *r = NULL;
	struct tconn_error err = { "" };
	uint8_t digest[32] = { 0 };

	if (tconn_refvals_parse((const char *)data, size, &r, &err)) {
		if (r || !err.text[0])
			abort();
		return 0;
	}
	if (!r->name[0] && size < 20)
		abort();
	if (r->tconn_required && (!r->policy || !r->app))
		abort();
	tconn_digests_have(tconn_refvals_find(r->ima, (const char *)data, size), digest);
	tconn_refvals_free(r);
	return 0;
}
