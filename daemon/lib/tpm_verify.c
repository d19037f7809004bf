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
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "digest.h"
#include "tpm_blob.h"
#include "tpm_ek.h"
#include "tpm_signature.h"
#include "tpm_template.h"

#define NAME_BYTES	34
#define FIELD_MAX	48	/* bytes of a coordinate, P-384 */

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

struct curve {
	TPMI_ECC_CURVE id;
	const char *name;
	size_t bytes;	/* of a coordinate */
};

static const struct curve *find_curve(TPMI_ECC_CURVE id)
{
	static const struct curve curves[] = {
		{ TPM2_ECC_NIST_P256, "P-256", 32 }, { TPM2_ECC_NIST_P384, "P-384", FIELD_MAX },
	};

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (curves[i].id == id)
			return &curves[i];
	return NULL;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *ecc_to_pkey(const TPMT_PUBLIC *pub)
{
	const TPM2B_ECC_PARAMETER *x = &pub->unique.ecc.x, *y = &pub->unique.ecc.y;
	const struct curve *c = find_curve(pub->parameters.eccDetail.curveID);
	uint8_t point[1 + 2 * FIELD_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	OSSL_PARAM_BLD *build;
	EVP_PKEY *pkey = NULL;

	if (!c || x->size > c->bytes || y->size > c->bytes)
		return NULL;
	memcpy(point + 1 + c->bytes - x->size, x->buffer, x->size);
	memcpy(point + 1 + 2 * c->bytes - y->size, y->buffer, y->size);
	build = OSSL_PARAM_BLD_new();
	if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->bytes))
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
		return tconn_fail(err, -EBADMSG, "a TPMT_PUBLIC is no valid P-256, P-384 or RSA public key");
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
	if (!tconn_ek_kind_of(&public))
		return tconn_fail(err, -EKEYREJECTED, "EK: it is of none of the TCG templates for RSA-2048, "
				  "RSA-3072, ECC P-256 or ECC P-384 (L-1, L-2, H-1, H-2, H-3, H-6)");
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

int tconn_quote_clock(const struct tconn_blob *attest, uint64_t *ret_ms, struct tconn_error *err)
{
	TPMS_ATTEST a;
	int r = tconn_blob_unpack_attest(attest, &a, err);

	if (r)
		return tconn_fail_in(err, r, "quote");
	*ret_ms = a.clockInfo.clock;
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
