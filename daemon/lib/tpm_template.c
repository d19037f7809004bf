// SPDX-License-Identifier: Apache-2.0
#include "tpm_template.h"

#include <errno.h>
#include <string.h>

#include "digest.h"
#include "tpm_blob.h"

#define FIXED	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN)

const char *tconn_key_label(enum tconn_key key)
{
	switch (key) {
	case TCONN_KEY_AK:
		return "AK";
	case TCONN_KEY_TLS:
		return "TLS";
	case TCONN_KEY_DATA:
		return "DATA";
	}
	return "?";
}

/* What all have in common; attributes and algorithms are the caller's to add. */
static void ecc_template(const char *label, TPMT_PUBLIC *ret)
{
	struct tconn_piece piece[] = { { "tconn-key-1 ", 12 }, { label, strlen(label) } };

	memset(ret, 0, sizeof(*ret));
	ret->type = TPM2_ALG_ECC;
	ret->nameAlg = TPM2_ALG_SHA256;
	ret->objectAttributes = FIXED | TPMA_OBJECT_NODA;
	ret->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	ret->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	ret->unique.ecc.x.size = 32;
	tconn_sha256_pieces(piece, 2, ret->unique.ecc.x.buffer);
	ret->unique.ecc.y.size = 32;
}

void tconn_template_key(enum tconn_key key, const uint8_t *policy, TPMT_PUBLIC *ret)
{
	TPMS_ECC_PARMS *ecc = &ret->parameters.eccDetail;

	ecc_template(tconn_key_label(key), ret);
	ret->objectAttributes |= TPMA_OBJECT_SIGN_ENCRYPT;
	if (policy) {
		ret->authPolicy.size = 32;
		memcpy(ret->authPolicy.buffer, policy, 32);
	} else {
		ret->objectAttributes |= TPMA_OBJECT_USERWITHAUTH;
	}
	if (key == TCONN_KEY_AK)
		ret->objectAttributes |= TPMA_OBJECT_RESTRICTED;
	ecc->symmetric.algorithm = TPM2_ALG_NULL;
	ecc->scheme.scheme = TPM2_ALG_ECDSA;
	ecc->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
}

void tconn_template_storage(TPMT_PUBLIC *ret)
{
	TPMS_ECC_PARMS *ecc = &ret->parameters.eccDetail;

	ecc_template("STORAGE", ret);
	ret->objectAttributes |= TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED |
				 TPMA_OBJECT_DECRYPT;
	ecc->symmetric.algorithm = TPM2_ALG_AES;
	ecc->symmetric.keyBits.aes = 128;
	ecc->symmetric.mode.aes = TPM2_ALG_CFB;
	ecc->scheme.scheme = TPM2_ALG_NULL;
}

/* Marshalled, because unions compared with memcmp() would include stale bytes. */
static bool same_but_unique(TPMT_PUBLIC *template, const TPMT_PUBLIC *pub)
{
	struct tconn_blob expected, seen;

	template->unique = pub->unique;
	return !tconn_blob_pack_public(template, &expected, NULL) &&
	       !tconn_blob_pack_public(pub, &seen, NULL) && expected.len == seen.len &&
	       !memcmp(expected.data, seen.data, seen.len);
}

const uint8_t *tconn_template_policy(const TPMT_PUBLIC *pub)
{
	if (pub->objectAttributes & TPMA_OBJECT_USERWITHAUTH || pub->authPolicy.size != 32)
		return NULL;
	return pub->authPolicy.buffer;
}

bool tconn_template_is_key(enum tconn_key key, const uint8_t *policy, const TPMT_PUBLIC *pub)
{
	TPMT_PUBLIC template;

	tconn_template_key(key, policy, &template);
	return pub->type == TPM2_ALG_ECC && same_but_unique(&template, pub);
}

static const char *signer_algorithms_wrong(const TPMT_PUBLIC *pub)
{
	const TPMS_ECC_PARMS *ecc = &pub->parameters.eccDetail;

	if (pub->type != TPM2_ALG_ECC || pub->nameAlg != TPM2_ALG_SHA256 ||
	    ecc->curveID != TPM2_ECC_NIST_P256)
		return "it is not an ECC P-256 key with a SHA-256 name";
	if (ecc->scheme.scheme != TPM2_ALG_ECDSA ||
	    ecc->scheme.details.ecdsa.hashAlg != TPM2_ALG_SHA256)
		return "its scheme is not ECDSA with SHA-256";
	if (ecc->symmetric.algorithm != TPM2_ALG_NULL || ecc->kdf.scheme != TPM2_ALG_NULL)
		return "it names a symmetric algorithm or a KDF";
	return NULL;
}

static const char *signer_attributes_wrong(TPMA_OBJECT attributes, bool restricted)
{
	if ((attributes & FIXED) != FIXED)
		return "it may leave its TPM or was made outside (fixedTPM, fixedParent, sensitiveDataOrigin)";
	if (!(attributes & TPMA_OBJECT_SIGN_ENCRYPT) ||
	    attributes & (TPMA_OBJECT_DECRYPT | TPMA_OBJECT_X509SIGN))
		return "it is not a key for signing and nothing else";
	if (attributes & (TPMA_OBJECT_ENCRYPTEDDUPLICATION | TPMA_OBJECT_STCLEAR))
		return "it is duplicable or lasts only until the next start";
	if (restricted && !(attributes & TPMA_OBJECT_RESTRICTED))
		return "it is not restricted, so it could sign a forged quote";
	if (!restricted && attributes & TPMA_OBJECT_RESTRICTED)
		return "it is restricted";
	return NULL;
}

int tconn_template_check_signer(const TPMT_PUBLIC *pub, bool restricted, struct tconn_error *err)
{
	const char *wrong = signer_algorithms_wrong(pub);

	if (!wrong)
		wrong = signer_attributes_wrong(pub->objectAttributes, restricted);
	if (wrong)
		return tconn_fail(err, -EKEYREJECTED, "key refused: %s", wrong);
	return 0;
}
