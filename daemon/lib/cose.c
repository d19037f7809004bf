// SPDX-License-Identifier: Apache-2.0
#include "cose.h"

#include <errno.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

struct suite {
	enum tconn_cose_alg alg;
	const char *group;
	size_t coordinate;		/* bytes of r and of s */
	const EVP_MD *(*md)(void);
};

static const struct suite suites[] = {
	{ TCONN_COSE_ES256, "prime256v1", 32, EVP_sha256 },
	{ TCONN_COSE_ES384, "secp384r1", 48, EVP_sha384 },
	{ TCONN_COSE_ES512, "secp521r1", 66, EVP_sha512 },
};

static const struct suite *suite_of(EVP_PKEY *key)
{
	char group[32];
	size_t len;

	if (!EVP_PKEY_is_a(key, "EC") ||
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
		return NULL;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (!strcmp(suites[i].group, group))
			return &suites[i];
	return NULL;
}

int tconn_cose_alg_of(EVP_PKEY *key, enum tconn_cose_alg *ret, struct tconn_error *err)
{
	const struct suite *suite = suite_of(key);

	if (!suite)
		return tconn_fail(err, -EINVAL, "the key is on none of P-256, P-384, P-521");
	*ret = suite->alg;
	return 0;
}

int tconn_cose_write_header(enum tconn_cose_alg alg, const char *type, const uint8_t *cert,
			    size_t cert_len, struct tconn_bytes *ret, struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_map(&w, 3);
	tconn_cbor_put_uint(&w, TCONN_COSE_ALG);
	tconn_cbor_put_negative(&w, alg);
	tconn_cbor_put_uint(&w, TCONN_COSE_CONTENT_TYPE);
	tconn_cbor_put_text(&w, type, strlen(type));
	tconn_cbor_put_uint(&w, TCONN_COSE_X5CHAIN);
	tconn_cbor_put_bytes(&w, cert, cert_len);
	return tconn_cbor_finish(&w, ret, err);
}

int tconn_cose_read_header(const struct tconn_cose *c, struct tconn_cose_header *ret,
			   struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(c->protected, c->protected_len);
	struct tconn_cose_header h = { 0 };
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(&r, 3, &map, err);

	if (!error)
		error = tconn_cbor_expect_key(&r, &map, TCONN_COSE_ALG, err);
	if (!error)
		error = tconn_cbor_negative(&r, &h.alg, err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, TCONN_COSE_CONTENT_TYPE, err);
	if (!error)
		error = tconn_cbor_string(&r, h.type, sizeof(h.type), err);
	if (!error)
		error = tconn_cbor_expect_key(&r, &map, TCONN_COSE_X5CHAIN, err);
	if (!error)
		error = tconn_cbor_bytes(&r, TCONN_COSE_CERTIFICATE_MAX, &h.cert, &h.cert_len, err);
	if (!error)
		error = tconn_cbor_end(&r, err);
	if (!error)
		*ret = h;
	return error;
}

static int sig_structure(const struct tconn_cose *c, struct tconn_bytes *ret,
			 struct tconn_error *err)
{
	struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_array(&w, 4);
	tconn_cbor_put_text(&w, "Signature1", 10);
	tconn_cbor_put_bytes(&w, c->protected, c->protected_len);
	tconn_cbor_put_bytes(&w, NULL, 0);
	tconn_cbor_put_bytes(&w, c->payload, c->payload_len);
	return tconn_cbor_finish(&w, ret, err);
}

int tconn_cose_digest(const struct tconn_cose *c, uint8_t ret[32], struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes bytes = { 0 };
	int r = sig_structure(c, &bytes, err);

	if (!r)
		tconn_sha256(bytes.data, bytes.len, ret);
	return r;
}

static int set_signature(struct tconn_cose *c, const uint8_t *der, size_t len, size_t coordinate,
			 struct tconn_error *err)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	int n = (int)coordinate;
	bool done = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), c->signature, n) == n &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), c->signature + n, n) == n;

	ECDSA_SIG_free(sig);
	if (!done)
		return tconn_fail(err, -EIO, "the key made no ECDSA signature of its curve");
	c->signature_len = 2 * coordinate;
	return 0;
}

static int der_signature(const struct tconn_cose *c, uint8_t **ret, size_t *ret_len,
			 struct tconn_error *err)
{
	int n = (int)c->signature_len / 2;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(c->signature, n, NULL);
	BIGNUM *s = BN_bin2bn(c->signature + n, n, NULL);
	uint8_t *der = NULL;
	int len = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = NULL;	/* the signature owns them now */
		s = NULL;
		len = i2d_ECDSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	if (len <= 0)
		return tconn_fail(err, -ENOMEM, "out of memory");
	*ret = der;
	*ret_len = (size_t)len;
	return 0;
}

static bool verifies(const struct suite *suite, EVP_PKEY *key, const uint8_t *der, size_t der_len,
		     const struct tconn_bytes *signed_bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, suite->md(), NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, der, der_len, signed_bytes->data, signed_bytes->len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}

static int verify_by(const struct tconn_cose *c, enum tconn_cose_alg alg, EVP_PKEY *key,
		     struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes bytes = { 0 };
	const struct suite *suite = key ? suite_of(key) : NULL;
	uint8_t *der = NULL;
	size_t len = 0;
	bool good;
	int r;

	if (!suite || suite->alg != alg || c->signature_len != 2 * suite->coordinate)
		return tconn_fail(err, -EKEYREJECTED,
				  "the signature is of another algorithm than the certificate's key");
	r = sig_structure(c, &bytes, err);
	if (!r)
		r = der_signature(c, &der, &len, err);
	if (r)
		return r;
	good = verifies(suite, key, der, len, &bytes);
	OPENSSL_free(der);
	if (!good)
		return tconn_fail(err, -EKEYREJECTED, "the signature is not the certificate's key's");
	return 0;
}

