/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of PROTOCOL.md: CBOR maps with integer keys, strict: definite
 * lengths only, no unknown keys, no duplicates, no trailing bytes, every string
 * within its limit. message.c is the one place that knows libcbor besides
 * evidence.c and receipt.c; cbor_util.h holds what they share.
 */
#ifndef TCONN_MESSAGE_H
#define TCONN_MESSAGE_H

#include "appraise.h"
#include "evidence.h"

enum tconn_message_type {
	TCONN_MSG_ANY		= 0,	/* on no wire */
	/* enrolment */
	TCONN_MSG_ENROL_REQUEST	= 1,
	TCONN_MSG_ENROL_CHALLENGE = 2,
	TCONN_MSG_ENROL_PROOF	= 3,
	TCONN_MSG_ENROL_RESULT	= 4,
	/* connection */
	TCONN_MSG_HELLO		= 16,	/* device: version, nonce for the service */
	TCONN_MSG_EVIDENCE	= 17,	/* either: nonce for the peer (service only), evidence */
	TCONN_MSG_VERDICT	= 18,	/* either: what I found about you */
	TCONN_MSG_REQUEST	= 19,	/* service: id, nonce, timeout, statement, key, proof */
	TCONN_MSG_ANSWER	= 20,	/* device: id, status, record, answer, evidence, signature, signer */
	TCONN_MSG_RECEIPT	= 21,	/* service: id, receipt */
	TCONN_MSG_ATTEST	= 22,	/* service: nonce; the device answers with EVIDENCE */
	TCONN_MSG_ITEM		= 23,	/* either: labelled data; the device's answers FETCH */
	TCONN_MSG_TAKEN		= 24,	/* either: what became of an ITEM */
	TCONN_MSG_FETCH		= 25,	/* service: what have you got? */
	TCONN_MSG_REFUSAL	= 31,	/* either: code and reason in words; then close */
};

/* One struct for all; fields unused by a type stay zero. Owned bytes are freed
 * by tconn_message_free().
 */
struct tconn_message {
	enum tconn_message_type type;
	uint64_t id;			/* REQUEST, ANSWER, RECEIPT, ITEM, TAKEN */
	uint32_t version;		/* HELLO */
	uint8_t nonce[32];		/* HELLO, EVIDENCE (service), REQUEST */
	bool has_nonce;
	struct tconn_held held;		/* HELLO, EVIDENCE (service), REQUEST, ATTEST: of your IMA log */
	uint32_t timeout_ms;		/* REQUEST */
	uint8_t verifier_key[32];	/* REQUEST: X25519, for this request alone */
	struct tconn_bytes statement;	/* REQUEST: statement.h, at most TCONN_STATEMENT_MAX */
	struct tconn_bytes proof;	/* REQUEST: request_proof.h; empty: none */
	uint32_t status;		/* ANSWER: enum tconn_tui_status */
	struct tconn_bytes record;	/* ANSWER: empty or struct tconn_record */
	struct tconn_bytes answer;	/* ANSWER: empty, or a sealed PIN (sealed_pin.h) */
	struct tconn_bytes signature, signer;	/* ANSWER: half.h */
	struct tconn_bytes evidence;	/* EVIDENCE (empty: the sender does not attest), ANSWER: evidence.h encoding */
	struct tconn_bytes receipt;	/* RECEIPT: COSE_Sign1 */
	struct tconn_bytes label;	/* ITEM: of one item (label.h); empty, to a FETCH: there is none */
	struct tconn_bytes item;	/* ITEM: its data */
	struct tconn_verdict verdict;	/* VERDICT */
	uint32_t code;			/* REFUSAL, TAKEN: positive errno; TAKEN: 0 where it was taken */
	char text[512];			/* REFUSAL and TAKEN reason, ANSWER message; UTF-8 */
	/* enrolment */
	struct tconn_blob ek, ak, tls, data;			/* REQUEST: TPMT_PUBLIC */
	struct tconn_bytes ek_cert, ek_chain;			/* REQUEST */
	enum tconn_role role; char name[TCONN_IDENTITY_MAX];	/* REQUEST */
	struct tconn_blob credential, secret;			/* CHALLENGE */
	struct tconn_blob certify_tls, certify_tls_sig, certify_data, certify_data_sig; /* PROOF */
	struct tconn_bytes cert_ak, cert_tls, cert_data;	/* RESULT: DER */
};
void tconn_message_free(struct tconn_message *m);

int tconn_message_encode(const struct tconn_message *m, struct tconn_bytes *ret, struct tconn_error *err);
int tconn_message_decode(const uint8_t *buf, size_t len, struct tconn_message *ret, struct tconn_error *err);

/* SHA-256 over what an ANSWER's quote covers: "tconn-answer-1" || id u64 BE ||
 * status u32 BE || SHA-256(statement) || SHA-256(record) || SHA-256(answer).
 */
void tconn_answer_digest(const struct tconn_message *answer, const uint8_t *statement, size_t statement_len,
			 uint8_t ret[32]);

#endif
