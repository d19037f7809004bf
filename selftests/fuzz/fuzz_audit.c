// SPDX-License-Identifier: Apache-2.0
/* Exports of the audit log, line by line; nobody is trusted, so no head is good. */
#include <stdlib.h>
#include <string.h>
#include <openssl/x509_vfy.h>

#include "daemon/lib/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509_store_st *trust;
	struct tconn_audit_check c = { 0 };
	struct tconn_error err = { "" };

	if (!trust)
		trust = X509_STORE_new();
	c.trust = trust;
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;

		if (tconn_audit_line(&c, (const char *)data, len, &err) && !err.text[0])
			abort();
		len += end != NULL;
		data += len;
		size -= len;
	}
	if (!tconn_audit_end(&c, &err))
		abort();
	return 0;
}