int tconn_cose_verify(const struct tconn_cose *c, enum tconn_cose_alg alg, const uint8_t *cert,
		      size_t cert_len, struct tconn_error *err)
{
	const uint8_t *at = cert;
	X509 *x509 = cert_len <= TCONN_COSE_CERTIFICATE_MAX ?
		     d2i_X509(NULL, &at, (long)cert_len) : NULL;
	int r;

	if (!x509 || at != cert + cert_len) {
		X509_free(x509);
		ERR_clear_error();
		return tconn_fail(err, -EBADMSG, "not one X.509 certificate in DER (%zu bytes)",
				  cert_len);
	}
	r = verify_by(c, alg, X509_get0_pubkey(x509), err);
	X509_free(x509);
	return r;
}

int tconn_cose_sign(struct tconn_cose *c, struct tconn_tpm *tpm, const uint8_t *cert,
		    size_t cert_len, struct tconn_error *err)
{
	uint8_t digest[32], der[72];
	size_t der_len = 0;
	int r = tconn_cose_digest(c, digest, err);

	if (!r)
		r = tconn_tpm_sign(tpm, TCONN_KEY_DATA, digest, der, &der_len, err);
	if (!r)
		r = set_signature(c, der, der_len, sizeof(digest), err);
	return r ? r : tconn_cose_verify(c, TCONN_COSE_ES256, cert, cert_len, err);
}

static int sign_der(const struct suite *suite, EVP_PKEY *key, const struct tconn_bytes *bytes,
		    uint8_t *ret, size_t *ret_len, struct tconn_error *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestSignInit(ctx, NULL, suite->md(), NULL, key) == 1 &&
		    EVP_DigestSign(ctx, ret, ret_len, bytes->data, bytes->len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? 0 : tconn_fail(err, -EIO, "the key cannot sign");
}

int tconn_cose_sign_with(struct tconn_cose *c, EVP_PKEY *key, struct tconn_error *err)
{
	__attribute__((cleanup(tconn_bytes_free))) struct tconn_bytes bytes = { 0 };
	const struct suite *suite = suite_of(key);
	uint8_t der[TCONN_COSE_SIGNATURE_MAX + 16];
	size_t len = sizeof(der);
	int r;

	if (!suite)
		return tconn_fail(err, -EINVAL, "the key is on none of P-256, P-384, P-521");
	r = sig_structure(c, &bytes, err);
	if (!r)
		r = sign_der(suite, key, &bytes, der, &len, err);
	return r ? r : set_signature(c, der, len, suite->coordinate, err);
}

int tconn_cose_encode(const struct tconn_cose *c, size_t limit, struct tconn_bytes *ret,
		      struct tconn_error *err)
{
	__attribute__((cleanup(tconn_cbor_discard))) struct tconn_cbor_writer w = { 0 };

	tconn_cbor_put_tag(&w, TCONN_COSE_TAG);
	tconn_cbor_put_array(&w, 4);
	tconn_cbor_put_bytes(&w, c->protected, c->protected_len);
	if (c->unprotected)
		tconn_cbor_put_raw(&w, c->unprotected, c->unprotected_len);
	else
		tconn_cbor_put_map(&w, 0);
	tconn_cbor_put_raw(&w, c->unprotected_rest, c->unprotected_rest_len);
	if (c->detached)
		tconn_cbor_put_null(&w);
	else
		tconn_cbor_put_bytes(&w, c->payload, c->payload_len);
	tconn_cbor_put_bytes(&w, c->signature, c->signature_len);
	if (w.len > limit)
		return tconn_fail(err, -EMSGSIZE, "%zu bytes are over the limit of %zu", w.len, limit);
	return tconn_cbor_finish(&w, ret, err);
}

static int decode_unprotected(struct tconn_cbor *r, struct tconn_cose *ret,
			      struct tconn_error *err)
{
	struct tconn_cbor look = *r;
	struct tconn_cbor_map map;
	int error = tconn_cbor_map(&look, SIZE_MAX, &map, err);

	return error ? error : tconn_cbor_any(r, &ret->unprotected, &ret->unprotected_len, err);
}

static int decode_signature(struct tconn_cbor *r, struct tconn_cose *ret, struct tconn_error *err)
{
	const uint8_t *data;
	int error = tconn_cbor_bytes(r, sizeof(ret->signature), &data, &ret->signature_len, err);

	if (!error)
		memcpy(ret->signature, data, ret->signature_len);
	return error;
}

int tconn_cose_decode(const uint8_t *buf, size_t len, struct tconn_cose *ret,
		      struct tconn_error *err)
{
	struct tconn_cbor r = tconn_cbor_reader(buf, len);
	struct tconn_cose c = { 0 };
	size_t count = 0;
	int error = tconn_cbor_tag(&r, TCONN_COSE_TAG, err);

	if (!error)
		error = tconn_cbor_array(&r, 4, &count, err);
	if (!error && count != 4)
		return tconn_fail(err, -EBADMSG, "no COSE_Sign1: %zu items, not 4", count);
	if (!error)
		error = tconn_cbor_bytes(&r, len, &c.protected, &c.protected_len, err);
	if (!error)
		error = decode_unprotected(&r, &c, err);
	c.detached = !error && tconn_cbor_null(&r);
	if (!error && !c.detached)
		error = tconn_cbor_bytes(&r, len, &c.payload, &c.payload_len, err);
	if (!error)
		error = decode_signature(&r, &c, err);
	if (!error)
		error = tconn_cbor_end(&r, err);
	if (!error)
		*ret = c;
	return error;
}
