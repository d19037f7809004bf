// SPDX-License-Identifier: Apache-2.0
#include "http.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "caller.h"
#include "health.h"
#include "http_access.h"
#include "metrics.h"
#include "ticket.h"
#include "verb.h"

#define PRIORITIES	"NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define MEMORY		16384u	/* bytes of a connection: its headers fit in or are refused */
#define IDLE_S		30u	/* the library's own limit, beside the phases' */
#define OLD_ACCESS_S	60	/* longer than a handshake may take */
#define METRICS_TYPE	"text/plain; version=0.0.4; charset=utf-8"

struct http {
	struct server *server;
	struct MHD_Daemon *daemon;
	_Atomic(struct http_access *) access;
	int64_t changed;		/* CLOCK_BOOTTIME: when access was; main thread's alone */
	struct callers callers;
	struct tickets *tickets;
	int fd;				/* listening, once quiesced; -1 */
};

/* One call, from its headers until its reply is taken. The listener's thread has it, or the
 * thread that works on it while the connection is suspended.
 */
struct call {
	struct http *http;
	struct MHD_Connection *connection;
	struct caller *caller;
	const struct route *route;
	char path[ROUTE_PATH_MAX + 1];
	char who[TOKEN_NAME + 32];
	struct json_object *request;
	char *body;
	size_t len, size;
	bool started;
	unsigned int status;		/* 0: no reply yet */
	const char *type;
	char *reply;			/* malloc'ed */
	size_t reply_len;
};

/* -- replies */

