// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tui/request.h"
#include "tui/utf8.h"

_Static_assert(sizeof(struct tconn_tui_request) == 88, "wire form of the request");
_Static_assert(TCONN_PROOF_MAX <= UINT16_MAX, "the request's proof_len has 16 bits");

/* Checks the header alone, so that tui_request_read knows how much to read. */
static const char *check_header(const struct tconn_tui_request *h)
{
	static const uint8_t zero[sizeof(h->reserved)];
	uint32_t timeout_ms = le32toh(h->timeout_ms);
	struct tconn_look look;

	if (memcmp(h->magic, "TCRQ", sizeof(h->magic)))
		return "the request does not start with TCRQ";
	if (le16toh(h->version) != TCONN_TUI_VERSION)
		return "the request has another version than 2";
	if (h->flags)
		return "the request has flags, and none are known";
	if (timeout_ms < TCONN_TIMEOUT_MIN_MS || timeout_ms > TCONN_TIMEOUT_MAX_MS)
		return "the request's time-out is not within 1000 to 90000 ms";
	if (le32toh(h->statement_len) > TCONN_STATEMENT_MAX)
		return "the request's statement is longer than 8192 bytes";
	if (!tconn_look_unpack(le16toh(h->look), &look))
		return "the request wants a look that there is not";
	if (le16toh(h->phrase_len) > TCONN_PHRASE_MAX)
		return "the request's phrase is longer than 63 bytes";
	if (le16toh(h->proof_len) > TCONN_PROOF_MAX)
		return "the request's proof is over its limit";
	if (memcmp(h->reserved, zero, sizeof(zero)))
		return "the request's reserved bytes are not zero";
	return NULL;
}

/* Bytes behind the header. */
static size_t body_len(const struct tconn_tui_request *h)
{
	return (size_t)le32toh(h->statement_len) + le16toh(h->phrase_len) + le16toh(h->proof_len);
}

/* It is drawn as it is: nothing that ends or hides a line may be in it. */
static bool phrase_valid(const char *phrase, size_t len)
{
	for (size_t at = 0; at < len;) {
		int32_t c = tconn_utf8_next(phrase, len, &at);

		if (c < ' ' || c == 0x7f)
			return false;
	}
	return true;
}

const char *tui_request_parse(const void *buf, size_t len, struct tui_request *ret)
{
	const char *phrase = (const char *)buf + sizeof(struct tconn_tui_request);
	struct tconn_tui_request h;
	const char *wrong;

	if (len < sizeof(h))
		return "the request is shorter than its header of 88 bytes";
	memcpy(&h, buf, sizeof(h));
	wrong = check_header(&h);
	if (wrong)
		return wrong;
	if (len - sizeof(h) != body_len(&h))
		return "the request is not as long as its header says";
	phrase += le32toh(h.statement_len);
	if (!phrase_valid(phrase, le16toh(h.phrase_len)))
		return "the request's phrase is no line of text";
	*ret = (struct tui_request){ 0 };
	memcpy(ret->phrase, phrase, le16toh(h.phrase_len));
	tconn_look_unpack(le16toh(h.look), &ret->look);
	ret->timeout_ms = le32toh(h.timeout_ms);
	memcpy(ret->nonce, h.nonce, sizeof(ret->nonce));
	memcpy(ret->verifier_key, h.verifier_key, sizeof(ret->verifier_key));
	ret->statement = (const uint8_t *)buf + sizeof(h);
	ret->statement_len = le32toh(h.statement_len);
	ret->proof = (const uint8_t *)phrase + le16toh(h.phrase_len);
	ret->proof_len = le16toh(h.proof_len);
	return NULL;
}

/* True once all len bytes are there. */
static bool read_full(int fd, uint8_t *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

const char *tui_request_read(int fd, void *buf, size_t *ret_len)
{
	struct tconn_tui_request h;
	const char *wrong;

	if (!read_full(fd, buf, sizeof(h)))
		return "the request is shorter than its header of 88 bytes";
	memcpy(&h, buf, sizeof(h));
	wrong = check_header(&h);
	if (wrong)
		return wrong;
	if (!read_full(fd, (uint8_t *)buf + sizeof(h), body_len(&h)))
		return "the request is not as long as its header says";
	*ret_len = sizeof(h) + body_len(&h);
	return NULL;
}
