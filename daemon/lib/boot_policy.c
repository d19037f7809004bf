// SPDX-License-Identifier: Apache-2.0
#include "boot_policy.h"

#include <endian.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "identity.h"
#include "pcr.h"
#include "tpm_blob.h"

#define VERSION	1

struct file_header {
	uint8_t magic[4];
	uint16_t version, count;
	uint8_t signer[TCONN_BOOT_KEY];
};
_Static_assert(sizeof(struct file_header) == 264, "boot_policy.h says 264 bytes");

struct file_state {
	uint32_t pcrs;
	uint8_t policy[32];
	uint8_t signature[TCONN_BOOT_KEY];
};
_Static_assert(sizeof(struct file_state) == 292, "boot_policy.h says 292 bytes");

/* -- the file */

static const char *header_fault(const struct file_header *h, size_t len)
{
	if (memcmp(h->magic, "TCBP", 4) != 0)
		return "it does not start with TCBP";
	if (le16toh(h->version) != VERSION)
		return "it is of another version than 1";
	if (le16toh(h->count) < 1 || le16toh(h->count) > TCONN_BOOT_STATES)
		return "it has no states, or more than 8";
	if (len < sizeof(*h) + le16toh(h->count) * sizeof(struct file_state))
		return "it is cut off";
	return NULL;
}

static bool all_zero(const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i])
			return false;
	}
	return true;
}

static int read_state(const uint8_t *at, struct tconn_boot_state *ret, struct tconn_error *err)
{
	struct file_state s;

	memcpy(&s, at, sizeof(s));
	ret->pcrs = le32toh(s.pcrs);
	if (!ret->pcrs || ret->pcrs >> TCONN_PCR_COUNT)
		return tconn_fail(err, -EBADMSG, "PCR mask %#x: PCRs 0 to 23 exist", ret->pcrs);
	memcpy(ret->policy, s.policy, sizeof(ret->policy));
	memcpy(ret->signature, s.signature, sizeof(ret->signature));
	return 0;
}

int tconn_boot_policy_parse(const uint8_t *buf, size_t len, struct tconn_boot_policy *ret,
			    struct tconn_error *err)
{
	struct tconn_boot_policy p = { 0 };
	size_t at = sizeof(struct file_header);
	const char *fault = NULL;
	struct file_header h;

	if (len < sizeof(h) || len > TCONN_BOOT_POLICY_MAX)
		return tconn_fail(err, -EBADMSG, "not a boot policy: %zu bytes are too %s", len,
				  len < sizeof(h) ? "few" : "many");
	memcpy(&h, buf, sizeof(h));
	fault = header_fault(&h, len);
	if (fault)
		return tconn_fail(err, -EBADMSG, "not a boot policy: %s", fault);
	memcpy(p.signer, h.signer, sizeof(p.signer));
	for (; p.count < le16toh(h.count); p.count++, at += sizeof(struct file_state)) {
		if (read_state(buf + at, &p.state[p.count], err))
			return tconn_fail_in(err, -EBADMSG, "not a boot policy");
	}
	if (!all_zero(buf + at, len - at))
		return tconn_fail(err, -EBADMSG, "not a boot policy: something follows its states");
	*ret = p;
	return 0;
}

int tconn_boot_policy_load(const char *path, struct tconn_boot_policy *ret,
			   struct tconn_error *err)
{
	uint8_t buf[TCONN_BOOT_POLICY_MAX];
	FILE *f = fopen(path, "re");
	size_t len;
	int r;

	if (!f)
		return tconn_fail(err, -errno, "boot policy %s: %s", path, strerror(errno));
	len = fread(buf, 1, sizeof(buf), f);
	if (ferror(f))
		r = tconn_fail(err, -EIO, "cannot be read");
	else
		r = tconn_boot_policy_parse(buf, len, ret, err);
	fclose(f);
	return r ? tconn_fail_in(err, r, path) : 0;
}

/* -- the signer */

/* Modulus of a certificate's key. */
static int certificate_modulus(X509 *cert, uint8_t ret[TCONN_BOOT_KEY], struct tconn_error *err)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	BIGNUM *n = NULL, *e = NULL;
	bool good = key && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		    BN_is_word(e, RSA_F4) && BN_num_bits(n) == 8 * TCONN_BOOT_KEY &&
		    BN_bn2binpad(n, ret, TCONN_BOOT_KEY) == TCONN_BOOT_KEY;

	BN_free(n);
	BN_free(e);
	return good ? 0 : tconn_fail(err, -EKEYREJECTED, "its key is not RSA-2048 with exponent 65537");
}

