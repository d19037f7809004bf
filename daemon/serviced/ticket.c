// SPDX-License-Identifier: Apache-2.0
#include "ticket.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/jsonline.h"
#include "verb.h"

struct ticket {
	uint64_t number;		/* 0: free */
	char *answer;			/* JSON; NULL: not yet */
	int64_t end;			/* of its keeping, CLOCK_BOOTTIME, once it is answered */
};

struct tickets {
	struct server *server;
	pthread_mutex_t lock;		/* protects what follows */
	uint64_t last;
	struct ticket ticket[TICKET_COUNT];
};

/* One question on its way. */
struct asking {
	struct tickets *tickets;
	uint64_t number;
	char who[96];
	struct json_object *request;
};

int tickets_new(struct server *s, struct tickets **ret, struct tconn_error *err)
{
	struct tickets *t = calloc(1, sizeof(*t));

	if (!t || pthread_mutex_init(&t->lock, NULL)) {
		free(t);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	t->server = s;
	*ret = t;
	return 0;
}

void tickets_free(struct tickets *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < TICKET_COUNT; i++)
		free(t->ticket[i].answer);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* lock held */
static struct ticket *find(struct tickets *t, uint64_t number)
{
	for (size_t i = 0; i < TICKET_COUNT; i++)
		if (t->ticket[i].number == number)
			return &t->ticket[i];
	return NULL;
}

/* lock held */
static void clear(struct ticket *one)
{
	free(one->answer);
	*one = (struct ticket){ 0 };
}

/* lock held. A free place, or that of the oldest answer; NULL: all wait. */
static struct ticket *place(struct tickets *t)
{
	struct ticket *oldest = NULL;
	const int64_t now = server_now();

	for (size_t i = 0; i < TICKET_COUNT; i++) {
		struct ticket *one = &t->ticket[i];

		if (one->answer && now >= one->end)
			clear(one);
		if (!one->number)
			return one;
		if (one->answer && (!oldest || one->number < oldest->number))
			oldest = one;
	}
	if (oldest)
		clear(oldest);
	return oldest;
}

static void answered(struct tickets *t, uint64_t number, struct json_object *reply)
{
	char *text = strdup(json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN));
	struct ticket *one;

	pthread_mutex_lock(&t->lock);
	one = find(t, number);
	/* Without memory for it the ticket is none any more. */
	if (one && text) {
		one->answer = text;
		one->end = server_now() + TICKET_KEEP_S;
	} else {
		free(text);
		if (one)
			clear(one);
	}
	pthread_mutex_unlock(&t->lock);
}

static void *ask_thread(void *arg)
{
	struct asking *a = arg;
	struct server *s = a->tickets->server;
	struct json_object *reply = verb_answer(s, a->who, a->request);

	answered(a->tickets, a->number, reply);
	json_object_put(reply);
	json_object_put(a->request);
	free(a);
	server_exit(s, &s->tickets);
	return NULL;
}

static uint64_t take_number(struct tickets *t)
{
	struct ticket *one;
	uint64_t number = 0;

	pthread_mutex_lock(&t->lock);
	one = place(t);
	if (one) {
		number = ++t->last;
		one->number = number;
	}
	pthread_mutex_unlock(&t->lock);
	return number;
}

static void give_back(struct tickets *t, uint64_t number)
{
	pthread_mutex_lock(&t->lock);
	clear(find(t, number));
	pthread_mutex_unlock(&t->lock);
}

/* Where it is 0 the thread has a. */
static int start(struct asking *a, uint64_t *ret, struct tconn_error *err)
{
	struct tickets *t = a->tickets;
	const uint64_t number = take_number(t);

	if (!number)
		return tconn_fail(err, -EBUSY, "%d questions wait already", TICKET_COUNT);
	a->number = number;
	if (server_thread(ask_thread, a) < 0) {
		give_back(t, number);
		return tconn_fail(err, -EBUSY, "no thread for this question");
	}
	*ret = number;
	return 0;
}

int ticket_open(struct tickets *t, const char *who, struct json_object *request, uint64_t *ret,
		struct tconn_error *err)
{
	struct asking *a = calloc(1, sizeof(*a));
	struct server *s = t->server;
	int r = -ENOMEM;

	if (!a) {
		json_object_put(request);
		return tconn_fail(err, r, "out of memory");
	}
	a->tickets = t;
	a->request = request;
	snprintf(a->who, sizeof(a->who), "%s", who);
	if (!server_enter(s, &s->tickets, TICKET_WAITING)) {
		r = tconn_fail(err, -EBUSY, "%d questions wait already", TICKET_WAITING);
	} else {
		r = start(a, ret, err);
		if (r < 0)
			server_exit(s, &s->tickets);
	}
	if (r < 0) {
		json_object_put(request);
		free(a);
	}
	return r;
}

int ticket_look(struct tickets *t, uint64_t number, struct json_object **ret,
		struct tconn_error *err)
{
	struct json_object *obj;
	struct ticket *one;
	bool pending;

	pthread_mutex_lock(&t->lock);
	one = number ? find(t, number) : NULL;
	if (!one || (one->answer && server_now() >= one->end)) {
		pthread_mutex_unlock(&t->lock);
		return tconn_fail(err, -ENOENT, "no ticket %llu, or its time is over",
				  (unsigned long long)number);
	}
	pending = !one->answer;
	obj = pending ? json_object_new_object() : json_tokener_parse(one->answer);
	pthread_mutex_unlock(&t->lock);
	if (pending)
		tconn_json_add(obj, "ok", json_object_new_boolean(1));
	tconn_json_add(obj, "ticket", json_object_new_int64((int64_t)number));
	tconn_json_add(obj, "pending", json_object_new_boolean(pending));
	*ret = obj;
	return 0;
}
