// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <string.h>

#include "selftests/tui/compose.h"

static size_t put(uint8_t *buf, size_t at, const void *data, size_t len)
{
	memcpy(buf + at, data, len);
	return at + len;
}

static size_t put16(uint8_t *buf, size_t at, uint16_t v)
{
	v = htole16(v);
	return put(buf, at, &v, sizeof(v));
}

static size_t put32(uint8_t *buf, size_t at, uint32_t v)
{
	v = htole32(v);
	return put(buf, at, &v, sizeof(v));
}

size_t compose_statement(uint8_t buf[static TCONN_STATEMENT_MAX], uint16_t kind, uint16_t pin_min,
			 uint16_t pin_max, const char *text, size_t text_len)
{
	size_t at = put(buf, 0, "TCST", 4);

	at = put16(buf, at, 1);
	at = put16(buf, at, kind);
	at = put32(buf, at, (uint32_t)text_len);
	at = put16(buf, at, pin_min);
	at = put16(buf, at, pin_max);
	return put(buf, at, text, text_len);
}

size_t compose_request(uint8_t buf[static COMPOSE_MAX], uint32_t timeout_ms,
		       const uint8_t *statement, size_t statement_len)
{
	static const uint8_t zero[8];
	uint8_t nonce[TCONN_NONCE_SIZE], verifier_key[TCONN_KEY_SIZE];
	size_t at = put(buf, 0, "TCRQ", 4);

	memset(nonce, 0x5a, sizeof(nonce));
	memset(verifier_key, 0x9, sizeof(verifier_key));
	at = put16(buf, at, TCONN_TUI_VERSION);
	at = put16(buf, at, 0);
	at = put32(buf, at, timeout_ms);
	at = put32(buf, at, (uint32_t)statement_len);
	at = put(buf, at, nonce, sizeof(nonce));
	at = put(buf, at, verifier_key, sizeof(verifier_key));
	at = put(buf, at, zero, sizeof(zero));
	return put(buf, at, statement, statement_len);
}

size_t compose_look(uint8_t buf[static COMPOSE_MAX], size_t len, struct tconn_look look,
		    const char *phrase)
{
	put16(buf, offsetof(struct tconn_tui_request, look), tconn_look_pack(look));
	put16(buf, offsetof(struct tconn_tui_request, phrase_len), (uint16_t)strlen(phrase));
	return put(buf, len, phrase, strlen(phrase));
}

size_t compose_proof(uint8_t buf[static COMPOSE_MAX], size_t len, const uint8_t *proof,
		     size_t proof_len)
{
	put16(buf, offsetof(struct tconn_tui_request, proof_len), (uint16_t)proof_len);
	return put(buf, len, proof, proof_len);
}
