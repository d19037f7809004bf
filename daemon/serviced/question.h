/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question of the operator to one device: built and refused here before
 * anything is sent, carried to the device's thread, and brought back.
 */
#ifndef SERVICED_QUESTION_H
#define SERVICED_QUESTION_H

#include "../lib/answer.h"

struct json_object;

#define QUESTION_TIMEOUT_MS 60000	/* where the operator names none */

struct question {
	/* asked */
	char device[TCONN_IDENTITY_MAX];
	bool attest;			/* no question at all: it is to attest again */
	struct tconn_bytes label, item;	/* no question, but labelled data for it; owned by who asks */
	uint16_t kind;
	uint32_t timeout_ms;
	uint8_t statement[TCONN_STATEMENT_MAX];
	size_t statement_len;
	/* answered; written by the device's thread until done */
	uint64_t id;			/* of the request, 0: never sent */
	struct tconn_verdict verdict;	/* of the answer; count 0: none came */
	bool answered, trusted;
	uint32_t status;		/* enum tconn_tui_status, if answered */
	char message[512];		/* the TUI's, if answered */
	struct tconn_record record;	/* if trusted */
	uint64_t receipt;		/* number, 0: none */
	const char *pin;		/* received, right, wrong, not handed over; or NULL */
	int code;			/* 0, or negative errno with error */
	struct tconn_error error;
	struct json_object *told;	/* another node's reply; question_reply() hands it on */
	bool done;			/* protected by server.lock */
};

/* From a "request" of PROTOCOL.md. Text, locale or details that cannot be shown:
 * -EINVAL, and *ret_statement is tconn_statement_error_name().
 */
int question_parse(struct json_object *request, struct question *ret, const char **ret_statement,
		   struct tconn_error *err);
/* The operator's reply. */
struct json_object *question_reply(const struct question *q);

#endif
