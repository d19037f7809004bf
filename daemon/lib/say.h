/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon tells its operator: plain lines on standard error, no time
 * stamps (the journal adds them). For programs only; library code returns
 * errors. Bytes that could forge a line (control characters) become '?':
 * parts of these lines come from the peer.
 */
#ifndef TCONN_SAY_H
#define TCONN_SAY_H

#include "appraise.h"

void tconn_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line a check, "check WHO NAME: pass|FAIL: REASON", kept together when
 * several threads talk.
 */
void tconn_say_verdict(const char *who, const struct tconn_verdict *v);

/* The first check that failed, for a one-line reason; "" where none did. */
void tconn_verdict_reason(const struct tconn_verdict *v, char *buf, size_t size);

#endif
