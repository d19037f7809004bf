// SPDX-License-Identifier: Apache-2.0
/*
 * Reads a session's request and reply, and says what the service that asked would
 * find in them:
 *	tui-reply REQUEST REPLY
 *		frame ok | frame WHY
 *		pin DIGITS		where a PIN was entered
 * The request's verifier key must be that of Bob in RFC 7748, section 6.1: then
 * everybody knows its other half.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/lib/frame.h"
#include "daemon/lib/sealed_pin.h"
#include "tui/request.h"

static const uint8_t bob_private[32] = {
	0x5d, 0xab, 0x08, 0x7e, 0x62, 0x4a, 0x8a, 0x4b, 0x79, 0xe1, 0x7f, 0x8b, 0x83, 0x80, 0x0e, 0xe6,
	0x6f, 0x3b, 0xb1, 0x29, 0x26, 0x18, 0xb6, 0xfd, 0x1c, 0x2f, 0x8b, 0x27, 0xff, 0x88, 0xe0, 0xeb,
};

static size_t read_file(const char *path, uint8_t *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t len = f ? fread(buf, 1, size, f) : 0;

	if (f)
		fclose(f);
	return len;
}

static void print_pin(const struct tui_request *q, const struct tconn_record *record,
		      const uint8_t *sealed, size_t len)
{
	const struct tconn_pin_binding to = { q->nonce, q->statement, q->statement_len, record };
	struct tconn_pin pin;

	if (tconn_pin_open(sealed, len, bob_private, q->verifier_key, &to, &pin))
		printf("pin cannot be opened\n");
	else
		printf("pin %.*s\n", pin.len, pin.digits);
}

int main(int argc, char **argv)
{
	static uint8_t request[TUI_REQUEST_MAX], reply[4096];
	size_t request_len = argc == 3 ? read_file(argv[1], request, sizeof(request)) : 0;
	size_t reply_len = argc == 3 ? read_file(argv[2], reply, sizeof(reply)) : 0;
	struct tconn_error err = { "" };
	struct tconn_tui_reply h;
	struct tconn_record record;
	struct tui_request q;

	if (tui_request_parse(request, request_len, &q) || reply_len < sizeof(h))
		return 2;
	memcpy(&h, reply, sizeof(h));
	if (h.record_len != sizeof(record) ||
	    reply_len != sizeof(h) + h.record_len + h.answer_len + h.message_len)
		return 3;
	memcpy(&record, reply + sizeof(h), sizeof(record));
	if (tconn_frame_check(q.statement, q.statement_len, &record, &err))
		printf("frame %s\n", err.text);
	else
		printf("frame ok\n");
	if (h.answer_len)
		print_pin(&q, &record, reply + sizeof(h) + h.record_len, h.answer_len);
	return fflush(stdout) ? 1 : 0;
}
