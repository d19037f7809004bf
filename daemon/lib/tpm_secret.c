// SPDX-License-Identifier: Apache-2.0
#include "tpm_secret.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

/* TPM 2.0 Library, part 2, 6.3 (algorithms) and 6.4 (curves) */
#define ALG_RSA		0x0001
#define ALG_AES		0x0006
#define ALG_SHA256	0x000b
#define ALG_SHA384	0x000c
#define ALG_ECC		0x0023
#define CURVE_P256	0x0003
#define CURVE_P384	0x0004

#define COORDINATE_MAX	48

/* RSA: the seed is random, and encrypted by OAEP with the label. */
static bool share_rsa(const struct tconn_secret_key *with, const char *label, uint8_t *seed,
		      uint8_t *secret, size_t *ret_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(with->pkey, NULL);
	const size_t label_len = strlen(label) + 1;
	void *copy = OPENSSL_memdup(label, label_len);
	size_t len = TCONN_SECRET_MAX;
	bool good = false;

	if (RAND_priv_bytes(seed, (int)with->digest) == 1 && ctx && copy &&
	    EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, with->md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, with->md) == 1 &&
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, (int)label_len) == 1) {
		copy = NULL;	/* the context's now */
		good = EVP_PKEY_encrypt(ctx, secret, &len, seed, with->digest) == 1;
	}
	*ret_len = len;
	OPENSSL_free(copy);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool coordinate(EVP_PKEY *pkey, const char *which, uint8_t *ret, size_t bytes)
{
	BIGNUM *n = NULL;
	bool good = EVP_PKEY_get_bn_param(pkey, which, &n) == 1 &&
		    BN_bn2binpad(n, ret, (int)bytes) == (int)bytes;

	BN_free(n);
	return good;
}

