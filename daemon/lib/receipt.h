/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipt: COSE_Sign1 (RFC 9052), ES256, signed by the service's DATA key.
 * Protected header {1: -7 (ES256), 3: "application/vnd.tconn.receipt+cbor",
 * 33: DATA certificate DER (x5chain of one, RFC 9360)}; payload is the CBOR map of
 * PROTOCOL.md. Tagged (18), and encoded as cbor_util.h says. The device's half is in
 * it (half.h). A PIN is in it only as the TUI sealed it, to a key that is gone.
 */
#ifndef TCONN_RECEIPT_H
#define TCONN_RECEIPT_H

#include "appraise.h"

struct tconn_receipt {
	uint64_t id;
	uint64_t time;			/* seconds since 1970, the service's clock */
	char device[TCONN_IDENTITY_MAX], service[TCONN_IDENTITY_MAX];
	struct tconn_bytes statement;
	struct tconn_record record;
	uint8_t nonce[32];
	uint8_t evidence_digest[32];	/* SHA-256 of the evidence the verdict is about */
	uint32_t status;		/* enum tconn_tui_status */
	struct tconn_bytes answer;	/* sealed, or empty */
	struct tconn_bytes signature, signer;	/* the device's half */
	struct tconn_verdict verdict;
};
void tconn_receipt_free(struct tconn_receipt *r);

/* ECDSA raw r||s made from the DER that tconn_tpm_sign gives. */
int tconn_receipt_sign(const struct tconn_receipt *r, struct tconn_tpm *tpm, const uint8_t *data_cert,
		       size_t data_cert_len, struct tconn_bytes *ret, struct tconn_error *err);
/*
 * Signature, chain of the DATA certificate to trust, service name; then decodes, and
 * checks the device's half in the same way. What the person saw is not looked at:
 * that is tconn_frame_check().
 */
int tconn_receipt_verify(const uint8_t *cose, size_t len, struct x509_store_st *trust,
			 struct tconn_receipt *ret, struct tconn_error *err);

/* The time in it, unchecked: at which its certificates must have been valid. */
int tconn_receipt_time(const uint8_t *cose, size_t len, uint64_t *ret, struct tconn_error *err);

#endif
