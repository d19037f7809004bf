// SPDX-License-Identifier: Apache-2.0
#include "operator.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "verb.h"

static const struct {
	const char *name;
	verb_fn *run;
	bool changes;	/* something: in the audit log before it is done */
} verbs[] = {
	{ "audit-export", verb_audit_export, false },
	{ "device-add", verb_device_add, true },
	{ "device-attest", verb_device_attest, true },
	{ "device-list", verb_device_list, false },
	{ "device-pin-reset", verb_device_pin_reset, true },
	{ "device-rekey", verb_device_rekey, true },
	{ "device-replace", verb_device_replace, true },
	{ "device-show", verb_device_show, false },
	{ "item-send", verb_item_send, true },
	{ "receipt-list", verb_receipt_list, false },
	{ "receipt-show", verb_receipt_show, false },
	{ "revocation-add", verb_revocation_add, true },
	{ "revocation-lift", verb_revocation_lift, true },
	{ "revocation-list", verb_revocation_list, false },
	{ "verdict-show", verb_verdict_show, false },
};

static const char *subject_of(struct json_object *request)
{
	const char *subject = "";

	if (!tconn_json_string(request, "id", &subject, NULL))
		tconn_json_string(request, "subject", &subject, NULL);
	return subject;
}

/* What is asked for, as it came. A log that takes no more lets nothing happen. */
static int audit_before(struct server *s, const char *who, const char *verb,
			struct json_object *request, struct tconn_error *err)
{
	return store_audit(s->store, who, verb, subject_of(request),
			   json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN), err);
}

static void audit_failed(struct server *s, const char *verb, struct json_object *request,
			 struct json_object *reply)
{
	struct tconn_error err;
	const char *why = "";
	char what[64];

	if (!tconn_json_string(reply, "error", &why, NULL))
		return;
	snprintf(what, sizeof(what), "%s-failed", verb);
	if (store_audit(s->store, "service", what, subject_of(request), why, &err) < 0)
		tconn_say("%s", err.text);
}

static struct json_object *run_verb(struct server *s, verb_fn *run, struct json_object *request)
{
	struct json_object *reply = json_object_new_object();
	struct tconn_error err = { "" };
	int r;

	tconn_json_add(reply, "ok", json_object_new_boolean(1));
	r = run(s, request, reply, &err);
	if (r == 0)
		return reply;
	json_object_put(reply);
	return tconn_jsonline_error(r, &err);
}

static struct json_object *run_audited(struct server *s, const char *who, const char *verb, verb_fn *run,
				       struct json_object *request)
{
	struct json_object *reply;
	struct tconn_error err;
	int r = audit_before(s, who, verb, request, &err);

	if (r < 0)
		return tconn_jsonline_error(r, &err);
	reply = run ? run_verb(s, run, request) : verb_request(s, request);
	audit_failed(s, verb, request, reply);
	return reply;
}

static void unknown(struct tconn_error *err)
{
	char text[TCONN_ERROR_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s, ", verbs[i].name);
	tconn_fail(err, -EPROTO, "\"do\" must be one of %srequest, status", text);
}

/* Who is at the other end of the socket, as the kernel says. */
static void name_operator(int fd, char *ret, size_t size)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	snprintf(ret, size, "operator uid %lld", cred.uid == (uid_t)-1 ? -1ll : (long long)cred.uid);
}

static struct json_object *answer(struct server *s, const char *who, struct json_object *request)
{
	struct tconn_error err;
	const char *verb = "";

	tconn_json_string(request, "do", &verb, NULL);
	if (strcmp(verb, "status") == 0)
		return server_status(s);
	if (strcmp(verb, "request") == 0)
		return run_audited(s, who, verb, NULL, request);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return verbs[i].changes ? run_audited(s, who, verb, verbs[i].run, request) :
						  run_verb(s, verbs[i].run, request);
	unknown(&err);
	return tconn_jsonline_error(EPROTO, &err);
}

struct start {
	struct server *server;
	int fd;
};

static void *operator_thread(void *arg)
{
	struct start start = *(struct start *)arg;
	struct server *s = start.server;
	struct json_object *request = NULL, *reply;
	struct tconn_error err;
	char who[64];
	int r;

	free(arg);
	name_operator(start.fd, who, sizeof(who));
	r = tconn_jsonline_receive(start.fd, TCONN_JSONLINE_MAX, TCONN_JSONLINE_MS, &request, &err);
	if (r < 0)
		tconn_say("operator socket: refused: %s", err.text);
	reply = r < 0 ? tconn_jsonline_error(r, &err) : answer(s, who, request);
	/* An operator who does not take the reply finds it in the receipts. */
	tconn_jsonline_send(start.fd, reply, TCONN_JSONLINE_MS, NULL);
	json_object_put(reply);
	json_object_put(request);
	close(start.fd);
	pthread_mutex_lock(&s->lock);
	s->operators--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static bool reserve(struct server *s)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = !s->stopping && s->operators < SERVER_OPERATORS;
	s->operators += room;
	pthread_mutex_unlock(&s->lock);
	return room;
}

void operator_accept(struct server *s, int fd)
{
	struct start *start = calloc(1, sizeof(*start));

	if (start && reserve(s)) {
		start->server = s;
		start->fd = fd;
		if (server_thread(operator_thread, start) == 0)
			return;
		pthread_mutex_lock(&s->lock);
		s->operators--;
		pthread_mutex_unlock(&s->lock);
	}
	free(start);
	close(fd);
}
