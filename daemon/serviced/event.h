/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens that an operator may want to act on. Each event has a severity, by its
 * kind or by the check that failed (settings: "severities"); it is said in the log, and from
 * "action_severity" on it is handed to the failure actions (action.h).
 */
#ifndef SERVICED_EVENT_H
#define SERVICED_EVENT_H

#include <stdbool.h>

#include "../lib/error.h"

struct server;

enum severity {
	SEVERITY_INFO,
	SEVERITY_NOTICE,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
	SEVERITY_CRITICAL,
};

enum event_kind {
	EVENT_DEVICE_IN,
	EVENT_DEVICE_OUT,
	EVENT_DEVICE_REFUSED,		/* before it attested */
	EVENT_ATTESTATION_FAILED,	/* a check of its evidence failed */
	EVENT_ANSWER_REFUSED,		/* evidence that came with an answer */
	EVENT_REVOKED,			/* it was connected, or came */
	EVENT_IDENTITY_RENEWED,
	EVENT_IDENTITY_NOT_RENEWED,
	EVENT_RELOADED,
	EVENT_RELOAD_REFUSED,
	EVENT_KINDS,
};

struct event {
	enum event_kind kind;
	const char *device;	/* id, "" where it is about none */
	const char *check;	/* that failed, or "" */
	bool quiet;		/* about a stranger, who could make any number: no action */
};

#define EVENT_RULES	64	/* of "severities" */

/* "ima-reference=critical": name of an event or of a check. The list may be NULL. -EINVAL. */
struct event_rules {
	unsigned int count;
	struct {
		char name[48];
		enum severity severity;
	} rule[EVENT_RULES];
};
int event_rules_parse(char *const *texts, struct event_rules *ret, struct tconn_error *err);

const char *event_name(enum event_kind kind);
const char *severity_name(enum severity s);
int severity_parse(const char *name, enum severity *ret, struct tconn_error *err);
/* A rule for the check counts before one for the event. */
enum severity event_severity(const struct event_rules *rules, const struct event *e);

/* Says it in the log, as text in that place; never blocks. */
void event_raise(struct server *s, const struct event *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
