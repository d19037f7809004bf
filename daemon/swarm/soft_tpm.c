// SPDX-License-Identifier: Apache-2.0
#include "soft_tpm.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "../lib/digest.h"
#include "../lib/pcr.h"
#include "../lib/tpm_blob.h"
#include "../lib/tpm_ek.h"
#include "../lib/tpm_signature.h"
#include "../lib/tpm_template.h"

#define P256_BYTES	32
#define NAME_BYTES	34
#define EK_KIND		1	/* ECC P-256 (L-2), tpm_ek.c */

void soft_tpm_free(struct soft_tpm *t)
{
	EVP_PKEY_free(t->ek);
	EVP_PKEY_free(t->ak);
	EVP_PKEY_free(t->tls);
	EVP_PKEY_free(t->data);
	memset(t, 0, sizeof(*t));
}

int soft_tpm_make(struct soft_tpm *ret, struct tconn_error *err)
{
	struct soft_tpm t = {
		.ek = EVP_EC_gen("P-256"), .ak = EVP_EC_gen("P-256"),
		.tls = EVP_EC_gen("P-256"), .data = EVP_EC_gen("P-256"),
	};

	if (!t.ek || !t.ak || !t.tls || !t.data) {
		soft_tpm_free(&t);
		return tconn_fail(err, -EIO, "OpenSSL cannot make keys");
	}
	*ret = t;
	return 0;
}

static bool coordinate(const EVP_PKEY *key, const char *which, TPM2B_ECC_PARAMETER *ret)
{
	BIGNUM *n = NULL;
	bool good = EVP_PKEY_get_bn_param(key, which, &n) == 1 &&
		    BN_bn2binpad(n, ret->buffer, P256_BYTES) == P256_BYTES;

	ret->size = P256_BYTES;
	BN_free(n);
	return good;
}

/* The template's public area with this key's point in it. */
static int fill_public(const EVP_PKEY *key, TPMT_PUBLIC *public, struct tconn_blob *ret,
		       struct tconn_error *err)
{
	if (!key || !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, &public->unique.ecc.x) ||
	    !coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y, &public->unique.ecc.y))
		return tconn_fail(err, -EBADMSG, "not a key of P-256");
	return tconn_blob_pack_public(public, ret, err);
}

static const EVP_PKEY *find_key(const struct soft_tpm *t, enum tconn_key key)
{
	return key == TCONN_KEY_AK ? t->ak : key == TCONN_KEY_TLS ? t->tls : t->data;
}

int soft_tpm_ek_public(const struct soft_tpm *t, struct tconn_blob *ret, struct tconn_error *err)
{
	TPMT_PUBLIC public;

	tconn_ek_template(tconn_ek_kind(EK_KIND), &public);
	return fill_public(t->ek, &public, ret, err);
}

int soft_tpm_public(const struct soft_tpm *t, enum tconn_key key, struct tconn_blob *ret,
		    struct tconn_error *err)
{
	TPMT_PUBLIC public;

	tconn_template_key(key, NULL, &public);
	return fill_public(find_key(t, key), &public, ret, err);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ll + ts.tv_nsec / 1000000;
}

/* What every TPMS_ATTEST begins with: signed by this AK, a primary of the owner hierarchy. */
static int begin_attest(const struct soft_tpm *t, const uint8_t qualifying[32], TPMS_ATTEST *ret,
			struct tconn_error *err)
{
	struct tconn_blob ak;
	uint8_t name[NAME_BYTES];
	int r = soft_tpm_public(t, TCONN_KEY_AK, &ak, err);

	if (!r)
		r = tconn_name(&ak, name, err);
	if (r)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->magic = TPM2_GENERATED_VALUE;
	ret->qualifiedSigner.size = NAME_BYTES;
	tconn_owner_qualified_name(name, ret->qualifiedSigner.name);
	ret->extraData.size = 32;
	memcpy(ret->extraData.buffer, qualifying, 32);
	ret->clockInfo.clock = (uint64_t)now_ms();
	ret->clockInfo.resetCount = 1;
	ret->clockInfo.safe = 1;
	return 0;
}

