/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TAM of one machine: a TPM 2.0 through ESAPI. One context is used by one
 * thread at a time (tpm.c holds a mutex, so sharing a context is safe). No
 * private key ever leaves the TPM.
 *
 * Keys, persistent, owner hierarchy, ECC P-256, fixedTPM | fixedParent |
 * sensitiveDataOrigin, noDA; userWithAuth with an empty password, or, where the TPM was opened
 * for a boot policy, none, and authPolicy of the owner who signs boot states (boot_policy.h):
 *	AK	0x81010010	restricted sign, ECDSA-SHA256: quotes and Certify only
 *	TLS	0x81010011	unrestricted sign, ECDSA-SHA256
 *	DATA	0x81010012	unrestricted sign, ECDSA-SHA256: receipts, labels
 * A key that a PIN authorises may be at 0x81010013: pin_key.h.
 * The EK is of the first kind in tpm_ek.h whose certificate the TPM holds; it is made when
 * needed. Certificates between it and its maker's root are read from NV too.
 * What boot_seal.c seals is below a storage key, ECC P-256, made when needed.
 * Commands that carry secrets use a session salted to the EK or the primary
 * and encrypt parameters (bus interposers).
 *
 * Functions return 0 or a negative errno, and fill err.
 */
#ifndef TCONN_TPM_H
#define TCONN_TPM_H

#include <stddef.h>
#include <stdint.h>
#include "error.h"

#define TCONN_PCR_COUNT		24
#define TCONN_EK_CHAIN_MAX	16384	/* bytes of certificates between the EK's and its root */
#define TCONN_TPM_BUF		2048	/* no TPM structure we move is larger */

enum tconn_key {
	TCONN_KEY_AK	= 0x81010010,
	TCONN_KEY_TLS	= 0x81010011,
	TCONN_KEY_DATA	= 0x81010012,
};

struct tconn_blob {		/* a marshalled TPM structure */
	uint16_t len;
	uint8_t data[TCONN_TPM_BUF];
};

struct tconn_pcrs {
	uint32_t mask;				/* bit n: digest[n] is valid */
	uint8_t digest[TCONN_PCR_COUNT][32];	/* sha256 bank */
};

struct tconn_quote {
	struct tconn_blob attest;		/* TPMS_ATTEST */
	struct tconn_blob signature;		/* TPMT_SIGNATURE */
	struct tconn_pcrs pcrs;			/* values the quote's pcrDigest covers */
};

struct tconn_tpm;

/* tcti: a TCTI loader string such as "device:/dev/tpmrm0" or "swtpm:port=2321". */
int tconn_tpm_open(const char *tcti, struct tconn_tpm **ret, struct tconn_error *err);
void tconn_tpm_close(struct tconn_tpm *tpm);	/* accepts NULL */

/* Keys are sealed to the boot states of this file (boot_policy.h): tconn_tpm_make_keys() makes such,
 * all else uses them. Before any of these; path NULL: they are not sealed.
 */
int tconn_tpm_use_boot_policy(struct tconn_tpm *tpm, const char *path, struct tconn_error *err);

/* Makes AK, TLS and DATA keys where absent; wrong attributes at a handle are an error. */
int tconn_tpm_make_keys(struct tconn_tpm *tpm, struct tconn_error *err);

/* Public areas: TPMT_PUBLIC marshalled (Name = 0x000b || SHA-256 of it). */
int tconn_tpm_ek_public(struct tconn_tpm *tpm, struct tconn_blob *ret, struct tconn_error *err);
int tconn_tpm_key_public(struct tconn_tpm *tpm, enum tconn_key key, struct tconn_blob *ret,
			 struct tconn_error *err);
/* DER from NV; *ret is malloc'ed. -ENOENT where the TPM holds none. */
int tconn_tpm_ek_certificate(struct tconn_tpm *tpm, uint8_t **ret, size_t *ret_len,
			     struct tconn_error *err);

/* Certificates that lead from the EK's to a root, one after the other, DER; of none *ret_len is 0.
 * -EMSGSIZE over size.
 */
int tconn_tpm_ek_chain(struct tconn_tpm *tpm, uint8_t *ret, size_t size, size_t *ret_len,
		       struct tconn_error *err);

/* ECDSA over a SHA-256 digest; ret is a DER ECDSA-Sig-Value, at most 72 bytes. */
int tconn_tpm_sign(struct tconn_tpm *tpm, enum tconn_key key, const uint8_t digest[32],
		   uint8_t ret[72], size_t *ret_len, struct tconn_error *err);

/* One signature, thrown away: says at a program's start, and in words, what else would end each
 * handshake.
 */
int tconn_tpm_try_key(struct tconn_tpm *tpm, enum tconn_key key, struct tconn_error *err);

/* Quote by the AK of the PCRs in mask; values read again until they match. */
int tconn_tpm_quote(struct tconn_tpm *tpm, uint32_t mask, const uint8_t qualifying[32],
		    struct tconn_quote *ret, struct tconn_error *err);

/* TPM2_Certify of key by the AK. */
int tconn_tpm_certify(struct tconn_tpm *tpm, enum tconn_key key, const uint8_t qualifying[32],
		      struct tconn_blob *ret_attest, struct tconn_blob *ret_signature,
		      struct tconn_error *err);

