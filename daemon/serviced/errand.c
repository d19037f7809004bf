// SPDX-License-Identifier: Apache-2.0
#include "errand.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/say.h"

/* -- the node that asks */

/* 1: answered; 0: wait on. */
static int look(struct server *s, struct question *q, uint64_t number, int64_t begun, int64_t until)
{
	struct store_answer a;
	int r = store_hear_errand(s->store, number, &a, &q->error);

	if (r < 0)
		return r;
	if (a.answered) {
		q->code = a.code;
		q->error = a.why;
		if (q->attest || q->label.len)
			json_object_put(a.reply);
		else
			q->told = a.reply;
		return 1;
	}
	if (!a.alive)
		return tconn_fail(&q->error, -ENOTCONN, "the node that device %s was at went away before it "
				  "answered", q->device);
	if (!a.taken && server_now() > begun + ERRAND_TAKE_S &&
	    store_end_errand(s->store, number, true, NULL) > 0)
		return tconn_fail(&q->error, -ENOTCONN, "the node that device %s is at does not take the "
				  "request", q->device);
	return server_now() < until ? 0 : tconn_fail(&q->error, -ETIMEDOUT, "no answer of device %s by way "
						     "of the node that it is at", q->device);
}

static int send(struct server *s, struct question *q, const char *node)
{
	const int64_t begun = server_now();
	const int64_t until = begun + ERRAND_TAKE_S + 1 +
			      (q->timeout_ms + s->settings->answer_margin_ms + s->settings->message_ms) / 1000;
	uint64_t number;
	int r = store_add_errand(s->store, node, q, &number, &q->error);

	while (r == 0) {
		usleep(ERRAND_LOOK_MS * 1000);
		r = look(s, q, number, begun, until);
		if (r == 0 && s->stopping)
			r = tconn_fail(&q->error, -ECONNRESET, "the service ends");
	}
	/* Also one that is still being carried: its answer is in the receipts. */
	if (r > 0 || r == -ECONNRESET)
		store_end_errand(s->store, number, false, NULL);
	return r > 0 ? 0 : r;
}

void errand_ask(struct server *s, struct question *q)
{
	char node[STORE_NODE_NAME];
	int r = store_is_shared(s->store) ? store_whereabouts(s->store, q->device, node, &q->error) : 0;

	/* One that came here a moment ago is in no book yet. */
	if (r == 0 || (r > 0 && strcmp(node, s->node) == 0)) {
		server_ask(s, q);
		return;
	}
	if (r > 0)
		r = send(s, q, node);
	if (r < 0)
		q->code = r;
}

/* -- the node that is sent */

struct errand {
	struct server *server;
	uint64_t number;
	struct question q;
};

static void errand_free(struct errand *e)
{
	tconn_bytes_free(&e->q.label);
	tconn_bytes_free(&e->q.item);
	free(e);
}

static void leave(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->errands--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void answer(struct errand *e)
{
	const bool plain = e->q.attest || e->q.label.len;
	struct json_object *reply = plain ? json_object_new_object() : question_reply(&e->q);
	struct tconn_error err;

	if (store_answer_errand(e->server->store, e->number, e->q.code, e->q.error.text,
				json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN), &err) < 0)
		tconn_say("errand %llu: %s", (unsigned long long)e->number, err.text);
	json_object_put(reply);
}

static void *carry(void *arg)
{
	struct errand *e = arg;
	struct server *s = e->server;

	tconn_say("errand %llu of another node to device %s", (unsigned long long)e->number, e->q.device);
	server_ask(s, &e->q);
	answer(e);
	errand_free(e);
	leave(s);
	return NULL;
}

/* Room, until leave(). */
static bool enter(struct server *s)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = !s->stopping && s->errands < ERRAND_MAX;
	s->errands += room;
	pthread_mutex_unlock(&s->lock);
	return room;
}

/* 1: one was taken; 0: there is none. */
static int take(struct server *s, struct tconn_error *err)
{
	struct errand *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return tconn_fail(err, -ENOMEM, "out of memory");
	e->server = s;
	r = store_take_errand(s->store, s->node, &e->q, &e->number, err);
	if (r > 0 && server_thread(carry, e) == 0)
		return r;
	/* Nobody would answer it: the reason does. */
	if (e->number) {
		e->q.code = r < 0 ? r : -EAGAIN;
		tconn_fail(&e->q.error, e->q.code, "%s", r < 0 ? err->text : "no thread for it");
		answer(e);
		r = r > 0 ? tconn_fail(err, -EAGAIN, "no thread for an errand") : r;
	}
	errand_free(e);
	return r;
}

int errand_look(struct server *s, struct tconn_error *err)
{
	int r = 0;

	while (r >= 0 && enter(s)) {
		r = take(s, err);
		if (r <= 0) {
			leave(s);
			break;
		}
	}
	return r < 0 ? r : 0;
}