static enum MHD_Result queue(struct MHD_Connection *c, unsigned int status, const char *type,
			     char *text, size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result = MHD_NO;

	if (!r) {
		free(text);
		return MHD_NO;
	}
	/* One call a connection: each phase has its deadline, and nobody stays. */
	if (MHD_add_response_header(r, "Connection", "close") == MHD_YES &&
	    MHD_add_response_header(r, "Content-Type", type) == MHD_YES &&
	    MHD_add_response_header(r, "Cache-Control", "no-store") == MHD_YES &&
	    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff") == MHD_YES &&
	    (status != 401 ||
	     MHD_add_response_header(r, "WWW-Authenticate", "Bearer realm=\"tconn\"") == MHD_YES))
		result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

/* To somebody who is nobody: the status says all. */
static enum MHD_Result turn_away(struct MHD_Connection *c)
{
	char *text = strdup("{\"ok\":false}\n");

	return text ? queue(c, 401, "application/json", text, strlen(text)) : MHD_NO;
}

static char *reply_text(struct json_object *reply, size_t *ret_len)
{
	size_t len = 0;
	const char *text = json_object_to_json_string_length(reply, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	char *copy = text ? malloc(len + 2) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\n';
	*ret_len = len + 1;
	return copy;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned int status, int code,
			      const char *why)
{
	struct tconn_error err;
	struct json_object *reply;
	size_t len = 0;
	char *text;

	tconn_fail(&err, code, "%s", why);
	reply = tconn_jsonline_error(code, &err);
	text = reply_text(reply, &len);
	json_object_put(reply);
	return text ? queue(c, status, "application/json", text, len) : MHD_NO;
}

static void set_reply(struct call *call, unsigned int status, struct json_object *reply)
{
	call->type = "application/json";
	call->reply = reply_text(reply, &call->reply_len);
	call->status = status;
	json_object_put(reply);
}

static void set_error(struct call *call, int code, const struct tconn_error *err)
{
	set_reply(call, route_status(code), tconn_jsonline_error(code, err));
}

/* -- what is asked for, in a thread of its own */

static unsigned int status_of(struct json_object *reply)
{
	struct json_object *ok, *code;

	if (json_object_object_get_ex(reply, "ok", &ok) && json_object_get_boolean(ok))
		return 200;
	if (!json_object_object_get_ex(reply, "code", &code) || !json_object_get_int(code))
		return 500;
	return route_status(json_object_get_int(code));
}

static void run_verb(struct call *call)
{
	struct json_object *reply = verb_answer(call->http->server, call->who, call->request);

	set_reply(call, status_of(reply), reply);
}

static void run_ask(struct call *call)
{
	struct json_object *reply;
	struct tconn_error err;
	uint64_t number = 0;
	int r = ticket_open(call->http->tickets, call->who, call->request, &number, &err);

	call->request = NULL;
	if (r < 0) {
		set_error(call, r, &err);
		return;
	}
	reply = json_object_new_object();
	tconn_json_add(reply, "ok", json_object_new_boolean(1));
	tconn_json_add(reply, "ticket", json_object_new_int64((int64_t)number));
	tconn_json_add(reply, "pending", json_object_new_boolean(1));
	set_reply(call, 202, reply);
}

/* The answer may be that it failed: that is no failure of this call. */
static void run_ticket(struct call *call)
{
	unsigned long long number = 0;
	struct json_object *reply;
	struct tconn_error err;
	int r;

	tconn_json_uint(call->request, "ticket", INT64_MAX, &number);
	r = ticket_look(call->http->tickets, number, &reply, &err);
	if (r < 0)
		set_error(call, r, &err);
	else
		set_reply(call, 200, reply);
}

static void run_health(struct call *call)
{
	bool ready;
	struct json_object *reply = health_json(call->http->server, &ready);

	set_reply(call, ready ? 200 : 503, reply);
}

static void run_metrics(struct call *call)
{
	struct tconn_bytes text = { 0 };
	struct tconn_error err;
	int r = metrics_text(call->http->server, &text, &err);

	if (r < 0) {
		set_error(call, r, &err);
		return;
	}
	call->type = METRICS_TYPE;
	call->reply = (char *)text.data;
	call->reply_len = text.len;
	call->status = 200;
}

static void *call_thread(void *arg)
{
	static void (*const run[])(struct call *call) = {
		[ROUTE_VERB] = run_verb, [ROUTE_ASK] = run_ask, [ROUTE_TICKET] = run_ticket,
		[ROUTE_HEALTH] = run_health, [ROUTE_METRICS] = run_metrics,
	};
	struct call *call = arg;
	struct http *h = call->http;

	run[call->route->kind](call);
	caller_phase(&h->callers, call->caller, CALLER_REPLY_MS);
	/* call is the listener's again, and may be gone. */
	MHD_resume_connection(call->connection);
	server_exit(h->server, &h->server->callers);
	return NULL;
}

/* -- a call comes in */

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static enum MHD_Result count_one(void *arg, enum MHD_ValueKind kind, const char *key,
				 const char *value)
{
	unsigned int *count = arg;

	(void)kind;
	(void)value;
	*count += strcasecmp(key, "Authorization") == 0;
	return MHD_YES;
}

/* Two headers would be two callers, of whom one is not looked at. */
static const struct token *authenticate(struct http *h, struct MHD_Connection *c)
{
	unsigned int count = 0;

	MHD_get_connection_values(c, MHD_HEADER_KIND, count_one, &count);
	return count == 1 ? token_find(&atomic_load(&h->access)->tokens, header(c, "Authorization"))
			  : NULL;
}

static void count_call(struct server *s, bool denied)
{
	pthread_mutex_lock(&s->lock);
	s->calls[denied]++;
	pthread_mutex_unlock(&s->lock);
}

static struct call *call_new(struct http *h, struct MHD_Connection *c, const struct token *t,
			     const struct route *route, const char *path)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->http = h;
	call->connection = c;
	call->caller = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			       ->socket_context;
	call->route = route;
	snprintf(call->path, sizeof(call->path), "%s", path);
	snprintf(call->who, sizeof(call->who), "operator %s over HTTP", t->name);
	caller_phase(&h->callers, call->caller,
		     route->body_max == ROUTE_ITEM_MAX ? CALLER_ITEM_MS : CALLER_BODY_MS);
	return call;
}

static void call_free(struct call *call)
{
	if (!call)
		return;
	json_object_put(call->request);
	free(call->body);
	free(call->reply);
	free(call);
}

/* The headers are there. Who it is comes first: a stranger does not learn what exists. */
static enum MHD_Result begin(struct http *h, struct MHD_Connection *c, const char *method,
			     const char *path, void **ret)
{
	const struct token *t = authenticate(h, c);
	const struct route *route;
	unsigned int status;

	count_call(h->server, !t);
	if (!t)
		return turn_away(c);
	route = route_find(method, path, &status);
	if (!route)
		return refuse(c, status, ENOENT, status == 405 ? "no such method of this path"
							       : "no such path");
	if (t->role < route->role) {
		tconn_say("operator %s over HTTP: refused: %s %s is not for a reader", t->name,
			  method, route->path);
		return refuse(c, 403, EACCES, "this token may read, not operate");
	}
	*ret = call_new(h, c, t, route, path);
	return *ret ? MHD_YES : MHD_NO;
}

static void drop_body(struct call *call, int code, const char *why)
{
	struct tconn_error err;

	tconn_fail(&err, code, "%s", why);
	set_error(call, code, &err);
}

/* What is too long is read to its end and dropped; the deadline stands. */
static void take_body(struct call *call, const char *data, size_t len)
{
	size_t size = call->size ? call->size : 4096;
	char *more = call->body;

	if (call->status)
		return;
	if (len > call->route->body_max - call->len) {
		drop_body(call, -EMSGSIZE, "the body is too long, or there must be none");
		return;
	}
	while (size < call->len + len)
		size *= 2;
	if (size != call->size)
		more = realloc(call->body, size);
	if (!more) {
		drop_body(call, -ENOMEM, "out of memory");
		return;
	}
	call->body = more;
	call->size = size;
	memcpy(call->body + call->len, data, len);
	call->len += len;
}

struct query {
	struct call *call;
	int code;
	struct tconn_error err;
};

static enum MHD_Result take_query(void *arg, enum MHD_ValueKind kind, const char *key,
				  const char *value)
{
	struct query *q = arg;

	(void)kind;
	q->code = route_query(q->call->route, key, value, q->call->request, &q->err);
	return q->code ? MHD_NO : MHD_YES;
}

static int parse(struct call *call, struct tconn_error *err)
{
	struct query q = { .call = call };
	int r = route_request(call->route, call->path, call->body ? call->body : "", call->len,
			      &call->request, err);

	if (r < 0)
		return r;
	MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, take_query, &q);
	*err = q.err;
	return q.code;
}