static bool split(const uint8_t *der, size_t len, TPMS_SIGNATURE_ECDSA *ret)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret->signatureR.buffer, P256_BYTES) > 0 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret->signatureS.buffer, P256_BYTES) > 0;

	ret->hash = TPM2_ALG_SHA256;
	ret->signatureR.size = P256_BYTES;
	ret->signatureS.size = P256_BYTES;
	ECDSA_SIG_free(sig);
	return good;
}

static bool sign(EVP_PKEY *key, const uint8_t digest[32], TPMT_SIGNATURE *ret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t der[TCONN_SIGNATURE_MAX];
	size_t len = sizeof(der);
	bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
		    EVP_PKEY_sign(ctx, der, &len, digest, 32) == 1;

	ret->sigAlg = TPM2_ALG_ECDSA;
	good = good && split(der, len, &ret->signature.ecdsa);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static int sign_attest(const struct soft_tpm *t, const TPMS_ATTEST *attest,
		       struct tconn_blob *ret_attest, struct tconn_blob *ret_signature,
		       struct tconn_error *err)
{
	TPMT_SIGNATURE signature = { 0 };
	uint8_t digest[32];
	int r = tconn_blob_pack_attest(attest, ret_attest, err);

	if (r)
		return r;
	tconn_sha256(ret_attest->data, ret_attest->len, digest);
	if (!sign(t->ak, digest, &signature))
		return tconn_fail(err, -EIO, "OpenSSL cannot sign");
	return tconn_blob_pack_signature(&signature, ret_signature, err);
}

int soft_tpm_quote(const struct soft_tpm *t, const struct tconn_pcrs *pcrs,
		   const uint8_t qualifying[32], struct tconn_quote *ret, struct tconn_error *err)
{
	TPMS_PCR_SELECTION *selection;
	TPMS_ATTEST a;
	int r = begin_attest(t, qualifying, &a, err);

	if (r)
		return r;
	a.type = TPM2_ST_ATTEST_QUOTE;
	a.attested.quote.pcrSelect.count = 1;
	selection = &a.attested.quote.pcrSelect.pcrSelections[0];
	selection->hash = TPM2_ALG_SHA256;
	selection->sizeofSelect = TCONN_PCR_COUNT / 8;
	for (int i = 0; i < TCONN_PCR_COUNT / 8; i++)
		selection->pcrSelect[i] = (uint8_t)(pcrs->mask >> 8 * i);
	a.attested.quote.pcrDigest.size = 32;
	tconn_pcrs_digest(pcrs, pcrs->mask, a.attested.quote.pcrDigest.buffer);
	ret->pcrs = *pcrs;
	return sign_attest(t, &a, &ret->attest, &ret->signature, err);
}

int soft_tpm_certify(const struct soft_tpm *t, enum tconn_key key, const uint8_t qualifying[32],
		     struct tconn_blob *ret_attest, struct tconn_blob *ret_signature,
		     struct tconn_error *err)
{
	TPMS_CERTIFY_INFO *info;
	struct tconn_blob public;
	TPMS_ATTEST a;
	int r = begin_attest(t, qualifying, &a, err);

	if (!r)
		r = soft_tpm_public(t, key, &public, err);
	if (r)
		return r;
	a.type = TPM2_ST_ATTEST_CERTIFY;
	info = &a.attested.certify;
	info->name.size = NAME_BYTES;
	r = tconn_name(&public, info->name.name, err);
	if (r)
		return r;
	info->qualifiedName.size = NAME_BYTES;
	tconn_owner_qualified_name(info->name.name, info->qualifiedName.name);
	return sign_attest(t, &a, ret_attest, ret_signature, err);
}

int soft_tpm_activate(const struct soft_tpm *t, const struct tconn_blob *credential,
		      const struct tconn_blob *secret, uint8_t ret[32], struct tconn_error *err)
{
	struct tconn_blob ak;
	uint8_t name[NAME_BYTES];
	int r = soft_tpm_public(t, TCONN_KEY_AK, &ak, err);

	if (!r)
		r = tconn_name(&ak, name, err);
	return r ? r : tconn_open_credential(t->ek, name, credential, secret, ret, err);
}
