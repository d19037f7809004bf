// SPDX-License-Identifier: Apache-2.0
#include "action.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../lib/digest.h"
#include "../lib/jsonline.h"
#include "../lib/say.h"
#include "command.h"
#include "settings.h"
#include "webhook.h"

typedef int run_fn(struct actions *a, const struct action_event *e, struct tconn_error *err);

/* One action: who waits for it, and the thread that does it. */
struct line {
	struct actions *actions;
	const char *name;
	run_fn *run;
	pthread_t thread;
	struct action_event waiting[ACTION_QUEUE];	/* a ring; what follows: lock */
	unsigned int first, count;
	bool full;
};

struct actions {
	const struct settings *settings;
	const char *service;
	enum severity least;
	struct webhook *webhook;
	atomic_bool stop;
	pthread_mutex_t lock;		/* protects queues and sums */
	pthread_cond_t changed;
	struct action_sums sums;
	unsigned int count;
	struct line line[2];
};

static int run_webhook(struct actions *a, const struct action_event *e, struct tconn_error *err)
{
	return webhook_send(a->webhook, e, &a->stop, err);
}

static int run_command(struct actions *a, const struct action_event *e, struct tconn_error *err)
{
	return command_run(a->settings->action_command, e, err);
}

/* lock held. Until the clock says so, or the service ends. */
static void rest(struct actions *a, int ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000l;
	if (until.tv_nsec >= 1000000000l) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000l;
	}
	while (!a->stop && pthread_cond_timedwait(&a->changed, &a->lock, &until) != ETIMEDOUT)
		;
}

/* Told at the first failure and at the last: in between there is nothing new. */
static bool deliver(struct line *l, const struct action_event *e)
{
	struct actions *a = l->actions;
	int pause = ACTION_PAUSE_MS;

	for (int attempt = 1; !a->stop; attempt++) {
		struct tconn_error err = { "" };

		if (l->run(a, e, &err) == 0)
			return true;
		if (!a->stop && (attempt == 1 || attempt == ACTION_TRIES))
			tconn_say("%s: event %s (%s): %s%s", l->name, e->id, e->name, err.text,
				  attempt == 1 ? "; tried again" : "; given up");
		if (attempt == ACTION_TRIES)
			return false;
		pthread_mutex_lock(&a->lock);
		rest(a, pause);
		pthread_mutex_unlock(&a->lock);
		pause = pause * 2 < ACTION_PAUSE_MAX_MS ? pause * 2 : ACTION_PAUSE_MAX_MS;
	}
	return false;
}

static bool take(struct line *l, struct action_event *ret)
{
	struct actions *a = l->actions;

	pthread_mutex_lock(&a->lock);
	while (!l->count && !a->stop)
		pthread_cond_wait(&a->changed, &a->lock);
	if (!a->stop) {
		*ret = l->waiting[l->first];
		l->first = (l->first + 1) % ACTION_QUEUE;
		l->count--;
		l->full = false;
	}
	pthread_mutex_unlock(&a->lock);
	return !a->stop;
}

static void *line_thread(void *arg)
{
	struct line *l = arg;
	struct action_event e;

	while (take(l, &e)) {
		bool done = deliver(l, &e);

		free(e.json);
		pthread_mutex_lock(&l->actions->lock);
		if (done)
			l->actions->sums.done++;
		else
			l->actions->sums.failed++;
		pthread_mutex_unlock(&l->actions->lock);
	}
	return NULL;
}

/* -- start and end */

static int open_parts(const struct settings *s, struct actions *a, struct tconn_error *err)
{
	int r = severity_parse(s->action_severity, &a->least, err);

	if (r < 0)
		return tconn_fail_in(err, r, "\"action_severity\"");
	if (s->action_command && (!s->action_command[0] || access(s->action_command[0], X_OK)))
		return tconn_fail(err, -EINVAL, "\"action_command\": %s cannot be run",
				  s->action_command[0] ? s->action_command[0] : "nothing");
	return s->webhook_url ? webhook_open(s, &a->webhook, err) : 0;
}

int actions_check(const struct settings *s, struct tconn_error *err)
{
	struct actions a = { .settings = s };
	struct event_rules rules;
	int r = event_rules_parse(s->severities, &rules, err);

	if (r == 0)
		r = open_parts(s, &a, err);
	webhook_close(a.webhook);
	return r;
}

