// SPDX-License-Identifier: Apache-2.0
#include "operator.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "verb.h"

static const struct {
	const char *name;
	verb_fn *run;
} verbs[] = {
	{ "device-add", verb_device_add },
	{ "device-attest", verb_device_attest },
	{ "device-list", verb_device_list },
	{ "device-pin-reset", verb_device_pin_reset },
	{ "device-rekey", verb_device_rekey },
	{ "device-replace", verb_device_replace },
	{ "device-show", verb_device_show },
	{ "item-send", verb_item_send },
	{ "receipt-list", verb_receipt_list },
	{ "receipt-show", verb_receipt_show },
	{ "revocation-add", verb_revocation_add },
	{ "revocation-lift", verb_revocation_lift },
	{ "revocation-list", verb_revocation_list },
	{ "verdict-show", verb_verdict_show },
};

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

static void unknown(struct tconn_error *err)
{
	char text[TCONN_ERROR_MAX] = "";
	size_t len = 0;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s, ", verbs[i].name);
	tconn_fail(err, -EPROTO, "\"do\" must be one of %srequest, status", text);
}

static struct json_object *answer(struct server *s, struct json_object *request)
{
	struct tconn_error err;
	const char *verb = "";

	tconn_json_string(request, "do", &verb, NULL);
	if (strcmp(verb, "status") == 0)
		return server_status(s);
	if (strcmp(verb, "request") == 0)
		return verb_request(s, request);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return run_verb(s, verbs[i].run, request);
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
	int r;

	free(arg);
	r = tconn_jsonline_receive(start.fd, TCONN_JSONLINE_MAX, TCONN_JSONLINE_MS, &request, &err);
	if (r < 0)
		tconn_say("operator socket: refused: %s", err.text);
	reply = r < 0 ? tconn_jsonline_error(r, &err) : answer(s, request);
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
