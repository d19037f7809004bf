// SPDX-License-Identifier: Apache-2.0
/*
 * TPM2_MakeCredential in software (and its counterpart, for a P-256 EK), for every kind of EK (TPM
 * 2.0 Part 1, clause 24): a seed that only the EK's TPM can recover (tpm_secret.h), and the
 * credential under keys derived from it and from the AK's Name.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <tss2/tss2_mu.h>

#include "tpm_blob.h"
#include "tpm_ek.h"
#include "tpm_secret.h"

#define NAME_BYTES	34	/* of an AK */
#define DIGEST_MAX	48

/* What the EK's kind says. */
struct suite {
	const EVP_MD *md;
	const EVP_CIPHER *cipher;
	unsigned int digest;	/* bytes of seed and MAC */
	uint32_t key_bits;
};

static struct suite suite_of(const struct tconn_ek_kind *kind)
{
	const bool large = kind->hash == TPM2_ALG_SHA384;

	return (struct suite){
		.md = large ? EVP_sha384() : EVP_sha256(),
		.cipher = kind->aes == 256 ? EVP_aes_256_cfb128() : EVP_aes_128_cfb128(),
		.digest = large ? 48 : 32,
		.key_bits = kind->aes,
	};
}

/* KDFa (Part 1, 11.4.10.2) for at most one block: HMAC(key, 1 || label || 0 || context || bits). */
static bool kdfa(const struct suite *s, const uint8_t *seed, const char *label, const uint8_t *context,
		 size_t context_len, uint32_t bits, uint8_t ret[DIGEST_MAX])
{
	uint8_t input[4 + 16 + NAME_BYTES + 4] = { 0, 0, 0, 1 };
	size_t label_len = strlen(label) + 1;	/* the zero byte belongs to it */
	size_t at = 4;
	unsigned int len;

	memcpy(input + at, label, label_len);
	at += label_len;
	if (context_len)
		memcpy(input + at, context, context_len);
	at += context_len;
	input[at++] = (uint8_t)(bits >> 24);
	input[at++] = (uint8_t)(bits >> 16);
	input[at++] = (uint8_t)(bits >> 8);
	input[at++] = (uint8_t)bits;
	return HMAC(s->md, seed, (int)s->digest, input, at, ret, &len) && len == s->digest;
}

