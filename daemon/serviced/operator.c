// SPDX-License-Identifier: Apache-2.0
#include "operator.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/digest.h"
#include "../lib/ear.h"
#include "../lib/jsonline.h"
#include "../lib/receipt.h"
#include "../lib/say.h"
#include "../lib/words.h"

typedef int (*verb_fn)(struct server *s, struct json_object *request, struct json_object *reply,
		       struct tconn_error *err);

static int need_id(struct json_object *request, const char **ret, struct tconn_error *err)
{
	if (!tconn_json_string(request, "id", ret, NULL))
		return tconn_fail(err, -EPROTO, "\"id\" must be a device id");
	return 0;
}

static int device_add(struct server *s, struct json_object *request, struct json_object *reply,
		      struct tconn_error *err)
{
	const char *id;
	int r = need_id(request, &id, err);

	(void)reply;
	if (r == 0)
		r = store_add_device(s->store, id, err);
	if (r == 0)
		tconn_say("device %s: enrolled by the operator", id);
	return r;
}

static void add_connected(struct server *s, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *device = json_object_array_get_idx(list, i);
		const char *id = "";

		tconn_json_string(device, "id", &id, NULL);
		tconn_json_add(device, "connected",
			       json_object_new_boolean(server_is_connected(s, id)));
	}
}

static int device_list(struct server *s, struct json_object *request, struct json_object *reply,
		       struct tconn_error *err)
{
	struct json_object *list;
	int r = store_list_devices(s->store, NULL, &list, err);

	(void)request;
	if (r < 0)
		return r;
	add_connected(s, list);
	tconn_json_add(reply, "devices", list);
	return 0;
}

static int device_show(struct server *s, struct json_object *request, struct json_object *reply,
		       struct tconn_error *err)
{
	struct json_object *list;
	const char *id;
	int r = need_id(request, &id, err);

	if (r == 0)
		r = store_list_devices(s->store, id, &list, err);
	if (r < 0)
		return r;
	add_connected(s, list);
	if (json_object_array_length(list) == 0)
		r = tconn_fail(err, -ENOENT, "device %s is not enrolled", id);
	else
		tconn_json_add(reply, "device",
			       json_object_get(json_object_array_get_idx(list, 0)));
	json_object_put(list);
	return r;
}

static int receipt_list(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	struct json_object *list;
	int r = store_list_receipts(s->store, &list, err);

	(void)request;
	if (r == 0)
		tconn_json_add(reply, "receipts", list);
	return r;
}

static int add_base64(struct json_object *reply, const struct tconn_bytes *b,
		      struct tconn_error *err)
{
	unsigned char *text = malloc(b->len / 3 * 4 + 8);

	if (!text)
		return tconn_fail(err, -ENOMEM, "out of memory");
	EVP_EncodeBlock(text, b->data, (int)b->len);
	tconn_json_add_string(reply, "cose", (const char *)text);
	free(text);
	return 0;
}

static int receipt_show(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	struct tconn_bytes cose = { 0 };
	struct tconn_receipt receipt = { 0 };
	unsigned long long number;
	int r;

	if (!tconn_json_uint(request, "receipt", INT64_MAX, &number))
		return tconn_fail(err, -EPROTO, "\"receipt\" must be a receipt's number");
	r = store_get_receipt(s->store, number, &cose, err);
	if (r == 0)
		r = tconn_receipt_verify(cose.data, cose.len, s->party.trust, &receipt, err);
	if (r == 0)
		r = add_base64(reply, &cose, err);
	if (r == 0)
		tconn_json_add(reply, "receipt", tconn_receipt_json(&receipt));
	tconn_receipt_free(&receipt);
	tconn_bytes_free(&cose);
	return r;
}

/* Asks for an attestation now, and waits for its outcome. */
static int device_attest(struct server *s, struct json_object *request, struct json_object *reply,
			 struct tconn_error *err)
{
	struct question *q;
	const char *id;
	int r = need_id(request, &id, err);

	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r < 0)
		return r;
	q = calloc(1, sizeof(*q));
	if (!q)
		return tconn_fail(err, -ENOMEM, "out of memory");
	q->attest = true;
	strcpy(q->device, id);
	server_ask(s, q);
	r = q->code;
	*err = q->error;
	free(q);
	return r < 0 ? r : device_show(s, request, reply, err);
}

/* Whose PIN it is was shown otherwise, or the sink was out of order. */
static int device_pin_reset(struct server *s, struct json_object *request,
			    struct json_object *reply, struct tconn_error *err)
{
	const char *id;
	int r = need_id(request, &id, err);

	(void)reply;
	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r == 0)
		r = store_reset_pin(s->store, id, err);
	if (r == 0)
		tconn_say("device %s: count of PINs reset by the operator", id);
	return r;
}

