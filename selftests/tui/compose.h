/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for tconn-tui, right ones and wrong ones, for tests and by hand. */
#ifndef SELFTESTS_TUI_COMPOSE_H
#define SELFTESTS_TUI_COMPOSE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/lib/request_proof.h"
#include "kmod/uapi/tconn.h"
#include "tui/protocol.h"
#include "tui/render.h"
#include "tui/statement.h"

#define COMPOSE_MAX (sizeof(struct tconn_tui_request) + TCONN_STATEMENT_MAX + \
		     TCONN_PHRASE_MAX + TCONN_PROOF_MAX)

/* The statement's header and text as given, unchecked; returns its length. */
size_t compose_statement(uint8_t buf[static TCONN_STATEMENT_MAX], uint16_t kind, uint16_t pin_min,
			 uint16_t pin_max, const char *text, size_t text_len);

/* A request with a time-out of timeout_ms and a nonce of 0x5a, a key of 0x09; returns its length. */
size_t compose_request(uint8_t buf[static COMPOSE_MAX], uint32_t timeout_ms,
		       const uint8_t *statement, size_t statement_len);

/* Sets the look of a request and appends a phrase; returns its new length. */
size_t compose_look(uint8_t buf[static COMPOSE_MAX], size_t len, struct tconn_look look,
		    const char *phrase);

/* Appends a proof, which comes last; returns its new length. */
size_t compose_proof(uint8_t buf[static COMPOSE_MAX], size_t len, const uint8_t *proof,
		     size_t proof_len);

#endif
