/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between tconnd and the TUI it starts: one request on standard input, one
 * reply on standard output, then the TUI exits. Little-endian, no padding.
 *
 * Exit codes of tconn-tui: 0 a reply was written (its status says what
 * happened); 2 usage; 3 the request was malformed; 4 the reply could not be
 * written.
 */
#ifndef TCONN_TUI_PROTOCOL_H
#define TCONN_TUI_PROTOCOL_H

#include <stdint.h>

#define TCONN_TUI_VERSION	2
#define TCONN_TUI_MESSAGE_MAX	512	/* bytes of UTF-8 */
#define TCONN_TUI_ANSWER_MAX	64	/* bytes: a sealed PIN */

/* All that may be shown without a proof where the policy wants one: a notice with just this
 * text, which tconnd asks for when the attention key was pressed.
 */
#define TCONN_TUI_ATTENTION	"This is the trusted screen of this device.\n\n" \
				"No service asks for anything on it now."

/* 88 bytes, then statement_len bytes (statement.h), then phrase_len, then proof_len. */
struct tconn_tui_request {
	uint8_t magic[4];	/* "TCRQ" */
	uint16_t version;	/* TCONN_TUI_VERSION */
	uint16_t flags;		/* 0 */
	uint32_t timeout_ms;	/* TCONN_TIMEOUT_MIN_MS..TCONN_TIMEOUT_MAX_MS */
	uint32_t statement_len;
	uint8_t nonce[32];
	uint8_t verifier_key[32];	/* X25519; the module's BIND takes it, a PIN is sealed to it */
	uint16_t look;		/* tconn_look_pack() of look.h */
	uint16_t phrase_len;	/* bytes of UTF-8, 0..TCONN_PHRASE_MAX; 0: none was set up */
	uint16_t proof_len;	/* daemon/lib/request_proof.h; 0: there is none */
	uint8_t reserved[2];	/* zero */
};

enum tconn_tui_status {
	TCONN_TUI_DECIDED	= 0,	/* record valid */
	TCONN_TUI_ABORTED	= 1,	/* record valid, its cause says why */
	TCONN_TUI_REFUSED	= 2,	/* the module refused; message says why */
	TCONN_TUI_STATEMENT	= 3,	/* statement refused; message says why */
	TCONN_TUI_NO_DISPLAY	= 4,
	TCONN_TUI_NO_MODULE	= 5,	/* no /dev/tconn, or another ABI */
	TCONN_TUI_UNTRUSTED	= 6,	/* decided on the development backend: worth nothing */
	TCONN_TUI_FAILED	= 7,	/* anything else; message says what */
	TCONN_TUI_UNPROVEN	= 8,	/* not proven to be of a service that the policy's
					 * service-ca vouches for: nothing was shown
					 */
};
#define TCONN_TUI_STATUS_MAX	TCONN_TUI_UNPROVEN

/* 32 bytes, then record_len, answer_len and message_len bytes in that order. */
struct tconn_tui_reply {
	uint8_t magic[4];	/* "TCRP" */
	uint16_t version;	/* TCONN_TUI_VERSION */
	uint16_t status;	/* enum tconn_tui_status */
	int32_t error;		/* errno of the refusing call, or statement error, or 0 */
	uint32_t refusal;	/* enum tconn_refusal, from TCONN_IOC_STATUS */
	uint32_t record_len;	/* 0 or sizeof(struct tconn_record) */
	uint32_t answer_len;	/* 0, or TCONN_TUI_ANSWER_MAX: daemon/lib/sealed_pin.h */
	uint32_t message_len;	/* 0..TCONN_TUI_MESSAGE_MAX */
	uint32_t reserved;	/* zero */
};

#endif