/* All of it is there: into a thread (true: the connection is suspended), or refused. */
static bool work(struct call *call)
{
	struct server *s = call->http->server;
	struct tconn_error err = { "" };
	int r = parse(call, &err);

	if (r < 0) {
		set_error(call, r, &err);
		return false;
	}
	if (!server_enter(s, &s->callers, SERVER_CALLERS)) {
		tconn_fail(&err, -EAGAIN, "too many calls at once, or the service ends");
		set_reply(call, 503, tconn_jsonline_error(-EAGAIN, &err));
		return false;
	}
	/* Before the thread is there, which resumes it. */
	caller_phase(&call->http->callers, call->caller, 0);
	MHD_suspend_connection(call->connection);
	if (server_thread(call_thread, call) == 0)
		return true;
	tconn_fail(&err, -EAGAIN, "no thread for it");
	set_reply(call, 503, tconn_jsonline_error(-EAGAIN, &err));
	caller_phase(&call->http->callers, call->caller, CALLER_REPLY_MS);
	MHD_resume_connection(call->connection);
	server_exit(s, &s->callers);
	return true;
}

static enum MHD_Result give_reply(struct call *call)
{
	char *text = call->reply;

	call->reply = NULL;
	return text ? queue(call->connection, call->status, call->type, text, call->reply_len)
		    : MHD_NO;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *len, void **ret)
{
	struct call *call = *ret;

	(void)version;
	if (!call)
		return begin(cls, c, method, path, ret);
	if (*len) {
		take_body(call, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (!call->started && !call->status) {
		call->started = true;
		/* Once it is resumed this is called again. */
		if (work(call))
			return MHD_YES;
	}
	return give_reply(call);
}

static void completed(void *cls, struct MHD_Connection *c, void **ret,
		      enum MHD_RequestTerminationCode why)
{
	(void)cls;
	(void)c;
	(void)why;
	call_free(*ret);
	*ret = NULL;
}

static void connection(void *cls, struct MHD_Connection *c, void **context,
		       enum MHD_ConnectionNotificationCode what)
{
	struct http *h = cls;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			caller_leave(&h->callers, *context);
		return;
	}
	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	*context = caller_enter(&h->callers, fd);
}

/* Paths are compared as they came. */
static size_t do_not_unescape(void *cls, struct MHD_Connection *c, char *s)
{
	(void)cls;
	(void)c;
	return strlen(s);
}

/* -- the listener */

/* gnutls gives no argument: there is one listener. */
static struct http *listener;

static int show_certificate(gnutls_session_t session, const gnutls_datum_t *issuers,
			    int issuer_count, const gnutls_pk_algorithm_t *algorithms,
			    int algorithm_count, gnutls_pcert_st **ret_chain,
			    unsigned int *ret_len, gnutls_privkey_t *ret_key)
{
	struct http_access *a = atomic_load(&listener->access);

	(void)session;
	(void)issuers;
	(void)issuer_count;
	(void)algorithms;
	(void)algorithm_count;
	*ret_chain = a->chain;
	*ret_len = a->chain_len;
	*ret_key = a->key;
	return 0;
}

static struct MHD_Daemon *start(struct http *h, int fd)
{
	const unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TLS |
				   MHD_ALLOW_SUSPEND_RESUME;

	return MHD_start_daemon(flags, 0, NULL, NULL, handle, h,
				MHD_OPTION_LISTEN_SOCKET, fd,
				MHD_OPTION_HTTPS_CERT_CALLBACK, show_certificate,
				MHD_OPTION_HTTPS_PRIORITIES, PRIORITIES,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CALLER_MAX,
				MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
				MHD_OPTION_STRICT_FOR_CLIENT, 1,
				MHD_OPTION_NOTIFY_COMPLETED, completed, h,
				MHD_OPTION_NOTIFY_CONNECTION, connection, h,
				MHD_OPTION_UNESCAPE_CALLBACK, do_not_unescape, NULL,
				MHD_OPTION_END);
}

static int open_listener(struct http *h, int fd, struct tconn_error *err)
{
	int r = tickets_new(h->server, &h->tickets, err);

	if (r < 0)
		return r;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	listener = h;
	h->daemon = start(h, fd);
	return h->daemon ? 0 : tconn_fail(err, -EIO, "\"http_listen\": the listener does not start");
}

int http_start(struct server *s, int fd, struct http_access *access, struct http **ret,
	       struct tconn_error *err)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h || callers_init(&h->callers)) {
		free(h);
		http_access_free(access);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	h->server = s;
	h->access = access;
	h->fd = -1;
	r = open_listener(h, fd, err);
	if (r < 0) {
		http_stop(h);
		return r;
	}
	*ret = h;
	return 0;
}

void http_quiesce(struct http *h)
{
	h->fd = MHD_quiesce_daemon(h->daemon);
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	if (h->fd >= 0)
		close(h->fd);
	listener = NULL;
	tickets_free(h->tickets);
	callers_free(&h->callers);
	http_access_free(h->access);
	free(h);
}

void http_change_access(struct http *h, struct http_access *fresh)
{
	fresh->next = atomic_load(&h->access);
	atomic_store(&h->access, fresh);
	h->changed = server_now();
}

void http_sweep(struct http *h)
{
	struct http_access *a = atomic_load(&h->access);
	struct server *s = h->server;

	callers_sweep(&h->callers);
	pthread_mutex_lock(&s->lock);
	s->calls_cut = callers_cut(&h->callers);
	pthread_mutex_unlock(&s->lock);
	if (a->next && server_now() > h->changed + OLD_ACCESS_S) {
		http_access_free(a->next);
		a->next = NULL;
	}
}
