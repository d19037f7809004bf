// SPDX-License-Identifier: Apache-2.0
/*
 * Messages of a PIN's session, and EKs that it is salted to: what is accepted is written in one way
 * alone, is within its limits, and no made-up answer passes for the TPM's.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/lib/digest.h"
#include "daemon/lib/pin_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const uint8_t *data, size_t size)
{
	const struct tconn_pin_session s = { .what = TCONN_PIN_SIGN };
	struct tconn_pin_message again;
	struct tconn_pin_parts p = { 0 };
	struct tconn_error err = { "" };

	if (tconn_pin_message_parse(data, size, &p, &err)) {
		if (!err.text[0] || p.type)
			abort();
		return;
	}
	tconn_pin_message_build(&p, &again);
	if (again.len != size || memcmp(again.data, data, size) != 0)
		abort();
	if (p.body_len && (p.body < data || p.body + p.body_len != data + size))
		abort();
	if (tconn_pin_session_result(&s, data, size, &p, &err) == 0)
		abort();
}

static void check_ek(const uint8_t *data, size_t size)
{
	struct tconn_pin_session s;
	struct tconn_pin_message open;
	struct tconn_pin_parts p;
	struct tconn_error err = { "" };
	uint8_t id[32];

	tconn_sha256(data, size, id);
	if (tconn_pin_session_open(&s, id, data, size, &open, &err))
		return;
	if (tconn_pin_message_parse(open.data, open.len, &p, &err) || p.type != TCONN_PIN_OPEN ||
	    memcmp(p.nonce, s.nonce_caller, 32) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_message(data, size);
	check_ek(data, size);
	return 0;
}
