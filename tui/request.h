/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request on standard input: read with a known bound, then parsed. The
 * form is in protocol.h; the statement in it is checked by statement.h.
 */
#ifndef TCONN_TUI_REQUEST_H
#define TCONN_TUI_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/lib/request_proof.h"
#include "kmod/uapi/tconn.h"
#include "tui/protocol.h"
#include "tui/render.h"

#define TUI_REQUEST_MAX (sizeof(struct tconn_tui_request) + TCONN_STATEMENT_MAX + \
			 TCONN_PHRASE_MAX + TCONN_PROOF_MAX)

struct tui_request {
	uint32_t timeout_ms;
	uint8_t nonce[TCONN_NONCE_SIZE];
	uint8_t verifier_key[TCONN_KEY_SIZE];
	const uint8_t *statement;	/* wire form, borrowed from the buffer */
	uint32_t statement_len;
	struct tconn_look look;
	char phrase[TCONN_PHRASE_MAX + 1];	/* "": none */
	const uint8_t *proof;		/* as it came, borrowed from the buffer */
	uint32_t proof_len;		/* 0: none */
};

/* NULL, or what is wrong with the request (then *ret is untouched). */
const char *tui_request_parse(const void *buf, size_t len, struct tui_request *ret);

/* Reads exactly one request from fd into buf of TUI_REQUEST_MAX bytes. NULL, or
 * what is wrong; *ret_len is then untouched.
 */
const char *tui_request_read(int fd, void *buf, size_t *ret_len);

#endif
