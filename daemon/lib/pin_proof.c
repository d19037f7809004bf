// SPDX-License-Identifier: Apache-2.0
#include "pin_proof.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "tpm_blob.h"
#include "tpm_signature.h"

int tconn_pin_proof_verify(const struct tconn_blob *public, const void *signature, size_t len,
			   const struct tconn_pin_binding *of, struct tconn_error *err)
{
	uint8_t digest[32], der[TCONN_SIGNATURE_MAX];
	struct tconn_blob packed;
	TPMT_SIGNATURE unpacked;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;
	size_t der_len;
	bool good;
	int r;

	if (public->len != TCONN_PIN_KEY_PUBLIC ||
	    memcmp(public->data, tconn_pin_key_form, TCONN_PIN_KEY_FORM) != 0)
		return tconn_fail(err, -EKEYREJECTED, "this is no key that only a PIN opens");
	r = tconn_blob_set(signature, len, &packed, err);
	if (!r)
		r = tconn_blob_unpack_signature(&packed, &unpacked, err);
	if (!r)
		r = tconn_signature_der(&unpacked, der, &der_len, err);
	if (!r)
		r = tconn_public_to_pkey(public, &pkey, err);
	if (r)
		return r;
	tconn_pin_proof_digest(of, digest);
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
	       EVP_PKEY_verify(ctx, der, der_len, digest, sizeof(digest)) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	return good ? 0 : tconn_fail(err, -EKEYREJECTED, "the PIN's key did not sign for this request and record");
}
