/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret that one TPM alone can recover, shared with a decryption key of it in software (TPM 2.0
 * Library, part 1, annexes B.10 for RSA and C.6 for ECC): what credentials and salted sessions
 * begin with. libcrypto only.
 */
#ifndef TCONN_TPM_SECRET_H
#define TCONN_TPM_SECRET_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define TCONN_SECRET_SEED	48	/* bytes of the largest digest */
#define TCONN_SECRET_MAX	384	/* of what travels: an RSA-3072 block */

struct tconn_secret_key {
	EVP_PKEY *pkey;
	const EVP_MD *md;		/* of its nameAlg */
	size_t digest;			/* bytes of that, and of the seed */
	size_t coordinate;		/* bytes; 0: RSA */
};

/* label is "IDENTITY", "SECRET"...; its zero byte belongs to it. secret is the buffer of a
 * TPM2B_ENCRYPTED_SECRET.
 */
bool tconn_secret_share(const struct tconn_secret_key *with, const char *label,
			uint8_t seed[TCONN_SECRET_SEED], uint8_t secret[TCONN_SECRET_MAX],
			size_t *ret_len);

/* The same seed, for an ECC key whose private half is in software: point is what travelled. */
bool tconn_secret_recover(const struct tconn_secret_key *own, const char *label, EVP_PKEY *point,
			  uint8_t seed[TCONN_SECRET_SEED]);

/* The salt of a session, for an EK of one of the kinds in tpm_ek.h: its TPMT_PUBLIC, marshalled.
 * -EBADMSG: it is none.
 */
int tconn_secret_salt(const void *ek, size_t ek_len, uint8_t salt[TCONN_SECRET_SEED], size_t *ret_salt_len,
		      uint8_t secret[TCONN_SECRET_MAX], size_t *ret_len, struct tconn_error *err);

#endif
