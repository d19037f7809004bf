/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's listener, HTTP.md: HTTP/1.1 over TLS 1.3, a call a connection, every call
 * with a token. libmicrohttpd and GnuTLS carry it, in one thread that never waits: what a
 * call asks for is done by the verbs of the operator's socket, in a thread of its own.
 */
#ifndef SERVICED_HTTP_H
#define SERVICED_HTTP_H

#include "server.h"
#include "token.h"

struct http;

/* What callers are shown and what they must show: read together, changed together. */
struct http_access;
int http_access_load(const struct settings *s, struct http_access **ret, struct tconn_error *err);
void http_access_free(struct http_access *a);	/* accepts NULL */

/* fd: listens already; taken where it is 0. access is taken in all cases. */
int http_start(struct server *s, int fd, struct http_access *access, struct http **ret,
	       struct tconn_error *err);
/* No new calls. Before server_stop(), which waits for those that are worked on. */
void http_quiesce(struct http *h);
/* After it. Accepts NULL. */
void http_stop(struct http *h);
/* Others from now on; takes them. Calls under way go on. */
void http_change_access(struct http *h, struct http_access *fresh);
/* From the main loop, once a second. */
void http_sweep(struct http *h);

#endif
