/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's part of a question, played by the test: the session on its screen, as
 * the module would record and measure it, the answer with its evidence, the receipt.
 */
#ifndef TCONN_TEST_ANSWER_H
#define TCONN_TEST_ANSWER_H

#include "daemon/lib/receipt.h"
#include "stage.h"

/* What a device may get wrong in its answer. */
enum fault {
	FAULT_NONE,
	FAULT_NONCE, FAULT_STATEMENT, FAULT_KIND, FAULT_DARK, FAULT_OUTCOME, FAULT_OTHER_BOOT,
	FAULT_OTHER_APP, FAULT_OTHER_POLICY, FAULT_NOT_IN_LOG, FAULT_NOT_LAST, FAULT_NO_RECORD,
	FAULT_STATUS, FAULT_DIGITS_CHANGED, FAULT_ID, FAULT_OLD_EVIDENCE, FAULT_STATUS_CHANGED,
	FAULT_VERIFIER, FAULT_VERIFIER_HIDDEN, FAULT_NO_MAC, FAULT_OTHER_KERNEL, FAULT_CHANGED,
	FAULT_OTHER_TEXT, FAULT_OTHER_LOOK, FAULT_OTHER_SCREEN, FAULT_LITTLE_ATTESTED,
	FAULT_HIDDEN_TEXT, FAULT_OTHER_BAND, FAULT_OTHER_PIN_KEY, FAULT_PLAIN_PIN,
	FAULT_OTHER_LEGEND, FAULT_HELD, FAULT_HELD_OLD,
	FAULT_NOT_SIGNED, FAULT_SIGNED_OTHER, FAULT_REPLAYED, FAULT_NO_GESTURE, FAULT_OTHER_KEY, FAULT_EARLY, FAULT_LATE,
};

struct answering {
	uint32_t status, outcome, cause;
	const char *digits;
	enum fault fault;
};

/* Takes one REQUEST and answers it; returns what tconn_message_send() says. */
int play_answer(struct player *p, const struct answering *a, struct tconn_message *request,
		struct tconn_message *answer);
/* The receipt to that: verified, and in the stage's receipt.cose. */
int take_receipt(struct player *p, const struct tconn_message *request, struct tconn_receipt *ret);

#endif
