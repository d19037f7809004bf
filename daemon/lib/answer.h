/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this the answer to what was asked? The service's checks of an ANSWER, over
 * and above the appraisal of its evidence.
 */
#ifndef TCONN_ANSWER_H
#define TCONN_ANSWER_H

#include "message.h"
#include "record_mac.h"
#include "sealed_pin.h"
#include "../../tui/statement.h"

struct tconn_question {
	uint64_t id;
	uint8_t nonce[32];
	const uint8_t *statement;	/* wire form, statement.h */
	size_t statement_len;
	const struct tconn_verifier_key *key;	/* the one that was sent with it */
	const char *device;		/* who is asked */
	struct x509_store_st *trust;	/* of its DATA certificate */
};

/*
 * Adds to a verdict that holds the appraisal of the answer's evidence:
 *	answer-status	the TUI decided, or the module aborted
 *	answer-signed	by the DATA key of the device that was asked (half.h)
 *	record-present	the record in the answer is the last in the quoted log
 *	record-verifier	it is for this question's key
 *	record-nonce	it is for this question's nonce
 *	record-statement and for its statement
 *	record-outcome	outcome and entered digits agree with kind and status
 *	record-frame	the screen showed this statement: drawn again, the picture has the
 *			kernel's digest (where something was decided)
 *	record-gesture	it rests on what the policy wants a person to do, done when the
 *			picture had been there long enough (where something was decided)
 *	record-indicator the lamp was lit all the time (where something was decided)
 *	record-mac	the module whose key the log's boot event has made it, for that key
 *	record-app	made for the app whose admission the log shows
 *	record-policy	under the policy that the log shows, and the screen said whether it is signed
 * A record that was not found in the quoted log is not looked at: then the
 * others fail. Returns 0 if the verdict trusts, -EKEYREJECTED if not; *ret is the
 * record and *ret_pin the PIN, opened (len 0: none was entered), both written only
 * on success. The caller wipes the PIN.
 */
int tconn_answer_verify(const struct tconn_question *q, const struct tconn_message *answer,
			const struct tconn_evidence *evidence, struct tconn_verdict *verdict,
			struct tconn_record *ret, struct tconn_pin *ret_pin);

#endif
