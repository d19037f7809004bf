/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call over HTTP asks for: method, path, query and body become the request of a
 * verb (verb.h), or an error. HTTP.md lists the routes. Parses foreign bytes and does
 * nothing else; a path is taken as it came, without %-escapes.
 */
#ifndef SERVICED_ROUTE_H
#define SERVICED_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/error.h"

struct json_object;

enum route_limit {
	ROUTE_PATH_MAX	= 256,		/* bytes */
	ROUTE_PARTS	= 4,		/* of a path */
	ROUTE_BODY_MAX	= 65536,	/* bytes, as a line on the operator's socket */
	ROUTE_ITEM_MAX	= 12 << 20,	/* of a body with an item in base64 */
	ROUTE_HEX_MAX	= 64,		/* of an id or a certificate's number */
};

/* Ordered: who may do the later ones may do the earlier. */
enum route_role {
	ROUTE_NOBODY,
	ROUTE_READ,	/* "read": look at everything, change nothing */
	ROUTE_OPERATE,	/* "operate": the same as on the operator's socket */
};

enum route_kind {
	ROUTE_VERB,	/* a verb's reply is the answer */
	ROUTE_ASK,	/* a person is asked: a ticket now, the answer later */
	ROUTE_TICKET,	/* the answer, or that there is none yet */
	ROUTE_HEALTH,
	ROUTE_METRICS,
};

struct route {
	const char *method, *path;	/* "/v1/devices/:id/attest" */
	enum route_kind kind;
	const char *verb;		/* NULL: of no verb */
	enum route_role role;		/* the least that may */
	size_t body_max;		/* 0: it has none */
};

/* NULL: *ret_status is 404, or 405 where the path is there for another method. */
const struct route *route_find(const char *method, const char *path, unsigned int *ret_status);

/* The request of the route's verb. -EPROTO, -EBADMSG: what is wrong with path or body. */
int route_request(const struct route *route, const char *path, const char *body, size_t len,
		  struct json_object **ret, struct tconn_error *err);
/* One key of the query, into the request; value NULL: a key alone. -EPROTO. */
int route_query(const struct route *route, const char *key, const char *value,
		struct json_object *request, struct tconn_error *err);

/* HTTP's status for a reply's "code". */
unsigned int route_status(int code);

#endif