/* TPM2_ActivateCredential: blob and secret as from MakeCredential; ret gets the 32-byte credential.
 * -EKEYREJECTED where the credential is for another EK or another AK.
 */
int tconn_tpm_activate(struct tconn_tpm *tpm, const struct tconn_blob *credential,
		       const struct tconn_blob *secret, uint8_t ret[32], struct tconn_error *err);

int tconn_tpm_pcr_read(struct tconn_tpm *tpm, uint32_t mask, struct tconn_pcrs *ret,
		       struct tconn_error *err);
int tconn_tpm_pcr_extend(struct tconn_tpm *tpm, unsigned int pcr, const uint8_t digest[32],
			 struct tconn_error *err);
/* For nonces: the bytes travel over the TPM's bus in the clear. */
int tconn_tpm_random(struct tconn_tpm *tpm, void *buf, size_t len, struct tconn_error *err);

/*
 * OpenSSL: an EVP_PKEY whose private half is the TPM's key. Signing is done by
 * a small in-process provider (keymgmt + signature), all else by the default
 * provider. The EVP_PKEY borrows tpm and must die before it. tpm_provider.c.
 */
struct evp_pkey_st;
int tconn_tpm_pkey(struct tconn_tpm *tpm, enum tconn_key key, struct evp_pkey_st **ret,
		   struct tconn_error *err);

/*
 * The verifier's half; no TPM needed, OpenSSL and tss2-mu only. tpm_verify.c.
 */
struct tconn_quote_info {
	uint8_t qualifying[32];
	uint8_t pcr_digest[32];
	uint8_t signer[34];			/* the AK's Qualified Name, by SHA-256 */
	uint32_t pcr_mask;			/* sha256 bank; another bank is an error */
	uint32_t reset_count, restart_count;
	uint64_t clock, firmware_version;
	uint8_t safe;
};
/* Checks magic, type, signature by ak (TPMT_PUBLIC). -EBADMSG malformed, -EKEYREJECTED signature. */
int tconn_quote_verify(const struct tconn_blob *ak, const struct tconn_blob *attest,
		       const struct tconn_blob *signature, struct tconn_quote_info *ret,
		       struct tconn_error *err);
/* resetCount and restartCount alone, nothing checked: for the TPM's own machine. */
int tconn_quote_counts(const struct tconn_blob *attest, uint32_t *ret_reset,
		       uint32_t *ret_restart, struct tconn_error *err);
/* The TPM's clock alone, likewise. */
int tconn_quote_clock(const struct tconn_blob *attest, uint64_t *ret_ms, struct tconn_error *err);
/* qualifyingData alone, nothing checked. -EBADMSG where it has no 32 bytes. */
int tconn_quote_qualifying(const struct tconn_blob *attest, uint8_t ret[32],
			   struct tconn_error *err);
/* Checks a Certify: magic, type, qualifying, Name and attributes of key, signature by ak. */
int tconn_certify_verify(const struct tconn_blob *ak, const struct tconn_blob *key,
			 const struct tconn_blob *attest, const struct tconn_blob *signature,
			 const uint8_t qualifying[32], struct tconn_error *err);
/* Of a primary key of the owner hierarchy, from its Name (part 1, 16: QN = H(QN of the parent || Name)). */
void tconn_owner_qualified_name(const uint8_t name[34], uint8_t ret[34]);
/* All three can be used by the same policy, or by none. -EKEYREJECTED if not. */
int tconn_keys_check_alike(const struct tconn_blob *ak, const struct tconn_blob *tls,
			   const struct tconn_blob *data, struct tconn_error *err);
/* AK: restricted, sign, not decrypt, fixedTPM, fixedParent, sensitiveDataOrigin, ECC P-256 ECDSA-SHA256. */
int tconn_ak_check(const struct tconn_blob *ak, struct tconn_error *err);
/* EK: byte for byte one of the TCG templates in tpm_ek.h but for its unique field, so that one EK
 * has one id.
 */
int tconn_ek_check(const struct tconn_blob *ek, struct tconn_error *err);
/* 34 bytes: 000b and SHA-256 of the TPMT_PUBLIC. */
int tconn_name(const struct tconn_blob *pub, uint8_t ret[34], struct tconn_error *err);
/* TPMT_PUBLIC (ECC or RSA) -> EVP_PKEY. */
int tconn_public_to_pkey(const struct tconn_blob *pub, struct evp_pkey_st **ret, struct tconn_error *err);
/* In software: TPM2_MakeCredential for an EK of any of these kinds over a full Name. */
int tconn_make_credential(const struct tconn_blob *ek, const uint8_t name[34],
			  const uint8_t credential[32], struct tconn_blob *ret_credential,
			  struct tconn_blob *ret_secret, struct tconn_error *err);
/* What TPM2_ActivateCredential does, for who has an ECC P-256 EK's private half in software: a
 * simulated TPM. -EBADMSG malformed, -EKEYREJECTED for another EK or another Name.
 */
int tconn_open_credential(struct evp_pkey_st *ek, const uint8_t name[34],
			  const struct tconn_blob *credential, const struct tconn_blob *secret,
			  uint8_t ret[32], struct tconn_error *err);

#endif
