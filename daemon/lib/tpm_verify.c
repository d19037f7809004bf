// SPDX-License-Identifier: Apache-2.0
/* The verifier's half: OpenSSL and tss2-mu, no TPM. Everything here is foreign bytes. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "digest.h"
#include "tpm_blob.h"
#include "tpm_signature.h"
#include "tpm_template.h"

#define P256_BYTES	32
#define NAME_BYTES	34
#define SEED_BYTES	32	/* of the EK's nameAlg, SHA-256 */

int tconn_name(const struct tconn_blob *pub, uint8_t ret[34], struct tconn_error *err)
{
	TPMT_PUBLIC public;
	int r = tconn_blob_unpack_public(pub, &public, err);

	if (r)
		return r;
	if (public.nameAlg != TPM2_ALG_SHA256)
		return tconn_fail(err, -EBADMSG, "a key's Name uses hash %#x, not SHA-256", public.nameAlg);
	ret[0] = TPM2_ALG_SHA256 >> 8;
	ret[1] = TPM2_ALG_SHA256 & 0xff;
	tconn_sha256(pub->data, pub->len, ret + 2);
	return 0;
}

void tconn_owner_qualified_name(const uint8_t name[34], uint8_t ret[34])
{
	static const uint8_t owner[4] = { TPM2_RH_OWNER >> 24, 0, 0, TPM2_RH_OWNER & 0xff };
	const struct tconn_piece piece[] = { { owner, sizeof(owner) }, { name, NAME_BYTES } };

	memcpy(ret, name, 2);
	tconn_sha256_pieces(piece, 2, ret + 2);
}

