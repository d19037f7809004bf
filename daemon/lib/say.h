/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon tells its operator: plain lines on standard error, no time
 * stamps (the journal adds them), or JSON, an object a line, with time and level.
 * For programs only; library code returns errors. Bytes that could forge a line
 * (control characters) become '?': parts of these lines come from the peer.
 */
#ifndef TCONN_SAY_H
#define TCONN_SAY_H

#include "appraise.h"

enum tconn_say_form {
	TCONN_SAY_TEXT,
	TCONN_SAY_JSON,	/* {"time":RFC 3339,"level":L,"message":T}, and what else is known */
};
/* From now on, for all threads. */
void tconn_say_in(enum tconn_say_form form);

void tconn_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, for who reads JSON: NULL or "" where there is none. */
struct tconn_say_fields {
	const char *level;	/* "info" where NULL */
	const char *event, *device, *check;
};
void tconn_say_fields(const struct tconn_say_fields *f, const char *text);

/* One line a check, "check WHO NAME: pass|FAIL: REASON", kept together when
 * several threads talk.
 */
void tconn_say_verdict(const char *who, const struct tconn_verdict *v);

/* The first check that failed, for a one-line reason; "" where none did. */
void tconn_verdict_reason(const struct tconn_verdict *v, char *buf, size_t size);

#endif
