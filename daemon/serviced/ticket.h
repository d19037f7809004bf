/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to persons that were asked over HTTP: a call does not wait for an answer that
 * may take minutes, it gets a ticket and asks again. Each has a thread while it waits. The
 * answer is kept for TICKET_KEEP_S, in memory alone: what lasts is the receipt.
 */
#ifndef SERVICED_TICKET_H
#define SERVICED_TICKET_H

#include "server.h"

struct json_object;
struct tickets;

enum ticket_limit {
	TICKET_WAITING	= 64,	/* questions at once */
	TICKET_COUNT	= 256,	/* with those that are answered */
	TICKET_KEEP_S	= 3600,
};

int tickets_new(struct server *s, struct tickets **ret, struct tconn_error *err);
/* After server_stop(): nobody waits any more. Accepts NULL. */
void tickets_free(struct tickets *t);

/* The request of verb "request", for who; takes it in all cases. *ret is the ticket's number, from
 * 1. -EBUSY: too many at once.
 */
int ticket_open(struct tickets *t, const char *who, struct json_object *request, uint64_t *ret,
		struct tconn_error *err);
/* {"ok":true,"ticket":N,"pending":true}, or the answer with "ticket" and "pending":false.
 * -ENOENT: none of that number, or not any more.
 */
int ticket_look(struct tickets *t, uint64_t number, struct json_object **ret,
		struct tconn_error *err);

#endif
