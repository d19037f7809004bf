// SPDX-License-Identifier: Apache-2.0
/* Signed verdicts; the readers behind the signature one by one, as in fuzz_receipt.c. */
#include "daemon/lib/ear.c"
#include <openssl/x509_vfy.h>
#include <stdlib.h>

static void try_claims(const uint8_t *data, size_t size)
{
	struct tconn_ear e = { 0 };
	struct tconn_error err = { "" };
	struct tconn_cose c = { .payload = data, .payload_len = size };

	if (decode_claims(&c, &e, &err) && !err.text[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509_store_st *trust;
	struct tconn_ear e = { 0 };
	struct tconn_error err = { "" };
	struct tconn_cose c = { 0 };
	struct tconn_cose_header h;

	if (!trust)
		trust = X509_STORE_new();
	if (!tconn_ear_verify(data, size, trust, &e, &err))
		abort();	/* nobody is trusted */
	if (!unwrap(data, size, &c, &err)) {
		decode_protected(&c, &h, &err);
		try_claims(c.payload, c.payload_len);
	}
	try_claims(data, size);
	return 0;
}
