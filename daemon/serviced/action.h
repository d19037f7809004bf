/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failure actions: what is done about an event, by others, beside this service. Each has a
 * bounded queue and a thread of its own, so that whoever raises an event never waits; one at
 * a time, in order, tried again with growing pauses. What does not fit in is dropped, newest
 * first, counted, and said once.
 *
 *	webhook	HTTPS POST of the event in JSON, by libcurl (webhook.h)
 *	command	a program with its arguments, the same JSON on standard input (command.h)
 */
#ifndef SERVICED_ACTION_H
#define SERVICED_ACTION_H

#include <stdint.h>

#include "event.h"

struct actions;
struct settings;

enum action_limit {
	ACTION_QUEUE	= 256,		/* events that wait, each action */
	ACTION_TRIES	= 8,
	ACTION_PAUSE_MS	= 1000,		/* after the first failure; doubled with each, up to: */
	ACTION_PAUSE_MAX_MS = 60000,
	ACTION_MS	= 10000,	/* one try */
};

/* One event, as actions get it. */
struct action_event {
	char id[33];			/* hex, random: the same in each try */
	const char *name, *severity;
	char device[128];
	char *json;			/* HTTP.md, "Failure actions"; malloc'ed */
};

struct action_sums {
	uint64_t done, failed, dropped;	/* failed: after the last try */
};

/* *ret is NULL where none is set. -EINVAL: a setting, with its name. */
int actions_start(const struct settings *s, const char *service, struct actions **ret,
		  struct tconn_error *err);
/* Ends what is under way; what still waits is dropped, and how many is said. Accepts NULL. */
void actions_stop(struct actions *a);
/* Whether all that it would need is right. */
int actions_check(const struct settings *s, struct tconn_error *err);

void actions_submit(struct actions *a, const struct event *e, enum severity severity,
		    const char *text);
struct action_sums actions_sums(struct actions *a);	/* accepts NULL */

#endif
