// SPDX-License-Identifier: Apache-2.0
/*
 * A request for tconn-tui, then what happens in its dialog, one byte each, then
 * one byte that says how many those are. A dialog never holds more digits than
 * the statement allows, nor gives a decision that its kind does not have.
 */
#include <stdlib.h>
#include <string.h>

#include "tui/dialog.h"
#include "tui/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_outcome(const struct tui_dialog *d, enum tconn_outcome outcome)
{
	const struct tconn_statement *s = d->statement;
	bool pin = s->kind == TCONN_KIND_PIN;

	if (d->entered > s->pin_max)
		abort();
	if (outcome == TCONN_OUTCOME_ENTERED && (!pin || d->entered < s->pin_min))
		abort();
	if (outcome == TCONN_OUTCOME_CONFIRMED && (pin || !d->ready))
		abort();
	if (outcome == TCONN_OUTCOME_DENIED && s->kind == TCONN_KIND_NOTICE)
		abort();
}

/* Key codes, but for two that stand for what the session tells the dialog. */
static void type(const struct tconn_statement *s, const uint8_t *keys, size_t n)
{
	struct tui_dialog d;

	tui_dialog_init(&d, s);
	for (size_t i = 0; i < n; i++) {
		if (keys[i] == 255)
			tui_dialog_settled(&d);
		else if (keys[i] == 254)
			tui_dialog_shown(&d);
		else
			check_outcome(&d, tui_dialog_key(&d, keys[i]));
	}
	tui_dialog_wipe(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t keys = size ? data[size - 1] : 0, at = 0;
	struct tui_request request;
	struct tconn_statement s;

	if (size == 0 || keys >= size)
		return 0;
	if (tui_request_parse(data, size - 1 - keys, &request))
		return 0;
	if (request.timeout_ms < TCONN_TIMEOUT_MIN_MS ||
	    request.timeout_ms > TCONN_TIMEOUT_MAX_MS || request.statement < data ||
	    request.statement + request.statement_len > data + size ||
	    request.proof < data || request.proof + request.proof_len > data + size)
		abort();
	if (tconn_statement_parse(request.statement, request.statement_len, &s, &at) == 0)
		type(&s, data + size - 1 - keys, keys);
	return 0;
}