static int add_line(struct actions *a, const char *name, run_fn *run, struct tconn_error *err)
{
	struct line *l = &a->line[a->count];
	int r;

	l->actions = a;
	l->name = name;
	l->run = run;
	r = pthread_create(&l->thread, NULL, line_thread, l);
	if (r)
		return tconn_fail(err, -r, "cannot start a thread: %s", strerror(r));
	a->count++;
	return 0;
}

static int init_locks(struct actions *a)
{
	pthread_condattr_t attr;
	int r = pthread_condattr_init(&attr);

	if (r == 0)
		r = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(&a->changed, &attr);
	if (r == 0)
		r = pthread_mutex_init(&a->lock, NULL);
	return -r;
}

int actions_start(const struct settings *s, const char *service, struct actions **ret,
		  struct tconn_error *err)
{
	struct actions *a;
	int r;

	*ret = NULL;
	if (!s->webhook_url && !s->action_command)
		return 0;
	a = calloc(1, sizeof(*a));
	if (!a || init_locks(a)) {
		free(a);
		return tconn_fail(err, -ENOMEM, "out of memory");
	}
	a->settings = s;
	a->service = service;
	r = open_parts(s, a, err);
	if (r == 0 && a->webhook)
		r = add_line(a, "webhook", run_webhook, err);
	if (r == 0 && s->action_command)
		r = add_line(a, "command", run_command, err);
	if (r < 0) {
		actions_stop(a);
		return r;
	}
	*ret = a;
	return 0;
}

static unsigned int drop_waiting(struct line *l)
{
	unsigned int n = l->count;

	for (unsigned int i = 0; i < n; i++)
		free(l->waiting[(l->first + i) % ACTION_QUEUE].json);
	return n;
}

void actions_stop(struct actions *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	for (unsigned int i = 0; i < a->count; i++) {
		unsigned int n;

		pthread_join(a->line[i].thread, NULL);
		n = drop_waiting(&a->line[i]);
		if (n)
			tconn_say("%s: %u events were not delivered", a->line[i].name, n);
	}
	webhook_close(a->webhook);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* -- an event */

static char *event_json(const struct actions *a, const struct action_event *e, const char *check,
			const char *text)
{
	struct json_object *obj = json_object_new_object();
	char *copy;

	tconn_json_add_string(obj, "id", e->id);
	tconn_json_add(obj, "time", json_object_new_int64(time(NULL)));
	tconn_json_add_string(obj, "service", a->service);
	tconn_json_add_string(obj, "event", e->name);
	tconn_json_add_string(obj, "severity", e->severity);
	tconn_json_add_string(obj, "device", e->device);
	tconn_json_add_string(obj, "check", check);
	tconn_json_add_string(obj, "message", text);
	copy = strdup(json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN |
						     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(obj);
	return copy;
}

/* lock held */
static void append(struct line *l, const struct action_event *e)
{
	char *copy = l->count < ACTION_QUEUE && e->json ? strdup(e->json) : NULL;
	struct action_event *at = &l->waiting[(l->first + l->count) % ACTION_QUEUE];

	if (!copy) {
		l->actions->sums.dropped++;
		if (!l->full)
			tconn_say("%s: %d events wait already: more are dropped", l->name,
				  ACTION_QUEUE);
		l->full = true;
		return;
	}
	*at = *e;
	at->json = copy;
	l->count++;
}

void actions_submit(struct actions *a, const struct event *e, enum severity severity,
		    const char *text)
{
	struct action_event one = {
		.name = event_name(e->kind), .severity = severity_name(severity),
	};
	uint8_t id[16] = { 0 };

	if (severity < a->least)
		return;
	if (RAND_bytes(id, sizeof(id)) != 1)
		memset(id, 0, sizeof(id));
	tconn_hex(id, sizeof(id), one.id);
	snprintf(one.device, sizeof(one.device), "%s", e->device ? e->device : "");
	one.json = event_json(a, &one, e->check ? e->check : "", text);
	pthread_mutex_lock(&a->lock);
	for (unsigned int i = 0; i < a->count; i++)
		append(&a->line[i], &one);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	free(one.json);
}

struct action_sums actions_sums(struct actions *a)
{
	struct action_sums sums = { 0 };

	if (!a)
		return sums;
	pthread_mutex_lock(&a->lock);
	sums = a->sums;
	pthread_mutex_unlock(&a->lock);
	return sums;
}