static bool agree(EVP_PKEY *own, EVP_PKEY *other, uint8_t z[COORDINATE_MAX], size_t *len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	bool good;

	*len = COORDINATE_MAX;
	good = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
	       EVP_PKEY_derive(ctx, z, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* KDFe (11.4.10.3) for one block: H(1 || Z || label || 0 || x of ours || x of theirs). */
static bool kdfe(const struct tconn_secret_key *with, const char *label, const uint8_t *z, size_t z_len,
		 const uint8_t *u, const uint8_t *v, uint8_t *ret)
{
	static const uint8_t counter[4] = { 0, 0, 0, 1 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx && EVP_DigestInit_ex(ctx, with->md, NULL) == 1 &&
		    EVP_DigestUpdate(ctx, counter, sizeof(counter)) == 1 &&
		    EVP_DigestUpdate(ctx, z, z_len) == 1 &&
		    EVP_DigestUpdate(ctx, label, strlen(label) + 1) == 1 &&
		    EVP_DigestUpdate(ctx, u, with->coordinate) == 1 &&
		    EVP_DigestUpdate(ctx, v, with->coordinate) == 1 &&
		    EVP_DigestFinal_ex(ctx, ret, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

/* A TPMS_ECC_POINT: two TPM2B. */
static bool put_point(EVP_PKEY *own, size_t bytes, uint8_t *ret)
{
	ret[0] = ret[2 + bytes] = 0;
	ret[1] = ret[3 + bytes] = (uint8_t)bytes;
	return coordinate(own, OSSL_PKEY_PARAM_EC_PUB_X, ret + 2, bytes) &&
	       coordinate(own, OSSL_PKEY_PARAM_EC_PUB_Y, ret + 4 + bytes, bytes);
}

/* ECC: the seed is agreed with a key of the moment, whose public half is the secret. */
static bool share_ecc(const struct tconn_secret_key *with, const char *label, uint8_t *seed,
		      uint8_t *secret, size_t *ret_len)
{
	EVP_PKEY *own = EVP_EC_gen(with->coordinate == 48 ? "P-384" : "P-256");
	uint8_t z[COORDINATE_MAX], theirs[COORDINATE_MAX];
	size_t z_len;
	bool good = own && put_point(own, with->coordinate, secret) &&
		    coordinate(with->pkey, OSSL_PKEY_PARAM_EC_PUB_X, theirs, with->coordinate) &&
		    agree(own, with->pkey, z, &z_len) &&
		    kdfe(with, label, z, z_len, secret + 2, theirs, seed);

	*ret_len = 4 + 2 * with->coordinate;
	OPENSSL_cleanse(z, sizeof(z));
	EVP_PKEY_free(own);
	return good;
}

bool tconn_secret_share(const struct tconn_secret_key *with, const char *label,
			uint8_t seed[TCONN_SECRET_SEED], uint8_t secret[TCONN_SECRET_MAX],
			size_t *ret_len)
{
	return with->coordinate ? share_ecc(with, label, seed, secret, ret_len) :
				  share_rsa(with, label, seed, secret, ret_len);
}

bool tconn_secret_recover(const struct tconn_secret_key *own, const char *label, EVP_PKEY *point,
			  uint8_t seed[TCONN_SECRET_SEED])
{
	uint8_t z[COORDINATE_MAX], u[COORDINATE_MAX], v[COORDINATE_MAX];
	size_t z_len;
	bool good = coordinate(point, OSSL_PKEY_PARAM_EC_PUB_X, u, own->coordinate) &&
		    coordinate(own->pkey, OSSL_PKEY_PARAM_EC_PUB_X, v, own->coordinate) &&
		    agree(own->pkey, point, z, &z_len) && kdfe(own, label, z, z_len, u, v, seed);

	OPENSSL_cleanse(z, sizeof(z));
	return good;
}

/* -- an EK's public area, without a TPM library */

struct reader {
	const uint8_t *p, *end;
	bool cut_off;
};

static const uint8_t *take(struct reader *r, size_t len)
{
	const uint8_t *at = r->p;

	if (r->cut_off || (size_t)(r->end - r->p) < len) {
		r->cut_off = true;
		return NULL;
	}
	r->p += len;
	return at;
}

static unsigned int take16(struct reader *r)
{
	const uint8_t *p = take(r, 2);

	return p ? (unsigned int)(p[0] << 8 | p[1]) : 0;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *ret = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params) != 1)
		ret = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

static EVP_PKEY *rsa_key(const uint8_t *modulus, size_t len)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(modulus, (int)len, NULL);
	EVP_PKEY *ret = NULL;

	if (build && n && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_ulong(build, OSSL_PKEY_PARAM_RSA_E, RSA_F4) == 1)
		ret = from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	return ret;
}

/* libcrypto refuses a point that is not on the curve. */
static EVP_PKEY *ecc_key(const uint8_t *x, const uint8_t *y, size_t bytes)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	uint8_t point[1 + 2 * COORDINATE_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	EVP_PKEY *ret = NULL;

	memcpy(point + 1, x, bytes);
	memcpy(point + 1 + bytes, y, bytes);
	if (build &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME,
					    bytes == 48 ? "P-384" : "P-256", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * bytes) == 1)
		ret = from_params("EC", build);
	OSSL_PARAM_BLD_free(build);
	return ret;
}

/* Behind the symmetric algorithm: scheme (none), size, exponent (0: 65537), modulus. */
static EVP_PKEY *read_rsa(struct reader *r)
{
	unsigned int scheme = take16(r), bits = take16(r);
	const uint8_t *exponent = take(r, 4), *modulus;
	unsigned int len = take16(r);

	modulus = take(r, len);
	if (r->cut_off || scheme != 0x0010 || (bits != 2048 && bits != 3072) || len != bits / 8 ||
	    memcmp(exponent, "\0\0\0\0", 4) != 0)
		return NULL;
	return rsa_key(modulus, len);
}

/* Behind the symmetric algorithm: scheme and KDF (none), the curve between them, x and y. */
static EVP_PKEY *read_ecc(struct reader *r, size_t *ret_bytes)
{
	unsigned int scheme = take16(r), curve = take16(r), kdf = take16(r), x_len, y_len;
	const size_t bytes = curve == CURVE_P384 ? 48 : 32;
	const uint8_t *x, *y;

	x_len = take16(r);
	x = take(r, x_len);
	y_len = take16(r);
	y = take(r, y_len);
	if (r->cut_off || scheme != 0x0010 || kdf != 0x0010 || x_len != bytes || y_len != bytes ||
	    (curve != CURVE_P256 && curve != CURVE_P384))
		return NULL;
	*ret_bytes = bytes;
	return ecc_key(x, y, bytes);
}

/* A TPMT_PUBLIC (part 2, 12.2.4) of a storage key. */
static bool read_ek(const void *ek, size_t len, struct tconn_secret_key *ret)
{
	struct reader r = { .p = ek, .end = (const uint8_t *)ek + len };
	unsigned int type = take16(&r), hash = take16(&r);

	*ret = (struct tconn_secret_key){ 0 };
	take(&r, 4);				/* attributes: the id vouches for them */
	take(&r, take16(&r));			/* authPolicy */
	if (take16(&r) != ALG_AES || (hash != ALG_SHA256 && hash != ALG_SHA384))
		return false;
	take(&r, 4);				/* its bits and mode */
	ret->md = hash == ALG_SHA384 ? EVP_sha384() : EVP_sha256();
	ret->digest = hash == ALG_SHA384 ? 48 : 32;
	if (type == ALG_RSA)
		ret->pkey = read_rsa(&r);
	else if (type == ALG_ECC)
		ret->pkey = read_ecc(&r, &ret->coordinate);
	if (ret->pkey && r.p != r.end) {
		EVP_PKEY_free(ret->pkey);
		ret->pkey = NULL;
	}
	return ret->pkey != NULL;
}

int tconn_secret_salt(const void *ek, size_t ek_len, uint8_t salt[TCONN_SECRET_SEED], size_t *ret_salt_len,
		      uint8_t secret[TCONN_SECRET_MAX], size_t *ret_len, struct tconn_error *err)
{
	struct tconn_secret_key key;
	bool good;

	if (!read_ek(ek, ek_len, &key))
		return tconn_fail(err, -EBADMSG, "the TPM's key is of no kind that a session is salted to");
	good = tconn_secret_share(&key, "SECRET", salt, secret, ret_len);
	EVP_PKEY_free(key.pkey);
	if (!good)
		return tconn_fail(err, -EIO, "encryption to the TPM's key failed");
	*ret_salt_len = key.digest;
	return 0;
}
