/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that a request is a service's: its DATA key signs what the request asks and the
 * key that the answer is for. tconn-serviced puts it into each REQUEST, tconnd passes it
 * on, and tconn-tui looks at it before it shows anything, where the device's policy says
 * who vouches for services (service-ca). So nobody in between can put in another key.
 *
 *	signature	ECDSA P-256 with SHA-256 over "tconn-request-1" || nonce (32) ||
 *			verifier key (32) || SHA-256(statement) (32)
 *	signer		the service's DATA certificate, as in receipts
 *	issuer		the certificate that vouches for it, and for itself
 *
 * It names no device: one that was made for another device is as good. But what is sealed
 * to its key, only the service opens, and the record says which device it was.
 */
#ifndef TCONN_REQUEST_PROOF_H
#define TCONN_REQUEST_PROOF_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "identity.h"

#define TCONN_PROOF_SIGNATURE_MAX	72	/* bytes, DER */
#define TCONN_PROOF_CERTIFICATE_MAX	8192	/* bytes, DER */
#define TCONN_PROOF_MAX	(sizeof(struct tconn_proof_header) + TCONN_PROOF_SIGNATURE_MAX + \
			 2 * TCONN_PROOF_CERTIFICATE_MAX)

/* Wire form, little-endian: 108 bytes, then signature, signer and issuer. What was signed
 * is told, so that who compares can say what differs.
 */
struct tconn_proof_header {
	uint8_t magic[4];	/* "TCSP" */
	uint16_t version;	/* 1 */
	uint16_t signature_len;	/* 1..TCONN_PROOF_SIGNATURE_MAX */
	uint16_t signer_len, issuer_len;	/* 1..TCONN_PROOF_CERTIFICATE_MAX */
	uint8_t nonce[32], verifier_key[32];
	uint8_t statement[32];	/* SHA-256 */
};

struct tconn_proof_of {			/* what a request asks; borrowed */
	const uint8_t *nonce, *verifier_key;	/* 32 bytes each */
	const uint8_t *statement;
	size_t statement_len;
};

struct tconn_proof {			/* all borrowed */
	const uint8_t *signature, *signer, *issuer;
	size_t signature_len, signer_len, issuer_len;
};

/* What is signed. */
void tconn_proof_digest(const struct tconn_proof_of *of, uint8_t ret[32]);

/* Bytes in buf of TCONN_PROOF_MAX, or 0: a part is over its limit. */
size_t tconn_proof_encode(const struct tconn_proof *p, const struct tconn_proof_of *of,
			  uint8_t *buf);

/*
 * -ENODATA: there is none; -EBADMSG: not of this form; -EKEYREJECTED: for another nonce,
 * key or statement, of another issuer than the one with this digest (SHA-256 over DER), not
 * of a service, not valid now, not signed by its key. The issuer's bytes are compared before
 * anything is read as a certificate.
 */
int tconn_proof_verify(const uint8_t *proof, size_t len, const struct tconn_proof_of *of,
		       const uint8_t issuer_digest[32], struct tconn_identity *ret,
		       struct tconn_error *err);

#endif