/* The books' word about the last attestation, as a verdict again. */
static void verdict_of(struct json_object *device, struct tconn_verdict *ret)
{
	struct json_object *checks = NULL;

	*ret = (struct tconn_verdict){ .trusted = true };
	json_object_object_get_ex(device, "checks", &checks);
	for (size_t i = 0; checks && i < json_object_array_length(checks); i++) {
		struct json_object *c = json_object_array_get_idx(checks, i), *v;
		const char *name = "", *reason = "";

		tconn_json_string(c, "name", &name, NULL);
		tconn_json_string(c, "reason", &reason, NULL);
		if (json_object_object_get_ex(c, "warning", NULL))
			tconn_verdict_warn(ret, name, "%s", reason);
		else
			tconn_verdict_add(ret, name, json_object_object_get_ex(c, "pass", &v) &&
					  json_object_get_boolean(v), "%s", reason);
	}
}

static int sign_verdict(struct server *s, struct json_object *device, const char *id,
			struct json_object *reply, struct tconn_error *err)
{
	struct tconn_ear *e = calloc(1, sizeof(*e));
	struct tconn_bytes cmw = { 0 };
	unsigned long long time;
	int r;

	if (!e)
		return tconn_fail(err, -ENOMEM, "out of memory");
	if (!tconn_json_uint(device, "last_seen", INT64_MAX, &time)) {
		free(e);
		return tconn_fail(err, -ENOENT, "device %s has never attested", id);
	}
	e->time = time;
	strcpy(e->device, id);
	strcpy(e->service, s->self.name);
	verdict_of(device, &e->verdict);
	tconn_verdict_grade(&e->verdict, e->part, &e->status);
	r = tconn_ear_sign(e, s->party.tpm, s->data_cert.data, s->data_cert.len, &cmw, err);
	if (r == 0)
		r = add_base64(reply, &cmw, err);
	tconn_json_add_string(reply, "status", tconn_tier_name(e->status));
	tconn_json_add(reply, "checks", tconn_json_checks(&e->verdict));
	tconn_bytes_free(&cmw);
	free(e);
	return r;
}

static int verdict_show(struct server *s, struct json_object *request, struct json_object *reply,
			struct tconn_error *err)
{
	struct json_object *list;
	const char *id;
	int r = need_id(request, &id, err);

	if (r == 0)
		r = store_find_device(s->store, id, err);
	if (r == 0)
		r = store_list_devices(s->store, id, &list, err);
	if (r < 0)
		return r;
	r = sign_verdict(s, json_object_array_get_idx(list, 0), id, reply, err);
	json_object_put(list);
	return r;
}

static const struct {
	const char *name;
	verb_fn run;
} verbs[] = {
	{ "device-add", device_add },
	{ "device-attest", device_attest },
	{ "device-list", device_list },
	{ "device-pin-reset", device_pin_reset },
	{ "device-show", device_show },
	{ "receipt-list", receipt_list },
	{ "verdict-show", verdict_show },
	{ "receipt-show", receipt_show },
};

static struct json_object *run_verb(struct server *s, verb_fn run, struct json_object *request)
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

/* Before anything is sent. A PIN that comes all the same is counted again then. */
static int may_ask(struct server *s, const struct question *q, struct tconn_error *err)
{
	int r = store_find_device(s->store, q->device, err);

	if (r == 0 && q->kind == TCONN_KIND_PIN)
		r = store_check_pin(s->store, q->device, s->settings->pin_attempts, err);
	return r;
}

static struct json_object *ask(struct server *s, struct json_object *request)
{
	struct question *q = calloc(1, sizeof(*q));
	struct tconn_error err = { "" };
	const char *statement = NULL;
	struct json_object *reply;
	int r = q ? question_parse(request, q, &statement, &err)
		  : tconn_fail(&err, -ENOMEM, "out of memory");

	if (r == 0)
		r = may_ask(s, q, &err);
	if (r < 0) {
		reply = tconn_jsonline_error(r, &err);
		if (statement)
			tconn_json_add_string(reply, "statement", statement);
	} else {
		server_ask(s, q);
		reply = question_reply(q);
	}
	free(q);
	return reply;
}

static struct json_object *answer(struct server *s, struct json_object *request)
{
	struct tconn_error err;
	const char *verb = "";

	tconn_json_string(request, "do", &verb, NULL);
	if (strcmp(verb, "status") == 0)
		return server_status(s);
	if (strcmp(verb, "request") == 0)
		return ask(s, request);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verb, verbs[i].name) == 0)
			return run_verb(s, verbs[i].run, request);
	tconn_fail(&err, -EPROTO,
		   "\"do\" must be one of device-add, device-attest, device-list, device-pin-reset, "
		   "device-show, request, receipt-list, receipt-show, verdict-show, status");
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