/* Zero IV: the key serves once. */
static bool cipher_identity(const struct suite *s, bool encrypt, const uint8_t *key,
			    const uint8_t *in, int len, uint8_t *ret)
{
	static const uint8_t iv[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int out = 0;
	bool good = ctx && EVP_CipherInit_ex(ctx, s->cipher, NULL, key, iv, encrypt) == 1 &&
		    EVP_CipherUpdate(ctx, ret, &out, in, len) == 1 && out == len;

	EVP_CIPHER_CTX_free(ctx);
	return good;
}

/* TPM2B_ID_OBJECT: TPM2B_DIGEST integrity || encrypted TPM2B_DIGEST credential. */
static bool wrap_credential(const struct suite *s, const uint8_t *seed, const uint8_t name[NAME_BYTES],
			    const uint8_t credential[32], TPM2B_ID_OBJECT *ret)
{
	uint8_t plain[2 + 32] = { 0, 32 }, covered[sizeof(plain) + NAME_BYTES];
	uint8_t key[DIGEST_MAX], mac[DIGEST_MAX];
	unsigned int mac_len;
	bool good;

	memcpy(plain + 2, credential, 32);
	good = kdfa(s, seed, "STORAGE", name, NAME_BYTES, s->key_bits, key) &&
	       cipher_identity(s, true, key, plain, sizeof(plain), covered);
	memcpy(covered + sizeof(plain), name, NAME_BYTES);
	good = good && kdfa(s, seed, "INTEGRITY", NULL, 0, 8 * s->digest, key) &&
	       HMAC(s->md, key, (int)s->digest, covered, sizeof(covered), mac, &mac_len) &&
	       mac_len == s->digest;
	if (good) {
		ret->size = (uint16_t)(2 + s->digest + sizeof(plain));
		ret->credential[0] = 0;
		ret->credential[1] = (uint8_t)s->digest;
		memcpy(ret->credential + 2, mac, s->digest);
		memcpy(ret->credential + 2 + s->digest, covered, sizeof(plain));
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	OPENSSL_cleanse(key, sizeof(key));
	return good;
}

static bool make(const struct tconn_ek_kind *kind, EVP_PKEY *ek, const uint8_t name[NAME_BYTES],
		 const uint8_t credential[32], TPM2B_ID_OBJECT *ret_object,
		 TPM2B_ENCRYPTED_SECRET *ret_secret)
{
	const struct suite s = suite_of(kind);
	const struct tconn_secret_key with = {
		.pkey = ek, .md = s.md, .digest = s.digest,
		.coordinate = kind->type == TPM2_ALG_RSA ? 0 : kind->curve == TPM2_ECC_NIST_P384 ? 48 : 32,
	};
	uint8_t seed[TCONN_SECRET_SEED];
	size_t len;
	bool good = tconn_secret_share(&with, "IDENTITY", seed, ret_secret->secret, &len);

	ret_secret->size = (uint16_t)len;
	good = good && wrap_credential(&s, seed, name, credential, ret_object);
	OPENSSL_cleanse(seed, sizeof(seed));
	return good;
}

int tconn_make_credential(const struct tconn_blob *ek, const uint8_t name[34],
			  const uint8_t credential[32], struct tconn_blob *ret_credential,
			  struct tconn_blob *ret_secret, struct tconn_error *err)
{
	TPM2B_ENCRYPTED_SECRET secret = { 0 };
	TPM2B_ID_OBJECT object = { 0 };
	EVP_PKEY *pkey = NULL;
	TPMT_PUBLIC public;
	bool good;
	int r;

	r = tconn_ek_check(ek, err);
	if (!r)
		r = tconn_blob_unpack_public(ek, &public, err);
	if (!r)
		r = tconn_public_to_pkey(ek, &pkey, err);
	if (r)
		return r;
	good = make(tconn_ek_kind_of(&public), pkey, name, credential, &object, &secret);
	EVP_PKEY_free(pkey);
	if (!good)
		return tconn_fail(err, -EIO, "MakeCredential: encryption to the EK failed");
	r = tconn_blob_pack_id_object(&object, ret_credential, err);
	return r ? r : tconn_blob_pack_secret(&secret, ret_secret, err);
}

/* The point of the moment's key, as tconn_secret_share() left it. */
static EVP_PKEY *point_to_pkey(const TPMS_ECC_POINT *point)
{
	TPMT_PUBLIC public = { .type = TPM2_ALG_ECC, .nameAlg = TPM2_ALG_SHA256 };
	EVP_PKEY *pkey = NULL;
	struct tconn_blob blob;

	public.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	public.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	public.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	public.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	public.unique.ecc = *point;
	if (tconn_blob_pack_public(&public, &blob, NULL) ||
	    tconn_public_to_pkey(&blob, &pkey, NULL))
		return NULL;
	return pkey;
}

static bool recover_seed(const struct suite *s, EVP_PKEY *ek, const TPMS_ECC_POINT *point,
			 uint8_t seed[DIGEST_MAX])
{
	const struct tconn_secret_key own = { ek, s->md, s->digest, 32 };
	EVP_PKEY *theirs = point_to_pkey(point);
	bool good = theirs && tconn_secret_recover(&own, "IDENTITY", theirs, seed);

	EVP_PKEY_free(theirs);
	return good;
}

/* wrap_credential() backwards: the MAC first. */
static bool unwrap_credential(const struct suite *s, const uint8_t *seed,
			      const uint8_t name[NAME_BYTES], const TPM2B_ID_OBJECT *object,
			      uint8_t ret[32])
{
	uint8_t plain[2 + 32], covered[sizeof(plain) + NAME_BYTES];
	uint8_t key[DIGEST_MAX], mac[DIGEST_MAX];
	unsigned int mac_len;
	bool good;

	memcpy(covered, object->credential + 2 + s->digest, sizeof(plain));
	memcpy(covered + sizeof(plain), name, NAME_BYTES);
	good = kdfa(s, seed, "INTEGRITY", NULL, 0, 8 * s->digest, key) &&
	       HMAC(s->md, key, (int)s->digest, covered, sizeof(covered), mac, &mac_len) &&
	       !CRYPTO_memcmp(mac, object->credential + 2, s->digest) &&
	       kdfa(s, seed, "STORAGE", name, NAME_BYTES, s->key_bits, key) &&
	       cipher_identity(s, false, key, covered, sizeof(plain), plain) &&
	       plain[0] == 0 && plain[1] == 32;
	if (good)
		memcpy(ret, plain + 2, 32);
	OPENSSL_cleanse(plain, sizeof(plain));
	OPENSSL_cleanse(key, sizeof(key));
	return good;
}

int tconn_open_credential(struct evp_pkey_st *ek, const uint8_t name[34],
			  const struct tconn_blob *credential, const struct tconn_blob *secret,
			  uint8_t ret[32], struct tconn_error *err)
{
	const struct suite s = { EVP_sha256(), EVP_aes_128_cfb128(), 32, 128 };
	TPM2B_ENCRYPTED_SECRET encrypted;
	uint8_t seed[DIGEST_MAX];
	TPM2B_ID_OBJECT object;
	TPMS_ECC_POINT point;
	size_t at = 0;
	bool good;
	int r;

	r = tconn_blob_unpack_id_object(credential, &object, err);
	if (!r)
		r = tconn_blob_unpack_secret(secret, &encrypted, err);
	if (r)
		return r;
	if (object.size != 2 + 32 + 2 + 32 || object.credential[0] || object.credential[1] != 32)
		return tconn_fail(err, -EBADMSG, "the credential is not one of 32 bytes");
	if (Tss2_MU_TPMS_ECC_POINT_Unmarshal(encrypted.secret, encrypted.size, &at, &point) ||
	    at != encrypted.size || point.x.size > 32 || point.y.size > 32)
		return tconn_fail(err, -EBADMSG, "the credential's secret is no point of P-256");
	good = recover_seed(&s, ek, &point, seed) && unwrap_credential(&s, seed, name, &object, ret);
	OPENSSL_cleanse(seed, sizeof(seed));
	if (!good)
		return tconn_fail(err, -EKEYREJECTED, "the credential is for another EK or another AK");
	return 0;
}
