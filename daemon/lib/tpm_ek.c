// SPDX-License-Identifier: Apache-2.0
#include "tpm_ek.h"

#include <string.h>

#include "tpm_blob.h"

#define SHA256	TPM2_ALG_SHA256
#define SHA384	TPM2_ALG_SHA384
#define RSA	TPM2_ALG_RSA
#define ECC	TPM2_ALG_ECC

static const struct tconn_ek_kind kinds[] = {
	{ "RSA-2048 (L-1)", 0x01c00002, 0x81010001, RSA, 2048, 0, SHA256, 128, false },
	{ "ECC P-256 (L-2)", 0x01c0000a, 0x81010002, ECC, 0, TPM2_ECC_NIST_P256, SHA256, 128, false },
	{ "RSA-2048 (H-1)", 0x01c00012, 0x81010012, RSA, 2048, 0, SHA256, 128, true },
	{ "ECC P-256 (H-2)", 0x01c00014, 0x81010014, ECC, 0, TPM2_ECC_NIST_P256, SHA256, 128, true },
	{ "RSA-3072 (H-6)", 0x01c0001c, 0x8101001c, RSA, 3072, 0, SHA384, 256, true },
	{ "ECC P-384 (H-3)", 0x01c00016, 0x81010016, ECC, 0, TPM2_ECC_NIST_P384, SHA384, 256, true },
};

/* Policy A, PolicySecret(endorsement), for low templates; policy B for high ones. */
static const uint8_t policy_a_sha256[32] = {
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
	0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
};
static const uint8_t policy_b_sha256[32] = {
	0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
	0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0,
};
static const uint8_t policy_b_sha384[48] = {
	0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
	0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
	0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12,
};

const struct tconn_ek_kind *tconn_ek_kind(size_t i)
{
	return i < sizeof(kinds) / sizeof(kinds[0]) ? &kinds[i] : NULL;
}

static void set_policy(const struct tconn_ek_kind *kind, TPM2B_DIGEST *ret)
{
	const uint8_t *policy = kind->hash == SHA384 ? policy_b_sha384 :
				kind->high ? policy_b_sha256 : policy_a_sha256;

	ret->size = kind->hash == SHA384 ? 48 : 32;
	memcpy(ret->buffer, policy, ret->size);
}

/* The unique field of low templates is zeros, of high ones empty. */
static void fill_rsa(const struct tconn_ek_kind *kind, TPMT_PUBLIC *ret)
{
	TPMS_RSA_PARMS *rsa = &ret->parameters.rsaDetail;

	rsa->symmetric.algorithm = TPM2_ALG_AES;
	rsa->symmetric.keyBits.aes = kind->aes;
	rsa->symmetric.mode.aes = TPM2_ALG_CFB;
	rsa->scheme.scheme = TPM2_ALG_NULL;
	rsa->keyBits = kind->bits;
	rsa->exponent = 0;		/* 65537 */
	ret->unique.rsa.size = kind->high ? 0 : kind->bits / 8;
}

static void fill_ecc(const struct tconn_ek_kind *kind, TPMT_PUBLIC *ret)
{
	TPMS_ECC_PARMS *ecc = &ret->parameters.eccDetail;

	ecc->symmetric.algorithm = TPM2_ALG_AES;
	ecc->symmetric.keyBits.aes = kind->aes;
	ecc->symmetric.mode.aes = TPM2_ALG_CFB;
	ecc->scheme.scheme = TPM2_ALG_NULL;
	ecc->curveID = kind->curve;
	ecc->kdf.scheme = TPM2_ALG_NULL;
	ret->unique.ecc.x.size = kind->high ? 0 : 32;
	ret->unique.ecc.y.size = kind->high ? 0 : 32;
}

void tconn_ek_template(const struct tconn_ek_kind *kind, TPMT_PUBLIC *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->type = kind->type;
	ret->nameAlg = kind->hash;
	ret->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
				TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY |
				TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
	if (kind->high)
		ret->objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	set_policy(kind, &ret->authPolicy);
	if (kind->type == RSA)
		fill_rsa(kind, ret);
	else
		fill_ecc(kind, ret);
}

static bool unique_fits(const struct tconn_ek_kind *kind, const TPMT_PUBLIC *pub)
{
	const uint16_t bytes = kind->curve == TPM2_ECC_NIST_P384 ? 48 : 32;

	if (kind->type == RSA)
		return pub->unique.rsa.size == kind->bits / 8;
	return pub->unique.ecc.x.size == bytes && pub->unique.ecc.y.size == bytes;
}

/* Marshalled, because unions compared with memcmp() would include stale bytes. */
static bool is_kind(const struct tconn_ek_kind *kind, const TPMT_PUBLIC *pub)
{
	struct tconn_blob expected, seen;
	TPMT_PUBLIC template;

	tconn_ek_template(kind, &template);
	if (pub->type != kind->type || !unique_fits(kind, pub))
		return false;
	template.unique = pub->unique;
	return !tconn_blob_pack_public(&template, &expected, NULL) &&
	       !tconn_blob_pack_public(pub, &seen, NULL) && expected.len == seen.len &&
	       !memcmp(expected.data, seen.data, seen.len);
}

const struct tconn_ek_kind *tconn_ek_kind_of(const TPMT_PUBLIC *pub)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_kind(&kinds[i], pub))
			return &kinds[i];
	return NULL;
}
