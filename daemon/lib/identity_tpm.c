// SPDX-License-Identifier: Apache-2.0
/*
 * What ties an identity to keys in a TPM. Apart from identity.c, which tconn-tui has
 * inside: it knows no TPM.
 */
#include "identity.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "digest.h"

int tconn_certificate_matches(const uint8_t *der, size_t len, const struct tconn_blob *pub,
			      struct tconn_error *err)
{
	EVP_PKEY *pkey = NULL;
	X509 *cert;
	int r;

	r = tconn_public_to_pkey(pub, &pkey, err);
	if (r)
		return r;
	cert = tconn_certificate_parse(der, len, err);
	if (!cert)
		r = tconn_fail_in(err, -EBADMSG, "certificate");
	else if (!X509_get0_pubkey(cert) || EVP_PKEY_eq(X509_get0_pubkey(cert), pkey) != 1)
		r = tconn_fail(err, -EKEYREJECTED, "certificate: it is for another key");
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(pkey);
	return r;
}

int tconn_device_id(const struct tconn_blob *ek, char ret[65], struct tconn_error *err)
{
	uint8_t digest[32];
	int r = tconn_ek_check(ek, err);

	if (r)
		return r;
	tconn_sha256(ek->data, ek->len, digest);
	tconn_hex(digest, sizeof(digest), ret);
	return 0;
}