static EVP_PKEY *pkey_from(const char *type, OSSL_PARAM_BLD *build)
{
	OSSL_PARAM *params = build ? OSSL_PARAM_BLD_to_param(build) : NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (params && ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static EVP_PKEY *ecc_to_pkey(const TPMT_PUBLIC *pub)
{
	const TPM2B_ECC_PARAMETER *x = &pub->unique.ecc.x, *y = &pub->unique.ecc.y;
	uint8_t point[1 + 2 * P256_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM_BLD *build;
	EVP_PKEY *pkey = NULL;

	if (pub->parameters.eccDetail.curveID != TPM2_ECC_NIST_P256 || x->size > P256_BYTES ||
	    y->size > P256_BYTES)
		return NULL;
	memcpy(point + 1 + P256_BYTES - x->size, x->buffer, x->size);
	memcpy(point + 1 + 2 * P256_BYTES - y->size, y->buffer, y->size);
	build = OSSL_PARAM_BLD_new();
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		pkey = pkey_from("EC", build);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *rsa_to_pkey(const TPMT_PUBLIC *pub)
{
	const TPM2B_PUBLIC_KEY_RSA *n = &pub->unique.rsa;
	uint32_t exponent = pub->parameters.rsaDetail.exponent;
	BIGNUM *modulus, *e = BN_new();
	OSSL_PARAM_BLD *build;
	EVP_PKEY *pkey = NULL;

	modulus = BN_bin2bn(n->buffer, n->size, NULL);
	build = OSSL_PARAM_BLD_new();
	if (modulus && e && build && BN_set_word(e, exponent ? exponent : RSA_F4) &&
	    BN_num_bits(modulus) == pub->parameters.rsaDetail.keyBits &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		pkey = pkey_from("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(modulus);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *public_to_pkey(const TPMT_PUBLIC *pub)
{
	if (pub->type == TPM2_ALG_ECC)
		return ecc_to_pkey(pub);
	if (pub->type == TPM2_ALG_RSA)
		return rsa_to_pkey(pub);
	return NULL;
}

int tconn_public_to_pkey(const struct tconn_blob *pub, struct evp_pkey_st **ret,
			 struct tconn_error *err)
{
	TPMT_PUBLIC public;
	EVP_PKEY *pkey;
	int r = tconn_blob_unpack_public(pub, &public, err);

	if (r)
		return r;
	pkey = public_to_pkey(&public);
	if (!pkey)
		return tconn_fail(err, -EBADMSG, "a TPMT_PUBLIC is no valid P-256 or RSA public key");
	*ret = pkey;
	return 0;
}

static int check_signer(const struct tconn_blob *pub, bool restricted, TPMT_PUBLIC *ret,
			struct tconn_error *err)
{
	int r = tconn_blob_unpack_public(pub, ret, err);

	return r ? r : tconn_template_check_signer(ret, restricted, err);
}

int tconn_ak_check(const struct tconn_blob *ak, struct tconn_error *err)
{
	TPMT_PUBLIC public;
	int r = check_signer(ak, true, &public, err);

	return r ? tconn_fail_in(err, r, "AK") : 0;
}

static int check_like(const TPMT_PUBLIC *ak, const struct tconn_blob *key, const char *what,
		      struct tconn_error *err)
{
	const TPMA_OBJECT mask = TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_ADMINWITHPOLICY;
	TPMT_PUBLIC public;
	int r = tconn_blob_unpack_public(key, &public, err);

	if (r)
		return tconn_fail_in(err, r, what);
	if ((public.objectAttributes & mask) != (ak->objectAttributes & mask) ||
	    public.authPolicy.size != ak->authPolicy.size ||
	    memcmp(public.authPolicy.buffer, ak->authPolicy.buffer, ak->authPolicy.size) != 0)
		return tconn_fail(err, -EKEYREJECTED, "%s: sealed otherwise than the AK", what);
	return 0;
}

int tconn_keys_check_alike(const struct tconn_blob *ak, const struct tconn_blob *tls,
			   const struct tconn_blob *data, struct tconn_error *err)
{
	TPMT_PUBLIC public;
	int r = tconn_blob_unpack_public(ak, &public, err);

	if (!r)
		r = check_like(&public, tls, "TLS key", err);
	return r ? r : check_like(&public, data, "DATA key", err);
}

int tconn_ek_check(const struct tconn_blob *ek, struct tconn_error *err)
{
	TPMT_PUBLIC public;
	int r = tconn_blob_unpack_public(ek, &public, err);

	if (r)
		return tconn_fail_in(err, r, "EK");
	if (!tconn_template_is_ek(&public))
		return tconn_fail(err, -EKEYREJECTED,
				  "EK: it is not of the TCG template L-1 (RSA-2048, SHA-256)");
	return 0;
}

static bool ecdsa_verifies(EVP_PKEY *pkey, const uint8_t digest[32], const uint8_t *der, size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
	bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_verify(ctx, der, len, digest, 32) == 1;

	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* Over the SHA-256 of attest, with an ak whose attributes have been checked. */
static int verify_attest(const TPMT_PUBLIC *ak, const struct tconn_blob *attest,
			 const struct tconn_blob *signature, struct tconn_error *err)
{
	uint8_t digest[32], der[TCONN_SIGNATURE_MAX];
	TPMT_SIGNATURE sig;
	EVP_PKEY *pkey;
	size_t len;
	bool good;
	int r;

	r = tconn_blob_unpack_signature(signature, &sig, err);
	if (!r)
		r = tconn_signature_der(&sig, der, &len, err);
	if (r)
		return r;
	tconn_sha256(attest->data, attest->len, digest);
	pkey = public_to_pkey(ak);
	good = pkey && ecdsa_verifies(pkey, digest, der, len);
	EVP_PKEY_free(pkey);
	if (!good)
		return tconn_fail(err, -EKEYREJECTED, "the signature is not the AK's");
	return 0;
}

static int open_attest(const struct tconn_blob *ak, const struct tconn_blob *attest,
		       const struct tconn_blob *signature, TPMI_ST_ATTEST type, TPMS_ATTEST *ret,
		       struct tconn_error *err)
{
	TPMT_PUBLIC public;
	int r;

	r = tconn_blob_unpack_attest(attest, ret, err);
	if (r)
		return r;
	if (ret->magic != TPM2_GENERATED_VALUE)
		return tconn_fail(err, -EBADMSG, "the statement was not made by a TPM (magic %#x)",
				  ret->magic);
	if (ret->type != type)
		return tconn_fail(err, -EBADMSG, "the statement is of type %#x, not %#x", ret->type, type);
	r = check_signer(ak, true, &public, err);
	if (r)
		return tconn_fail_in(err, r, "AK");
	return verify_attest(&public, attest, signature, err);
}

static int quoted_mask(const TPML_PCR_SELECTION *selection, uint32_t *ret, struct tconn_error *err)
{
	const TPMS_PCR_SELECTION *s = &selection->pcrSelections[0];
	uint32_t mask = 0;

	if (selection->count != 1 || s->hash != TPM2_ALG_SHA256)
		return tconn_fail(err, -EBADMSG, "the quote is not of the SHA-256 bank alone");
	for (unsigned int i = 0; i < s->sizeofSelect && i < sizeof(s->pcrSelect); i++)
		mask |= (uint32_t)s->pcrSelect[i] << (8 * i);
	if (mask >> TCONN_PCR_COUNT)
		return tconn_fail(err, -EBADMSG, "the quote names PCRs beyond 23");
	*ret = mask;
	return 0;
}

int tconn_quote_verify(const struct tconn_blob *ak, const struct tconn_blob *attest,
		       const struct tconn_blob *signature, struct tconn_quote_info *ret,
		       struct tconn_error *err)
{
	const TPMS_QUOTE_INFO *quote;
	struct tconn_quote_info info = { 0 };
	TPMS_ATTEST a;
	int r;

	r = open_attest(ak, attest, signature, TPM2_ST_ATTEST_QUOTE, &a, err);
	if (r)
		return tconn_fail_in(err, r, "quote");
	quote = &a.attested.quote;
	if (a.extraData.size != sizeof(info.qualifying) || quote->pcrDigest.size != sizeof(info.pcr_digest))
		return tconn_fail(err, -EBADMSG, "quote: qualifyingData or pcrDigest is not of 32 bytes");
	r = quoted_mask(&quote->pcrSelect, &info.pcr_mask, err);
	if (r)
		return r;
	memcpy(info.qualifying, a.extraData.buffer, sizeof(info.qualifying));
	memcpy(info.pcr_digest, quote->pcrDigest.buffer, sizeof(info.pcr_digest));
	if (a.qualifiedSigner.size == sizeof(info.signer))	/* else it is of no key of ours */
		memcpy(info.signer, a.qualifiedSigner.name, sizeof(info.signer));
	info.reset_count = a.clockInfo.resetCount;
	info.restart_count = a.clockInfo.restartCount;
	info.clock = a.clockInfo.clock;
	info.firmware_version = a.firmwareVersion;
	info.safe = a.clockInfo.safe;
	*ret = info;
	return 0;
}

int tconn_quote_counts(const struct tconn_blob *attest, uint32_t *ret_reset,
		       uint32_t *ret_restart, struct tconn_error *err)
{
	TPMS_ATTEST a;
	int r = tconn_blob_unpack_attest(attest, &a, err);

	if (r)
		return tconn_fail_in(err, r, "quote");
	*ret_reset = a.clockInfo.resetCount;
	*ret_restart = a.clockInfo.restartCount;
	return 0;
}

int tconn_quote_qualifying(const struct tconn_blob *attest, uint8_t ret[32],
			   struct tconn_error *err)
{
	TPMS_ATTEST a;
	int r = tconn_blob_unpack_attest(attest, &a, err);

	if (!r && a.extraData.size != 32)
		r = tconn_fail(err, -EBADMSG, "qualifyingData is not of 32 bytes");
	if (r)
		return tconn_fail_in(err, r, "quote");
	memcpy(ret, a.extraData.buffer, 32);
	return 0;
}

static int check_certified(const TPMS_ATTEST *a, const struct tconn_blob *key,
			   const uint8_t qualifying[32], struct tconn_error *err)
{
	const TPM2B_NAME *certified = &a->attested.certify.name;
	uint8_t name[NAME_BYTES];
	TPMT_PUBLIC public;
	int r;

	r = check_signer(key, false, &public, err);
	if (!r)
		r = tconn_name(key, name, err);
	if (r)
		return tconn_fail_in(err, r, "certified key");
	if (certified->size != sizeof(name) || CRYPTO_memcmp(certified->name, name, sizeof(name)))
		return tconn_fail(err, -EKEYREJECTED, "another key was certified");
	if (a->extraData.size != 32 || CRYPTO_memcmp(a->extraData.buffer, qualifying, 32))
		return tconn_fail(err, -EKEYREJECTED,
				  "the certification was made for another occasion (qualifyingData)");
	return 0;
}

int tconn_certify_verify(const struct tconn_blob *ak, const struct tconn_blob *key,
			 const struct tconn_blob *attest, const struct tconn_blob *signature,
			 const uint8_t qualifying[32], struct tconn_error *err)
{
	TPMS_ATTEST a;
	int r;

	r = open_attest(ak, attest, signature, TPM2_ST_ATTEST_CERTIFY, &a, err);
	if (!r)
		r = check_certified(&a, key, qualifying, err);
	return r ? tconn_fail_in(err, r, "certification") : 0;
}

/*
 * KDFa (TPM 2.0 Part 1, 11.4.10.2) for at most one block of SHA-256:
 * HMAC(key, 1 || label || 0 || context || bits).
 */
static bool kdfa(const uint8_t seed[SEED_BYTES], const char *label, const uint8_t *context,
		 size_t context_len, uint32_t bits, uint8_t ret[32])
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
	return HMAC(EVP_sha256(), seed, SEED_BYTES, input, at, ret, &len) && len == 32;
}

/* AES-128-CFB, zero IV: the key serves once. */
static bool encrypt_identity(const uint8_t key[32], const uint8_t *in, int len, uint8_t *ret)
{
	static const uint8_t iv[16];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int out = 0;
	bool good = ctx && EVP_EncryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, iv) == 1 &&
		    EVP_EncryptUpdate(ctx, ret, &out, in, len) == 1 && out == len;

	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static bool encrypt_seed(EVP_PKEY *ek, const uint8_t seed[SEED_BYTES], TPM2B_ENCRYPTED_SECRET *ret)
{
	static const char label[] = "IDENTITY";	/* with its zero byte */
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ek, NULL);
	void *copy = OPENSSL_memdup(label, sizeof(label));
	size_t len = sizeof(ret->secret);
	bool good = false;

	if (ctx && copy && EVP_PKEY_encrypt_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy, sizeof(label)) == 1) {
		copy = NULL;	/* the context's now */
		good = EVP_PKEY_encrypt(ctx, ret->secret, &len, seed, SEED_BYTES) == 1;
	}
	ret->size = (uint16_t)len;
	OPENSSL_free(copy);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

/* TPM2B_ID_OBJECT: TPM2B_DIGEST integrity || encrypted TPM2B_DIGEST credential. */
static bool wrap_credential(const uint8_t seed[SEED_BYTES], const uint8_t name[34],
			    const uint8_t credential[32], TPM2B_ID_OBJECT *ret)
{
	uint8_t plain[2 + 32] = { 0, 32 }, covered[sizeof(plain) + NAME_BYTES], key[32], mac[32];
	unsigned int mac_len;
	bool good;

	memcpy(plain + 2, credential, 32);
	good = kdfa(seed, "STORAGE", name, NAME_BYTES, 128, key) &&
	       encrypt_identity(key, plain, sizeof(plain), covered);
	memcpy(covered + sizeof(plain), name, NAME_BYTES);
	good = good && kdfa(seed, "INTEGRITY", NULL, 0, 256, key) &&
	       HMAC(EVP_sha256(), key, sizeof(key), covered, sizeof(covered), mac, &mac_len) &&
	       mac_len == sizeof(mac);
	if (good) {
		ret->size = 2 + sizeof(mac) + sizeof(plain);
		ret->credential[0] = 0;
		ret->credential[1] = sizeof(mac);
		memcpy(ret->credential + 2, mac, sizeof(mac));
		memcpy(ret->credential + 2 + sizeof(mac), covered, sizeof(plain));
	}
	OPENSSL_cleanse(plain, sizeof(plain));
	OPENSSL_cleanse(key, sizeof(key));
	return good;
}

int tconn_make_credential(const struct tconn_blob *ek, const uint8_t name[34],
			  const uint8_t credential[32], struct tconn_blob *ret_credential,
			  struct tconn_blob *ret_secret, struct tconn_error *err)
{
	TPM2B_ENCRYPTED_SECRET secret = { 0 };
	TPM2B_ID_OBJECT object = { 0 };
	uint8_t seed[SEED_BYTES];
	EVP_PKEY *pkey = NULL;
	bool good;
	int r;

	r = tconn_ek_check(ek, err);
	if (!r)
		r = tconn_public_to_pkey(ek, &pkey, err);
	if (r)
		return r;
	good = RAND_priv_bytes(seed, sizeof(seed)) == 1 && encrypt_seed(pkey, seed, &secret) &&
	       wrap_credential(seed, name, credential, &object);
	OPENSSL_cleanse(seed, sizeof(seed));
	EVP_PKEY_free(pkey);
	if (!good)
		return tconn_fail(err, -EIO, "MakeCredential: encryption to the EK failed");
	r = tconn_blob_pack_id_object(&object, ret_credential, err);
	return r ? r : tconn_blob_pack_secret(&secret, ret_secret, err);
}
