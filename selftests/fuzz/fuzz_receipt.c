// SPDX-License-Identifier: Apache-2.0
/*
 * Receipts. The payload is read only after the signature was found good, which no
 * search arrives at: so the readers are tried one by one, from within.
 */
#include "daemon/lib/receipt.c"
#include <openssl/x509_vfy.h>

static void try_payload(const uint8_t *data, size_t size)
{
	struct tconn_receipt r = { 0 };
	struct tconn_error err = { "" };
	struct tconn_cose c = { .payload = data, .payload_len = size };

	if (decode_payload(&c, &r, &err) && !err.text[0])
		abort();
	tconn_receipt_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct x509_store_st *trust;
	struct tconn_receipt r = { 0 };
	struct tconn_error err = { "" };
	struct tconn_cose c = { 0 };
	struct tconn_cose_header h;

	if (!trust)
		trust = X509_STORE_new();
	if (!tconn_receipt_verify(data, size, trust, &r, &err))
		abort();	/* nobody is trusted */
	if (!decode_cose(data, size, &c, &err)) {
		decode_protected(&c, &h, &err);
		try_payload(c.payload, c.payload_len);
	}
	try_payload(data, size);
	return 0;
}