int tconn_boot_policy_check_signer(const struct tconn_boot_policy *p, const char *path,
				   struct tconn_error *err)
{
	uint8_t modulus[TCONN_BOOT_KEY], *der;
	size_t len;
	X509 *cert;
	int r = tconn_certificate_load(path, &der, &len, err);

	if (r)
		return r;
	cert = tconn_certificate_parse(der, len, err);
	free(der);
	if (!cert)
		return -EBADMSG;
	r = certificate_modulus(cert, modulus, err);
	X509_free(cert);
	if (!r && memcmp(modulus, p->signer, sizeof(modulus)) != 0)
		r = tconn_fail(err, -EKEYREJECTED, "the boot policy is signed by another key");
	return r ? tconn_fail_in(err, r, path) : 0;
}

/* -- policy digests: TPM 2.0 Library, part 3, 23.7 and 23.16 */

void tconn_boot_policy_pcr(const struct tconn_pcrs *pcrs, uint8_t ret[32])
{
	static const uint8_t zero[32];
	/* The command's code, and TPML_PCR_SELECTION: one bank, SHA-256, three bytes. */
	const uint8_t command[] = {
		TPM2_CC_PolicyPCR >> 24, TPM2_CC_PolicyPCR >> 16 & 0xff,
		TPM2_CC_PolicyPCR >> 8 & 0xff, TPM2_CC_PolicyPCR & 0xff,
		0, 0, 0, 1, TPM2_ALG_SHA256 >> 8, TPM2_ALG_SHA256 & 0xff, 3,
		pcrs->mask & 0xff, pcrs->mask >> 8 & 0xff, pcrs->mask >> 16 & 0xff,
	};
	uint8_t values[32];
	struct tconn_piece piece[] = {
		{ zero, sizeof(zero) }, { command, sizeof(command) }, { values, sizeof(values) },
	};

	tconn_pcrs_digest(pcrs, pcrs->mask, values);
	tconn_sha256_pieces(piece, 3, ret);
}

void tconn_boot_policy_public(const uint8_t signer[TCONN_BOOT_KEY], TPMT_PUBLIC *ret)
{
	TPMS_RSA_PARMS *rsa = &ret->parameters.rsaDetail;

	memset(ret, 0, sizeof(*ret));
	ret->type = TPM2_ALG_RSA;
	ret->nameAlg = TPM2_ALG_SHA256;
	ret->objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_USERWITHAUTH;
	rsa->symmetric.algorithm = TPM2_ALG_NULL;
	rsa->scheme.scheme = TPM2_ALG_RSASSA;
	rsa->scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
	rsa->keyBits = 8 * TCONN_BOOT_KEY;
	rsa->exponent = 0;		/* 65537 */
	ret->unique.rsa.size = TCONN_BOOT_KEY;
	memcpy(ret->unique.rsa.buffer, signer, TCONN_BOOT_KEY);
}

int tconn_boot_policy_authorize(const uint8_t signer[TCONN_BOOT_KEY], uint8_t ret[32], struct tconn_error *err)
{
	static const uint8_t start[32 + 4] = { [32] = TPM2_CC_PolicyAuthorize >> 24,
					       [33] = TPM2_CC_PolicyAuthorize >> 16 & 0xff,
					       [34] = TPM2_CC_PolicyAuthorize >> 8 & 0xff,
					       [35] = TPM2_CC_PolicyAuthorize & 0xff };
	uint8_t name[34], first[32];
	struct tconn_blob packed;
	TPMT_PUBLIC public;
	int r;

	tconn_boot_policy_public(signer, &public);
	r = tconn_blob_pack_public(&public, &packed, err);
	if (!r)
		r = tconn_name(&packed, name, err);
	if (r)
		return r;
	tconn_sha256_pieces((const struct tconn_piece[]){ { start, sizeof(start) },
							  { name, sizeof(name) } }, 2, first);
	tconn_sha256_pieces((const struct tconn_piece[]){ { first, sizeof(first) },
							  { TCONN_BOOT_POLICY_REF,
							    strlen(TCONN_BOOT_POLICY_REF) } },
			    2, ret);
	return 0;
}
