/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's half of a receipt: what came of a request, signed by the device's
 * DATA key. With it a receipt is no longer the service's word alone.
 */
#ifndef TCONN_HALF_H
#define TCONN_HALF_H

#include "evidence.h"
#include "identity.h"

#define TCONN_HALF_SIGNATURE_MAX	72	/* bytes, DER */
#define TCONN_HALF_SIGNER_MAX		8192	/* bytes, DER */

struct tconn_half {			/* all borrowed */
	uint64_t id;
	uint32_t status;		/* enum tconn_tui_status */
	const uint8_t *nonce;		/* 32 bytes */
	struct tconn_bytes statement, record;
	struct tconn_bytes answer;	/* as sealed by the TUI, or empty */
	struct tconn_bytes signature;	/* DER ECDSA-Sig-Value */
	struct tconn_bytes signer;	/* DATA certificate, DER */
};

/* SHA-256( "tconn-half-1" || id (8, big-endian) || status (4, big-endian) || nonce (32)
 * || SHA-256(statement) || SHA-256(record) || SHA-256(answer) ): what is signed.
 */
void tconn_half_digest(const struct tconn_half *h, uint8_t ret[32]);

/* With the TPM's DATA key; ret is malloc'ed. */
int tconn_half_sign(const struct tconn_half *h, struct tconn_tpm *tpm, struct tconn_bytes *ret,
		    struct tconn_error *err);

/* Chain to trust, the device's name, signature. -EKEYREJECTED where one is wrong. */
int tconn_half_verify(const struct tconn_half *h, struct x509_store_st *trust, const char *device,
		      struct tconn_error *err);

#endif
